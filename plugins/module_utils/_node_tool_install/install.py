# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Puts the node tool and its schedule in place, and takes them away: what differs is found first, then changed."""

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
from .._core.files import put
from .._node import kubelet, process
from .._node.etcd_manifest import ManifestError, read_manifest
from .._node.kubelet import UnitError
from .._node_tool import due, metrics
from .._node_tool import state as memory
from . import unit_files, zipapp
from .unit_files import InvalidSchedule

_SYSTEMD = "/run/systemd/system"


_CRON_D = "/etc/cron.d"


_PYTHON = "/usr/bin/python3"


_SECONDS = 60.0


_TOOL = re.compile(r"(/\S+) run\b")


_TEXTFILES = re.compile(r"--textfile-dir=(\S+)")


@dataclass(frozen=True)
class Place:
    """Where files go: below `root`, which is empty but in tests. `run` runs programs."""

    root: str
    run: RunCommand

    def at(self, path: str) -> str:
        return self.root + path

    def read(self, path: str) -> bytes | None:
        """None where there is no such file. Raises OSError."""
        try:
            with open(self.at(path), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def interpreter(self) -> str:
        """The distribution's own Python where it is new enough: it outlives whatever Ansible was told to use."""
        asked = self.run([_PYTHON, "-I", "-c", "import ssl, sys; sys.exit(sys.version_info < (3, 8))"], _SECONDS)
        return _PYTHON if asked.code == 0 else sys.executable

    def cron_runs(self) -> bool:
        daemons = (process.running(name, of_host=True) for name in ("cron", "crond"))
        return os.path.isdir(self.at(_CRON_D)) and any(daemons)

    def systemd_runs(self) -> bool:
        return os.path.isdir(self.at(_SYSTEMD))


@dataclass(frozen=True)
class Change:
    """One file: what is there and what is to be, None where nothing is."""

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


def choose(wanted: str, *, cron: bool, systemd: bool) -> str:
    """The backend. Raises BadSchedule where the one that is wanted, or either, does not run."""
    found = {"cron": cron, "systemd": systemd}
    if wanted != "auto" and not found[wanted]:
        names = {"cron": f"no cron daemon that reads {_CRON_D}", "systemd": "no systemd"}
        raise InvalidSchedule(
            f"There is {names[wanted]} on this node that would start the tool. Choose another backend."
        )
    if wanted != "auto":
        return wanted
    for name, there in found.items():
        if there:
            return name
    raise InvalidSchedule(
        f"Neither a cron daemon that reads {_CRON_D} nor systemd runs on this node: nothing would start the tool."
        " Install cron, or run the tool some other way."
    )


def changes(place: Place, tool_path: str, wanted: t.Mapping[str, bytes]) -> tuple[list[Change], list[str]]:
    """What differs, files that go last; and warnings. `wanted` is by path, and empty where all is to go.

    Raises BadSchedule where somebody else's file is in the way, OSError.
    """
    found: list[Change] = []
    warnings: list[str] = []
    for path in sorted({*wanted, *_known(place, tool_path)}, key=lambda path: (path not in wanted, path)):
        before, after = place.read(path), wanted.get(path)
        if before is None and after is None:
            continue
        mode = 0o755 if after is not None and zipapp.is_ours(after) else 0o644
        if before is not None and not _is_ours(place, path, before):
            if after is not None:
                raise InvalidSchedule(
                    f"{path} exists and was not written by this module. Move it away, or choose another path."
                )
            warnings.append(f"{path} was not written by this module, and is left as it is.")
        elif before != after or not _as_wanted(place.at(path), mode):
            found.append(Change(path, before, after, mode))
    return found, warnings


def _known(place: Place, tool_path: str) -> set[str]:
    """All paths that an earlier call may have written, with the tool where the schedule of that call has it."""
    return {tool_path, *unit_files.paths(), *_said(place, _TOOL)}


def _said(place: Place, what: re.Pattern[str]) -> set[str]:
    """What the files of an earlier call say."""
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


def _as_wanted(path: str, mode: int) -> bool:
    """Whether a file belongs to who writes it here: cron takes no notice of those of others."""
    found = os.stat(path)
    return stat.S_IMODE(found.st_mode) == mode and found.st_uid == os.geteuid()


def idle_timers(place: Place, paths: t.Iterable[str]) -> list[str]:
    """The timers among these files that systemd does not run, or would not after a reboot."""
    found = []
    for timer in unit_files.timers(paths):
        try:
            unit = kubelet.unit(place.run, timer)
        except UnitError:
            found.append(timer)
            continue
        if not (unit.running and unit.file_state == "enabled"):
            found.append(timer)
    return found


def apply(place: Place, found: t.Sequence[Change], idle: t.Sequence[str]) -> None:
    """Carry it out. Raises UnitError, OSError."""
    systemd = place.systemd_runs()
    gone = unit_files.timers(change.path for change in found if change.after is None)
    written = unit_files.timers(change.path for change in found if change.after is not None)
    for timer in gone if systemd else ():
        _systemctl(place.run, "disable", "--now", timer)
    for change in found:
        path = place.at(change.path)
        if change.after is None:
            os.unlink(path)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            put(path, change.after, change.mode)
    if systemd and any(change.path.startswith(unit_files.UNITS) for change in found):
        _systemctl(place.run, "daemon-reload")
    for timer in sorted({*written, *idle}):
        _systemctl(place.run, "enable", timer)
        # One that runs keeps its old moments until then.
        _systemctl(place.run, "restart", timer)


def _systemctl(run: RunCommand, *words: str) -> None:
    done = run(["systemctl", *words], _SECONDS)
    if done.code != 0:
        raise UnitError(f"systemctl {' '.join(words)} failed: {done.output.rstrip('.')}.")


def leftovers(place: Place, textfile_dir: str, *, present: bool) -> tuple[list[str], list[str]]:
    """What the tool itself has written and is not to stay, in the order in which it goes; and warnings. Metrics would
    stay as they are for ever where nobody writes them any more. Raises OSError."""
    now = {textfile_dir} if textfile_dir else set(metrics.DIRECTORIES)
    folders = {*metrics.DIRECTORIES, *_said(place, _TEXTFILES), *now} - (now if present else set())
    files = [f"{folder.rstrip('/')}/{metrics.FILE}" for folder in sorted(folders)]
    found = [path for path in files if os.path.lexists(place.at(path))]
    if present or not os.path.lexists(place.at(memory.DIRECTORY)):
        return found, []
    own = [f"{memory.DIRECTORY}/{name}" for name in memory.files(place.at(memory.DIRECTORY))]
    whole = not os.path.islink(place.at(memory.DIRECTORY)) and len(own) == len(os.listdir(place.at(memory.DIRECTORY)))
    if whole:
        return [*found, *own, memory.DIRECTORY], []
    return [*found, *own], [f"{memory.DIRECTORY} holds something that the node tool did not write, and is left there."]


def missing_directory(place: Place, textfile_dir: str) -> str:
    """The folder for metrics that was named and is not there; empty where it is."""
    return textfile_dir if textfile_dir and not os.path.isdir(place.at(textfile_dir)) else ""


def metrics_warning(place: Place) -> str | None:
    """Why no metrics are written where no folder was named."""
    if any(os.path.isdir(place.at(folder)) for folder in metrics.DIRECTORIES):
        return None
    return (
        f"No metrics are written: none of node-exporter's usual folders ({', '.join(metrics.DIRECTORIES)}) is there."
        " Give the one that it reads as textfile_dir (variable harden_textfile_dir of the role); it is made where it is"
        " missing."
    )


def heal_warning(place: Place, manifest: str) -> str | None:
    """Why the healing that is asked for will never come about with the probes of this node."""
    try:
        killer = due.alarm_threat(read_manifest(place.at(manifest)).probes)
    except (ManifestError, OSError):  # there may be none yet
        return None
    if killer is None:
        return None
    return (
        f"With the probes in {manifest} a full etcd is never healed by itself: {killer}. Let kubeadm 1.25 or"
        " newer write that manifest; until then run the playbook controlplane.etcd.recover, which stops the kubelets"
        " meanwhile."
    )


def make_directory(place: Place, path: str) -> None:
    """Readable by everybody: node-exporter is not root. Raises OSError."""
    os.makedirs(place.at(path), exist_ok=True)
    os.chmod(place.at(path), 0o755)


def clear(place: Place, paths: t.Iterable[str]) -> None:
    """Remove them. Raises OSError."""
    for path in map(place.at, paths):
        # The tool may be at work, and what it was about to remove or to write comes and goes.
        with suppress(FileNotFoundError):
            if os.path.isdir(path) and not os.path.islink(path):
                os.rmdir(path)
            else:
                os.unlink(path)


__all__ = (
    "Change",
    "Place",
    "apply",
    "changes",
    "choose",
    "clear",
    "heal_warning",
    "idle_timers",
    "leftovers",
    "make_directory",
    "metrics_warning",
    "missing_directory",
)
