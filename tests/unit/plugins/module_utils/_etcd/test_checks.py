# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every decision about a cluster, on clusters of plain data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import MIB, member, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._core import text, units
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import (
    checks,
    defragmentation,
    estimates,
    quota_headroom,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView, MemberView

NOSPACE = Alarm(1, "NOSPACE")
CORRUPT = Alarm(2, "CORRUPT")
GONE = Alarm(0xDEAD, "NOSPACE")

VERSIONS: list[tuple[str, str, tuple[int, int, int] | None, bool]] = [
    ("3.4.23", "3.4.23", (3, 4, 23), False),
    ("3.4.99", "3.4.99", (3, 4, 99), False),
    ("3.5.0, the first unsafe", "3.5.0", (3, 5, 0), True),
    ("3.5.1", "3.5.1", (3, 5, 1), True),
    ("3.5.5, the last unsafe", "3.5.5", (3, 5, 5), True),
    ("3.5.6, fixed", "3.5.6", (3, 5, 6), False),
    ("3.5.10 is not 3.5.1", "3.5.10", (3, 5, 10), False),
    ("3.6.0", "3.6.0", (3, 6, 0), False),
    ("with a v", "v3.5.4", (3, 5, 4), True),
    ("pre-release", "3.5.0-rc.1", (3, 5, 0), True),
    ("garbage", "Not provided", None, False),
    ("two numbers", "3.5", None, False),
    ("empty", "", None, False),
]


@pytest.mark.parametrize(("text", "version", "unsafe"), table(VERSIONS))
def test_version(text: str, version: tuple[int, int, int] | None, unsafe: bool) -> None:
    assert checks.version_of(text) == version
    assert checks.unsafe_version(text) is unsafe


def test_version_refusal_names_each_version_once() -> None:
    seen = view(member(1, version="3.5.4"), member(2, version="3.5.4"), member(3, version="3.5.3"), member(4))
    refusal = checks.version_refusal(seen, allowed=False)
    assert refusal is not None
    assert refusal.startswith("etcd 3.5.3, 3.5.4 can come back")
    assert "allow_unsafe" in refusal
    assert checks.version_refusal(seen, allowed=True) is None
    assert checks.version_refusal(view(member(1, version="3.5.6")), allowed=False) is None


def test_corrupt_refusal() -> None:
    assert checks.corrupt_refusal(view(member(1), alarms=[NOSPACE])) is None
    refusal = checks.corrupt_refusal(view(member(1), member(2), alarms=[NOSPACE, CORRUPT]))
    assert refusal is not None
    assert "(by cp2)" in refusal


def test_quorum_refusal() -> None:
    assert checks.quorum_refusal(view(member(1))) is None
    down = [member(number, error="Connection refused") for number in (2, 3)]
    refusal = checks.quorum_refusal(view(member(1, leader=0), *down, member(4, learner=True), leader=0))
    assert refusal is not None
    assert "1 of 3 voters answer (cp1), 2 are needed" in refusal
    assert "not answering: cp2 (Connection refused), cp3 (Connection refused)" in refusal


def test_quorum_of_four_is_three() -> None:
    up, down = member(1, leader=0), [member(number, leader=0, error="down") for number in (3, 4)]
    refusal = checks.quorum_refusal(view(up, member(2, leader=0), *down, leader=0))
    assert refusal is not None
    assert "2 of 4 voters" in refusal
    assert "3 are needed; not answering: cp3 (down), cp4 (down)" in refusal


def test_no_leader_although_enough_answer() -> None:
    down = member(3, leader=0, error="down")
    refusal = checks.quorum_refusal(view(member(1, leader=0), member(2, leader=0), down, leader=0))
    assert refusal is not None
    assert "enough voters answer (cp1, cp2): they do not reach one another" in refusal
    assert "last resort" not in refusal


QUOTA = 1000 * MIB

NEEDS: list[tuple[str, ClusterView, bool]] = [
    ("healthy", view(member(1), member(2)), False),
    ("alarm", view(member(1), alarms=[NOSPACE]), True),
    ("alarm of a member that is gone", view(member(1), alarms=[GONE]), True),
    ("only corrupt", view(member(1), alarms=[CORRUPT]), False),
    ("exactly 85 %", view(member(1, size=850 * MIB)), True),
    ("a byte below 85 %", view(member(1, size=850 * MIB - 1)), False),
    ("quota off", view(member(1, size=9000 * MIB, quota=-1)), False),
    ("one follower", view(member(1), member(2, size=900 * MIB)), True),
    ("a learner", view(member(1), member(2, size=900 * MIB, learner=True)), True),
    ("silent", view(member(1), member(2, size=900 * MIB, error="down")), False),
    ("nobody", view(), False),
]


@pytest.mark.parametrize(("seen", "expected"), table(NEEDS))
def test_needs_recovery(seen: ClusterView, expected: bool) -> None:
    assert checks.needs_recovery(seen) is expected


FINDINGS: list[tuple[str, ClusterView, list[str]]] = [
    ("healthy", view(member(1), member(2)), []),
    ("alarm of two", view(member(1), member(2), alarms=[Alarm(2, "NOSPACE"), NOSPACE]), ["(by cp1, cp2)"]),
    ("alarm of a member that is gone", view(member(1), alarms=[GONE]), ["dead"]),
    (
        "85 % without an alarm",
        view(member(1, size=850 * MIB)),
        ["cp1 uses 850.0 MiB of its quota of 1000.0 MiB (85 %)"],
    ),
    ("84 %", view(member(1, size=849 * MIB)), []),
    (
        "a full learner",
        view(member(1), member(2, size=990 * MIB, learner=True), alarms=[NOSPACE]),
        ["(by cp1)", "cp2 uses 990.0 MiB", "The learner cp2 holds"],
    ),
    ("quota unknown", view(member(1, source="default")), ["The quota of cp1 is not known"]),
    ("silent", view(member(1), member(2, error="Connection refused")), ["cp2 does not answer (Connection refused)."]),
    (
        "silent under an alarm",
        view(member(1), member(2, error="down"), alarms=[NOSPACE]),
        ["(by cp1)", "cp2 does not answer (down); its alarm is disarmed too"],
    ),
    ("unstarted", view(member(1), member(2, started=False)), ["The member https://192.0.2.2:2380 was added"]),
    ("unstarted is not silent", view(member(1), member(2, started=False), alarms=[NOSPACE]), ["(by cp1)", "was added"]),
]


@pytest.mark.parametrize(("seen", "expected"), table(FINDINGS))
def test_findings(seen: ClusterView, expected: list[str]) -> None:
    said = checks.findings(seen)
    assert len(said) == len(expected)
    for sentence, part in zip(said, expected, strict=True):
        assert part in sentence
        assert sentence.endswith(".")


ROOMS: list[tuple[str, ClusterView, str | None, int]] = [
    ("half full", view(member(1), member(2)), None, 0),
    ("a byte below 85 %", view(member(1, size=850 * MIB - 1)), None, 0),
    ("exactly 85 %", view(member(1, size=850 * MIB)), None, 1),
    ("a byte below 95 %", view(member(1, size=950 * MIB - 1)), None, 1),
    ("exactly 95 %, free pages", view(member(1, size=950 * MIB)), "Defragment every one of them first", 0),
    (
        "exactly 95 %, all live",
        view(member(1, size=950 * MIB, in_use=950 * MIB)),
        "The live data itself does not fit",
        0,
    ),
    (
        "one live, one to be defragmented",
        view(member(1, size=990 * MIB, in_use=990 * MIB), member(2, size=990 * MIB)),
        "Defragment every one of them first",
        0,
    ),
    ("quota off", view(member(1, size=9000 * MIB, quota=-1)), None, 0),
    ("a full learner", view(member(1), member(2, size=990 * MIB, learner=True)), "The learner cp2 holds", 0),
    ("a full member that is silent", view(member(1), member(2, size=990 * MIB, error="down")), None, 0),
    ("one over, one close", view(member(1, size=990 * MIB), member(2, size=900 * MIB)), "cp1 uses 990.0 MiB", 1),
]


@pytest.mark.parametrize(("seen", "refusal", "warnings"), table(ROOMS))
def test_room(seen: ClusterView, refusal: str | None, warnings: int) -> None:
    room = quota_headroom.quota_headroom(seen)
    assert len(room.warnings) == warnings
    if refusal is None:
        assert room.refusal is None
    else:
        assert room.refusal is not None
        assert room.refusal.startswith("The next writes would raise the alarm again: cp")
        assert refusal in room.refusal


PLENTY = 10_000 * MIB

REFUSALS: list[tuple[str, ClusterView, int, int | None, bool, str | None]] = [
    ("nothing against it", view(member(1), member(2)), 2, PLENTY, False, None),
    ("disk unknown", view(member(1), member(2)), 2, None, False, None),
    ("corrupt", view(member(1), member(2), alarms=[CORRUPT]), 2, PLENTY, True, "CORRUPT"),
    ("no quorum", view(member(1), member(2), leader=0), 2, PLENTY, True, "no leader"),
    ("3.5.5", view(member(1), member(2, version="3.5.5")), 1, PLENTY, False, "3.5.5"),
    ("3.5.5 allowed", view(member(1), member(2, version="3.5.5")), 1, PLENTY, True, None),
    ("learner", view(member(1), member(2, learner=True)), 2, PLENTY, False, "The learner cp2"),
    ("silent", view(member(1), member(2, error="down")), 2, PLENTY, False, "cp2 does not answer (down)"),
    ("another is silent", view(member(1), member(2), member(3, error="down")), 2, PLENTY, False, None),
    ("another is behind", view(member(1), member(2, applied=3999)), 1, PLENTY, False, "cp2 has not applied"),
    ("behind by exactly 1000", view(member(1), member(2, applied=4000)), 1, PLENTY, False, None),
    ("a learner is behind", view(member(1), member(2, applied=1, learner=True)), 1, PLENTY, False, "cp2 has not"),
    ("disk exactly large enough", view(member(1)), 1, 180 * MIB, False, None),
    ("disk a byte too small", view(member(1)), 1, 180 * MIB - 1, False, "180.0 MiB are needed on the data disk of cp1"),
]


@pytest.mark.parametrize(("seen", "number", "disk", "allowed", "expected"), table(REFUSALS))
def test_defrag_refusal(seen: ClusterView, number: int, disk: int | None, allowed: bool, expected: str | None) -> None:
    asked = seen.by_id(number)
    assert asked is not None
    refusal = checks.defrag_refusal(seen, asked, free_disk_bytes=disk, allow_unsafe=allowed)
    if expected is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert expected in refusal


ORDERS: list[tuple[str, ClusterView, list[str], str | None]] = [
    ("leader last", view(member(1), member(2), member(3)), ["cp2", "cp3", "cp1"], "cp3"),
    ("furthest takes over", view(member(1), member(2, applied=5001), member(3)), ["cp2", "cp3", "cp1"], "cp2"),
    ("no learner", view(member(1), member(2, learner=True)), ["cp1"], None),
    ("no silent one", view(member(1), member(2, error="down"), member(3)), ["cp3", "cp1"], "cp3"),
    ("no unstarted one", view(member(1), member(2, started=False)), ["cp1"], None),
    ("one member", view(member(1)), ["cp1"], None),
    ("none", view(), [], None),
]


@pytest.mark.parametrize(("seen", "order", "successor"), table(ORDERS))
def test_order(seen: ClusterView, order: list[str], successor: str | None) -> None:
    assert [each.name for each in defragmentation.defrag_order(seen)] == order
    found = checks.transferee(seen)
    assert (found.name if found else None) == successor


@st.composite
def clusters(draw: st.DrawFn) -> ClusterView:
    leader = draw(st.integers(0, 7))
    members = [
        member(
            number,
            leader=leader,
            learner=draw(st.booleans()),
            started=draw(st.booleans()),
            error=draw(st.sampled_from(["", "down"])),
        )
        for number in draw(st.lists(st.integers(1, 7), unique=True))
    ]
    return view(*members, leader=leader)


@given(clusters())
def test_order_is_every_answering_voter_once_and_the_leader_last(seen: ClusterView) -> None:
    order = defragmentation.defrag_order(seen)
    expected = {each.id for each in seen.members if each.status and not each.member.learner}
    assert {each.id for each in order} == expected
    assert len(order) == len(expected)
    assert all(each.id != seen.leader_id for each in order[:-1])


def test_seconds_grow_with_the_sizes() -> None:
    assert estimates.expected_seconds(view()) == 30
    small, large = view(member(1), member(2)), view(member(1), member(2, size=4000 * MIB, in_use=3000 * MIB))
    assert 30 < estimates.expected_seconds(small) < estimates.expected_seconds(large)
    # 4000 MiB copied and compacted once, 3100 MiB written by defragmentations.
    assert estimates.expected_seconds(large) == round(30 + 4000 / 250 + 4000 / 150 + 3100 / 120)
    assert estimates.expected_seconds(view(member(1), member(2, learner=True))) == estimates.expected_seconds(
        view(member(1))
    )


def test_defrag_seconds() -> None:
    assert estimates.defrag_seconds(0) == 0.0
    assert estimates.defrag_seconds(1200 * MIB) == 10.0


SILENT: list[tuple[str, list[MemberView], int]] = [
    ("nobody", [member(2)], 0),
    ("one", [member(2, error="down")], 1),
    ("two", [member(2, error="down"), member(3, error="down")], 2),
    ("a learner as well", [member(2, learner=True, error="down")], 1),
    ("unstarted: nobody waits for it", [member(2, started=False)], 0),
]


@pytest.mark.parametrize(("others", "silent"), table(SILENT))
def test_seconds_for_each_silent_member(others: list[MemberView], silent: int) -> None:
    alone = view(member(1), *(each for each in others if each.answers))
    assert estimates.expected_seconds(view(member(1), *others)) == estimates.expected_seconds(alone) + 30 * silent


def test_learner_warning() -> None:
    said = checks.learner_warning("cp4")
    assert said.startswith("The learner cp4 holds the full history")
    assert said.endswith("(etcdctl member remove).")


RULES: list[tuple[str, defragmentation.Rule, int, int, bool]] = [
    ("always", defragmentation.Rule(), 100, 100, True),
    ("bytes reached", defragmentation.Rule(10, 0.0), 100, 90, True),
    ("bytes missed", defragmentation.Rule(10, 0.0), 100, 91, False),
    ("share reached", defragmentation.Rule(0, 0.5), 100, 50, True),
    ("share missed", defragmentation.Rule(0, 0.5), 100, 51, False),
    ("bytes but not share", defragmentation.Rule(10, 0.5), 100, 60, False),
    ("share but not bytes", defragmentation.Rule(60, 0.5), 100, 50, False),
    ("empty file", defragmentation.Rule(1, 0.0), 0, 0, False),
]


@pytest.mark.parametrize(("rule", "size", "in_use", "expected"), table(RULES))
def test_rule(rule: defragmentation.Rule, size: int, in_use: int, expected: bool) -> None:
    assert rule.worth_it(size, in_use) is expected


sizes = st.integers(0, 8 * 1024**3)


@given(sizes, sizes, sizes, st.floats(0, 1), sizes)
def test_rule_never_turns_down_what_gains_more(
    size: int, in_use: int, min_bytes: int, min_share: float, less: int
) -> None:
    rule = defragmentation.Rule(min_bytes, min_share)
    if rule.worth_it(size, in_use):
        assert size - in_use >= min_bytes
        assert rule.worth_it(size, max(in_use - less, 0))


MINUTES: list[tuple[str, int, int, float, float | None]] = [
    ("grows", 400, 1000, 60.0, 10.0),
    ("full", 1000, 1000, 60.0, 0.0),
    ("over", 2000, 1000, 60.0, 0.0),
    ("stands still", 400, 1000, 0.0, None),
    ("shrinks", 400, 1000, -1.0, None),
    ("quota off", 400, -1, 60.0, None),
]


@pytest.mark.parametrize(("size", "quota", "growth", "expected"), table(MINUTES))
def test_minutes_to_full(size: int, quota: int, growth: float, expected: float | None) -> None:
    assert estimates.minutes_to_full(size, quota, growth) == expected


def test_words() -> None:
    assert units.mib(1536 * 1024) == "1.5 MiB"
    assert units.percent(0.854) == "85 %"
    assert text.join([]) == "none"
    assert text.join(["cp1", "cp2"]) == "cp1, cp2"
