# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The write check: writes through every voter, alarms after them, the data compared, and the growth meanwhile."""

from __future__ import annotations

import pytest
from unit.builders import MIB, Json, Reply, member, table, view
from unit.fake_cluster import FakeCluster, Views

from ansible_collections.controlplane.etcd.plugins.module_utils._core.records import Fields, plain
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors, write_check
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.hashes import Comparison
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView, MemberView
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.write_check import Baseline, WriteCheck

pytestmark = pytest.mark.usefixtures("_no_waiting")

GRANT, REVOKE = "/v3/lease/grant", "/v3/lease/revoke"
STATUS, HASH = "/v3/maintenance/status", "/v3/maintenance/hashkv"
NOSPACE = Alarm(1, "NOSPACE")
SLOW = errors.TimedOut("no answer within 600 s")

WRITES: dict[str, Reply] = {GRANT: {"ID": "5"}, REVOKE: {}}

FULL_ERROR = errors.NoSpace("etcdserver: mvcc: database space exceeded")

FOLLOWS: Json = {"leader": "1"}
LEADS: dict[str, Reply] = {**WRITES}  # it is never asked for its hash
AGREE: dict[str, Reply] = {**WRITES, STATUS: FOLLOWS, HASH: {"hash": 1, "compact_revision": "5"}}
DIFFERS: dict[str, Reply] = {**AGREE, HASH: {"hash": 2, "compact_revision": "5"}}

PAIR = view(member(1), member(2))
HEALTHY = view(member(1), member(2), member(3))

CHECKS: list[tuple[str, list[ClusterView], list[dict[str, Reply]], bool | None, str]] = [
    ("writable", [HEALTHY], [LEADS, AGREE, AGREE], True, ""),
    ("data not compared", [HEALTHY], [LEADS, AGREE, {**AGREE, HASH: SLOW}], None, ""),
    ("different data", [HEALTHY], [LEADS, AGREE, DIFFERS], False, "hold different data"),
    ("refused by one", [HEALTHY], [LEADS, {GRANT: FULL_ERROR}, AGREE], None, "a write through cp2 was refused"),
    ("no leader", [view(member(1), leader=0)], [AGREE], None, "there is no leader"),
    (
        "alarm after the write",
        [PAIR, PAIR, PAIR, view(member(1), member(2), alarms=[NOSPACE])],
        [LEADS, AGREE],
        None,
        "armed: NOSPACE of cp1",
    ),
    (
        "alarm in the second round",
        [PAIR] * 7 + [view(member(1), member(2), alarms=[NOSPACE])],
        [LEADS, AGREE],
        None,
        "armed: NOSPACE of cp1",
    ),
    (
        "one does not apply",
        [view(member(1), member(2, applied=4000))],
        [AGREE, AGREE],
        None,
        "not every member had applied the writes 30 s later",
    ),
    ("a learner is not written through", [view(member(1), member(2, learner=True))], [AGREE, {}], None, ""),
]


@pytest.mark.parametrize(("views", "members", "agree", "problem"), table(CHECKS))
def test_check_writes(
    views: list[ClusterView], members: list[dict[str, Reply]], agree: bool | None, problem: str
) -> None:
    net = FakeCluster(*members)
    check = write_check.check_writes(Views(*views), net.connect, settle_seconds=10)
    assert check.compared.agree is agree
    if problem:
        assert problem in "; ".join(check.problems)
    else:
        assert check.problems == ()
        voters = len(views[0].answering_voters)
        assert len(check.writes) == voters
        assert len(net.calls(REVOKE)) == 2 * voters  # both rounds


def refusing(*refusals: Exception) -> Reply:
    """A member that refuses so often, and then accepts."""
    left = list(refusals)

    def reply(_body: Json) -> Json:
        if left:
            raise left.pop(0)
        return {"ID": "5"}

    return reply


PASSING = [errors.NoLeader("etcdserver: no leader"), errors.EtcdError("etcdserver: leader changed"), SLOW]

REFUSALS: list[tuple[str, Reply, str]] = [
    ("for a while", refusing(*PASSING), ""),
    ("for ever", PASSING[1], "a write through cp1 was refused: etcdserver: leader changed"),
    ("full", refusing(FULL_ERROR), "a write through cp1 was refused: etcdserver: mvcc: database space exceeded"),
    ("its certificate", refusing(errors.TlsRejected("expired")), "a write through cp1 was refused: expired"),
]


@pytest.mark.parametrize(("grant", "problem"), table(REFUSALS))
def test_a_write_is_repeated_while_its_refusal_may_pass(grant: Reply, problem: str) -> None:
    net = FakeCluster({**WRITES, GRANT: grant})
    check = write_check.check_writes(Views(view(member(1))), net.connect, settle_seconds=0)
    assert "; ".join(check.problems) == problem


def test_nobody_waits_for_learners_and_for_who_is_cut_off() -> None:
    seen = view(member(1), member(2, leader=0, applied=1), member(3, applied=1, learner=True))
    net = FakeCluster(WRITES, {}, {})
    check = write_check.check_writes(Views(seen), net.connect, settle_seconds=0)
    assert check.problems == ()
    assert [write.member for write in check.writes] == ["cp1"]


SETTLES: list[tuple[str, float, int, int, float, bool | None]] = [
    ("two rounds, and the data compared", 10.0, 2, 1, 10.0, True),
    ("one round and nothing else", 0.0, 1, 0, 0.0, None),
]


