# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of etcd alone, which systemd runs: by the package of Debian, or by a unit with a configuration file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from lab import programs
from lab.docker import images
from lab.docker.access import Access
from lab.docker.engine import docker
from lab.docker.generations import Generation
from lab.docker.installations.base import GatewayOff, Installation
from lab.docker.nodes import Cluster, Container, File, await_clear, on_all
from lab.pki import SERVER_AND_CLIENT, Authority

_PKI = "/etc/etcd/pki"
_USER = "etcd"
_RESTART = ("systemctl", "restart", "--no-block", "etcd.service")
_START_SECONDS = 120.0


class SystemdUnit(Installation):
    """What both have in common: the user of Debian's package, one pair of certificates, three members."""

    groups = ("etcd",)
    volumes = ("/var/lib/etcd",)
    boots = "multi-user.target"

    def image(self, generation: Generation) -> str:
        """Return the image of hosts without Kubernetes, whatever the generation."""
        del generation
        return images.obtain_light()

    def install(self, cluster: Cluster) -> None:
        """Write certificates and settings, and start all members at once: none is ready before it has found others."""
        _put_certificates(cluster.nodes)
        on_all(cluster.nodes, partial(self.configure, cluster))
        on_all(cluster.nodes, lambda node: node.run("systemctl", "enable", "--quiet", "etcd.service"))
        on_all(cluster.nodes, lambda node: node.run("systemctl", "start", "--no-block", "etcd.service"))
        await_clear(lambda: self.etcd_obstacle(cluster), _START_SECONDS, f"etcd of {cluster.name!r} does not start")

    @abstractmethod
    def configure(self, cluster: Cluster, node: Container) -> None:
        """Write what says how etcd is run on a host."""

    def access(self, node: Container, etcd: str = "main") -> Access:
        """Return the way with the member's own certificate."""
        del etcd  # there is only one
        pair = f"{_PKI}/server"
        return Access(node, f"https://{node.address}:2379", f"{_PKI}/ca.crt", f"{pair}.crt", f"{pair}.key")


class Debian(SystemdUnit):
    """The package ``etcd-server``: its unit, and the administrator's lines in ``/etc/default/etcd``."""

    name = "debian"
    gateways_off = (GatewayOff("/etc/default/etcd", 'ETCD_ENABLE_GRPC_GATEWAY="false"', restart=_RESTART),)
    settings = "/etc/default/etcd /usr/lib/systemd/system/etcd.service"

    def configure(self, cluster: Cluster, node: Container) -> None:
        """Add lines to the file of the package, which has only comments."""
        values = {
            **_urls(cluster.nodes, node),
            "listen-client-urls": f"https://{node.address}:2379,https://127.0.0.1:2379",
            "quota-backend-bytes": str(cluster.spec.quota_bytes),
            **{name: f"{_PKI}/{file}" for name, file in _FILES.items()},
            **{f"peer-{name}": f"{_PKI}/{file}" for name, file in _FILES.items()},
            "client-cert-auth": "true",
            "peer-client-cert-auth": "true",
        }
        lines = [f'ETCD_{name.upper().replace("-", "_")}="{value}"' for name, value in values.items()]
        node.run("tee", "--append", "/etc/default/etcd", stdin="\n".join(["", *lines, ""]))


class ConfigFile(SystemdUnit):
    """A unit as upstream shows it, with ``--config-file``: then neither flags nor variables count."""

    name = "config-file"
    etcd = "3.5.35"
    _file = "/etc/etcd/etcd.conf.yml"
    _unit = "/etc/systemd/system/etcd.service"
    settings = f"{_file} {_unit}"
    gateways_off = (GatewayOff(_file, "enable-grpc-gateway: false", restart=_RESTART),)

    def configure(self, cluster: Cluster, node: Container) -> None:
        """Write program, file and unit."""
        for program in ("etcd", "etcdctl", "etcdutl"):
            docker("cp", str(programs.etcd(self.etcd) / program), f"{node.name}:/usr/local/bin/{program}")
        security = {**{name: f"{_PKI}/{file}" for name, file in _FILES.items()}, "client-cert-auth": True}
        settings = {
            "data-dir": "/var/lib/etcd",
            **_urls(cluster.nodes, node),
            "listen-client-urls": f"https://{node.address}:2379,https://127.0.0.1:2379",
            "quota-backend-bytes": cluster.spec.quota_bytes,
            "client-transport-security": security,
            "peer-transport-security": security,
            "log-outputs": ["stderr"],
        }
        text = f"# This member of {cluster.name}.\n{_yaml(settings)}"
        node.put([File(self._file, text.encode(), 0o640, group=_USER), File(self._unit, _CONFIG_FILE_UNIT.encode())])
        node.run("systemctl", "daemon-reload")


_FILES = {"cert-file": "server.crt", "key-file": "server.key", "trusted-ca-file": "ca.crt"}
_CONFIG_FILE_UNIT = f"""\
[Unit]
Description=etcd key-value store
Documentation=https://github.com/etcd-io/etcd
After=network-online.target
Wants=network-online.target

[Service]
User={_USER}
Type=notify
ExecStart=/usr/local/bin/etcd --config-file {ConfigFile._file}
Restart=on-failure
LimitNOFILE=40000

[Install]
WantedBy=multi-user.target
"""


def _urls(nodes: Sequence[Container], node: Container) -> dict[str, str]:
    peer = f"https://{node.address}:2380"
    return {
        "name": node.hostname,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "advertise-client-urls": f"https://{node.address}:2379",
        "initial-cluster": ",".join(f"{other.hostname}=https://{other.address}:2380" for other in nodes),
        "initial-cluster-state": "new",
    }


def _yaml(settings: dict[str, object]) -> str:
    dumped: str = yaml.dump(settings, Dumper=_WithoutAliases, sort_keys=False)
    return dumped


class _WithoutAliases(yaml.SafeDumper):
    """Writes what occurs twice twice, as people do."""

    def ignore_aliases(self, data: object) -> bool:
        """Whatever it is."""
        return True


def _put_certificates(nodes: Sequence[Container]) -> None:
    """Give every host one pair for all purposes, which the user of etcd can read."""
    with TemporaryDirectory(prefix="controlplane-etcd-") as temporary:
        authority = Authority.create()
        ca = authority.write(Path(temporary, "ca")).certificate.read_bytes()
        for node in nodes:
            names, addresses = (node.hostname, "localhost"), (node.address, "127.0.0.1")
            pair = authority.issue(
                Path(temporary, "server"), node.hostname, SERVER_AND_CLIENT, names=names, addresses=addresses
            )
            node.run("install", "--directory", _PKI)
            files = {"ca.crt": ca, "server.crt": pair.certificate.read_bytes(), "server.key": pair.key.read_bytes()}
            node.put([File(f"{_PKI}/{name}", content, 0o640, group=_USER) for name, content in files.items()])
