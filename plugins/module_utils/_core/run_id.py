# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Run ids: what tells runs of Ansible or of the node tool apart, in a form that shows later, on the same machine,
whether that run has exited."""

from __future__ import annotations

import os
import typing as t
import uuid
from pathlib import Path


class Run(t.NamedTuple):
    """A main process. `place` is one kernel and one PID namespace, `started` the start of the process in clock ticks
    since boot: together with the process id they never come back."""

    place: str
    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.place}:{self.pid}:{self.started}"


def parse(text: str) -> Run | None:
    """The run that an id stands for, None for the ids of others."""
    parts = text.rsplit(":", 2)
    return Run(parts[0], int(parts[1]), parts[2]) if len(parts) == 3 and parts[1].isdecimal() else None


def current(pid: int, proc: Path = Path("/proc")) -> Run:
    """The run whose main process has this id. Without `/proc` its id is unique and never known to have exited."""
    place, since = _place(proc), started(pid, proc)
    if place is None or since is None:
        return Run(uuid.uuid4().hex, pid, "0")
    return Run(place, pid, since)


def ended(run: Run, proc: Path = Path("/proc")) -> bool:
    """Whether that run was started on this machine and has exited."""
    if run.place != _place(proc):
        return False
    since = started(run.pid, proc)
    return since != run.started if since else not _exists(run.pid)


def ended_runs(ids: t.Iterable[str]) -> list[str]:
    """The ids among `ids` whose run was started here and is gone."""
    runs = ((text, parse(text)) for text in ids)
    return [text for text, run in runs if run and ended(run)]


def started(pid: int, proc: Path) -> str | None:
    """The start of a process in clock ticks since boot, None if it has exited."""
    try:
        stat = (proc / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[19]  # field 22; the name before it may hold anything (proc(5))
    except (OSError, IndexError):  # a process that exits just now has an empty one
        return None


def _place(proc: Path) -> str | None:
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{os.readlink(proc / 'self/ns/pid')}"
    except OSError:
        return None


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
