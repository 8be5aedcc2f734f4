# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ansible inventory for nodes in Docker."""

from __future__ import annotations

from pathlib import Path

from lab import inventory
from lab.docker.installations import installation
from lab.docker.nodes import Cluster


def write_inventory(path: Path, cluster: Cluster) -> Path:
    """Write a YAML inventory with all nodes in the groups of their installation and return its path."""
    hosts = {node.hostname: {"ansible_host": node.name, "address": node.address} for node in cluster.nodes}
    variables = {
        "ansible_connection": "community.docker.docker",
        "ansible_pipelining": True,
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    return inventory.write(path, hosts, variables, installation(cluster.spec.installation).groups)
