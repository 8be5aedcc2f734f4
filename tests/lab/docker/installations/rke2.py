# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of RKE2 that have etcd and no API server, as far as etcd is concerned: paths, certificates, ports, probes.

Read in RKE2 1.33 to 1.36 (2026): etcd has its settings in a file that is written anew at each start of the service, the
kubelet is the service's child, and the JSON gateway is on loopback only. What stands for the program ``rke2`` is in
``on_nodes/rke2.py``.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from lab.docker import kubeadm, on_nodes
from lab.docker.access import Access
from lab.docker.installations.base import GatewayOff, Installation
from lab.docker.nodes import Cluster, Container, File, await_clear, on_all
from lab.pki import CLIENT, SERVER_AND_CLIENT, Authority

_DATA = "/var/lib/rancher/rke2"
_TLS = f"{_DATA}/server/tls/etcd"
_ETCD = f"{_DATA}/server/db/etcd"
_SOCKET = "/run/k3s/containerd/containerd.sock"
_CONFIGURATION = "/etc/rancher/rke2/config.yaml"
_UNITS = "/usr/local/lib/systemd/system"
_IMAGE = "docker.io/rancher/hardened-etcd:v3.5.35-k3s1-build20260801"
# Of the lab: the gateway for who asks from outside of the node.
_OUTSIDE_PORT = 12382
_START_SECONDS = 120.0
_SECOND_NS = 1_000_000_000

_UNIT = """\
[Unit]
Description=Rancher Kubernetes Engine v2 (server)
Wants=network-online.target
After=network-online.target
Conflicts=rke2-agent.service

[Install]
WantedBy=multi-user.target

[Service]
Type=notify
EnvironmentFile=-/etc/default/%N
EnvironmentFile=-/etc/sysconfig/%N
KillMode=process
Delegate=yes
LimitNOFILE=20000
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s
ExecStart=/usr/local/bin/rke2 server
"""
_OUTSIDE = {
    "lab-gateway.socket": f"[Socket]\nListenStream={_OUTSIDE_PORT}\n[Install]\nWantedBy=sockets.target\n",
    "lab-gateway.service": "[Service]\nExecStart=/usr/lib/systemd/systemd-socket-proxyd 127.0.0.1:2382\n",
}
_DIRECTORIES = (
    "/etc/rancher/rke2",
    f"{_DATA}/agent/etc",
    f"{_DATA}/agent/pod-manifests",
    f"{_DATA}/bin",
    _ETCD,
    _TLS,
    _UNITS,
)


class Rke2(Installation):
    """Three servers of the role etcd."""

    name = "rke2"
    settings = f"{_CONFIGURATION} {_ETCD}/config {_DATA}/agent/pod-manifests/*"
    groups = ("etcd",)
    volumes = (f"{_DATA}/server/db",)
    gateways_off = (
        GatewayOff(
            _CONFIGURATION,
            "- enable-grpc-gateway=false",
            after="etcd-arg:",
            restart=("systemctl", "restart", "--no-block", "rke2-server.service"),
        ),
    )

    def install(self, cluster: Cluster) -> None:
        """Take away what makes the image a node of kubeadm, and start the service on all nodes at once."""
        on_all(cluster.nodes, _make_room)
        _put_certificates(cluster.nodes)
        names = {node.hostname: f"{node.hostname}-{secrets.token_hex(4)}" for node in cluster.nodes}
        on_all(cluster.nodes, lambda node: _configure(cluster, node, names))
        await_clear(lambda: self.etcd_obstacle(cluster), _START_SECONDS, f"etcd of {cluster.name!r} does not start")

    def access(self, node: Container, etcd: str = "main") -> Access:
        """Return the way of RKE2's own client, through the lab's door."""
        del etcd  # there is only one
        pair = f"{_TLS}/client"
        url = f"https://{node.address}:{_OUTSIDE_PORT}"
        return Access(node, url, f"{_TLS}/server-ca.crt", f"{pair}.crt", f"{pair}.key")


