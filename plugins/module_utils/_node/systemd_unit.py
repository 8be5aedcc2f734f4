# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Units of systemd that run an etcd: as `systemctl show` prints them, and their restart.

What `systemctl show` prints of them was read in the sources of systemd 219 to 257 (systemctl-show.c): a list of
structures is a line for each of them, and the words of a command are joined with blanks.
"""

from __future__ import annotations

import math
import os
import re
import shlex
import typing as t
from dataclasses import dataclass

from .._core.command import RunCommand
from .._core.failures import Failure, Refused
from .kubelet import SYSTEMCTL_SECONDS, UNIT_NAME, LoadState, last_lines, quoted, systemctl
from .settings import SERVICE

_PROPERTIES = (
    "ActiveState",
    "DropInPaths",
    "Environment",
    "EnvironmentFiles",
    "ExecStart",
    "FragmentPath",
    "Id",
    "InvocationID",
    "LoadState",
    "MainPID",
    "MemoryMax",
    "NRestarts",
    "NeedDaemonReload",
    "Restart",
    "Result",
    "SourcePath",
    "TimeoutStartUSec",
    "Type",
    "UnitFileState",
    "User",
    "WatchdogUSec",
)
_WORDS = re.compile(r"argv\[\]=(.*?) ; ignore_errors=")
_FILE = re.compile(r"(.*) \(ignore_errors=(yes|no)\)$")
_RUNNING = ("active", "activating", "reloading", "deactivating")
_SPAN = re.compile(r"(\d+)(us|ms|s|min|h|d|w|month|y)\b")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SHELLS = ("bash", "dash", "sh")
_ETCD = re.compile(r"(^|[\s/;&])etcd(\s|$)")


class EnvironmentFile(t.NamedTuple):
    """A file of variables that a unit names; `optional` if the unit starts without it."""

    path: str
    optional: bool


@dataclass(frozen=True)
class EtcdUnit(LoadState):
    """A unit as systemd has it loaded. `words` is its command, `environment` what the unit itself sets, before its
    `environment_files`; `main_pid` is 0 if it does not run. `source` is the file that its `fragment` was generated
    from, empty if it was not. Time limits are in seconds, None if there is none."""

    name: str
    words: tuple[str, ...]
    environment: t.Mapping[str, str]
    environment_files: tuple[EnvironmentFile, ...]
    fragment: str = ""
    source: str = ""
    drop_ins: tuple[str, ...] = ()
    kind: str = "simple"
    user: str = ""
    loaded: str = "loaded"
    active: str = "inactive"
    file_state: str = ""
    result: str = "success"
    restart: str = "no"
    restarts: int = 0
    main_pid: int = 0
    invocation: str = ""
    needs_reload: bool = False
    memory_max_bytes: int | None = None
    start_timeout: float | None = None
    watchdog: float | None = None

    @property
    def running(self) -> bool:
        return self.active in _RUNNING

    @property
    def program(self) -> str:
        """The name of the program that its command starts, empty if it has none."""
        return os.path.basename(self.words[0]) if self.words else ""

    @property
    def by_shell(self) -> bool:
        """Whether a shell starts it: what the shell makes of the rest is not read here."""
        return self.program in _SHELLS

    @property
    def runs_etcd(self) -> bool:
        """Whether its program is etcd, or a shell that is told to start one."""
        return self.program == "etcd" or (self.by_shell and bool(_ETCD.search(" ".join(self.words[1:]))))

    def refusal(self) -> Refused | None:
        """The reason why it is not started or restarted, None if it may be."""
        if not self.exists:
            return Refused("unit_missing", f"There is no unit {self.name} on this node.")
        if self.masked:
            return Refused(
                "unit_masked",
                f"{self.name} is masked, so it was disabled on purpose.",
                f"If that is no longer intended, unmask it (systemctl unmask {self.name}), and run this again.",
            )
        if self.active == "inactive":
            return Refused(
                "unit_stopped",
                f"{self.name} was stopped by someone, or has exited without a failure, so it is not started by itself.",
                f"Start it (systemctl start {self.name}) if it should run, and run this again.",
            )
        return None

    def notes(self, start_seconds: float) -> list[str]:
        """What may kill its etcd, or leave it down, each in a sentence. `start_seconds` is for how long it is expected
        to read when it starts."""
        found = []
        if self.needs_reload:
            found.append(
                f"{self.name} was edited, and systemd does not know it yet (systemctl daemon-reload): a restart would"
                " be with the old text."
            )
        if self.watchdog:
            found.append(
                f"{self.name} has WatchdogSec={self.watchdog:.0f}, but etcd sends systemd no sign of life: it is killed"
                " after that time, again and again."
            )
        if self.kind == "notify" and self.start_timeout and start_seconds > self.start_timeout / 2:
            found.append(
                f"systemd kills the etcd of {self.name} if it is not ready within {self.start_timeout:.0f} s"
                f" (TimeoutStartSec), and it is expected to read its log and its database for {start_seconds:.0f} s."
            )
        if self.restart in ("no", "on-abnormal", "on-success", "on-watchdog", "on-abort"):
            found.append(
                f"{self.name} has Restart={self.restart}: once its etcd exits with an error, systemd leaves it down."
            )
        return found


def parse_shown(text: str) -> list[EtcdUnit]:
    """The units in what `systemctl show` printed, one block of lines each."""
    return [_unit(block) for block in re.split(r"\n{2,}", text.strip("\n")) if block.strip()]


def _unit(block: str) -> EtcdUnit:
    values: dict[str, list[str]] = {}
    for line in block.splitlines():
        name, _equals, value = line.partition("=")
        values.setdefault(name, []).append(value)

    def one(name: str) -> str:
        return values.get(name, [""])[-1]

    commands = [match[1] for match in map(_WORDS.search, values.get("ExecStart", [])) if match]
    files = [match for match in map(_FILE.match, values.get("EnvironmentFiles", [])) if match]
    limit = one("MemoryMax")
    return EtcdUnit(
        name=one("Id"),
        words=tuple(_split(commands[-1])) if commands else (),
        environment=dict(pair.partition("=")[::2] for pair in _split(one("Environment"))),
        environment_files=tuple(EnvironmentFile(match[1], match[2] == "yes") for match in files),
        fragment=one("FragmentPath"),
        source=one("SourcePath"),
        drop_ins=tuple(one("DropInPaths").split()),
        kind=one("Type"),
        user=one("User"),
        loaded=one("LoadState"),
        active=one("ActiveState"),
        file_state=one("UnitFileState"),
        result=one("Result"),
        restart=one("Restart"),
        restarts=int(one("NRestarts") or 0),
        main_pid=int(one("MainPID") or 0),
        invocation=one("InvocationID"),
        needs_reload=one("NeedDaemonReload") == "yes",
        memory_max_bytes=int(limit) if limit.isdigit() and int(limit) < 2**63 else None,
        start_timeout=seconds(one("TimeoutStartUSec")),
        watchdog=seconds(one("WatchdogUSec")),
    )


def seconds(span: str) -> float | None:
    """A time span as systemd prints it, such as `1min 30s`, in seconds; None if it is none at all: 0 or infinity."""
    found = sum(int(number) * _SECONDS.get(unit, math.inf) for number, unit in _SPAN.findall(span))
    return found if 0 < found < math.inf else None


def _split(text: str) -> list[str]:
    """Words as a shell would see them, or as they are if quotes do not match."""
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def read_unit(run: RunCommand, name: str) -> EtcdUnit:
    """The unit of this name. Raises Failure if there is none, or no systemd."""
    if not UNIT_NAME.fullmatch(name):
        raise Failure("unit_missing", f"{name!r} is not a valid systemd unit name.")
    found = next(iter(_show(run, name)), None)
    if found is None or not found.exists:
        raise Failure("unit_missing", f"There is no unit {name} on this node.")
    return found


def loaded_units(run: RunCommand) -> list[EtcdUnit]:
    """The units that run an etcd, or would: all that systemd has loaded, and those whose name says etcd. Empty without
    systemd."""
    try:
        units = {unit.name: unit for unit in _show(run, "*" + SERVICE)}
        more = _names(run) - set(units)
        # An alias is a file of its own, but systemd shows the unit that it is one of.
        units.update({unit.name: unit for unit in (_show(run, *sorted(more)) if more else [])})
    except Failure:
        return []
    return sorted(
        (unit for unit in units.values() if unit.exists and (unit.runs_etcd or _is_masked_etcd(unit))),
        key=lambda unit: unit.name,
    )


def _is_masked_etcd(unit: EtcdUnit) -> bool:
    return unit.masked and "etcd" in unit.name


def _names(run: RunCommand) -> set[str]:
    """The names of unit files that say etcd; systemd loads one that neither runs nor is wanted only when asked."""
    done = run(["systemctl", "list-unit-files", "--no-legend", "--no-pager", f"*etcd*{SERVICE}"], SYSTEMCTL_SECONDS)
    names = {line.split()[0] for line in done.out.splitlines() if line.strip()} if done.code == 0 else set()
    return {name for name in names if UNIT_NAME.fullmatch(name) and not name.endswith("@" + SERVICE)}


def _show(run: RunCommand, *names: str) -> list[EtcdUnit]:
    done = run(["systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", *names], SYSTEMCTL_SECONDS)
    if done.code != 0:
        raise Failure("systemd_failed", f"systemd cannot be asked about {', '.join(names)}: {done.output.rstrip('.')}.")
    return parse_shown(done.out)


def startable(run: RunCommand, name: str) -> EtcdUnit:
    """The unit of this name. Raises Refused, with its last lines, if it must not be started; Failure."""
    unit = read_unit(run, name)
    refused = unit.refusal()
    if refused:
        raise Refused(refused.code, refused.reason + quoted("Its last lines", last_lines(run, name)), refused.advice)
    return unit


def restart(run: RunCommand, name: str) -> None:
    """Begin to restart it, whatever its start limit counts, without waiting: a unit of `Type=notify` is not ready
    before its member has found the others. Raises Failure."""
    systemctl(run, "reset-failed", name)
    systemctl(run, "restart", name, "--no-block")


__all__ = (
    "EnvironmentFile",
    "EtcdUnit",
    "loaded_units",
    "parse_shown",
    "read_unit",
    "restart",
    "seconds",
    "startable",
)
