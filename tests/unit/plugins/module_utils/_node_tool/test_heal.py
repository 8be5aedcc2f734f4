# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a NOSPACE alarm is healed, when not yet, and when not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.builders import MIB, member, probes_of, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import (
    due,
    heal,
    state,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.state import State

GIB = 1024 * MIB
NOW = 1795478400.0

# The probes of a kubeadm, what is in use before and after the compaction; whether it is begun, and the member done.
HEALABLE: list[tuple[str, str, int, int, bool, bool]] = [
    ("1.20: liveness kills", "1.20", GIB, 0, False, True),
    ("1.22: liveness kills", "1.22", GIB, 0, False, True),
    ("1.30: a startup probe that was passed", "1.30", GIB, 100 * MIB, True, True),
    ("1.33", "1.33", GIB, 100 * MIB, True, True),
    ("1.33, 2 GiB of history", "1.33", 2 * GIB, 100 * MIB, True, True),
    ("1.37, 5 GiB of history", "1.37", 5 * GIB, 100 * MIB, True, True),
    ("1.37, 5 GiB of live data", "1.37", 5 * GIB, 5 * GIB, True, False),
    ("1.37, 4 GiB of live data", "1.37", 4 * GIB, 4 * GIB, True, True),
]


@pytest.mark.parametrize(("version", "before", "after", "begun", "done"), table(HEALABLE))
def test_healing_and_probes(version: str, before: int, after: int, begun: bool, done: bool) -> None:
    seen = view(member(1, in_use=before, size=before), alarms=[Alarm(1, "NOSPACE")])
    refusal = heal.heal_refusal(seen, probes_of(version), allow_unsafe=False)
    assert (refusal is None) == begun
    assert begun or "its liveness probe (/health) fails under the alarm" in str(refusal)
    assert (due.run_threat(member(1, in_use=after, size=before), probes_of(version)) is None) == done


def test_who_was_passed_over_is_named_only_where_there_is_no_room() -> None:
    said = ["cp2 was not defragmented: its liveness probe fails."]
    assert heal.headroom_refusal(view(member(1), member(2)), said) is None
    assert heal.headroom_refusal(view(member(1)), []) is None
    over = view(member(1), member(2, size=1000 * MIB))
    assert "free pages count as well." in str(heal.headroom_refusal(over, said))
    assert str(heal.headroom_refusal(over, said)).endswith(f" then run this again. {said[0]}")


HEALS: list[tuple[str, State, str | None, str | None]] = [
    ("ready", State(led_since=NOW - 60), None, None),
    ("led too short", State(led_since=NOW - 44), "has not led", None),
    ("does not lead", State(), "has not led", None),
    ("just tried", State(led_since=NOW - 60, heals=(NOW - 60,)), "1 min ago", None),
    ("tried long ago", State(led_since=NOW - 60, heals=(NOW - 2000, NOW - 1000)), None, None),
    ("three times", State(led_since=NOW - 60, heals=(NOW - 9, NOW - 8, NOW - 7)), "0 min ago", "3 times"),
    ("others did it three times", State(led_since=NOW - 60, alarms=(1.0, 2.0, 3.0)), None, None),
    ("and a fourth", State(led_since=NOW - 60, alarms=(1.0, 2.0, 3.0, 4.0)), None, "saw the alarm 4 times"),
    ("led when the alarm came", State(led_since=NOW - 60, alarms=(NOW - 60,)), None, None),
    ("another one led then", State(led_since=NOW - 60, alarms=(NOW - 90,)), "may have tried", None),
    ("and it stays", State(led_since=NOW - 60, alarms=(NOW - 990, NOW)), None, None),
]


@pytest.mark.parametrize(("known", "wait", "often"), table(HEALS))
def test_when_to_heal(known: State, wait: str | None, often: str | None) -> None:
    for said, expected in ((heal.wait_reason(known, NOW), wait), (heal.attempts_exhausted(known), often)):
        assert (said is None) == (expected is None)
        assert expected is None or expected in str(said)


@pytest.mark.parametrize("stays", [True, False], ids=["an alarm that stays", "one that comes back after each healing"])
@pytest.mark.parametrize("moves", [0, 3, 7, 14, 16, 40, 120, 500], ids="the leadership moves every {} min".format)
def test_attempts_of_all_nodes_in_a_day(moves: int, stays: bool) -> None:
    """Every node looks each minute, and who leads heals when it may."""
    nodes, attempts, healed = [State()] * 3, 0, -60
    for minute in range(23 * 60):
        now, leader = NOW + 60 * minute, minute // moves % 3 if moves else 0
        term = minute // moves if moves else 1
        armed = stays or minute - healed > 20
        for number in range(3):
            leads = number == leader
            nodes[number] = state.record_observation(
                nodes[number], now=now + number, armed=armed, leads=leads, term=term, heal=True
            )
        if armed and not (heal.wait_reason(nodes[leader], now + leader) or heal.attempts_exhausted(nodes[leader])):
            attempts += 1
            nodes[leader] = replace(nodes[leader], heals=(*nodes[leader].heals, now), armed=stays)
            healed = minute
    assert 1 <= attempts <= heal.MAX_ATTEMPTS_PER_DAY
