# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defragmentation on members that answer as they are told to: what is asked, in which order, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.architecture.sources import load, tasks_of
from unit.builders import MIB, Json, Reply, endpoint, member, table, view
from unit.fake_cluster import Views

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import defragmentation, errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.defragmentation import (
    AFTER_COMPACTION,
    Defragmentation,
    Rule,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.estimates import DiskRoom
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView, MemberView

pytestmark = pytest.mark.usefixtures("_no_waiting")

STATUS, KV_RANGE = "/v3/maintenance/status", "/v3/kv/range"
DEFRAGMENT, TRANSFER = "/v3/maintenance/defragment", "/v3/maintenance/transfer-leadership"
SLOW = errors.TimedOut("no answer within 600 s")

RULES: list[tuple[str, Rule, int, int, bool]] = [
    ("always", Rule(), 100, 100, True),
    ("bytes reached", Rule(10, 0.0), 100, 90, True),
    ("bytes missed", Rule(10, 0.0), 100, 91, False),
    ("share reached", Rule(0, 0.5), 100, 50, True),
    ("share missed", Rule(0, 0.5), 100, 51, False),
    ("bytes but not share", Rule(10, 0.5), 100, 60, False),
    ("share but not bytes", Rule(60, 0.5), 100, 50, False),
    ("empty file", Rule(1, 0.0), 0, 0, False),
]


@pytest.mark.parametrize(("rule", "size", "in_use", "expected"), table(RULES))
def test_rule(rule: Rule, size: int, in_use: int, expected: bool) -> None:
    assert rule.worth_it(size, in_use) is expected


sizes = st.integers(0, 8 * 1024**3)


@given(sizes, sizes, sizes, st.floats(0, 1), sizes)
def test_rule_never_turns_down_what_gains_more(
    size: int, in_use: int, min_bytes: int, min_share: float, less: int
) -> None:
    rule = Rule(min_bytes, min_share)
    if rule.worth_it(size, in_use):
        assert size - in_use >= min_bytes
        assert rule.worth_it(size, max(in_use - less, 0))


ORDERS: list[tuple[str, ClusterView, list[str]]] = [
    ("leader last", view(member(1), member(2), member(3)), ["cp2", "cp3", "cp1"]),
    ("by name", view(member(1), member(3), member(2)), ["cp2", "cp3", "cp1"]),
    ("no learner", view(member(1), member(2, learner=True)), ["cp1"]),
    ("no silent one", view(member(1), member(2, error="down"), member(3)), ["cp3", "cp1"]),
    ("no unstarted one", view(member(1), member(2, started=False)), ["cp1"]),
    ("one member", view(member(1)), ["cp1"]),
    ("none", view(), []),
]


@pytest.mark.parametrize(("seen", "order"), table(ORDERS))
def test_order(seen: ClusterView, order: list[str]) -> None:
    assert [each.name for each in defragmentation.defrag_order(seen)] == order


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
    expected = {each.id for each in seen.connected_voters}
    assert {each.id for each in order} == expected
    assert len(order) == len(expected)
    assert all(each.id != seen.leader_id for each in order[:-1])


def own_status(number: int, *, learner: bool = False, applied: int = 5000) -> Json:
    return {
        "header": {"cluster_id": "7", "member_id": str(number)},
        "version": "3.6.16",
        "isLearner": learner,
        "raftAppliedIndex": str(applied),
    }


def defragment(
    seen: Callable[[], ClusterView],
    number: int,
    *,
    defragmented: Reply | None = None,
    rule: Rule | None = None,
    disk: int | None = None,
    check: bool = False,
    learner: bool = False,
    moving: Reply | None = None,
) -> tuple[Defragmentation, list[str]]:
    """The outcome, and which calls that change something were sent."""
    asked, transport = endpoint(
        {
            STATUS: own_status(number, learner=learner),
            KV_RANGE: {},
            TRANSFER: {} if moving is None else moving,
            DEFRAGMENT: {} if defragmented is None else defragmented,
        }
    )
    try:
        done = defragmentation.defragment(
            seen,
            asked,
            rule=rule or Rule(),
            room=lambda: None if disk is None else DiskRoom(disk),
            allow_unsafe=False,
            timeout=600,
            check=check,
        )
    finally:
        sent = [path for path, _body in transport.calls if path in (TRANSFER, DEFRAGMENT)]
    return done, sent


# It is inspected first, then because of others that are busy, and once more after the wait for its own compaction; then
# as long as it is away, and at last because of its size.
FULL, SMALL = view(member(1), member(2)), view(member(1), member(2, size=100 * MIB))

BEFORE = [FULL, FULL, FULL]


def test_defragment_a_follower() -> None:
    done, sent = defragment(Views(*BEFORE, SMALL), 2)
    assert sent == [DEFRAGMENT]
    assert (done.member, done.changed, done.before_bytes, done.after_bytes) == ("cp2", True, 500 * MIB, 100 * MIB)
    assert (done.moved_leader_to, done.skipped) == ("", "")


def test_defragment_a_leader_moves_it_first() -> None:
    led_by_2 = view(member(1, leader=2, size=100 * MIB), member(2, leader=2), leader=2)
    done, sent = defragment(Views(*BEFORE, led_by_2), 1)
    assert sent == [TRANSFER, DEFRAGMENT]
    assert done.moved_leader_to == "cp2"


def test_defragment_the_only_member() -> None:
    alone = view(member(1))
    done, sent = defragment(Views(alone), 1)
    assert sent == [DEFRAGMENT]
    assert done.moved_leader_to == ""


def test_defragment_a_leader_that_nobody_can_follow() -> None:
    with pytest.raises(Refused, match="cp1 leads, and there is no other voter that could take over") as caught:
        defragment(Views(view(member(1), member(2, started=False))), 1)
    assert caught.value.code == "leadership_stuck"


def test_defragment_a_leader_that_stays() -> None:
    with pytest.raises(Refused, match="cp1 still leads 10 s after cp2 was asked") as caught:
        defragment(Views(FULL), 1)
    assert caught.value.code == "leadership_stuck"


ALONE = view(member(1), member(2, error="timed out"), member(3, error="timed out"))
LED_BY_3 = view(member(1, leader=3, size=100 * MIB), *ALONE.members[1:], leader=3)


def test_defragment_a_leader_whose_node_cannot_ask_the_others() -> None:
    """One of them does not run, and the other one does: only the leader itself knows."""

    def move(body: Json) -> Json:
        if body["targetID"] == "2":
            raise SLOW
        moved.append(True)
        return {}

    moved: list[bool] = []
    done, sent = defragment(lambda: LED_BY_3 if moved else ALONE, 1, moving=move)
    assert sent == [TRANSFER, TRANSFER, DEFRAGMENT]
    assert done.moved_leader_to == "cp3"


def test_defragment_a_leader_that_has_moved_by_itself() -> None:
    moved: list[bool] = []

    def move(_body: Json) -> Json:
        moved.append(True)
        raise errors.NotLeader("not leader")

    done, sent = defragment(lambda: LED_BY_3 if moved else ALONE, 1, moving=move)
    assert sent == [TRANSFER, DEFRAGMENT]
    assert done.moved_leader_to == "cp3"


def test_defragment_that_outlasts_the_client_is_waited_for_and_not_sent_again() -> None:
    away = view(member(1), member(2, error="no answer within 10 s"))
    done, sent = defragment(Views(*BEFORE, away, away, SMALL), 2, defragmented=SLOW)
    assert sent == [DEFRAGMENT]
    assert done.after_bytes == 100 * MIB


NOT_BACK: list[tuple[str, ClusterView]] = [
    ("silent", view(member(1), member(2, error="down"))),
    ("behind", view(member(1), member(2, applied=100))),
    ("no leader", view(member(1, leader=0), member(2, leader=0), leader=0)),
    ("removed", view(member(1))),
]


@pytest.mark.parametrize("seen", table(NOT_BACK))
def test_defragment_of_a_member_that_does_not_come_back(seen: ClusterView) -> None:
    with pytest.raises(
        errors.TimedOut, match=r"cp2 had not answered and caught up 600 s after its .*request was not repeated$"
    ):
        defragment(Views(*BEFORE, seen), 2)


def test_defragment_takes_as_long_as_the_member_is_away() -> None:
    """Not as long as it takes to catch up again: that is what the next estimate is made from."""
    silences: list[Reply] = [errors.Unreachable("down")] * 5
    answers: list[Reply] = [own_status(2), own_status(2)]

    def status(_body: Json) -> Json:
        sent = [path for path, _body in transport.calls].count(DEFRAGMENT)
        reply = silences.pop() if sent and silences else answers[0]
        if isinstance(reply, Exception):
            raise reply
        assert isinstance(reply, dict)
        return reply

    asked, transport = endpoint({STATUS: status, KV_RANGE: {}, DEFRAGMENT: {}})
    behind = view(member(1), member(2, applied=100))
    done = defragmentation.defragment(
        Views(*BEFORE, *[behind] * 20, SMALL),
        asked,
        rule=Rule(),
        room=lambda: None,
        allow_unsafe=False,
        timeout=600,
    )
    assert done.seconds == 5.0


def busy_view(number: int) -> ClusterView:
    others = [member(each, busy=each == number) for each in (1, 2, 3)]
    return view(*others)


THREE = view(member(1), member(2), member(3, size=100 * MIB))

OTHERS: list[tuple[str, list[ClusterView]]] = [
    ("nobody else", [THREE]),
    ("somebody else, for a while", [*[busy_view(1)] * 5, THREE]),
    ("one after the other", [busy_view(1), busy_view(2), THREE]),
]


@pytest.mark.parametrize("seen", table(OTHERS))
def test_defragment_waits_for_other_defragmentations(seen: list[ClusterView]) -> None:
    """Two members that serve nothing at the same time would cost the quorum."""
    views = Views(THREE, *seen)
    done, sent = defragment(views, 3)
    assert (done.changed, sent) == (True, [DEFRAGMENT])
    assert views.views == [THREE]


LATE = view(member(1), member(2), member(3, applied=100))


def test_defragment_waits_for_one_that_is_behind_for_a_moment() -> None:
    done, sent = defragment(Views(FULL, FULL, *[view(member(1), member(2, applied=100))] * 5, *BEFORE, SMALL), 2)
    assert (done.changed, sent) == (True, [DEFRAGMENT])


def test_defragment_refused_if_one_stays_behind() -> None:
    with pytest.raises(Refused, match=r"^cp3 has not applied") as caught:
        defragment(Views(LATE), 2)
    assert caught.value.code == "member_lagging"


def test_defragment_waits_for_nobody_who_is_cut_off() -> None:
    away = view(member(1), member(2), member(3, leader=0, applied=1))
    small = view(member(1), member(2, size=100 * MIB), member(3, leader=0, applied=1))
    views = Views(*[away] * 8, small)
    done, _sent = defragment(views, 2)
    assert done.changed


def test_defragment_waits_for_an_election() -> None:
    election = view(member(1, leader=0), member(2, leader=0), leader=0)
    done, _sent = defragment(Views(election, election, *BEFORE, SMALL), 2)
    assert done.changed


def test_defragment_beside_another_that_does_not_end() -> None:
    with pytest.raises(
        Refused, match=r"^cp1 is being defragmented by somebody else, and two at once would cost"
    ) as caught:
        defragment(Views(busy_view(1)), 3)
    assert caught.value.code == "member_busy"


def test_defragment_if_the_others_cannot_be_inspected() -> None:
    views = iter([THREE])

    def inspect() -> ClusterView:
        for seen in views:
            return seen
        raise errors.Unreachable("down")

    with pytest.raises(
        Refused, match=r"^The cluster could not be read \(down\), so it is not known whether another"
    ) as caught:
        defragment(inspect, 3)
    assert caught.value.code == "member_busy"


DEFRAG_REFUSALS: list[tuple[str, ClusterView, int, int | None, bool, str, str]] = [
    ("corrupt", view(member(1), member(2), alarms=[Alarm(1, "CORRUPT")]), 2, None, False, "corrupt_alarm", "CORRUPT"),
    ("no quorum", view(member(1), member(2), leader=0), 2, None, False, "members_cut_off", "no leader"),
    ("3.5.0", view(member(1), member(2, version="3.5.0")), 2, None, False, "unsafe_etcd_version", "3.5.0"),
    (
        "learner",
        view(member(1), member(2, learner=True)),
        2,
        None,
        True,
        "learner_full",
        "The learner at https://192.0.2.1:2379",
    ),
    ("removed", view(member(1)), 2, None, False, "member_removed", "is not in the member list any more"),
]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("seen", "number", "disk", "learner", "code", "text"), table(DEFRAG_REFUSALS))
def test_defragment_refused(
    seen: ClusterView, number: int, disk: int | None, learner: bool, code: str, text: str, check: bool
) -> None:
    with pytest.raises(Refused, match=text) as caught:
        defragment(Views(seen), number, disk=disk, learner=learner, check=check)
    assert caught.value.code == code


