# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Installation and removal of the node tool and its schedule: what differs is found first, then changed."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import typing as t
from contextlib import suppress
from dataclasses import dataclass

from .._core.command import RunCommand
from .._core.failures import Failure, FileError, Refused
from .._core.files import content, put
from .._node import kubelet, process
from .._node.member import ca_sha256
from .._node.settings import is_unit
from .._node.settings_source import read_settings
from .._node_tool import due, metrics, state
from . import unit_files, zipapp

_SYSTEMD = "/run/systemd/system"
_CRON_D = "/etc/cron.d"
_PYTHON = "/usr/bin/python3"
_SECONDS = 60.0
_TOOL = re.compile(r"(/\S+) run\b")
_TEXTFILES = re.compile(r"--textfile-dir=(\S+)")
_BEGUN = "What was done before stays; run this again."


@dataclass(frozen=True)
class Place:
    """The node's files below `root`, which is empty but in tests, and its programs, which `run` runs."""

    root: str
    run: RunCommand

    def at(self, path: str) -> str:
        return self.root + path

    def read(self, path: str) -> bytes | None:
        """The content of a file, None if there is none. Raises OSError."""
        try:
            return content(self.at(path))
        except FileNotFoundError:
            return None

    def interpreter(self) -> str:
        """The distribution's own Python if it is new enough: it outlives whatever Ansible was told to use."""
        asked = self.run([_PYTHON, "-I", "-c", "import ssl, sys; sys.exit(sys.version_info < (3, 8))"], _SECONDS)
        return _PYTHON if asked.code == 0 else sys.executable

    def cron_runs(self) -> bool:
        daemons = (process.running(name, of_host=True) for name in ("cron", "crond"))
        return os.path.isdir(self.at(_CRON_D)) and any(daemons)

    def systemd_runs(self) -> bool:
        return os.path.isdir(self.at(_SYSTEMD))


@dataclass(frozen=True)
class Change:
    """One file: its content before and after, None if there is none."""

    path: str
    before: bytes | None
    after: bytes | None
    mode: int = 0o644

    def diff(self) -> dict[str, str]:
        return {
            "before_header": self.path,
            "after_header": self.path,
            "before": _shown(self.before),
            "after": _shown(self.after),
        }


def _shown(data: bytes | None) -> str:
    if data is None:
        return ""
    if zipapp.is_ours(data):
        return f"the node tool, {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}\n"
    return data.decode("utf-8", "replace")


def choose_backend(wanted: str, *, cron: bool, systemd: bool) -> str:
    """The backend. Raises Refused if the one that is wanted does not run, or none does."""
    found = {"cron": cron, "systemd": systemd}
    if wanted != "auto" and not found[wanted]:
        names = {"cron": f"no cron daemon that reads {_CRON_D}", "systemd": "no systemd"}
        raise Refused(
            "no_scheduler",
            f"There is {names[wanted]} on this node that would start the tool.",
            "Choose another backend.",
        )
    if wanted != "auto":
        return wanted
    for name, there in found.items():
        if there:
            return name
    raise Refused(
        "no_scheduler",
        f"Neither a cron daemon that reads {_CRON_D} nor systemd runs on this node: nothing would start the tool.",
        "Install cron, or run the tool some other way.",
    )


@dataclass(frozen=True)
class Plan:
    """All that differs from what is wanted: files, timers that do not run, the directory for metrics if it is missing,
    and what the tool itself has written and is to be removed, in this order."""

    changes: list[Change]
    idle_timers: list[str]
    missing_dir: str
    leftovers: list[str]
    warnings: list[str]

    @property
    def paths(self) -> list[str]:
        """All files and directories that are written or removed."""
        made = [self.missing_dir] if self.missing_dir else []
        return [*(change.path for change in self.changes), *made, *self.leftovers]


