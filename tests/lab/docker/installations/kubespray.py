# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes of kubespray with ``etcd_deployment_type: host``: etcd is a systemd unit, with all its settings in a file.

What its roles leave on a node was read in their templates: v2.24 (2024) and v2.31 (2026, as master), roles/etcd,
roles/etcdctl_etcdutl, roles/kubernetes/control-plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from lab import programs
from lab.docker import control_plane
from lab.docker.access import Access
from lab.docker.engine import docker
from lab.docker.installations.base import GatewayOff, Installation
from lab.docker.nodes import Cluster, Container, File, active_obstacle, await_clear, on_all
from lab.pki import SERVER_AND_CLIENT, Authority

CERTIFICATES = "/etc/ssl/etcd/ssl"
_BIN = "/usr/local/bin"
_PROGRAMS = ("etcd", "etcdctl", "etcdutl")
_USER = "etcd"
_START_SECONDS = 120.0


@dataclass(frozen=True)
class Release:
    """A release of kubespray: the etcd it installs here, and what its template of ``/etc/etcd.env`` has of its own."""

    name: str
    etcd: str
    snapshot_count: int
    enable_v2: bool
    limits: bool  # of requests, snapshots and log files, and the level of the log
    progress_notify: bool
    events: bool


RELEASES = (
    Release("2.24", "3.5.35", 10000, enable_v2=True, limits=False, progress_notify=False, events=False),
    Release("2.31", "3.6.16", 100000, enable_v2=False, limits=True, progress_notify=True, events=True),
)


@dataclass(frozen=True)
class Etcd:
    """One of the two clusters of members that every host can be in."""

    name: str
    unit: str
    data: str
    client_port: int
    peer_port: int
    token: str
    suffix: str  # of a member's name

    @property
    def environment(self) -> str:
        """The path of the file with its settings."""
        return f"/etc/{self.unit}.env"

    def urls(self, nodes: Sequence[Container], port: int) -> list[str]:
        """Return one URL for every host."""
        return [f"https://{node.address}:{port}" for node in nodes]


ETCDS = {
    "main": Etcd("main", "etcd", "/var/lib/etcd", 2379, 2380, "k8s_etcd", ""),
    "events": Etcd("events", "etcd-events", "/var/lib/etcd-events", 2383, 2382, "k8s_events_etcd", "-events"),
}


