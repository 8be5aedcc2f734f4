# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ansible inventory for lab clusters: every node is a host of its own, reached without SSH."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab import inventory
from lab.errors import LabError
from lab.loopback import kubelet
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess


def write_inventory(
    path: Path,
    *clusters: Cluster,
    interpreter: str = sys.executable,
    host_vars: Mapping[str, Any] | None = None,
) -> Path:
    """Write a YAML inventory with all nodes of ``clusters`` in the group ``control_plane`` and return its path.

    ``interpreter`` runs the modules, ``host_vars`` are added to every host. Raises ``LabError`` if two clusters
    have nodes of the same name (give them prefixes of their own).
    """
    hosts: dict[str, dict[str, Any]] = {}
    for node in (node for cluster in clusters for node in cluster.nodes):
        if node.name in hosts:
            raise LabError(f"two nodes are named {node.name}; an inventory needs clusters with different prefixes")
        hosts[node.name] = {**_variables(node, interpreter), **(host_vars or {})}
    return inventory.write(path, hosts)


def _variables(node: MemberProcess, interpreter: str) -> dict[str, Any]:
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": interpreter,
        "ansible_remote_tmp": str(node.directory / "tmp"),  # else Ansible leaves a directory in the user's home
        # No kubelet of this machine, should there be one, is any of the lab's business.
        "recover_kubelet_unit": "etcd-lab-has-none",
        "recover_manifest": str(node.manifest),
        "recover_snapshot_dir": str(node.directory / "var/backups/etcd"),
        # Nor is any cluster that it may belong to.
        "recover_kubeconfig": str(node.directory / "etc/kubernetes/admin.conf"),
        "harden_kubeconfig": str(node.directory / "etc/kubernetes/admin.conf"),
        "recover_lock_path": str(node.directory / "run/etcd-maintenance.lock"),
        "harden_kubelet_unit": kubelet.PROGRAM,
        "harden_manifest": str(node.manifest),
        "recover_backup_dir": str(node.directory / "etc/kubernetes/etcd-backup"),
        "harden_backup_dir": str(node.directory / "etc/kubernetes/etcd-backup"),
        "harden_lock_path": str(node.directory / "run/etcd-maintenance.lock"),
        "status_kubelet_unit": "etcd-lab-has-none",
        "status_lock_path": str(node.directory / "run/etcd-maintenance.lock"),
        "status_manifest": str(node.manifest),
        "status_snapshot_dir": str(node.directory / "var/backups/etcd"),
    }
