# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings and refusals, on clusters of plain data."""

from __future__ import annotations

import pytest
from unit.builders import MIB, member, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import checks
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.estimates import DiskRoom
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView

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
    assert refusal.code == "unsafe_etcd_version"
    assert refusal.reason.startswith("etcd 3.5.3, 3.5.4 can come back")
    assert "allow_unsafe" in refusal.text
    assert checks.version_refusal(seen, allowed=True) is None
    assert checks.version_refusal(view(member(1, version="3.5.6")), allowed=False) is None


def test_corrupt_refusal() -> None:
    assert checks.corrupt_refusal(view(member(1), alarms=[NOSPACE])) is None
    refusal = checks.corrupt_refusal(view(member(1), member(2), alarms=[NOSPACE, CORRUPT]))
    assert refusal is not None
    assert refusal.code == "corrupt_alarm"
    assert "(by cp2)" in refusal.text


def test_quorum_refusal() -> None:
    assert checks.quorum_refusal(view(member(1))) is None
    down = [member(number, error="Connection refused") for number in (2, 3)]
    refusal = checks.quorum_refusal(view(member(1, leader=0), *down, member(4, learner=True), leader=0))
    assert refusal is not None
    assert "1 of 3 voters answer (cp1), 2 are needed" in refusal.text
    assert refusal.code == "no_leader"
    assert "not answering: cp2 (Connection refused), cp3 (Connection refused)" in refusal.text


def test_quorum_of_four_is_three() -> None:
    up, down = member(1, leader=0), [member(number, leader=0, error="down") for number in (3, 4)]
    refusal = checks.quorum_refusal(view(up, member(2, leader=0), *down, leader=0))
    assert refusal is not None
    assert "2 of 4 voters" in refusal.text
    assert "3 are needed; not answering: cp3 (down), cp4 (down)" in refusal.text