def make_plan(place: Place, tool_path: str, wanted: t.Mapping[str, bytes], textfile_dir: str) -> Plan:
    """The plan for these files; `wanted` is by path, and empty if all of them are to be removed. Raises Refused if
    somebody else's file is in the way, OSError."""
    changes, warnings = _changes(place, tool_path, wanted)
    leftovers, left = _leftovers(place, textfile_dir, present=bool(wanted))
    return Plan(
        changes,
        _idle_timers(place, wanted),
        textfile_dir if wanted and textfile_dir and not os.path.isdir(place.at(textfile_dir)) else "",
        leftovers,
        [*warnings, *left],
    )


def _changes(place: Place, tool_path: str, wanted: t.Mapping[str, bytes]) -> tuple[list[Change], list[str]]:
    """The files that differ, those that are to be removed last; and warnings."""
    found: list[Change] = []
    warnings: list[str] = []
    for path in sorted({*wanted, *_earlier_paths(place, tool_path)}, key=lambda path: (path not in wanted, path)):
        before, after = place.read(path), wanted.get(path)
        if before is None and after is None:
            continue
        mode = 0o755 if after is not None and zipapp.is_ours(after) else 0o644
        if before is not None and not _is_ours(place, path, before):
            if after is not None:
                raise Refused(
                    "foreign_file",
                    f"{path} exists and was not written by this module.",
                    "Move it away, or choose another path.",
                )
            warnings.append(f"{path} was not written by this module, and is left as it is.")
        elif before != after or not _has_mode(place.at(path), mode):
            found.append(Change(path, before, after, mode))
    return found, warnings


def _earlier_paths(place: Place, tool_path: str) -> set[str]:
    """All paths that an earlier call may have written, with the tool at the path that the schedule of that call has."""
    return {tool_path, *unit_files.paths(), *_in_schedule(place, _TOOL)}


def _in_schedule(place: Place, what: re.Pattern[str]) -> set[str]:
    """All that the pattern finds in the files of an earlier call."""
    found: set[str] = set()
    for path in unit_files.paths():
        data = place.read(path)
        if data and data.startswith(unit_files.MARKER.encode()):
            found.update(what.findall(data.decode("utf-8", "replace")))
    return found


def _is_ours(place: Place, path: str, data: bytes) -> bool:
    if os.path.islink(place.at(path)):
        return False
    return data.startswith(unit_files.MARKER.encode()) or zipapp.is_ours(data)


def _has_mode(path: str, mode: int) -> bool:
    """Whether a file has this mode and belongs to this user: cron ignores those of others."""
    found = os.stat(path)
    return stat.S_IMODE(found.st_mode) == mode and found.st_uid == os.geteuid()


def _idle_timers(place: Place, paths: t.Iterable[str]) -> list[str]:
    """The timers among these files that systemd does not run, or would not after a reboot."""
    found = []
    for timer in unit_files.timers(paths):
        try:
            unit = kubelet.unit(place.run, timer)
        except Failure:
            found.append(timer)
            continue
        if not (unit.running and unit.file_state == "enabled"):
            found.append(timer)
    return found


def _leftovers(place: Place, textfile_dir: str, *, present: bool) -> tuple[list[str], list[str]]:
    """Files that the tool itself has written and that are to be removed, in this order; and warnings. Metrics that
    nobody writes any more would be served for ever."""
    now = {textfile_dir} if textfile_dir else set(metrics.DIRECTORIES)
    directories = {*metrics.DIRECTORIES, *_in_schedule(place, _TEXTFILES), *now} - (now if present else set())
    files = [f"{directory.rstrip('/')}/{metrics.FILE}" for directory in sorted(directories)]
    found = [path for path in files if os.path.lexists(place.at(path))]
    left: list[str] = []
    for directory in () if present else (state.DIRECTORY, state.RUNTIME_DIRECTORY):
        own, foreign = _own_files(place, directory)
        found += own
        if foreign:
            left.append(f"{directory} holds something that the node tool did not write, and is left there.")
    return found, left


def _own_files(place: Place, directory: str) -> tuple[list[str], bool]:
    """What the tool has written in a directory, at last the directory if nothing else is there; whether it is."""
    path = place.at(directory)
    if not os.path.lexists(path):
        return [], False
    own = [f"{directory}/{name}" for name in state.files(path)]
    foreign = os.path.islink(path) or len(own) != len(os.listdir(path))
    return ([*own] if foreign else [*own, directory]), foreign


