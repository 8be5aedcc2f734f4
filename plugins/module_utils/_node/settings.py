# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The settings of a member of this node, wherever they are written: flags, environment, addresses and the files behind
them.

A flag beats the environment variable of the same name in a pod, and of a flag given twice the last one counts (etcd 3.4
to 3.7); with a configuration file of etcd's own neither counts.
"""

from __future__ import annotations

import os
import re
import typing as t
from urllib.parse import urlsplit

from .._core.failures import Failure
from .._etcd.transport import TlsFiles
from . import client_files
from .probes import Probe

K3S_DATA_DIR = "/var/lib/rancher/k3s"
SERVICE = ".service"  # what the name of a unit that runs a program ends in
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
ReadText = t.Callable[[str], str]
_ANY = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


class MemberSettings(t.NamedTuple):
    """Flags without their dashes; `mounts` are (path in the container, path on the host), the longest first. A variable
    in a flag has its value, if that is known without the kubelet. `memory_limit_bytes` is the container's
    `resources.limits.memory` or the unit's `MemoryMax`, None if it has none.

    `path` names them: the path of a manifest, or the name of a systemd unit, which then is `unit` as well. With a
    `config_file` neither flags nor environment count: `flags` are what that file says, under the names of flags."""

    path: str
    image: str
    flags: t.Mapping[str, str]
    env: t.Mapping[str, str]
    mounts: tuple[tuple[str, str], ...]
    probes: tuple[Probe, ...] = ()
    memory_limit_bytes: int | None = None
    unit: str = ""
    config_file: str = ""

    def setting(self, name: str, default: str = "") -> str:
        """The value of a flag, else of its environment variable, else `default`."""
        return self.flags.get(name, self.env.get(variable_of(name), default))

    def file(self, name: str) -> str:
        """The path on the host of a setting that is a path in the container, empty if it is not set."""
        path = self.setting(name)
        for inside, outside in self.mounts:
            if path == inside or path.startswith(inside.rstrip("/") + "/"):
                return outside.rstrip("/") + path[len(inside.rstrip("/")) :]
        return path

    @property
    def name(self) -> str:
        return self.setting("name", "default")

    @property
    def data_dir(self) -> str:
        return self.file("data-dir")

    @property
    def wal_dir(self) -> str:
        return self.file("wal-dir") or os.path.join(self.data_dir, "member", "wal")

    @property
    def database(self) -> str:
        return os.path.join(self.data_dir, "member", "snap", "db")

    @property
    def ca_cert(self) -> str:
        return self.file("trusted-ca-file")

    @property
    def endpoint(self) -> str:
        """The URL at which this host reaches its own member: the gateway's own if there is one, loopback first. Raises
        Failure if the manifest names none."""
        return self._nearest(self.setting("listen-client-http-urls") or self.setting("listen-client-urls"))

    @property
    def grpc_endpoint(self) -> str:
        """The URL at which gRPC is spoken, chosen in the same way."""
        return self._nearest(self.setting("listen-client-urls"))

    def grpc_url(self, url: str) -> str:
        """The URL at which whoever is reached at `url` speaks gRPC: the same, unless that is one of this host's own
        gateway, which has no gRPC. Raises Failure as `grpc_endpoint`."""
        return self.grpc_endpoint if url in _urls(self.setting("listen-client-http-urls")) else url

    def _nearest(self, given: str) -> str:
        urls = [url for url in _urls(given) if "$(" not in url]
        if not urls:
            found = f"only {given}" if given else "no --listen-client-urls"
            raise unusable(f"{self.path} has {found}, so the address of etcd is not known")
        # Plain http on loopback may be there beside TLS: kubeasz has it so.
        return min(
            urls,
            key=lambda url: (
                bool(self.ca_cert) and urlsplit(url).scheme != "https",
                urlsplit(url).hostname not in _LOOPBACK,
                urls.index(url),
            ),
        )

    @property
    def quota_bytes(self) -> int | None:
        """The quota that is set (-1: off). None if none is, or one that etcd exits on: then what runs was started with
        another."""
        value = go_int(self.setting("quota-backend-bytes"))
        return max(value, -1) if value else None

    def tls_files(self, exists: t.Callable[[str], bool] = os.path.exists) -> TlsFiles | None:
        """The files of a client: those that the installer made for one, else the server's own, which has to serve
        clients as well. None if etcd speaks plain http."""
        if not self.ca_cert:
            return None
        server = client_files.Pair(self.file("cert-file"), self.file("key-file"))
        pair = client_files.choose(self.ca_cert, server, exists)
        return TlsFiles(self.ca_cert, pair.cert, pair.key)


class Found(t.NamedTuple):
    """What names the settings of this node's member, empty if there is none; `further` names those of its other
    etcds of Kubernetes, such as that for events."""

    name: str
    further: tuple[str, ...] = ()


def go_int(text: str) -> int | None:
    """The whole number that Go, and so etcd, reads (strconv.ParseInt with base 0), None if it reads none: 0x10 and
    5_000 are numbers, 010 is eight and 08 is none."""
    if not re.fullmatch(r"[+-]?\w+", text, re.ASCII):
        return None
    try:
        value = int(re.sub(r"^([+-]?0)(?=_?\d)", r"\1o", text), 0)
    except ValueError:
        return None
    return value if -(2**63) <= value < 2**63 else None


def variable_of(name: str) -> str:
    """The environment variable that stands for a flag (etcd, pkg/flags)."""
    return "ETCD_" + name.upper().replace("-", "_")


def _urls(text: str) -> list[str]:
    urls = []
    for url in filter(None, (part.strip() for part in text.split(","))):
        host = urlsplit(url).hostname or ""
        if host in _ANY:
            port = urlsplit(url).port or 2379
            url = f"{urlsplit(url).scheme}://{_ANY[host]}:{port}"
        urls.append(url)
    return urls


def is_unit(name: str) -> bool:
    """Whether this names a unit of systemd, and no file."""
    return name.endswith(SERVICE) and "/" not in name


def parse_flags(words: t.Sequence[str]) -> dict[str, str]:
    """Flags without their dashes from the words after a program's name; of a flag given twice the last one counts."""
    flags: dict[str, str] = {}
    for at, word in enumerate(words):
        if not is_flag(word):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not equals:
            value = words[at + 1] if at + 1 < len(words) and not is_flag(words[at + 1]) else "true"
        flags[name] = value
    return flags


def is_flag(word: str) -> bool:
    """Whether a word is a flag; a negative number is the value of the flag before it."""
    return word.startswith("-") and not word[1:2].isdigit()


def unusable(reason: str, advice: str = "") -> Failure:
    """The failure of settings that cannot be read."""
    return Failure("manifest_unusable", reason, advice)


__all__ = (
    "K3S_DATA_DIR",
    "SERVICE",
    "Found",
    "MemberSettings",
    "ReadText",
    "go_int",
    "is_flag",
    "is_unit",
    "parse_flags",
    "unusable",
    "variable_of",
)
