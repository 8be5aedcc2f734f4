# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents that kubeadm is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from nodes.generations import Generation

CONTAINERD = "unix:///run/containerd/containerd.sock"
API_PORT = 6443


@dataclass(frozen=True)
class Keys:
    """What lets a node join: a bootstrap token, and the key that the shared certificates are encrypted with."""

    token: str
    certificate_key: str


def init_configuration(
    generation: Generation, *, name: str, address: str, endpoint: str, etcd_flags: Mapping[str, str], keys: Keys
) -> str:
    """Return the configuration for ``kubeadm init`` on the node ``name``."""
    api = f"kubeadm.k8s.io/{generation.kubeadm_api}"
    init = {
        "apiVersion": api,
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"token": keys.token}],
        "certificateKey": keys.certificate_key,
        "localAPIEndpoint": {"advertiseAddress": address, "bindPort": API_PORT},
        "nodeRegistration": {"name": name, "criSocket": CONTAINERD},
    }
    cluster = {
        "apiVersion": api,
        "kind": "ClusterConfiguration",
        "kubernetesVersion": f"v{generation.kubernetes}",
        "controlPlaneEndpoint": f"{endpoint}:{API_PORT}",
        "etcd": {"local": {"extraArgs": generation.etcd_arguments(dict(etcd_flags))}},
    }
    return yaml.safe_dump_all([init, cluster, _kubelet()], sort_keys=False)


def _kubelet() -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "cgroupDriver": "cgroupfs",
        # The disk, the swap and the cgroups are the host's: none of them says anything about the node.
        "failCgroupV1": False,
        "failSwapOn": False,
        "evictionHard": dict.fromkeys(
            ("imagefs.available", "memory.available", "nodefs.available", "nodefs.inodesFree"), "0%"
        ),
        "imageGCHighThresholdPercent": 100,
    }


def join_command(*, endpoint: str, address: str, keys: Keys) -> list[str]:
    """Return the command that makes a node with ``address`` a further one of the control plane."""
    return [
        "kubeadm",
        "join",
        f"{endpoint}:{API_PORT}",
        "--control-plane",
        f"--token={keys.token}",
        # Both nodes are containers of the same host.
        "--discovery-token-unsafe-skip-ca-verification",
        f"--certificate-key={keys.certificate_key}",
        f"--apiserver-advertise-address={address}",
        f"--cri-socket={CONTAINERD}",
        "--skip-phases=preflight",
    ]