def settings(node: Container, nodes: Sequence[Container], names: Mapping[str, str]) -> dict[str, Any]:
    """Return what RKE2 writes into etcd's configuration by itself: neither quota nor compaction."""
    client, peer = f"https://{node.address}:2379", f"https://{node.address}:2380"
    return {
        "name": names[node.hostname],
        "initial-advertise-peer-urls": peer,
        "initial-cluster": ",".join(f"{names[other.hostname]}=https://{other.address}:2380" for other in nodes),
        "initial-cluster-state": "new",
        "listen-client-urls": f"https://127.0.0.1:2379,{client}",
        "listen-client-http-urls": "https://127.0.0.1:2382",
        "listen-metrics-urls": "http://127.0.0.1:2381",
        "listen-peer-urls": f"https://127.0.0.1:2380,{peer}",
        "advertise-client-urls": client,
        "data-dir": _ETCD,
        "snapshot-count": 10000,
        "client-transport-security": {
            "cert-file": f"{_TLS}/server-client.crt",
            "key-file": f"{_TLS}/server-client.key",
            "client-cert-auth": True,
            "trusted-ca-file": f"{_TLS}/server-ca.crt",
        },
        "peer-transport-security": {
            "cert-file": f"{_TLS}/peer-server-client.crt",
            "key-file": f"{_TLS}/peer-server-client.key",
            "client-cert-auth": True,
            "trusted-ca-file": f"{_TLS}/peer-ca.crt",
        },
        "heartbeat-interval": 500,
        "election-timeout": 5000,
        "logger": "zap",
        "log-outputs": ["stderr"],
        "experimental-initial-corrupt-check": True,
        "experimental-watch-progress-notify-interval": 5 * _SECOND_NS,
    }


def _make_room(node: Container) -> None:
    listed = node.run("ctr", "--namespace=k8s.io", "images", "list", "--quiet")
    own = next(name for name in listed.split() if "/etcd:" in name)
    node.run("ctr", "--namespace=k8s.io", "images", "tag", own, _IMAGE)
    node.run("systemctl", "disable", "--quiet", "--now", "kubelet", "containerd")
    node.run("rm", "-r", "/etc/systemd/system/kubelet.service", "/etc/systemd/system/kubelet.service.d")
    node.run("rm", "-r", "/etc/kubernetes")
    node.run("mkdir", "--parents", *_DIRECTORIES)
    node.run("chmod", "0700", _ETCD)
    node.run("ln", "--symbolic", "/usr/bin/ctr", f"{_DATA}/bin/ctr")
    units = {"rke2-server.service": _UNIT, **_OUTSIDE}
    program = b"#!/usr/bin/python3\n" + Path(on_nodes.__file__).with_name("rke2.py").read_bytes()
    kubelet = {
        **kubeadm.kubelet(),
        "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "address": "127.0.0.1",
        "containerRuntimeEndpoint": f"unix://{_SOCKET}",
        "fileCheckFrequency": "5s",
        "staticPodPath": f"{_DATA}/agent/pod-manifests",
    }
    node.put(
        [
            File("/usr/local/bin/rke2", program, 0o755),
            File(f"{_DATA}/agent/etc/kubelet.conf", yaml.safe_dump(kubelet, sort_keys=False).encode()),
            *(File(f"{_UNITS}/{name}", text.encode()) for name, text in units.items()),
        ]
    )


def _configure(cluster: Cluster, node: Container, names: Mapping[str, str]) -> None:
    own = {"node-ip": node.address, "etcd-arg": [f"quota-backend-bytes={cluster.spec.quota_bytes}"]}
    written = settings(node, cluster.nodes, names)
    initial = {name: written[name] for name in written if name.startswith("initial-")}
    known = {"settings": written, "image": f"index.{_IMAGE}", "initial": json.dumps(initial)}
    node.put(
        [
            File(_CONFIGURATION, yaml.safe_dump(own, sort_keys=False).encode(), 0o600),
            File("/usr/local/lib/rke2.json", json.dumps(known).encode()),
        ]
    )
    node.run("systemctl", "daemon-reload")
    node.run("systemctl", "enable", "--quiet", "--now", "lab-gateway.socket")
    node.run("systemctl", "enable", "--quiet", "rke2-server")
    node.run("systemctl", "start", "--no-block", "rke2-server")


def _put_certificates(nodes: Sequence[Container]) -> None:
    """Give every server two authorities with their keys: one for clients, one for the members among themselves."""
    with TemporaryDirectory(prefix="controlplane-etcd-") as temporary:
        directory = Path(temporary)
        clients, peers = Authority.create("etcd-server-ca"), Authority.create("etcd-peer-ca")
        shared = {"server-ca": clients.write(directory / "server-ca"), "peer-ca": peers.write(directory / "peer-ca")}
        for node in nodes:
            names, addresses = ("localhost", node.hostname), ("127.0.0.1", node.address)
            pairs = {
                **shared,
                "client": clients.issue(directory / "client", "etcd-client", CLIENT),
                "server-client": clients.issue(
                    directory / "server-client", "etcd-server", SERVER_AND_CLIENT, names=names, addresses=addresses
                ),
                "peer-server-client": peers.issue(
                    directory / "peer-server-client", "etcd-peer", SERVER_AND_CLIENT, names=names, addresses=addresses
                ),
            }
            files = [
                File(f"{_TLS}/{stem}{path.suffix}", path.read_bytes(), mode)
                for stem, pair in pairs.items()
                for path, mode in ((pair.certificate, 0o644), (pair.key, 0o600))
            ]
            node.put(files)
