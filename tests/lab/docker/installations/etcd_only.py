# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of etcd alone, by kubeadm: a kubelet that runs a static pod and knows no cluster.

As in "Set up a High Availability etcd Cluster with kubeadm" of the Kubernetes documentation, with etcd's version and
quota said. Nothing listens on loopback, members are not named after their hosts, and only the first host has the
authority's key.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import yaml

from lab.docker import kubeadm
from lab.docker.access import Access
from lab.docker.generations import generation
from lab.docker.installations.base import Installation
from lab.docker.installations.stacked import POD_WITHOUT_GATEWAY
from lab.docker.nodes import Cluster, Container, File, await_clear, on_all

_PKI = "/etc/kubernetes/pki/etcd"
_DROP_INS = "/etc/systemd/system/kubelet.service.d"
_KUBELET = f"{_DROP_INS}/kubelet.conf"
_CONFIGURATION = "/root/kubeadmcfg.yaml"
_AUTHORITY = (("ca.crt", 0o644), ("ca.key", 0o600))
_CERTIFICATES = ("etcd-server", "etcd-peer", "etcd-healthcheck-client", "apiserver-etcd-client")
_START_SECONDS = 120.0
_DROP_IN = f"""\
[Service]
Environment="KUBELET_CONFIG_FILE={_KUBELET}"
ExecStart=
ExecStart=/usr/bin/kubelet --config={_KUBELET}
Restart=always
"""


class EtcdOnly(Installation):
    """As the guide makes them."""

    name = "etcd-only"
    settings = "/etc/kubernetes/manifests/*"
    groups = ("etcd",)
    gateways_off = (POD_WITHOUT_GATEWAY,)

    def install(self, cluster: Cluster) -> None:
        """Take the steps of the guide, on each host for itself."""
        first, *others = cluster.nodes
        on_all(cluster.nodes, _run_static_pods)
        on_all(cluster.nodes, partial(_configure, cluster))
        _phase(first, "certs", "etcd-ca")
        authority = [
            File(f"{_PKI}/{name}", first.run("cat", f"{_PKI}/{name}").encode(), mode) for name, mode in _AUTHORITY
        ]

        def finish(node: Container) -> None:
            if node != first:
                node.run("mkdir", "--parents", _PKI)
                node.put(authority)
            for certificate in _CERTIFICATES:
                _phase(node, "certs", certificate)
            if node != first:
                node.run("rm", f"{_PKI}/ca.key")
            _phase(node, "etcd", "local")

        on_all([first, *others], finish)
        await_clear(lambda: self.etcd_obstacle(cluster), _START_SECONDS, f"etcd of {cluster.name!r} does not start")

    def access(self, node: Container, etcd: str = "main") -> Access:
        """Return the way of the health check."""
        del etcd  # there is only one
        pair = f"{_PKI}/healthcheck-client"
        return Access(node, f"https://{node.address}:2379", f"{_PKI}/ca.crt", f"{pair}.crt", f"{pair}.key")


def configuration(cluster: Cluster, node: Container) -> str:
    """Return the guide's ``kubeadmcfg.yaml`` for a host: the only record of its settings beside the manifest."""
    nodes: Sequence[Container] = cluster.nodes
    name, peer, client = (
        f"infra{nodes.index(node)}",
        f"https://{node.address}:2380",
        f"https://{node.address}:2379",
    )
    members = ",".join(f"infra{number}=https://{other.address}:2380" for number, other in enumerate(nodes))
    flags = {
        "initial-cluster": members,
        "initial-cluster-state": "new",
        "name": name,
        "listen-peer-urls": peer,
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "initial-advertise-peer-urls": peer,
        "quota-backend-bytes": str(cluster.spec.quota_bytes),
    }
    made_by = generation(cluster.spec.generation)
    api = f"kubeadm.k8s.io/{made_by.kubeadm_api}"
    init: dict[str, Any] = {
        "apiVersion": api,
        "kind": "InitConfiguration",
        "nodeRegistration": {"name": name, "criSocket": kubeadm.CONTAINERD},
        "localAPIEndpoint": {"advertiseAddress": node.address},
    }
    local = {"serverCertSANs": [node.address], "peerCertSANs": [node.address], "extraArgs": made_by.arguments(flags)}
    cluster_configuration = {
        "apiVersion": api,
        "kind": "ClusterConfiguration",
        "kubernetesVersion": f"v{made_by.kubernetes}",
        "etcd": {"local": local},
    }
    return yaml.safe_dump_all([init, cluster_configuration], sort_keys=False)


def _run_static_pods(node: Container) -> None:
    alone = {
        **kubeadm.kubelet(),
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "address": "127.0.0.1",
        "containerRuntimeEndpoint": kubeadm.CONTAINERD,
        "staticPodPath": "/etc/kubernetes/manifests",
    }
    node.put(
        [
            File(_KUBELET, yaml.safe_dump(alone, sort_keys=False).encode()),
            File(f"{_DROP_INS}/20-etcd-service-manager.conf", _DROP_IN.encode()),
        ]
    )
    node.run("systemctl", "daemon-reload")
    node.run("systemctl", "restart", "kubelet")


def _configure(cluster: Cluster, node: Container) -> None:
    node.put([File(_CONFIGURATION, configuration(cluster, node).encode())])


def _phase(node: Container, *phase: str) -> None:
    node.run("kubeadm", "init", "phase", *phase, f"--config={_CONFIGURATION}", seconds=60)