class Kubespray(Installation):
    """Hosts that are in ``etcd`` and ``kube_control_plane`` at once."""

    settings = "/etc/kubernetes/manifests/* /etc/etcd*.env /etc/systemd/system/etcd*.service"
    groups = ("etcd", "kube_control_plane", "kube_node")
    static_pods = 3

    def __init__(self, release: Release) -> None:
        """With what differs in this release."""
        self.name = f"kubespray-{release.name}"
        self._release = release
        self.etcds = tuple(ETCDS) if release.events else ("main",)
        self.gateways_off = tuple(
            GatewayOff(
                ETCDS[name].environment,
                "ETCD_ENABLE_GRPC_GATEWAY=false",
                restart=("systemctl", "restart", "--no-block", f"{ETCDS[name].unit}.service"),
            )
            for name in self.etcds
        )
        self.volumes = tuple(ETCDS[name].data for name in self.etcds)

    def install(self, cluster: Cluster) -> None:
        """Do what the roles do, in their order: users, programs, certificates, settings and units, API servers."""
        nodes = cluster.nodes
        on_all(nodes, self._put_programs)
        _put_certificates(nodes)
        for state in ("new", "existing"):
            # As the roles do: written once more when all are healthy, which restarts all members.
            on_all(nodes, partial(self._put_settings, cluster, state))
            on_all(nodes, self._restart)
            await_clear(lambda: self.etcd_obstacle(cluster), _START_SECONDS, f"etcd of {cluster.name!r} does not start")
        main, pair = ETCDS["main"], f"{CERTIFICATES}/node-{nodes[0].hostname}"
        external = {
            "endpoints": main.urls(nodes, main.client_port),
            "caFile": f"{CERTIFICATES}/ca.pem",
            "certFile": f"{pair}.pem",
            "keyFile": f"{pair}-key.pem",
        }
        arguments = {}
        if self._release.events:
            events = ETCDS["events"]
            arguments["etcd-servers-overrides"] = f"/events#{';'.join(events.urls(nodes, events.client_port))}"
        control_plane.make(cluster, {"external": external}, arguments)

    def access(self, node: Container, etcd: str = "main") -> Access:
        """Return the way of the administrator of that host."""
        pair = f"{CERTIFICATES}/admin-{node.hostname}"
        url = f"https://{node.address}:{ETCDS[etcd].client_port}"
        return Access(node, url, f"{CERTIFICATES}/ca.pem", f"{pair}.pem", f"{pair}-key.pem")

    def _put_programs(self, node: Container) -> None:
        home = ETCDS["main"].data
        node.run("useradd", "--system", f"--home-dir={home}", "--no-create-home", "--shell=/sbin/nologin", _USER)
        node.run("install", "--directory", f"--owner={_USER}", "--group=root", "--mode=0700", CERTIFICATES)
        for name in self.etcds:
            node.run("install", "--directory", f"--owner={_USER}", "--mode=0700", ETCDS[name].data)
        directory = programs.etcd(self._release.etcd)
        for program in _PROGRAMS:
            docker("cp", str(directory / program), f"{node.name}:{_BIN}/{program}")
        node.put([File(f"{_BIN}/etcdctl.sh", _etcdctl_wrapper(node.hostname).encode(), 0o755)])

    def _put_settings(self, cluster: Cluster, state: str, node: Container) -> None:
        files = []
        for name in self.etcds:
            etcd = ETCDS[name]
            text = environment(self._release, etcd, cluster.nodes, node, cluster.spec.quota_bytes, state)
            files.append(File(etcd.environment, text.encode(), 0o640))
            files.append(File(f"/etc/systemd/system/{etcd.unit}.service", _unit(etcd).encode()))
        node.put(files)

    def _restart(self, node: Container) -> None:
        units = [f"{ETCDS[name].unit}.service" for name in self.etcds]
        node.run("systemctl", "daemon-reload")
        node.run("systemctl", "enable", "--quiet", *units)
        # Each is ready only when it has found the others.
        node.run("systemctl", "restart", "--no-block", *units)
        for unit in units:
            await_clear(partial(active_obstacle, node, unit), _START_SECONDS, f"{unit} does not start")


def environment(
    release: Release, etcd: Etcd, nodes: Sequence[Container], node: Container, quota_bytes: int, state: str
) -> str:
    """Return the file with the settings of a host's member, each line in its place, the empty ones as well.

    ``state`` is ``new`` until all members have been healthy once, then ``existing``.
    """
    main = etcd.name == "main"
    url, peer = f"https://{node.address}:{etcd.client_port}", f"https://{node.address}:{etcd.peer_port}"
    names = [f"etcd{number}{etcd.suffix}" for number in range(1, len(nodes) + 1)]
    members = zip(names, etcd.urls(nodes, etcd.peer_port), strict=True)
    pair = f"{CERTIFICATES}/member-{node.hostname}"
    # Only the template of the first one has a comment on top.
    version = release.etcd if release.name >= "2.29" else f"v{release.etcd}"
    lines = [f"# Environment file for etcd {version}"] if main else []
    lines += [
        f"ETCD_DATA_DIR={etcd.data}",
        f"ETCD_ADVERTISE_CLIENT_URLS={url}",
        f"ETCD_INITIAL_ADVERTISE_PEER_URLS={peer}",
        f"ETCD_INITIAL_CLUSTER_STATE={state}",
        "",
        "ETCD_METRICS=basic",
        f"ETCD_LISTEN_CLIENT_URLS={url},https://127.0.0.1:{etcd.client_port}",
        "ETCD_ELECTION_TIMEOUT=5000",
        "ETCD_HEARTBEAT_INTERVAL=250",
        f"ETCD_INITIAL_CLUSTER_TOKEN={etcd.token}",
        f"ETCD_LISTEN_PEER_URLS={peer}",
        f"ETCD_NAME={names[nodes.index(node)]}",
        "ETCD_PROXY=off",
        f"ETCD_INITIAL_CLUSTER={','.join(f'{name}={url}' for name, url in members)}",
        "ETCD_AUTO_COMPACTION_RETENTION=8",
        f"ETCD_SNAPSHOT_COUNT={release.snapshot_count}",
        f"ETCD_QUOTA_BACKEND_BYTES={quota_bytes}",
    ]
    if release.limits:
        lines += ["ETCD_MAX_REQUEST_BYTES=1572864", "ETCD_LOG_LEVEL=info", "ETCD_MAX_SNAPSHOTS=5", "ETCD_MAX_WALS=5"]
    if release.enable_v2 and main:
        lines += ["# Flannel need etcd v2 API", "ETCD_ENABLE_V2=true"]
    lines += [
        "",
        "# TLS settings",
        f"ETCD_TRUSTED_CA_FILE={CERTIFICATES}/ca.pem",
        f"ETCD_CERT_FILE={pair}.pem",
        f"ETCD_KEY_FILE={pair}-key.pem",
        "ETCD_CLIENT_CERT_AUTH=true",
        "",
        f"ETCD_PEER_TRUSTED_CA_FILE={CERTIFICATES}/ca.pem",
        f"ETCD_PEER_CERT_FILE={pair}.pem",
        f"ETCD_PEER_KEY_FILE={pair}-key.pem",
        "ETCD_PEER_CLIENT_CERT_AUTH=True",
        "",
        "",
    ]
    if main:
        admin = f"{CERTIFICATES}/admin-{node.hostname}"
        lines += [
            "",
            "# CLI settings",
            f"ETCDCTL_ENDPOINTS=https://127.0.0.1:{etcd.client_port}",
            f"ETCDCTL_CACERT={CERTIFICATES}/ca.pem",
            f"ETCDCTL_KEY={admin}-key.pem",
            f"ETCDCTL_CERT={admin}.pem",
            "",
            "# ETCD 3.5.x issue",
            "ETCD_EXPERIMENTAL_INITIAL_CORRUPT_CHECK=True",
        ]
        if release.progress_notify:
            lines += ["", "ETCD_EXPERIMENTAL_WATCH_PROGRESS_NOTIFY_INTERVAL=5s"]
    return "\n".join([*lines, ""])


