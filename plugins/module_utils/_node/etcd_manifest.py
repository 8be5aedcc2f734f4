# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The static pod manifest of etcd: flags, environment, image, addresses and the files behind them.

A flag beats the environment variable of the same name, and of a flag given twice the last one counts (etcd 3.4 to 3.7);
with a configuration file of etcd's own neither counts.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from .._core.failures import Failure
from .._core.files import content
from .._etcd.transport import TlsFiles
from . import pod_variables
from .block_yaml import load
from .cut_off import missing_end, no_end, unreadable_end
from .memory import quantity_bytes
from .probes import Probe, parse_probes

DEFAULT_PATH = "/etc/kubernetes/manifests/etcd.yaml"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_ANY = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}
_NEEDED = ("name", "data-dir", "wal-dir", "trusted-ca-file", "cert-file", "key-file")


@dataclass(frozen=True)
class EtcdManifest:
    """Flags without their dashes; `mounts` are (path in the container, path on the host), the longest first. A variable
    in a flag has its value, if that is known without the kubelet. `memory_limit_bytes` is the container's
    `resources.limits.memory`, None if it has none."""

    path: str
    image: str
    flags: t.Mapping[str, str]
    env: t.Mapping[str, str]
    mounts: tuple[tuple[str, str], ...]
    probes: tuple[Probe, ...] = ()
    memory_limit_bytes: int | None = None

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
        given = self.setting("listen-client-http-urls") or self.setting("listen-client-urls")
        urls = [url for url in _urls(given) if "$(" not in url]
        if not urls:
            found = f"only {given}" if given else "no --listen-client-urls"
            raise _unusable(f"{self.path} has {found}, so the address of etcd is not known")
        return min(urls, key=lambda url: (urlsplit(url).hostname not in _LOOPBACK, urls.index(url)))

    @property
    def quota_bytes(self) -> int | None:
        """The quota that is set (-1: off). None if none is, or one that etcd exits on: then what runs was started with
        another."""
        value = go_int(self.setting("quota-backend-bytes"))
        return max(value, -1) if value else None

    def tls_files(self, exists: t.Callable[[str], bool] = os.path.exists) -> TlsFiles | None:
        """The files of a client: the health check's certificate, which is on every kubeadm node, else the API server's,
        else the server's own, which has to serve clients as well. None if etcd speaks plain http."""
        if not self.ca_cert:
            return None
        directory = os.path.dirname(self.ca_cert)
        candidates = [
            os.path.join(directory, "healthcheck-client"),
            os.path.join(os.path.dirname(directory), "apiserver-etcd-client"),
        ]
        for stem in candidates:
            if exists(stem + ".crt") and exists(stem + ".key"):
                return TlsFiles(self.ca_cert, stem + ".crt", stem + ".key")
        return TlsFiles(self.ca_cert, self.file("cert-file"), self.file("key-file"))


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


def parse_manifest(text: str, path: str) -> EtcdManifest:
    """Parse the text of a manifest. Raises Failure if it is no pod that runs etcd."""
    try:
        pod = load(text)
    except ValueError as exc:
        raise _unusable(f"{path} cannot be read as a static pod manifest: {exc}{unreadable_end(text, exc)}") from exc
    cut_off = missing_end(text, pod)
    try:
        spec = pod["spec"]
        container = next(c for c in spec["containers"] if c.get("name") == "etcd")
        variables, written = pod_variables.variables(container), pod_variables.written(container)
        words = pod_variables.words(container)
        mounts = [(mount["mountPath"], mount["name"]) for mount in container.get("volumeMounts") or []]
        volumes = {volume["name"]: volume for volume in spec.get("volumes") or []}
        hosts = {name: volume["hostPath"]["path"] for name, volume in volumes.items() if "hostPath" in volume}
        image = str(container.get("image", ""))
        probes = parse_probes(container)
        limits = (container.get("resources") or {}).get("limits") or {}
        memory_limit_bytes = quantity_bytes(str(limits.get("memory", "")))
    except (KeyError, TypeError, AttributeError, StopIteration, ValueError):
        raise _unusable(f"{path} is not the manifest of a pod with a container named etcd{cut_off}") from None
    missing = sorted({str(name) for _inside, name in mounts} - set(volumes))
    if missing or (not volumes and cut_off):
        what = f"has no volume {', '.join(missing)}, which its container mounts" if missing else "has no volumes"
        raise _unusable(f"{path} {what}{no_end(text)}")
    if not words or os.path.basename(words[0]) != "etcd":
        program = words[0] if words else "nothing"
        raise _unusable(f"{path}: the container etcd does not run etcd directly but {program}")
    _refuse_settings_elsewhere(path, parse_flags(written[1:]), variables)
    pairs = [(inside, hosts[name]) for inside, name in mounts if name in hosts]
    return EtcdManifest(
        path=path,
        image=image,
        flags=parse_flags(words[1:]),
        env={name: value or "" for name, value in variables.items()},
        mounts=tuple(sorted(pairs, key=lambda pair: -len(pair[0]))),
        probes=probes,
        memory_limit_bytes=memory_limit_bytes,
    )


def _refuse_settings_elsewhere(path: str, flags: t.Mapping[str, str], variables: pod_variables.Variables) -> None:
    """Refuse an etcd whose settings are not in its manifest. Raises Failure."""
    variable = variable_of("config-file")
    file = flags.get("config-file") or variables.get(variable, "")
    if file != "":
        name = "--config-file" if flags.get("config-file") else variable
        raise _unusable(
            f"{path} sets {name}: etcd reads all of its settings from that file and ignores all other flags and"
            " variables.",
            "Only an etcd that gets its settings from its manifest, as kubeadm writes it, is supported.",
        )
    for name in _NEEDED:
        names = pod_variables.unknown(flags.get(name, ""), variables)
        if names:
            raise _unusable(
                f"{path} has --{name}={flags[name]}, and the kubelet alone knows the value of {', '.join(names)}.",
                "Write the value itself in its place; etcd is restarted by that.",
            )


def read_manifest(path: str) -> EtcdManifest:
    """Parse the manifest at `path`. Raises Failure; FileNotFoundError if there is none."""
    try:
        text = read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise _unusable(f"{path} cannot be read: {exc}") from exc
    return parse_manifest(text, path)


def read_bytes(path: str) -> bytes:
    """The content of the file. Raises Failure; FileNotFoundError if there is none."""
    try:
        return content(path)
    except FileNotFoundError:
        if os.path.islink(path):
            raise Failure(
                "manifest_missing",
                f"{path} is a symbolic link to {os.readlink(path)}, which does not exist: the kubelet runs no etcd",
            ) from None
        raise
    except PermissionError as exc:
        raise _unusable(f"{path} cannot be read: root rights are needed (become)") from exc
    except OSError as exc:
        raise _unusable(f"{path} cannot be read: {exc}") from exc


def _unusable(reason: str, advice: str = "") -> Failure:
    return Failure("manifest_unusable", reason, advice)


__all__ = (
    "DEFAULT_PATH",
    "EtcdManifest",
    "go_int",
    "is_flag",
    "parse_flags",
    "parse_manifest",
    "read_bytes",
    "read_manifest",
    "variable_of",
)
