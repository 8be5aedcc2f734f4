# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Run ids: what tells runs of Ansible or of the node tool apart, in a form that shows later, on the same machine,
whether that run has exited."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

from . import command, files
from .command import RunCommand

_PROC = Path("/proc")
# Of macOS and FreeBSD; Linux without /proc has none, and neither key is one of its own.
_SYSCTLS = ("/usr/sbin/sysctl", "/sbin/sysctl")
_BOOT_IDS = ("kern.bootsessionuuid", "kern.boot_id")
_SYSCTL_SECONDS = 10.0


class Run(t.NamedTuple):
    """A main process. `place` is one kernel and one PID namespace, `started` the start of the process in clock ticks
    since boot, or without `/proc` what only this process has: together with the process id they never come back."""

    place: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.place}:{self.pid}:{self.started}"


def parse(text: str) -> Run | None:
    """The run that an id stands for, None for the ids of others."""
    parts = text.rsplit(":", 2)
    return Run(parts[0], int(parts[1]), parts[2]) if len(parts) == 3 and parts[1].isdecimal() else None


def current(pid: int, token: str, *, proc: Path = _PROC, run: RunCommand = command.run) -> Run:
    """The run whose main process has this id. `token` is a word without colons that no other process has: without
    `/proc` it stands for the start of this one."""
    place, since = _place(proc), started(pid, proc)
    if place is None or since is None:
        return Run("/".join(filter(None, (os.uname().nodename, _boot_id(run)))), pid, token)
    return Run(place, pid, since)


def ended(found: Run, *, proc: Path = _PROC, run: RunCommand = command.run) -> bool:
    """Whether that run was started on this machine and has exited."""
    place = _place(proc)
    if place is None:
        # Two machines may have one name, but no boot. A process that was given the same id counts as that run.
        boot = _boot_id(run)
        return boot is not None and found.place == f"{os.uname().nodename}/{boot}" and not _exists(found.pid)
    if found.place != place:
        return False
    since = started(found.pid, proc)
    return since != found.started if since else not _exists(found.pid)


def ended_runs(ids: t.Iterable[str]) -> list[str]:
    """The ids among `ids` whose run was started here and is gone."""
    runs = ((text, parse(text)) for text in ids)
    return [text for text, run in runs if run and ended(run)]


def started(pid: int, proc: Path) -> str | None:
    """The start of a process in clock ticks since boot, None if it has exited."""
    try:
        stat = files.text(str(proc / str(pid) / "stat"), errors="replace")
        return stat.rpartition(")")[2].split()[19]  # field 22; the name before it may hold anything (proc(5))
    except (OSError, IndexError):  # a process that exits just now has an empty one
        return None


def _place(proc: Path) -> str | None:
    try:
        boot = files.text(str(proc / "sys/kernel/random/boot_id"), encoding="ascii").strip()
        return f"{boot}/{os.readlink(proc / 'self/ns/pid')}"
    except OSError:
        return None


def _boot_id(run: RunCommand) -> str | None:
    """What this machine has called itself since its boot, None if it has no such name."""
    asked = (run([sysctl, "-n", key], _SYSCTL_SECONDS) for key in _BOOT_IDS for sysctl in _SYSCTLS)
    return next((answer.out.strip() for answer in asked if answer.code == 0 and answer.out.strip()), None)


def _exists(pid: int) -> bool:
    """Whether the kernel has such a process: `/proc` may hide those of others (hidepid)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


__all__ = ("Run", "current", "ended", "ended_runs", "parse", "started")