def _unit(etcd: Etcd) -> str:
    return f"""\
[Unit]
Description=etcd
After=network.target

[Service]
Type=notify
User=root
EnvironmentFile={etcd.environment}
ExecStart={_BIN}/etcd
NotifyAccess=all
Restart=always
RestartSec=10s
LimitNOFILE=40000

[Install]
WantedBy=multi-user.target
"""


def _etcdctl_wrapper(hostname: str) -> str:
    pair = f"{CERTIFICATES}/admin-{hostname}"
    return f"""\
#!/bin/bash
etcdctl --cacert {CERTIFICATES}/ca.pem --cert {pair}.pem --key {pair}-key.pem "$@"
"""


def _put_certificates(nodes: Sequence[Container]) -> None:
    """Give every host the authority's key, and the certificates of all members and administrators."""
    names = ["localhost", *(node.hostname for node in nodes), "etcd.kube-system.svc", "etcd.kube-system"]
    addresses = [*(node.address for node in nodes), "127.0.0.1"]
    with TemporaryDirectory(prefix="controlplane-etcd-") as temporary:
        authority = Authority.create()
        own = authority.write(Path(temporary, "ca"))
        files = {"ca.pem": own.certificate.read_bytes(), "ca-key.pem": own.key.read_bytes()}
        for kind in ("member", "admin", "node"):
            for node in nodes:
                stem = f"{kind}-{node.hostname}"
                pair = authority.issue(
                    Path(temporary, stem), f"etcd-{stem}", SERVER_AND_CLIENT, names=names, addresses=addresses
                )
                files |= {f"{stem}.pem": pair.certificate.read_bytes(), f"{stem}-key.pem": pair.key.read_bytes()}

    def put(node: Container) -> None:
        own = [name for name in files if not name.startswith("node-") or name.startswith(f"node-{node.hostname}")]
        node.put([File(f"{CERTIFICATES}/{name}", files[name], 0o640, owner=_USER) for name in own])
        # What kubeadm's configuration names is the first host's on all of them.
        if node != nodes[0]:
            for end in (".pem", "-key.pem"):
                theirs, first = (f"{CERTIFICATES}/node-{host}{end}" for host in (node.hostname, nodes[0].hostname))
                node.run("ln", "--symbolic", theirs, first)

    on_all(nodes, put)
