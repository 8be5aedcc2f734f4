# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The state of the node tool: what it remembers from one start to the next, in one small file."""

from __future__ import annotations

import json
import os
import re
import typing as t
from dataclasses import asdict, dataclass, field, fields, replace

from .._core import files as disk
from . import resource_use
from .resource_use import UsageLook
from .tool_files import DIRECTORY, RUNTIME_DIRECTORY, STATE

DAY = 86400.0
WATCH_LOCK = "watch.lock"
_OWN_FILES = re.compile(r"lock|watch\.lock|state\.json|\.state\.json\.\d+\.part")
# An alarm that stays is noted again after so long: whoever leads may have tried to heal it meanwhile.
NOTE_AGAIN_SECONDS = 900.0


@dataclass(frozen=True)
class State:
    """The state; all times are in seconds since 1970. `heals` are this node's own attempts; `alarms` are the moments in
    which it noted the NOSPACE alarm, whoever healed it then: when it came, and if healing is allowed also while it
    stays; `led_since` is when it first saw itself lead in `term`; `defrag_speeds` are the bytes per second of the last
    defragmentation of a member, and when that was, by its name; `data_dir` is where the data of its member last were,
    `no_member` whether it was said that this node has none; `due_runs` counts the last runs of this node in which
    another one led and had something to do; `usage` is the last look at what fills the database."""

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
    defrag_speeds: t.Mapping[str, tuple[float, float]] = field(default_factory=dict)
    data_dir: str = ""
    no_member: bool = False
    due_runs: int = 0
    usage: UsageLook | None = None


def parse(text: str) -> State:
    """The state in the file's text; what cannot be understood is forgotten."""
    try:
        body = json.loads(text)
        known = {each.name: body[each.name] for each in fields(State) if each.name in body}
        for name in ("heals", "alarms"):
            known[name] = tuple(float(moment) for moment in known.get(name, ()))
        speeds = known.get("defrag_speeds", {}).items()
        known["defrag_speeds"] = {name: (float(speed), float(moment)) for name, (speed, moment) in speeds}
        known["usage"] = resource_use.parse(known.get("usage"))
        return State(**known)
    except (AttributeError, KeyError, TypeError, ValueError):
        return State()


def record_observation(state: State, *, now: float, armed: bool, leads: bool, term: int, heal: bool) -> State:
    """The state after an observation of the member of this node; `heal` says whether the alarm may be healed."""
    since = now
    if state.led_since is not None and state.term == term:
        since = min(state.led_since, now)  # later than now: the clock was set back
    stays = state.armed and not (heal and now - max(state.alarms, default=0.0) >= NOTE_AGAIN_SECONDS)
    came = (now,) if armed and not stays else ()
    return replace(
        state,
        armed=armed,
        alarms=recent((*state.alarms, *came), now),
        heals=recent(state.heals, now),
        heal_failed=state.heal_failed and armed,
        term=term,
        led_since=since if leads else None,
    )


def recent(moments: t.Iterable[float], now: float) -> tuple[float, ...]:
    """The times of the last 24 hours. One in the future was recorded before the clock was set back, and still
    counts."""
    return tuple(min(moment, now) for moment in moments if moment > now - DAY)


def load(directory: str, spare: str = "") -> State:
    """The state in the file, an empty one if there is none. In `spare` is what the directory could not take."""
    try:
        return parse(disk.text(_path(spare if spare and is_in(spare) else directory), errors="replace"))
    except OSError:
        return State()


def update(directory: str, change: t.Callable[[State], State], spare: str = "") -> State:
    """Change the state, one process at a time, and return the new one. What is in `spare` is moved into the directory.
    Raises OSError."""
    os.makedirs(directory, mode=0o700, exist_ok=True)
    with os.fdopen(disk.descriptor_of(os.path.join(directory, "lock"), os.O_WRONLY | os.O_CREAT), "wb") as file:
        disk.lock(file)
        after = change(load(directory, spare))
        if after != load(directory):
            disk.put(_path(directory), json.dumps(asdict(after)).encode(), 0o600)
        if spare not in ("", directory) and is_in(spare):
            os.unlink(_path(spare))
    return after


def is_in(directory: str) -> bool:
    """Whether the state is kept there."""
    return os.path.lexists(_path(directory))


def files(directory: str) -> list[str]:
    """The names of the files that `update` has written there, also of those that a killed one left. Raises OSError."""
    return sorted(filter(_OWN_FILES.fullmatch, os.listdir(directory)))


def _path(directory: str) -> str:
    return os.path.join(directory, STATE)


__all__ = (
    "DAY",
    "DIRECTORY",
    "NOTE_AGAIN_SECONDS",
    "RUNTIME_DIRECTORY",
    "WATCH_LOCK",
    "State",
    "files",
    "is_in",
    "load",
    "parse",
    "recent",
    "record_observation",
    "update",
)