def apply(place: Place, plan: Plan) -> None:
    """Carry out the plan. Raises Failure, which tells that what was done before stays."""
    try:
        if plan.missing_dir:
            _make_directory(place, plan.missing_dir)
        _change_files(place, plan.changes, plan.idle_timers)
        _remove(place, plan.leftovers)
    except OSError as exc:
        raise FileError(exc, unchanged=_BEGUN) from exc


def _make_directory(place: Place, path: str) -> None:
    """Create it, readable by everybody: node-exporter is not root."""
    os.makedirs(place.at(path), exist_ok=True)
    os.chmod(place.at(path), 0o755)


def _change_files(place: Place, changes: t.Sequence[Change], idle_timers: t.Sequence[str]) -> None:
    """Write and remove the files of the schedule, and let systemd start the timers."""
    systemd = place.systemd_runs()
    gone = unit_files.timers(change.path for change in changes if change.after is None)
    written = unit_files.timers(change.path for change in changes if change.after is not None)
    for timer in gone if systemd else ():
        _systemctl(place.run, "disable", "--now", timer)
    for change in changes:
        path = place.at(change.path)
        if change.after is None:
            os.unlink(path)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            put(path, change.after, change.mode)
    if systemd and any(change.path.startswith(unit_files.UNITS) for change in changes):
        _systemctl(place.run, "daemon-reload")
    for timer in sorted({*written, *idle_timers}):
        _systemctl(place.run, "enable", timer)
        # One that runs keeps its old moments until then.
        _systemctl(place.run, "restart", timer)


def _systemctl(run: RunCommand, *words: str) -> None:
    done = run(["systemctl", *words], _SECONDS)
    if done.code != 0:
        reason = f"systemctl {' '.join(words)} failed: {done.output.rstrip('.')}."
        raise Failure("systemd_failed", reason, unchanged=_BEGUN)


def _remove(place: Place, paths: t.Iterable[str]) -> None:
    for path in map(place.at, paths):
        # The tool may be at work, and what it was about to write or to remove comes and goes.
        with suppress(FileNotFoundError):
            if os.path.isdir(path) and not os.path.islink(path):
                os.rmdir(path)
            else:
                os.unlink(path)


def cluster_minute(place: Place, manifest: str) -> int:
    """A minute of the hour that follows from the CA of this node's etcd, 0 if there is none yet: the same on all nodes
    of a cluster, and another in most other clusters, which may share disks and a network with it."""
    try:
        found = ca_sha256(place.at(read_settings(_named(place, manifest)).ca_cert))
    except (Failure, OSError):
        return 0
    return int(found[0], 16) % 60


def _named(place: Place, manifest: str) -> str:
    """What names the member's settings at this place: a unit has the same name everywhere."""
    return manifest if is_unit(manifest) else place.at(manifest)


def metrics_warning(place: Place) -> str | None:
    """The reason why no metrics are written if no directory is named."""
    if any(os.path.isdir(place.at(directory)) for directory in metrics.DIRECTORIES):
        return None
    return (
        f"No metrics are written: none of node-exporter's usual folders ({', '.join(metrics.DIRECTORIES)}) is there."
        " Give the one that it reads as textfile_dir (variable harden_textfile_dir of the role); it is made where it is"
        " missing."
    )


def heal_warning(place: Place, manifest: str) -> str | None:
    """The reason why the healing that is asked for will never happen with the probes of this node."""
    try:
        killer = due.alarm_threat(read_settings(_named(place, manifest)).probes)
    except (Failure, OSError):  # there may be none yet
        return None
    if killer is None:
        return None
    return (
        f"With the probes in {manifest} a full etcd is never healed by itself: {killer}. Let kubeadm 1.25 or"
        " newer write that manifest; until then run the playbook controlplane.etcd.recover, which stops the kubelets"
        " meanwhile."
    )


__all__ = (
    "Change",
    "Place",
    "Plan",
    "apply",
    "choose_backend",
    "cluster_minute",
    "heal_warning",
    "make_plan",
    "metrics_warning",
)