def test_defragment_asks_the_caller_last() -> None:
    """With the very view by which it would act; also before a leadership is moved."""
    asked, transport = endpoint({STATUS: own_status(1), KV_RANGE: {}})
    seen: list[tuple[ClusterView, str]] = []

    def refusal(now: ClusterView, which: MemberView) -> Refused:
        seen.append((now, which.name))
        return Refused("probe_would_kill", "Not now.")

    with pytest.raises(Refused, match=r"^Not now\.$"):
        defragmentation.defragment(
            Views(THREE, FULL, FULL),
            asked,
            rule=Rule(),
            room=lambda: None,
            allow_unsafe=False,
            timeout=600,
            refusal=refusal,
        )
    assert seen == [(FULL, "cp1")]
    assert [path for path, _body in transport.calls if path in (TRANSFER, DEFRAGMENT)] == []


def test_defragment_on_a_small_disk() -> None:
    with pytest.raises(Refused, match="are needed on the data disk of cp2") as caught:
        defragment(Views(FULL), 2, disk=1)
    assert caught.value.code == "disk_too_small"


def test_defragment_in_check_mode_ignores_the_disk() -> None:
    """How much it needs is known only when the history is gone."""
    done, sent = defragment(Views(FULL), 2, disk=1, check=True)
    assert (done.changed, sent) == (True, [])


