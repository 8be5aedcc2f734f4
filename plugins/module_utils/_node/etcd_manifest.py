# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What the static pod manifest of etcd says: flags, environment, image, addresses and the files behind them.

A flag beats the environment variable of the same name, and of a flag given twice the last one counts (etcd 3.4 to 3.7).
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from .._etcd.transport import TlsFiles
from .block_yaml import load
from .probes import Probe, of_container

DEFAULT_PATH = "/etc/kubernetes/manifests/etcd.yaml"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ANY = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}


class ManifestError(Exception):
    """The manifest cannot be used. The text is one sentence that names the file."""


@dataclass(frozen=True)
class EtcdManifest:
    """Flags without their dashes; `mounts` are (path in the container, path on the host), the longest first."""

    path: str
    image: str
    flags: t.Mapping[str, str]
    env: t.Mapping[str, str]
    mounts: tuple[tuple[str, str], ...]
    probes: tuple[Probe, ...] = ()

    def setting(self, name: str, default: str = "") -> str:
        """The value of a flag, else of its environment variable, else `default`."""
        return self.flags.get(name, self.env.get(variable_of(name), default))

    def file(self, name: str) -> str:
        """The path on the host of a setting that is a path in the container, empty where it is not set."""
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
        """The URL at which this host reaches its own member: the gateway's own where there is one, loopback first."""
        urls = _urls(self.setting("listen-client-http-urls")) or _urls(self.setting("listen-client-urls"))
        if not urls:
            raise ManifestError(f"{self.path} has no --listen-client-urls, so the address of etcd is not known")
        return min(urls, key=lambda url: (urlsplit(url).hostname not in _LOOPBACK, urls.index(url)))

    @property
    def quota_bytes(self) -> int | None:
        """The quota that is set (-1: off), None where none is, or what etcd exits on: what runs was started with
        something else."""
        value = go_int(self.setting("quota-backend-bytes"))
        return max(value, -1) if value else None

    def tls_files(self, exists: t.Callable[[str], bool] = os.path.exists) -> TlsFiles | None:
        """The files of a client: the health check's certificate, which is on every kubeadm node, else the API server's,
        else the server's own, which has to serve clients as well. None where etcd speaks plain http."""
        if not self.ca_cert:
            return None
        folder = os.path.dirname(self.ca_cert)
        candidates = [
            os.path.join(folder, "healthcheck-client"),
            os.path.join(os.path.dirname(folder), "apiserver-etcd-client"),
        ]
        for stem in candidates:
            if exists(stem + ".crt") and exists(stem + ".key"):
                return TlsFiles(self.ca_cert, stem + ".crt", stem + ".key")
        return TlsFiles(self.ca_cert, self.file("cert-file"), self.file("key-file"))


def go_int(text: str) -> int | None:
    """The whole number that Go, and so etcd, reads (strconv.ParseInt with base 0), None where it reads none: 0x10 and
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
    found = []
    for url in filter(None, (part.strip() for part in text.split(","))):
        host = urlsplit(url).hostname or ""
        if host in _ANY:
            port = urlsplit(url).port or 2379
            url = f"{urlsplit(url).scheme}://{_ANY[host]}:{port}"
        found.append(url)
    return found


def parse_flags(words: t.Sequence[str]) -> dict[str, str]:
    """Flags without their dashes from the words after a program's name; of a flag given twice the last one counts."""
    found: dict[str, str] = {}
    for at, word in enumerate(words):
        if not is_flag(word):
            continue
        name, equals, value = word.lstrip("-").partition("=")
        if not equals:
            value = words[at + 1] if at + 1 < len(words) and not is_flag(words[at + 1]) else "true"
        found[name] = value
    return found


def is_flag(word: str) -> bool:
    """A negative number is the value of the flag before it."""
    return word.startswith("-") and not word[1:2].isdigit()


def parse_manifest(text: str, path: str) -> EtcdManifest:
    """The record of a manifest's text. Raises ManifestError where it is no pod that runs etcd."""
    try:
        pod = load(text)
    except ValueError as exc:
        raise ManifestError(f"{path} cannot be read as a static pod manifest: {exc}{_cut_off(text)}") from exc
    try:
        spec = pod["spec"]
        container = next(c for c in spec["containers"] if c.get("name") == "etcd")
        words = [str(word) for word in (container.get("command") or []) + (container.get("args") or [])]
        mounts = [(mount["mountPath"], mount["name"]) for mount in container.get("volumeMounts") or []]
        volumes = {volume["name"]: volume for volume in spec.get("volumes") or []}
        hosts = {name: volume["hostPath"]["path"] for name, volume in volumes.items() if "hostPath" in volume}
        env = {entry["name"]: entry.get("value") or "" for entry in container.get("env") or []}
        image = str(container.get("image", ""))
        probes = of_container(container)
    except (KeyError, TypeError, AttributeError, StopIteration, ValueError):
        raise ManifestError(
            f"{path} is not the manifest of a pod with a container named etcd{_cut_off(text)}"
        ) from None
    missing = sorted({str(name) for _inside, name in mounts} - set(volumes))
    if missing or (not volumes and _cut_off(text)):
        what = f"has no volume {', '.join(missing)}, which its container mounts" if missing else "has no volumes"
        raise ManifestError(f"{path} {what}{_cut_off(text)}")
    if not words or os.path.basename(words[0]) != "etcd":
        found = words[0] if words else "nothing"
        raise ManifestError(f"{path}: the container etcd does not run etcd directly but {found}")
    pairs = [(inside, hosts[name]) for inside, name in mounts if name in hosts]
    return EtcdManifest(
        path=path,
        image=image,
        flags=parse_flags(words[1:]),
        env=env,
        mounts=tuple(sorted(pairs, key=lambda pair: -len(pair[0]))),
        probes=probes,
    )


def _cut_off(text: str) -> str:
    """What to do about what a full disk or an interrupted copy leaves, as the end of a message. kubeadm's own manifests
    (1.20 to 1.37) begin with the kind and end with the status."""
    lines = text.rstrip("\n").split("\n")
    if lines[:2] != ["apiVersion: v1", "kind: Pod"] or lines[-1] == "status: {}":
        return ""
    return f". The file ends in line {len(lines)} as if it had been cut off: put the whole manifest back first"


def read_manifest(path: str) -> EtcdManifest:
    """The record of the manifest at `path`. Raises ManifestError; FileNotFoundError where there is none."""
    try:
        text = read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise ManifestError(f"{path} cannot be read: {exc}") from exc
    return parse_manifest(text, path)


def read_bytes(path: str) -> bytes:
    """What is in the file. Raises ManifestError; FileNotFoundError where there is none."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        if os.path.islink(path):
            raise ManifestError(
                f"{path} is a symbolic link to {os.readlink(path)}, which does not exist: the kubelet runs no etcd"
            ) from None
        raise
    except PermissionError as exc:
        raise ManifestError(f"{path} cannot be read: root rights are needed (become)") from exc
    except OSError as exc:
        raise ManifestError(f"{path} cannot be read: {exc}") from exc


__all__ = (
    "DEFAULT_PATH",
    "EtcdManifest",
    "ManifestError",
    "go_int",
    "is_flag",
    "parse_flags",
    "parse_manifest",
    "read_bytes",
    "read_manifest",
    "variable_of",
)
