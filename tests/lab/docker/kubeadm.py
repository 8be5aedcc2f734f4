# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents that kubeadm is given."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from lab.docker.generations import Generation

CONTAINERD = "unix:///run/containerd/containerd.sock"
API_PORT = 6443
PATCHES = "/etc/kubernetes/patches"
ETCD_PATCH = f"{PATCHES}/etcd0+strategic.yaml"


@dataclass(frozen=True)
class Keys:
    """What lets a node join: a bootstrap token, and the key that the shared certificates are encrypted with."""

    token: str
    certificate_key: str


def init_configuration(
    generation: Generation,
    *,
    name: str,
    address: str,
    endpoint: str,
    etcd: Mapping[str, Any],
    api_server_arguments: Mapping[str, str],
    keys: Keys,
) -> str:
    """Return the configuration for ``kubeadm init`` on the node ``name``.

    ``etcd`` is the part of that name as it is in a ``ClusterConfiguration``, ``api_server_arguments`` are flags.
    """
    api = f"kubeadm.k8s.io/{generation.kubeadm_api}"
    init = {
        "apiVersion": api,
        "kind": "InitConfiguration",
        "bootstrapTokens": [{"token": keys.token}],
        "certificateKey": keys.certificate_key,
        "localAPIEndpoint": {"advertiseAddress": address, "bindPort": API_PORT},
        "nodeRegistration": {"name": name, "criSocket": CONTAINERD},
        "patches": {"directory": PATCHES},
    }
    cluster: dict[str, Any] = {
        "apiVersion": api,
        "kind": "ClusterConfiguration",
        "kubernetesVersion": f"v{generation.kubernetes}",
        "controlPlaneEndpoint": f"{endpoint}:{API_PORT}",
        "etcd": dict(etcd),
    }
    if api_server_arguments:
        cluster["apiServer"] = {"extraArgs": generation.arguments(dict(api_server_arguments))}
    return yaml.safe_dump_all([init, cluster, kubelet()], sort_keys=False)


def kubelet() -> dict[str, Any]:
    """Return the ``KubeletConfiguration`` that a node in a container needs."""
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


def discovery(*, endpoint: str, ca: str) -> str:
    """Return a kubeconfig that tells a joining node where the cluster is, and by which authority it knows it.

    Discovery by token alone would wait until the controller manager has signed the same facts, 10 s or more.
    """
    data = base64.b64encode(ca.encode()).decode("ascii")
    server = {"server": f"https://{endpoint}:{API_PORT}", "certificate-authority-data": data}
    return yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "", "cluster": server}]})


def join_command(*, address: str, keys: Keys) -> list[str]:
    """Return the command that makes a node with ``address`` a further one; it reads ``discovery`` on stdin."""
    return [
        "kubeadm",
        "join",
        "--control-plane",
        "--discovery-file=/dev/stdin",
        f"--tls-bootstrap-token={keys.token}",
        f"--certificate-key={keys.certificate_key}",
        f"--apiserver-advertise-address={address}",
        f"--cri-socket={CONTAINERD}",
        f"--patches={PATCHES}",
        "--skip-phases=preflight",
    ]
