# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The running etcd process of a member, and whether programs run: found in `/proc`, whatever the runtime is."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import typing as t
from pathlib import Path

from .._core import files, run_id
from .control_group import is_container, units_of
from .settings import MemberSettings, parse_flags


class Activity(t.NamedTuple):
    """How much a process has read since its start, from files, sockets and by mapping, and computed."""

    read_bytes: int
    cpu_seconds: float


_INTERPRETER = re.compile(r"(python|perl|ruby|node|bash|dash|sh)[\d.]*$")


_OF_UNITS = ("etcd", "k3s", "k3s-server")  # k3s runs its etcd within itself


def is_member(words: t.Sequence[str], member: MemberSettings, cgroup: str = "") -> bool:
    """Whether a process is the etcd of these settings: other etcds run on such hosts, too. That of a unit is in its
    control group, or in a container that it has started; `cgroup` is the text of its `/proc/PID/cgroup`."""
    program = os.path.basename(words[0].split(" ")[0]) if words else ""
    if member.unit:
        units = units_of(cgroup)
        return program in _OF_UNITS and (member.unit in units or (not units and is_container(cgroup)))
    if program != "etcd":
        return False
    flags = parse_flags(words[1:])
    if member.config_file:
        return flags.get("config-file", member.config_file) == member.config_file
    return all(flags.get(name) == member.flags.get(name) for name in ("name", "data-dir"))


def holds(pid: int, path: str, proc: str = "/proc") -> bool | None:
    """Whether a process has this very file open, None if its files are not ours to see."""
    directory = os.path.join(proc, str(pid), "fd")
    try:
        wanted = os.stat(path)
        descriptors = os.listdir(directory)
    except OSError as exc:
        return None if isinstance(exc, PermissionError) else False
    found = {_is_same(os.path.join(directory, descriptor), wanted) for descriptor in descriptors}
    return True if True in found else None if None in found else False


def _is_same(path: str, wanted: os.stat_result) -> bool | None:
    try:
        return os.path.samestat(os.stat(path), wanted)
    except PermissionError:
        return None
    except OSError:  # closed meanwhile, or no file at all
        return False


def find(member: MemberSettings, proc: str = "/proc") -> int | None:
    """The process id of the etcd of these settings, None if it does not run.

    Anybody can start a process under such a command line. Only the real one has the database open, which is root's; and
    only what systemd has started is in the control group of a unit, which tells it where root may not see the files of
    others (without CAP_SYS_PTRACE).
    """
    for entry in sorted(filter(str.isdigit, os.listdir(proc)), key=int):
        words = _command(os.path.join(proc, entry))
        cgroup = _cgroup(os.path.join(proc, entry)) if member.unit else ""
        if not is_member(words, member, cgroup):
            continue
        held = holds(int(entry), member.database, proc)
        if held or (held is None and member.unit in units_of(cgroup)):
            return int(entry)
    return None


def _cgroup(directory: str) -> str:
    try:
        return files.text(os.path.join(directory, "cgroup"), errors="replace")
    except OSError:
        return ""


def _command(directory: str) -> list[str]:
    """The command line of a process, empty if it is gone or has none."""
    try:
        text = files.content(os.path.join(directory, "cmdline")).decode("utf-8", "replace")
    except OSError:
        return []
    return text.rstrip("\0").split("\0") if text else []


def flags(pid: int, proc: str = "/proc") -> dict[str, str] | None:
    """The flags that a process was started with, None if it is gone."""
    words = _command(os.path.join(proc, str(pid)))
    return parse_flags(words[1:]) if words else None


def environment(pid: int, proc: str = "/proc") -> dict[str, str] | None:
    """The variables that a process was started with, None if it is gone or not ours to see."""
    try:
        text = files.content(os.path.join(proc, str(pid), "environ")).decode("utf-8", "replace")
    except OSError:
        return None
    return dict(pair.partition("=")[::2] for pair in text.split("\0") if pair)


def flags_of(program: str, proc: str = "/proc") -> dict[str, str]:
    """The flags of the host's own process of this name, none if it does not run. Only processes of this user count:
    anybody can call one so."""
    own = _pid_namespace("self", proc)
    for entry in sorted(filter(str.isdigit, os.listdir(proc) if os.path.isdir(proc) else ()), key=int):
        words = _command(os.path.join(proc, entry))
        ours = bool(words) and os.path.basename(words[0]) == program and _pid_namespace(entry, proc) == own
        if ours and _user_of(os.path.join(proc, entry)) == os.geteuid():
            return parse_flags(words[1:])
    return {}


def _user_of(path: str) -> int | None:
    try:
        return os.stat(path).st_uid
    except OSError:  # it has just exited
        return None


def age(pid: int, proc: str = "/proc") -> float | None:
    """The seconds for which a process has been running, None if it is gone."""
    started = run_id.started(pid, Path(proc))
    try:
        uptime = float(files.content(os.path.join(proc, "uptime")).split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return None if started is None else max(uptime - int(started) / os.sysconf("SC_CLK_TCK"), 0.0)


def activity(pid: int, proc: str = "/proc") -> Activity | None:
    """What a process has done so far, None if it is gone or not ours to see.

    `rchar` counts what it asked for, `read_bytes` what came from a disk, which a mapped file alone adds to (proc(5)).
    """
    directory = os.path.join(proc, str(pid))
    try:
        lines = files.text(os.path.join(directory, "io"), errors="replace").splitlines()
        counters = dict(line.split(": ") for line in lines)
        stat = files.text(os.path.join(directory, "stat"), errors="replace").rpartition(")")[2].split()
        ticks = int(stat[11]) + int(stat[12])  # fields 14 and 15
        read = int(counters["rchar"]) + int(counters["read_bytes"])
    except (OSError, ValueError, KeyError, IndexError):
        return None
    return Activity(read, ticks / os.sysconf("SC_CLK_TCK"))


def end(pid: int, member: MemberSettings) -> bool:
    """Ask the member's etcd to exit, which hands over its leadership first; whether it was there to be asked."""
    if find(member) != pid:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    return True


def running(program: str, proc: str = "/proc", *, of_host: bool = False) -> bool:
    """Whether any process runs a program of this name, itself or through an interpreter. With `of_host` those in
    containers do not count."""
    own = _pid_namespace("self", proc)
    for entry in filter(str.isdigit, os.listdir(proc)):
        if of_host and _pid_namespace(entry, proc) != own:
            continue
        words = _command(os.path.join(proc, entry))[:2]
        if not words:
            continue
        # Some put a title in the place of their name: "nginx: master process".
        names = [os.path.basename(word.split(":")[0]) for word in words]
        if program == names[0] or (_INTERPRETER.match(names[0]) and program in names):
            return True
    return False


def of_host(pid: int, proc: str = "/proc") -> bool:
    """Whether a process is of this host itself, and in no container on it."""
    return _pid_namespace(str(pid), proc) == _pid_namespace("self", proc)


def _pid_namespace(pid: str, proc: str) -> str:
    """The PID namespace of a process, empty if it is not known."""
    try:
        return os.readlink(os.path.join(proc, pid, "ns/pid"))
    except OSError:
        return ""


__all__ = (
    "Activity",
    "activity",
    "age",
    "end",
    "environment",
    "find",
    "flags",
    "flags_of",
    "holds",
    "is_member",
    "of_host",
    "running",
)
