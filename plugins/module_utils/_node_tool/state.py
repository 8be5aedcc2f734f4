# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""What the node tool remembers from one wake to the next, in one small file."""

from __future__ import annotations

import fcntl
import json
import os
import re
import typing as t
from dataclasses import asdict, dataclass, fields, replace

from .._core.files import put

DIRECTORY = "/var/lib/etcd-maintenance"


DAY = 86400.0


_OWN = re.compile(r"lock|state\.json|\.state\.json\.\d+\.part")


# An alarm that stays is noted again after so long: whoever leads may have tried to heal it meanwhile.
STAYS_SECONDS = 900.0


@dataclass(frozen=True)
class State:
    """All times in seconds since 1970. `heals` are this node's own attempts; `alarms` are the moments in which it noted
    the NOSPACE alarm, whoever healed it then: when it came, and where healing is allowed also while it stays;
    `led_since` is when it first saw itself lead in `term`."""

    last_run: float | None = None
    last_run_success: bool = True
    last_defrag: float | None = None
    last_defrag_seconds: float = 0.0
    heals: tuple[float, ...] = ()
    heal_failed: bool = False
    alarms: tuple[float, ...] = ()
    armed: bool = False
    term: int = 0
    led_since: float | None = None
    no_textfile: str = ""


def parse(text: str) -> State:
    """What is remembered; what cannot be understood is forgotten."""
    try:
        body = json.loads(text)
        known = {field.name: body[field.name] for field in fields(State) if field.name in body}
        for name in ("heals", "alarms"):
            known[name] = tuple(float(moment) for moment in known.get(name, ()))
        return State(**known)
    except (TypeError, ValueError):
        return State()


def record_observation(memory: State, *, now: float, armed: bool, leads: bool, term: int, heal: bool) -> State:
    """The memory after a look at the member of this node; `heal` says whether the alarm may be healed."""
    since = now
    if memory.led_since is not None and memory.term == term:
        since = min(memory.led_since, now)  # later than now: the clock was set back
    stays = memory.armed and not (heal and now - max(memory.alarms, default=0.0) >= STAYS_SECONDS)
    came = (now,) if armed and not stays else ()
    return replace(
        memory,
        armed=armed,
        alarms=recent((*memory.alarms, *came), now),
        heals=recent(memory.heals, now),
        heal_failed=memory.heal_failed and armed,
        term=term,
        led_since=since if leads else None,
    )


def recent(moments: t.Iterable[float], now: float) -> tuple[float, ...]:
    """Those of the last 24 hours. What lies in the future was seen before the clock was set back, and still counts."""
    return tuple(min(moment, now) for moment in moments if moment > now - DAY)


def load(folder: str) -> State:
    """What is remembered, nothing where there is no file."""
    try:
        with open(_path(folder), encoding="utf-8", errors="replace") as file:
            return parse(file.read())
    except OSError:
        return State()


def update(folder: str, change: t.Callable[[State], State]) -> State:
    """Change what is remembered, one process at a time; what it is then. Raises OSError."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = load(folder)
        memory = change(before)
        if memory != before:
            put(_path(folder), json.dumps(asdict(memory)).encode(), 0o600)
    return memory


def files(folder: str) -> list[str]:
    """What `update` has written there, by its name; also what a killed one left. Raises OSError."""
    return sorted(filter(_OWN.fullmatch, os.listdir(folder)))


def _path(folder: str) -> str:
    return os.path.join(folder, "state.json")


__all__ = (
    "DAY",
    "DIRECTORY",
    "STAYS_SECONDS",
    "State",
    "files",
    "load",
    "parse",
    "recent",
    "record_observation",
    "update",
)
