# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control plane of kubeadm alone: etcd is a static pod beside the others, and in the ConfigMap."""

from __future__ import annotations

from lab.docker import control_plane
from lab.docker.access import Access
from lab.docker.generations import generation
from lab.docker.installations.base import GatewayOff, Installation
from lab.docker.nodes import Cluster, Container

_PKI = "/etc/kubernetes/pki/etcd"
# Of each host whose etcd is a static pod of kubeadm's.
POD_WITHOUT_GATEWAY = GatewayOff(
    "/etc/kubernetes/manifests/etcd.yaml", "    - --enable-grpc-gateway=false", after="    - etcd"
)


class Stacked(Installation):
    """As ``kubeadm init`` makes it."""

    name = "kubeadm"
    settings = "/etc/kubernetes/manifests/*"
    static_pods = 4
    gateways_off = (POD_WITHOUT_GATEWAY,)

    def install(self, cluster: Cluster) -> None:
        """Run kubeadm."""
        flags = {"quota-backend-bytes": str(cluster.spec.quota_bytes)}
        arguments = generation(cluster.spec.generation).arguments(flags)
        control_plane.make(cluster, {"local": {"extraArgs": arguments}})

    def access(self, node: Container, etcd: str = "main") -> Access:
        """Return the way of kubeadm's own health check."""
        del etcd  # there is only one
        pair = f"{_PKI}/healthcheck-client"
        return Access(node, f"https://{node.address}:2379", f"{_PKI}/ca.crt", f"{pair}.crt", f"{pair}.key")