def test_no_leader_although_enough_answer() -> None:
    down = member(3, leader=0, error="down")
    refusal = checks.quorum_refusal(view(member(1, leader=0), member(2, leader=0), down, leader=0))
    assert refusal is not None
    assert "enough voters answer (cp1, cp2): they do not reach one another" in refusal.text
    assert refusal.code == "members_cut_off"
    assert "last resort" not in refusal.text


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
    ("one that is cut off", view(member(1), member(2, size=900 * MIB, leader=0)), False),
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
    ("cut off", view(member(1), member(2), member(3, leader=0)), ["cp3 is cut off: it answers, but"]),
    (
        "cut off under an alarm",
        view(member(1), member(2, leader=0), alarms=[NOSPACE]),
        ["(by cp1)", "peer certificates and their CA, and the clocks); its alarm is disarmed too"],
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


def test_learner_warning() -> None:
    said = checks.learner_warning("cp4")
    assert said.startswith("The learner cp4 holds the full history")
    assert said.endswith("(etcdctl member remove).")


PLENTY = DiskRoom(10_000 * MIB)

REFUSALS: list[tuple[str, ClusterView, int, int | None, bool, str, str]] = [
    ("nothing against it", view(member(1), member(2)), 2, PLENTY, False, "", ""),
    ("disk unknown", view(member(1), member(2)), 2, None, False, "", ""),
    ("corrupt", view(member(1), member(2), alarms=[CORRUPT]), 2, PLENTY, True, "corrupt_alarm", "CORRUPT"),
    ("no quorum", view(member(1), member(2), leader=0), 2, PLENTY, True, "members_cut_off", "no leader"),
    ("3.5.5", view(member(1), member(2, version="3.5.5")), 1, PLENTY, False, "unsafe_etcd_version", "3.5.5"),
    ("3.5.5 allowed", view(member(1), member(2, version="3.5.5")), 1, PLENTY, True, "", ""),
    ("learner", view(member(1), member(2, learner=True)), 2, PLENTY, False, "learner_full", "The learner cp2"),
    (
        "silent",
        view(member(1), member(2, error="down")),
        2,
        PLENTY,
        False,
        "member_silent",
        "cp2 does not answer (down)",
    ),
    ("another is silent", view(member(1), member(2), member(3, error="down")), 2, PLENTY, False, "", ""),
    (
        "another is behind",
        view(member(1), member(2, applied=3999)),
        1,
        PLENTY,
        False,
        "member_lagging",
        "cp2 has not applied",
    ),
    ("behind by exactly 1000", view(member(1), member(2, applied=4000)), 1, PLENTY, False, "", ""),
    (
        "a learner is behind, and nobody waits for it",
        view(member(1), member(2, applied=1, learner=True)),
        1,
        PLENTY,
        False,
        "",
        "",
    ),
    ("another is cut off", view(member(1), member(2), member(3, leader=0, applied=1)), 1, PLENTY, False, "", ""),
    (
        "it is cut off itself",
        view(member(1), member(2), member(3, leader=0)),
        3,
        PLENTY,
        False,
        "member_cut_off",
        "cp3 is cut off: it answers, but does not reach the other members",
    ),
    ("disk exactly large enough", view(member(1)), 1, DiskRoom(180 * MIB), False, "", ""),
    (
        "disk a byte too small",
        view(member(1)),
        1,
        DiskRoom(180 * MIB - 1),
        False,
        "disk_too_small",
        "and etcd needs room for its log: 180.0 MiB are needed on the data disk of cp1",
    ),
    ("the log is elsewhere", view(member(1)), 1, DiskRoom(116 * MIB, with_log=False), False, "", ""),
    (
        "the log is elsewhere, and a byte too small",
        view(member(1)),
        1,
        DiskRoom(116 * MIB - 1, with_log=False),
        False,
        "disk_too_small",
        "writes a copy beside the file: 116.0 MiB are needed on the data disk of cp1",
    ),
]


@pytest.mark.parametrize(("seen", "number", "room", "allowed", "code", "text"), table(REFUSALS))
def test_defrag_refusal(
    seen: ClusterView, number: int, room: DiskRoom | None, allowed: bool, code: str, text: str
) -> None:
    asked = seen.by_id(number)
    assert asked is not None
    refusal = checks.defrag_refusal(seen, asked, room=room, allow_unsafe=allowed)
    assert (refusal.code if refusal else "") == code
    assert text in (refusal.text if refusal else "")


LAGGING: list[tuple[str, ClusterView, int, list[str]]] = [
    ("nobody", view(member(1), member(2), member(3)), 1, []),
    ("itself", view(member(1), member(2), member(3, applied=1)), 3, ["cp3"]),
    ("one that the quorum needs", view(member(1), member(2), member(3, applied=1)), 2, ["cp3"]),
    ("one of five that it does not need", view(*map(member, (1, 2, 3, 4)), member(5, applied=1)), 2, []),
    ("itself of five", view(*map(member, (1, 2, 3, 4)), member(5, applied=1)), 5, ["cp5"]),
    ("two of five", view(*map(member, (1, 2, 3)), member(4, applied=1), member(5, applied=1)), 2, ["cp4", "cp5"]),
    ("a learner", view(member(1), member(2), member(3, applied=1, learner=True)), 2, []),
    ("one that is cut off", view(member(1), member(2), member(3, applied=1, leader=0)), 2, []),
    ("the only one", view(member(1)), 1, []),
]


@pytest.mark.parametrize(("seen", "number", "expected"), table(LAGGING))
def test_lagging(seen: ClusterView, number: int, expected: list[str]) -> None:
    asked = seen.by_id(number)
    assert asked is not None
    assert [each.name for each in checks.lagging(seen, asked)] == expected


def test_who_is_cut_off_is_named_among_those_that_are_missing() -> None:
    said = checks.silent_voters(view(member(1), member(2, error="refused"), member(3, leader=0)))
    assert said.startswith("cp2 (refused), cp3 (cut off: it answers, but does not reach the other members")


TRANSFEREES: list[tuple[str, ClusterView, str | None]] = [
    ("the last name", view(member(1), member(2), member(3)), "cp3"),
    ("furthest takes over", view(member(1), member(2, applied=5001), member(3)), "cp2"),
    ("no learner", view(member(1), member(2, learner=True)), None),
    ("no silent one", view(member(1), member(2, error="down"), member(3)), "cp3"),
    ("no unstarted one", view(member(1), member(2, started=False)), None),
    ("one member", view(member(1)), None),
    ("none", view(), None),
]


def test_transferees_that_are_silent_come_last() -> None:
    seen = view(member(1), member(2, error="timed out"), member(3), member(4, busy=True), member(5, leader=0))
    assert [each.name for each in checks.transferees(seen)] == ["cp3", "cp2"]


@pytest.mark.parametrize(("seen", "expected"), table(TRANSFEREES))
def test_transferee(seen: ClusterView, expected: str | None) -> None:
    found = checks.transferee(seen)
    assert (found.name if found else None) == expected
