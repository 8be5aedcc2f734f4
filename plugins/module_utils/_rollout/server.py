# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Servers of RKE2 and k3s, which write etcd's configuration file at each start of their service: where they are told
what to write, and whether an etcd runs with that.

RKE2 2021 to 2026 and k3s of that time. The variable and the flag that name the file are those of
pkg/configfilearg/defaultparser.go; FILE_HASH is of RKE2's pkg/podtemplate, over all files that the pod of etcd mounts.
"""

from __future__ import annotations

import os
import re
import typing as t
from dataclasses import dataclass, replace

from .._core import files
from .._core.failures import Failure, Refused
from .._kubeadm import flag_values
from .._node import etcd_arg, pod_variables, process
from .._node.block_yaml import load
from .._node.etcd_manifest import read_manifest
from .._node.file_settings import file_flags
from .._node.installation import K3S, RKE2
from .._node.settings import MemberSettings, parse_flags
from .._node.systemd_unit import EtcdUnit

NAMES = {RKE2: "RKE2", K3S: "k3s"}
_ARGUMENT = re.compile(rf"--?{etcd_arg.KEY}(?:=(.*))?")
_HASH = "FILE_HASH"


@dataclass(frozen=True)
class Server:
    """A server of RKE2 or k3s, as `kind` says. `paths` are its configuration files in the order in which it reads them,
    the first also if there is none yet; `command` are the arguments of etcd in its command line, which count instead of
    those in files; `own` is what it writes of etcd besides, by the names of flags."""

    kind: str
    paths: tuple[str, ...]
    command: tuple[str, ...]
    own: t.Mapping[str, str]

    @property
    def name(self) -> str:
        return NAMES[self.kind]

    @property
    def in_pod(self) -> bool:
        """Whether its etcd is a process of its own, in a static pod, which lives on while the server is restarted."""
        return self.kind == RKE2

    def lists(self, texts: t.Mapping[str, str]) -> list[etcd_arg.ArgumentList]:
        """The lists that count, by the texts of files; the path of the command line's is empty. Raises Refused."""
        if self.command:
            return [etcd_arg.ArgumentList("", self.command)]
        try:
            return etcd_arg.lists({path: texts[path] for path in self.paths if path in texts})
        except ValueError as exc:
            raise Refused("unit_not_editable", f"The configuration of {self.name} cannot be read: {exc}.") from exc

    def arguments(self, texts: t.Mapping[str, str]) -> dict[str, str]:
        """The arguments that count, by the names of flags. Raises Refused."""
        return {name: value for each in self.lists(texts) for name, value in each.values.items()}

    def settings(self, member: MemberSettings, texts: t.Mapping[str, str]) -> MemberSettings:
        """What the member is to run with once the server has started with these texts. Raises Refused."""
        return member._replace(flags={**self.own, **self.arguments(texts)})

    def asked_for(self, settings: MemberSettings) -> dict[str, str]:
        """Those of these settings that the server is told."""
        return {name: value for name, value in settings.flags.items() if self.own.get(name) != value}


def make(
    kind: str, unit: EtcdUnit, member: MemberSettings, paths: t.Sequence[str], texts: t.Mapping[str, str]
) -> Server:
    """The server that this unit runs; `member` are the settings that it has written. Raises Refused."""
    found = Server(kind, tuple(paths), _command_arguments(unit.words), {})
    told = found.arguments(texts)
    return replace(found, own={name: value for name, value in member.flags.items() if name not in told})


def config_path(kind: str, words: t.Sequence[str], env: t.Mapping[str, str]) -> str:
    """The configuration file of a server: the variable counts more than the flag. Raises Refused."""
    flags = parse_flags(words[1:])
    path = env.get(f"{kind.upper()}_CONFIG_FILE") or flags.get("config") or flags.get("c")
    if path and not path.startswith("/"):
        raise Refused(
            "unit_not_editable",
            f"{NAMES[kind]} has its configuration from {path}, which is no whole path of a file, so it is not changed.",
        )
    return path or f"/etc/rancher/{kind}/config.yaml"


def files_of(config: str) -> list[str]:
    """The configuration files of a server in the order in which it reads them. Raises OSError."""
    directory = f"{config}.d"
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    found = [os.path.join(directory, name) for name in names if name.lower().endswith((".yaml", ".yml"))]
    return [config, *(path for path in found if not os.path.isdir(path))]


def _command_arguments(words: t.Sequence[str]) -> tuple[str, ...]:
    found = []
    for at, word in enumerate(words):
        match = _ARGUMENT.fullmatch(word)
        if match:
            found.append(match[1] if match[1] is not None else "".join(words[at + 1 : at + 2]))
    return tuple(found)


def differing(server: Server, settings: MemberSettings, pid: int) -> list[str]:
    """The flags in which an etcd differs from what its server is told: those of the file that the server has written,
    and the file itself if this process was not started with what is in it."""
    try:
        if server.in_pod and not _is_of_pod(pid, settings.path):
            return [f"--config-file={settings.config_file}"]
        written = read_manifest(settings.path).flags if server.in_pod else file_flags(settings.config_file)
    except (Failure, OSError):  # it is being written
        return [f"--config-file={settings.config_file}"]
    mode = settings.flags.get(flag_values.MODE)
    asked = server.asked_for(settings)
    return [
        f"--{name}"
        for name, value in sorted(asked.items())
        if name not in written or not flag_values.same(name, value, written[name], mode)
    ]


def _is_of_pod(pid: int, manifest: str) -> bool:
    """Whether a process was started with the files that this manifest of RKE2's was written for; true if neither tells.
    Raises OSError."""
    try:
        (container,) = load(files.text(manifest))["spec"]["containers"]
        wanted = pod_variables.variables(container).get(_HASH)
    except (ValueError, KeyError, TypeError):
        return False
    env = process.environment(pid)
    return not wanted or env is None or env.get(_HASH) == wanted


__all__ = ("NAMES", "Server", "config_path", "differing", "files_of", "make")
