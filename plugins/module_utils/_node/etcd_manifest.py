# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The static pod manifest of etcd: the settings of a member that the kubelet runs."""

from __future__ import annotations

import os
import typing as t
from functools import lru_cache

from .._core.failures import Failure
from .._core.files import content
from . import pod_variables
from .block_yaml import load
from .cut_off import missing_end, no_end, unreadable_end
from .memory import quantity_bytes
from .probes import parse_probes
from .settings import MemberSettings, parse_flags, unusable, variable_of

DEFAULT_PATH = "/etc/kubernetes/manifests/etcd.yaml"
_NEEDED = ("name", "data-dir", "wal-dir", "trusted-ca-file", "cert-file", "key-file")


def parse_manifest(text: str, path: str) -> MemberSettings:
    """Parse the text of a manifest whose etcd has its settings from there. Raises Failure if it is no pod that runs
    etcd, or one with a configuration file."""
    settings = _parse(text, path)
    if settings.config_file:
        raise unusable(
            f"{path} leaves everything to {settings.config_file}: etcd reads all of its settings from that file and"
            " ignores all other flags and variables.",
            "Set it there, or where that file is made from.",
        )
    return settings


@lru_cache(maxsize=2)
def _parse(text: str, path: str) -> MemberSettings:
    """The settings in the text of a manifest, with the name of a configuration file if it has one. An inspection reads
    the same one several times."""
    try:
        pod = load(text)
    except ValueError as exc:
        raise unusable(f"{path} cannot be read as a static pod manifest: {exc}{unreadable_end(text, exc)}") from exc
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
        raise unusable(f"{path} is not the manifest of a pod with a container named etcd{cut_off}") from None
    missing = sorted({str(name) for _inside, name in mounts} - set(volumes))
    if missing or (not volumes and cut_off):
        what = f"has no volume {', '.join(missing)}, which its container mounts" if missing else "has no volumes"
        raise unusable(f"{path} {what}{no_end(text)}")
    if not words or os.path.basename(words[0]) != "etcd":
        program = words[0] if words else "nothing"
        raise unusable(f"{path}: the container etcd does not run etcd directly but {program}")
    _refuse_unknown(path, parse_flags(written[1:]), variables)
    pairs = [(inside, hosts[name]) for inside, name in mounts if name in hosts]
    flags = parse_flags(words[1:])
    return MemberSettings(
        path=path,
        image=image,
        flags=flags,
        config_file=flags.get("config-file") or variables.get(variable_of("config-file")) or "",
        env={name: value or "" for name, value in variables.items()},
        mounts=tuple(sorted(pairs, key=lambda pair: -len(pair[0]))),
        probes=probes,
        memory_limit_bytes=memory_limit_bytes,
    )


def _refuse_unknown(path: str, flags: t.Mapping[str, str], variables: pod_variables.Variables) -> None:
    """Refuse an etcd whose settings the kubelet alone knows. Raises Failure."""
    if variables.get(variable_of("config-file"), "") is None:
        raise unusable(
            f"{path} sets {variable_of('config-file')}, and the kubelet alone knows the value of it.",
            "Write the name of the file itself in its place; etcd is restarted by that.",
        )
    for name in _NEEDED:
        names = pod_variables.unknown(flags.get(name, ""), variables)
        if names:
            raise unusable(
                f"{path} has --{name}={flags[name]}, and the kubelet alone knows the value of {', '.join(names)}.",
                "Write the value itself in its place; etcd is restarted by that.",
            )


def read_manifest(path: str) -> MemberSettings:
    """Parse the manifest at `path`, and the configuration file of etcd that it may name. Raises Failure;
    FileNotFoundError if there is no manifest."""
    try:
        text = read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as exc:
        raise unusable(f"{path} cannot be read: {exc}") from exc
    settings = _parse(text, path)
    if not settings.config_file:
        return settings
    # Here, since each start of a module would have to read it, and kubeadm writes no such manifest.
    from .file_settings import file_flags

    named = settings._replace(flags={"config-file": settings.config_file})
    return settings._replace(flags=file_flags(named.file("config-file")), env={})


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
        raise unusable(f"{path} cannot be read: root rights are needed (become)") from exc
    except OSError as exc:
        raise unusable(f"{path} cannot be read: {exc}") from exc


__all__ = ("DEFAULT_PATH", "parse_manifest", "read_bytes", "read_manifest")