@pytest.mark.parametrize(("settle", "rounds", "hashes", "seconds", "agree"), table(SETTLES))
def test_rounds(settle: float, rounds: int, hashes: int, seconds: float, agree: bool | None) -> None:
    net = FakeCluster(LEADS, AGREE, AGREE)
    check = write_check.check_writes(Views(HEALTHY), net.connect, settle_seconds=settle)
    assert check.problems == ()
    assert net.calls(REVOKE) == sorted(["1", "2", "3"] * rounds)
    assert net.calls(HASH) == ["2", "3"] * hashes
    assert (check.seconds, check.compared.agree) == (seconds, agree)


def test_seconds_lie_between_the_views() -> None:
    """The second round waits, too: until all have applied its writes."""
    late = view(member(1), member(2, applied=4000))
    check = write_check.check_writes(
        Views(*[PAIR] * 6, late, late, PAIR), FakeCluster(LEADS, AGREE).connect, settle_seconds=10
    )
    assert check.problems == ()
    assert check.seconds == 12.0


def test_second_round_alone() -> None:
    """It waits for what is left of the time since the first one."""
    net = FakeCluster(LEADS, AGREE, AGREE)
    first = write_check.check_writes(Views(HEALTHY), net.connect, settle_seconds=0)
    write_check.time.sleep(4)  # other work
    second = write_check.check_writes(Views(HEALTHY), net.connect, settle_seconds=10, baseline=first.baseline)
    assert (second.seconds, second.compared.agree, second.baseline) == (10.0, True, first.baseline)
    assert net.calls(REVOKE) == ["1", "1", "2", "2", "3", "3"]


def test_second_round_on_a_node_that_was_booted_meanwhile() -> None:
    later = Baseline(write_check.time.monotonic() + 3600, {})
    second = write_check.check_writes(Views(PAIR), FakeCluster(LEADS, AGREE).connect, settle_seconds=10, baseline=later)
    assert second.seconds == 0.0
    assert write_check.growth(second).bytes_per_minute == 0.0


@pytest.mark.parametrize(
    ("since", "settle", "paused"), [(4.0, 10.0, 6.0), (8.0, 10.0, 5.0), (60.0, 10.0, 5.0), (60.0, 2.0, 2.0)]
)
def test_growth_is_measured_anew(since: float, settle: float, paused: float) -> None:
    """From that call on: before, Kubernetes could not write."""
    grown = view(member(1, in_use=100 * MIB), member(2, in_use=100 * MIB))
    first = write_check.check_writes(Views(PAIR), FakeCluster(LEADS, AGREE).connect, settle_seconds=0)
    write_check.time.sleep(since)
    second = write_check.check_writes(
        Views(grown),
        FakeCluster(LEADS, AGREE).connect,
        settle_seconds=settle,
        baseline=first.baseline,
        growth_anew=True,
    )
    assert (second.seconds, second.baseline.at) == (paused, first.baseline.at + since)
    assert write_check.growth(second).bytes_per_minute == 0.0


def test_baseline_survives_its_way_through_a_result() -> None:
    baseline = Baseline.of(HEALTHY)
    assert Baseline.read(Fields(plain(baseline), "baseline")) == baseline


ERRORS: list[tuple[str, ClusterView, bool | None, list[str], type[errors.EtcdError] | None]] = [
    ("no problem", HEALTHY, None, [], None),
    ("a write was refused", HEALTHY, None, ["a", "b"], errors.WriteRefused),
    ("the hashes differ", HEALTHY, False, ["a"], errors.CorruptAlarm),
    ("a CORRUPT alarm came", view(member(1), alarms=[Alarm(1, "CORRUPT")]), None, ["a"], errors.CorruptAlarm),
]


@pytest.mark.parametrize(("after", "agree", "problems", "expected"), table(ERRORS))
def test_error(
    after: ClusterView, agree: bool | None, problems: list[str], expected: type[errors.EtcdError] | None
) -> None:
    error = WriteCheck((), Baseline.of(HEALTHY), after, 0.0, Comparison(agree), tuple(problems)).error
    assert error.__class__ is (expected or type(None))
    assert str(error or "") == "; ".join(problems)


GROWTHS: list[tuple[str, list[MemberView], list[MemberView], float, float, float | None]] = [
    ("stands still", [member(1)], [member(1)], 10.0, 0.0, None),
    ("shrinks", [member(1, in_use=100 * MIB)], [member(1, in_use=90 * MIB)], 10.0, 0.0, None),
    ("grows", [member(1)], [member(1, in_use=101 * MIB)], 10.0, 6 * MIB, 83.3),
    (
        "the fastest counts",
        [member(1), member(2)],
        [member(1), member(2, in_use=102 * MIB)],
        10.0,
        12 * MIB,
        41.7,
    ),
    ("quota off", [member(1, quota=-1)], [member(1, quota=-1, in_use=101 * MIB)], 10.0, 6 * MIB, None),
    ("full already", [member(1)], [member(1, size=1000 * MIB, in_use=101 * MIB)], 10.0, 6 * MIB, 0.0),
    ("a new member", [], [member(1)], 10.0, 0.0, None),
    ("no time between", [member(1)], [member(1, in_use=101 * MIB)], 0.0, 0.0, None),
]


@pytest.mark.parametrize(("before", "after", "seconds", "rate", "minutes"), table(GROWTHS))
def test_growth(
    before: list[MemberView], after: list[MemberView], seconds: float, rate: float, minutes: float | None
) -> None:
    check = WriteCheck((), Baseline.of(view(*before)), view(*after), seconds, None, ())
    found = write_check.growth(check)
    assert found.bytes_per_minute == rate
    assert (found.minutes_to_full and round(found.minutes_to_full, 1)) == minutes
