# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The files of the node tool on a node: where they are, and what they tell at a glance.

Every inspection of a node looks for them, so nothing is imported here that a glance does not need."""

from __future__ import annotations

import json
import os
import typing as t

from .._core.files import text
from .._core.records import Json

DIRECTORY = "/var/lib/etcd-maintenance"
# For what cannot be written there, and for the lock of the per-minute check: it is in memory, and no disk can hang it.
RUNTIME_DIRECTORY = "/run/etcd-maintenance"
STATE = "state.json"
CRON_FILE = "/etc/cron.d/etcd-maintenance"
UNITS = "/etc/systemd/system"
TIMER = "etcd-maintenance.timer"

_SPEED_SECONDS = 30 * 86400.0


class LastRun(t.NamedTuple):
    """When the last scheduled run ended, in seconds since 1970, and whether it succeeded."""

    ended: float
    success: bool


def is_scheduled(root: str = "") -> bool:
    """Whether the files of a schedule are there; whether it runs is not asked. `root` is empty but in tests."""
    return any(os.path.lexists(root + path) for path in (CRON_FILE, f"{UNITS}/{TIMER}"))


def last_run(root: str = "") -> LastRun | None:
    """The last scheduled run, None if there was none, or nobody can tell."""
    body = _remembered(root)
    try:
        return LastRun(float(body["last_run"]), bool(body.get("last_run_success", True)))
    except (KeyError, TypeError, ValueError):
        return None


def measured_speeds(root: str = "") -> dict[str, tuple[float, float]]:
    """The speeds of defragmentations that are remembered, as `recent_speeds` takes them; empty if nobody can tell."""
    found = _remembered(root).get("defrag_speeds") or {}
    try:
        return {str(name): (float(speed), float(moment)) for name, (speed, moment) in found.items()}
    except (AttributeError, TypeError, ValueError):
        return {}


def recent_speeds(measured: t.Mapping[str, tuple[float, float]], now: float) -> dict[str, float]:
    """The bytes per second, by member, that still count, of those with the time at which they were measured. A member
    that was slow once is not left alone because of that for ever, since only another defragmentation could tell that it
    no longer is."""
    return {name: speed for name, (speed, moment) in measured.items() if abs(now - moment) < _SPEED_SECONDS}


def speed_of(speeds: t.Mapping[str, float], member: str) -> float | None:
    """The speed of a member: the one that was measured on it, else that of the slowest other one, since the disks of
    one cluster are mostly alike; None if none is known."""
    return speeds.get(member, min(speeds.values(), default=None))


def _remembered(root: str) -> Json:
    """What is in the tool's state, empty if that cannot be read. What the directory could not take is in the other one,
    and is newer."""
    for directory in (RUNTIME_DIRECTORY, DIRECTORY):
        path = os.path.join(root + directory, STATE)
        if os.path.lexists(path):
            try:
                body = json.loads(text(path, errors="replace"))
            except (OSError, ValueError):
                return {}
            return body if isinstance(body, dict) else {}
    return {}


__all__ = (
    "CRON_FILE",
    "DIRECTORY",
    "RUNTIME_DIRECTORY",
    "STATE",
    "TIMER",
    "UNITS",
    "LastRun",
    "is_scheduled",
    "last_run",
    "measured_speeds",
    "recent_speeds",
    "speed_of",
)
