# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the node tool remembers of its observations, and the file that it is in."""

from __future__ import annotations

import fcntl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import files
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import state
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.state import DAY, State
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.tool_files import recent_speeds

NOW = 1795478400.0
KNOWN_LONG = State(armed=True, alarms=(NOW - 900,), term=2)

OBSERVATIONS: list[tuple[str, State, dict[str, Any], State]] = [
    ("at first", State(), {}, State(term=2)),
    ("it leads", State(), {"leads": True}, State(term=2, led_since=NOW)),
    ("it goes on leading", State(term=2, led_since=5.0), {"leads": True}, State(term=2, led_since=5.0)),
    ("the clock was set back", State(term=2, led_since=NOW + 7200), {"leads": True}, State(term=2, led_since=NOW)),
    ("in a new term", State(term=1, led_since=5.0), {"leads": True}, State(term=2, led_since=NOW)),
    ("no more", State(term=2, led_since=5.0), {}, State(term=2)),
    ("the alarm comes", State(), {"armed": True}, State(armed=True, alarms=(NOW,), term=2)),
    ("it stays", State(armed=True, alarms=(NOW - 5,)), {"armed": True}, State(armed=True, alarms=(NOW - 5,), term=2)),
    ("it goes", State(armed=True, alarms=(NOW - 5,), heal_failed=True), {}, State(alarms=(NOW - 5,), term=2)),
    ("it stays, and may not be healed", KNOWN_LONG, {"armed": True, "heal": False}, KNOWN_LONG),
    ("it stays for long", KNOWN_LONG, {"armed": True}, replace(KNOWN_LONG, alarms=(NOW - 900, NOW))),
    ("it stays since yesterday", State(armed=True), {"armed": True}, State(armed=True, alarms=(NOW,), term=2)),
    ("days pass", State(alarms=(NOW - DAY,), heals=(NOW - DAY, NOW - 1)), {}, State(heals=(NOW - 1,), term=2)),
    ("a clock set back", State(heals=(NOW + 9999,)), {}, State(heals=(NOW,), term=2)),
]


@pytest.mark.parametrize(("before", "observed", "expected"), table(OBSERVATIONS))
def test_record_observation(before: State, observed: dict[str, Any], expected: State) -> None:
    usual = {"now": NOW, "armed": False, "leads": False, "term": 2, "heal": True}
    assert state.record_observation(before, **{**usual, **observed}) == expected


def test_memory_of_the_disk(tmp_path: Path) -> None:
    directory = str(tmp_path / "state")
    assert state.load(directory) == State()
    state.update(directory, lambda known: replace(known, heals=(1.0, 2.0), last_run=3.0))
    assert state.load(directory) == State(heals=(1.0, 2.0), last_run=3.0)
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"lock", "state.json"}
    unknown = ('{"unknown": 1}', '{"defrag_speeds": 7}', '{"defrag_speeds": {"cp1": 7}}')
    for text in ("", "[]", "7", "{", '{"heals": 7}', '{"heals": ["x"]}', *unknown):
        assert state.parse(text) == State()


def test_speeds_count_for_a_month(tmp_path: Path) -> None:
    directory = str(tmp_path / "state")
    speeds = {"cp1": (7.5, NOW - 29 * DAY), "cp2": (8.5, NOW - 31 * DAY), "cp3": (9.5, NOW + DAY)}
    state.update(directory, lambda known: replace(known, defrag_speeds=speeds))
    assert state.load(directory) == State(defrag_speeds=speeds)
    assert recent_speeds(state.load(directory).defrag_speeds, NOW) == {"cp1": 7.5, "cp3": 9.5}


def test_one_that_hangs_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files.lock, "__defaults__", (0.0,))
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="Another process has held the lock of this file for 0 s"):
            state.update(str(tmp_path), lambda known: known)
