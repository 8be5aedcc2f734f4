# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Puts the node tool and its schedule in place, and takes them away: what differs is found first, then changed."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import sys
import typing as t
from dataclasses import dataclass

from .._etcd import kubelet, process
from .._etcd.files import put
from .._etcd.kubelet import UnitError
from .._etcd.process import Run
from .._maintenance import memory, metrics
from . import archive, texts
from .texts import BadSchedule

_SYSTEMD = "/run/systemd/system"
_CRON_D = "/etc/cron.d"
_PYTHON = "/usr/bin/python3"
_SECONDS = 60.0
_TOOL = re.compile(r"(/\S+) run\b")


@dataclass(frozen=True)
class Place:
    """Where files go: below `root`, which is empty but in tests. `run` runs programs."""

    root: str
    run: Run

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
        return os.path.isdir(self.at(_CRON_D)) and any(map(process.running, ("cron", "crond")))

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
    if archive.is_ours(data):
        return f"the node tool, {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}\n"
    return data.decode("utf-8", "replace")


def choose(wanted: str, *, cron: bool, systemd: bool) -> str:
    """The backend. Raises BadSchedule where the one that is wanted, or either, does not run."""
    found = {"cron": cron, "systemd": systemd}
    if wanted != "auto" and not found[wanted]:
        names = {"cron": f"no cron daemon that reads {_CRON_D}", "systemd": "no systemd"}
        raise BadSchedule(f"There is {names[wanted]} on this node that would start the tool. Choose another backend.")
    if wanted != "auto":
        return wanted
    for name, there in found.items():
        if there:
            return name
    raise BadSchedule(
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
        mode = 0o755 if after is not None and archive.is_ours(after) else 0o644
        if before is not None and not _is_ours(place, path, before):
            if after is not None:
                raise BadSchedule(
                    f"{path} exists and was not written by this module. Move it away, or choose another path."
                )
            warnings.append(f"{path} was not written by this module, and is left as it is.")
        elif before != after or not _as_wanted(place.at(path), mode):
            found.append(Change(path, before, after, mode))
    return found, warnings


def _known(place: Place, tool_path: str) -> set[str]:
    """All paths that an earlier call may have written, with the tool where the schedule of that call has it."""
    found = {tool_path, *texts.paths()}
    for path in texts.paths():
        data = place.read(path)
        if data and data.startswith(texts.MARKER.encode()):
            found.update(match.group(1) for match in _TOOL.finditer(data.decode("utf-8", "replace")))
    return found


def _is_ours(place: Place, path: str, data: bytes) -> bool:
    if os.path.islink(place.at(path)):
        return False
    return data.startswith(texts.MARKER.encode()) or archive.is_ours(data)


def _as_wanted(path: str, mode: int) -> bool:
    """Whether a file belongs to who writes it here: cron takes no notice of those of others."""
    found = os.stat(path)
    return stat.S_IMODE(found.st_mode) == mode and found.st_uid == os.geteuid()


def idle_timers(place: Place, paths: t.Iterable[str]) -> list[str]:
    """The timers among these files that systemd does not run, or would not after a reboot."""
    found = []
    for timer in texts.timers(paths):
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
    gone = texts.timers(change.path for change in found if change.after is None)
    written = texts.timers(change.path for change in found if change.after is not None)
    for timer in gone if systemd else ():
        _systemctl(place.run, "disable", "--now", timer)
    for change in found:
        path = place.at(change.path)
        if change.after is None:
            os.unlink(path)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            put(path, change.after, change.mode)
    if systemd and any(change.path.startswith(texts.UNITS) for change in found):
        _systemctl(place.run, "daemon-reload")
    for timer in sorted({*written, *idle}):
        _systemctl(place.run, "enable", timer)
        # One that runs keeps its old moments until then.
        _systemctl(place.run, "restart", timer)


def _systemctl(run: Run, *words: str) -> None:
    done = run(["systemctl", *words], _SECONDS)
    if done.code != 0:
        raise UnitError(f"systemctl {' '.join(words)} failed: {done.output.rstrip('.')}.")


def leftovers(place: Place, textfile_dir: str) -> list[str]:
    """What the tool itself has written: its memory, and metrics that would stay as they are for ever."""
    folders = [textfile_dir] if textfile_dir else list(metrics.FOLDERS)
    files = [f"{folder}/{metrics.FILE}" for folder in folders]
    return [path for path in (memory.FOLDER, *files) if os.path.lexists(place.at(path))]


def clear(place: Place, paths: t.Iterable[str]) -> None:
    """Remove them. Raises OSError."""
    for path in map(place.at, paths):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)


__all__ = ("Change", "Place", "apply", "changes", "choose", "clear", "idle_timers", "leftovers")