def test_defragment_in_check_mode_does_not_wait_for_others() -> None:
    assert defragment(Views(busy_view(1)), 3, check=True)[0].changed


def test_defragment_that_gains_too_little() -> None:
    done, sent = defragment(Views(FULL), 2, rule=Rule(401 * MIB))
    assert sent == []
    assert not done.changed
    assert done.before_bytes == done.after_bytes == 500 * MIB
    assert done.skipped == "only 400.0 MiB could be gained"


def test_defragment_in_check_mode_sends_nothing() -> None:
    done, sent = defragment(Views(FULL), 1, check=True)
    assert sent == []
    assert (done.changed, done.before_bytes, done.after_bytes) == (True, 500 * MIB, 100 * MIB)


LINES: list[tuple[str, Defragmentation, bool, str]] = [
    (
        "done",
        Defragmentation("cp1", True, 2048 * MIB, 297 * MIB, 3.44),
        False,
        "cp1: 2048.0 MiB -> 297.0 MiB in 3.4 s",
    ),
    (
        "leader",
        Defragmentation("cp1", True, 2048 * MIB, 297 * MIB, 3.44, "cp2"),
        False,
        "cp1: 2048.0 MiB -> 297.0 MiB in 3.4 s, leadership moved to cp2",
    ),
    (
        "left alone",
        Defragmentation("cp1", False, 300 * MIB, 300 * MIB, 0.0, skipped="only 3.0 MiB could be gained"),
        False,
        "cp1: 300.0 MiB, left alone (only 3.0 MiB could be gained)",
    ),
    (
        "check",
        Defragmentation("cp1", True, 2048 * MIB, 297 * MIB, 0.0),
        True,
        "cp1: 2048.0 MiB -> 297.0 MiB or less, if it were done",
    ),
]


@pytest.mark.parametrize(("done", "check", "expected"), table(LINES))
def test_summary(done: Defragmentation, check: bool, expected: str) -> None:
    assert defragmentation.summary(done, check=check) == expected


def test_the_role_has_the_same_rule_after_a_compaction() -> None:
    module = "controlplane.etcd.etcd_defrag"
    (options,) = [task[module] for task in tasks_of(load("roles/recover/tasks/defragment.yml")) if module in task]
    for name in ("min_free_bytes", "min_free_share"):
        number = getattr(AFTER_COMPACTION, name)
        assert options[name] == f"{{{{ ansible_check_mode | ternary(0, {number}) }}}}"
