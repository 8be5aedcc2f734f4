# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which members are due, and which are left alone."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import MIB, member, probes_of, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import defragmentation
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.estimates import DiskRoom
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import due

GIB = 1024 * MIB
FRAGMENTED, FULL = defragmentation.Rule(100 * MIB, 0.45), defragmentation.Rule(32 * MIB)

# Size, in use, quota; the rule by which it is due.
DUE: list[tuple[str, int, int, int, defragmentation.Rule | None]] = [
    ("fresh", 100 * MIB, 99 * MIB, 2 * GIB, None),
    ("half of much", 400 * MIB, 200 * MIB, 2 * GIB, FRAGMENTED),
    ("just 45 % and 100 MiB", 2000 * MIB, 1100 * MIB, 8 * GIB, FRAGMENTED),
    ("just below 45 %", 2000 * MIB, 1101 * MIB, 8 * GIB, None),
    ("much fragmented, too little of it", 190 * MIB, 91 * MIB, 2 * GIB, None),
    ("over 80 % with 32 MiB to gain", 900 * MIB, 868 * MIB, 1000 * MIB, FULL),
    ("over 80 % with less", 900 * MIB, 869 * MIB, 1000 * MIB, None),
    ("80 % and no more", 800 * MIB, 700 * MIB, 1000 * MIB, None),
    ("no quota", 900 * MIB, 700 * MIB, -1, None),
    ("empty", 0, 0, 2 * GIB, None),
]


@pytest.mark.parametrize(("size", "in_use", "quota", "expected"), table(DUE))
def test_due(size: int, in_use: int, quota: int, expected: defragmentation.Rule | None) -> None:
    found = due.Limits().rule_for(member(1, size=size, in_use=in_use, quota=quota))
    assert found == expected


DUE_ONE = {"size": 500 * MIB, "in_use": 100 * MIB, "quota": 2 * GIB}
FULL_ONE = {"size": 1800 * MIB, "in_use": 1700 * MIB, "quota": 2 * GIB}
NOT_DUE = {"size": 500 * MIB, "in_use": 490 * MIB, "quota": 2 * GIB}

# Four GiB in use take longer than half of what the probes allow, 80 s; 15 % less does not.
TOO_LONG = {"size": 16 * GIB, "in_use": 5 * GIB, "quota": -1}

# The three members, cp1 of which leads; the others that are due, whether the leader is, and who is left.
DUE_MEMBERS: list[tuple[str, list[dict[str, Any]], list[str], bool, list[str]]] = [
    ("nobody", [NOT_DUE, NOT_DUE, NOT_DUE], [], False, []),
    ("all", [DUE_ONE, DUE_ONE, DUE_ONE], ["cp2", "cp3"], True, []),
    ("the leader alone", [DUE_ONE, NOT_DUE, NOT_DUE], [], True, []),
    ("a learner", [NOT_DUE, DUE_ONE, {**DUE_ONE, "learner": True}], ["cp2"], False, []),
    ("one is silent", [NOT_DUE, {**DUE_ONE, "error": "refused"}, DUE_ONE], [], False, ["cp3"]),
    ("one is silent, others are full", [FULL_ONE, {**DUE_ONE, "error": "refused"}, FULL_ONE], ["cp3"], True, []),
    ("one has never started", [DUE_ONE, {"started": False}, FULL_ONE], ["cp3"], False, ["cp1"]),
    ("one is being defragmented", [NOT_DUE, {**DUE_ONE, "busy": True}, DUE_ONE], ["cp3"], False, []),
    ("a silent learner", [NOT_DUE, {"learner": True, "error": "refused"}, DUE_ONE], ["cp3"], False, []),
    ("one takes too long", [NOT_DUE, TOO_LONG, DUE_ONE], ["cp3"], False, ["cp2"]),
    ("the leader takes too long: it does not hand over", [TOO_LONG, NOT_DUE, NOT_DUE], [], False, ["cp1"]),
]


@pytest.mark.parametrize(("members", "others", "own", "left"), table(DUE_MEMBERS))
def test_turns(members: list[dict[str, Any]], others: list[str], own: bool, left: list[str]) -> None:
    seen = view(*(member(number, **given) for number, given in enumerate(members, start=1)))
    found = due.due_members(seen, 1, due.Limits(), probes_of("1.33"), None)
    assert [each.member.name for each in found.others] == others
    assert (found.own is not None) == own
    assert [sentence.split(" is due but left alone: ")[0] for sentence in found.left] == left


