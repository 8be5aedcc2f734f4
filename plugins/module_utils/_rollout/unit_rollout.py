# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""One roll-out to an etcd that systemd runs: what it is started with, as it was read, and how it is to be changed."""

from __future__ import annotations

import os
import time
import typing as t
from dataclasses import dataclass, fields

from .._core import command, files
from .._core.failures import Failure, Refused
from .._core.records import Json
from .._kubeadm.backups import refuse_backup_dir
from .._node import installation, kubelet, pod_log, process
from .._node.member import LocalMember
from .._node.settings import SERVICE, MemberSettings, is_unit
from .._node.settings_source import find_source, settings_of
from .._node.start_up import start_seconds_of
from .._node.systemd_unit import EtcdUnit, read_unit
from .._node.unit_settings import K3S, environment_of, settings_of_unit
from . import drop_in, server
from .rollout import ChangeOptions
from .unit_edit import Flags, Source, effective

# What etcd reads of a member's settings only before it has data.
_AT_BIRTH = ("initial-", "discovery")
# etcd hands over its leadership and closes its database, then starts: 1 to 2 s with a small one, on busy disks more.
_AWAY_SECONDS = 5
# A server of RKE2 or k3s stops and starts all of a node's Kubernetes around its etcd.
_SERVER_SECONDS = 60


@dataclass(frozen=True)
class UnitRollout:
    """A unit and its files as they were read. `start_seconds` is about how long its etcd reads when it starts."""

    source: Source
    options: ChangeOptions
    connection: Json
    start_seconds: float

    @property
    def name(self) -> str:
        return self.source.unit.name

    @property
    def settings(self) -> MemberSettings:
        return self.source.settings

    @property
    def timeout(self) -> float:
        """For how long etcd is waited for, longer only while it is seen to read. A server of RKE2 or k3s reads a copy
        of the data first."""
        beside = self.start_seconds + _SERVER_SECONDS if self.source.server else 0.0
        return self.options.wait_timeout + self.start_seconds + beside

    @property
    def away_seconds(self) -> int:
        """About how long etcd is away, beside its reading."""
        return _SERVER_SECONDS if self.source.server else _AWAY_SECONDS

    @property
    def backup_dir(self) -> str:
        """Where copies of its files are: those of several etcds on one node have the same names."""
        return os.path.join(self.options.backup_dir, self.name)

    def member(self) -> LocalMember:
        """The member, made for each use: a kept one would remember who was silent. Raises Failure."""
        return LocalMember({**self.connection, "manifest": self.settings.path})

    def settings_now(self) -> MemberSettings:
        """The settings that are written by now. Raises Failure."""
        if self.source.server:
            texts = _texts(self.source.unit, self.source.server.paths)
            return self.source.server.settings(self.settings, texts)
        return settings_of_unit(read_unit(command.run, self.name))

    def differing(self, settings: MemberSettings, pid: int, managed: t.Container[str] | None = None) -> list[str]:
        """As the function, whatever writes what etcd reads."""
        if self.source.server is None:
            return differing(settings, pid, managed, whole=not self.source.unit.by_shell)
        found = server.differing(self.source.server, settings, pid)
        return [flag for flag in found if managed is None or "=" in flag or flag.lstrip("-") in managed]

    def last_words(self) -> str:
        """The last lines of etcd's log, and of the unit's journal, for the end of a message; empty if there are
        none."""
        lines = pod_log.sentences(kubelet.last_lines(command.run, self.name, 20))
        said = kubelet.quoted(f"The last words of {self.name}", lines[-5:])
        if self.source.server is None or not self.source.server.in_pod:
            return said
        return kubelet.quoted("etcd's last words", pod_log.last_words()) + said


def read_unit_rollout(params: Json) -> UnitRollout:
    """Read the unit that the module's options name, or that is found. Raises Failure, OSError."""
    name = find_source(params["manifest"]).name or params["manifest"]
    source = _source_of_unit(name) if is_unit(name) else _source_of_pod(name)
    refuse_backup_dir(params["backup_dir"])
    return UnitRollout(
        source=source,
        options=ChangeOptions(**{field.name: params[field.name] for field in fields(ChangeOptions)}),
        connection=params,
        start_seconds=start_seconds_of(source.settings),
    )


def _source_of_unit(name: str) -> Source:
    unit = read_unit(command.run, name)
    settings = settings_of_unit(unit)
    if unit.program == K3S:
        return _source_of_server(installation.K3S, unit, settings)
    paths = [file.path for file in unit.environment_files]
    paths += [unit.fragment, *unit.drop_ins, settings.config_file, drop_in.path_of(unit.name)]
    return Source(unit, settings, _texts(unit, paths))


def _source_of_pod(path: str) -> Source:
    settings = settings_of(path) if os.path.lexists(path) else None
    if settings is None or installation.of_member(path, settings.config_file, (), ()) != installation.RKE2:
        raise Refused(
            "no_unit",
            f"The etcd of this node is not run by a systemd unit of its own, its settings are in {path}.",
            "Use controlplane.etcd.etcd_manifest for a static pod of kubeadm's.",
        )
    return _source_of_server(installation.RKE2, read_unit(command.run, f"{kubelet.RKE2_UNIT}{SERVICE}"), settings)


def _source_of_server(kind: str, unit: EtcdUnit, written: MemberSettings) -> Source:
    paths = server.files_of(server.config_path(kind, unit.words, environment_of(unit)))
    texts = _texts(unit, paths)
    found = server.make(kind, unit, written, paths, texts)
    return Source(unit, found.settings(written, texts), texts, found)


def _texts(unit: EtcdUnit, paths: t.Iterable[str]) -> dict[str, str]:
    found = {path: _text(unit, path) for path in paths if path}
    return {path: text for path, text in found.items() if text is not None}


def _text(unit: EtcdUnit, path: str) -> str | None:
    """The text of a file to the byte, None if there is none. Raises Failure."""
    try:
        return files.content(path).decode("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as exc:
        raise Failure("unit_not_editable", f"{path} of {unit.name} cannot be read: {exc}.") from exc


def running(pid: int, proc: str = "/proc") -> Flags | None:
    """The settings that a process was started with, by the names of flags. None if it is gone, or not ours to see."""
    flags, env = process.flags(pid, proc), process.environment(pid, proc)
    if flags is None or env is None:
        return None
    return effective(MemberSettings("", "", flags, {name: value for name, value in env.items() if value}, ()))


def differing(
    settings: MemberSettings, pid: int, managed: t.Container[str] | None = None, *, whole: bool = True
) -> list[str]:
    """The flags in which a process differs from what is written, or from a file that is newer than the process; only
    those that are managed, if they are given. None of a process that cannot be seen: its quota is asked for. What is
    written is not the `whole` if a shell starts etcd: which flags it gives is not read."""
    if settings.config_file:
        return [f"--config-file={settings.config_file}"] if _is_newer(settings.config_file, pid) else []
    written, runs = effective(settings), running(pid)
    if runs is None:
        return []
    known = {*written, *runs} if whole else {*written}
    names = sorted(name for name in known if written.get(name) != runs.get(name))
    return [
        f"--{name}"
        for name in names
        if (managed is None and not name.startswith(_AT_BIRTH)) or (managed is not None and name in managed)
    ]


def _is_newer(path: str, pid: int) -> bool:
    age = process.age(pid)
    return age is not None and os.path.getmtime(path) > time.time() - age


__all__ = ("UnitRollout", "differing", "read_unit_rollout", "running")