# What is free on the disk of this node, of which a member with 100 MiB in use needs 180 MiB; others, own, left.
DISKS: list[tuple[str, DiskRoom | None, list[str], bool, list[str]]] = [
    ("not known", None, ["cp2", "cp3"], True, []),
    ("just enough", DiskRoom(180 * MIB), ["cp2", "cp3"], True, []),
    ("just enough without the log", DiskRoom(116 * MIB, with_log=False), ["cp2", "cp3"], True, []),
    ("too little without the log", DiskRoom(116 * MIB - 1, with_log=False), [], False, ["cp2", "cp3", "cp1"]),
    ("too little", DiskRoom(180 * MIB - 1), [], False, ["cp2", "cp3", "cp1"]),
    ("full", DiskRoom(0), [], False, ["cp2", "cp3", "cp1"]),
]


@pytest.mark.parametrize(("room", "others", "own", "left"), table(DISKS))
def test_due_members_and_the_disk(room: DiskRoom | None, others: list[str], own: bool, left: list[str]) -> None:
    """The leadership is not handed over by a node on whose disk its member could not be defragmented."""
    found = due.due_members(view(*(member(number, **DUE_ONE) for number in (1, 2, 3))), 1, due.Limits(), (), room)
    assert [each.member.name for each in found.others] == others
    assert (found.own is not None) == own
    assert [sentence.split(" is due but left alone: ")[0] for sentence in found.left] == left
    # Whose disk was inspected is said of those that it is not of.
    assert ["the others are judged" in sentence for sentence in found.left] == [name != "cp1" for name in left]


def test_half_of_what_the_probes_allow() -> None:
    limit = int(40 * 120 * MIB)  # a liveness probe that fails eight times, every ten seconds
    assert due.run_threat(member(1, in_use=limit), probes_of("1.33")) is None
    assert "during the defragmentation" in str(due.run_threat(member(1, in_use=limit + 2 * MIB), probes_of("1.33")))
    # The alarm of which old probes fail is not armed then.
    assert due.run_threat(member(1, in_use=limit), probes_of("1.29")) is None


# What was measured; the seconds for 1200 MiB of cp1.
SECONDS: list[tuple[str, dict[str, float], float]] = [
    ("nothing", {}, 10.0),
    ("its own speed", {"cp1": 240.0 * MIB, "cp2": 60.0 * MIB}, 5.0),
    ("the slowest of the others", {"cp2": 60.0 * MIB, "cp3": 240.0 * MIB}, 20.0),
]


@pytest.mark.parametrize(("speeds", "expected"), table(SECONDS))
def test_seconds_of(speeds: dict[str, float], expected: float) -> None:
    assert due.seconds_of(member(1, in_use=1200 * MIB), speeds) == expected


def test_a_disk_that_was_measured_decides() -> None:
    """Half of what the probes allow are 40 s."""
    seen, probes = view(*(member(number, **DUE_ONE) for number in (1, 2, 3))), probes_of("1.33")
    found = due.due_members(
        seen, 1, due.Limits(), probes, None, {"cp1": 2.0 * MIB, "cp2": 50.0 * MIB, "cp3": 5.0 * MIB}
    )
    assert [(each.member.name, each.seconds) for each in found.others] == [("cp2", 2.0), ("cp3", 20.0)]
    assert found.own is None
    assert "during the defragmentation (about 50 s)" in found.left[0]
    slow = due.danger(member(1, in_use=100 * MIB), probes, None, {"cp2": 2.0 * MIB}, own=True)
    assert slow is not None
    assert slow.code == "probe_would_kill"


LEADERSHIP: list[tuple[str, int, int, str | None]] = [
    ("still", 1, 2, None),
    ("another one leads", 2, 2, "cp2 leads now."),
    ("nobody leads", 0, 2, "There is no leader now."),
    ("it led again", 1, 1, "The leadership moved away and came back in between."),
]


@pytest.mark.parametrize(("leader", "term", "expected"), table(LEADERSHIP))
def test_leadership_moved(leader: int, term: int, expected: str | None) -> None:
    """The members that are made know term 2."""
    moved = due.leadership_moved(view(member(1), member(2), leader=leader), 1, term)
    assert (str(moved) if moved else None) == expected


def test_run_refusal() -> None:
    assert due.run_refusal(view(member(1))) is None
    assert "NOSPACE" in str(due.run_refusal(view(member(1), alarms=[Alarm(1, "NOSPACE")])))
    assert "CORRUPT" in str(due.run_refusal(view(member(1), alarms=[Alarm(1, "CORRUPT")])))
    assert "no leader" in str(due.run_refusal(view(member(1), leader=0)))
