# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a recovery on members that answer as they are told to: what is asked, in which order, what is refused.

Also the pure functions of the modules that carry the steps out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from unit.builders import MIB, FakeTransport, Json, Reply, endpoint, member, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._core import failures
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_lock import Lock
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import (
    alarms,
    compaction,
    defragmentation,
    errors,
    polling,
    write_check,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm, Endpoint
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.defragmentation import Defragmentation
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView, MemberView
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.write_check import WriteCheck
from ansible_collections.controlplane.etcd.plugins.modules import etcd_write_check, run_lock

STATUS, KV_RANGE, COMPACTION = "/v3/maintenance/status", "/v3/kv/range", "/v3/kv/compaction"
DEFRAGMENT, TRANSFER = "/v3/maintenance/defragment", "/v3/maintenance/transfer-leadership"
ALARM, GRANT, REVOKE = "/v3/maintenance/alarm", "/v3/lease/grant", "/v3/lease/revoke"
HASH = "/v3/maintenance/hashkv"
COMPACTED = errors.Compacted("etcdserver: mvcc: required revision has been compacted")
FUTURE = errors.FutureRevision("etcdserver: mvcc: required revision is a future revision")
NOSPACE = Alarm(1, "NOSPACE")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes by a second whenever somebody sleeps."""
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + max(seconds, 1.0)))


def holds(first: int, last: int) -> Reply:
    """A member that has the revisions from the first to the last; 0 means the current one to etcd."""

    def reply(body: Json) -> Json:
        revision = int(body["revision"]) or last
        if revision < first:
            raise COMPACTED
        if revision > last:
            raise FUTURE
        return {}

    return reply


COMPACTABLE: list[tuple[str, int, int, int, bool]] = [
    ("whole history", 1, 100, 100, True),
    ("compacted right there", 100, 100, 100, False),
    ("compacted before it", 99, 100, 100, True),
    ("compacted beyond it", 100, 100, 50, False),
    ("in the middle", 1, 100, 50, True),
    ("revision 1 has no history", 1, 100, 1, False),
    ("revision 0", 1, 100, 0, False),
    ("negative", 1, 100, -5, False),
]


@pytest.mark.parametrize(("first", "last", "revision", "expected"), table(COMPACTABLE))
def test_compactable(first: int, last: int, revision: int, expected: bool) -> None:
    assert compaction.compactable(endpoint({KV_RANGE: holds(first, last)})[0], revision) is expected


def test_compaction_of_the_future_is_refused() -> None:
    with pytest.raises(Refused, match=r"The revision 101 is in the future .*Nothing was compacted"):
        compaction.compactable(endpoint({KV_RANGE: holds(1, 100)})[0], 101)


class Net:
    """Members cp1 and up, each with its own answers."""

    def __init__(self, *members: dict[str, Reply]) -> None:
        self.transports = {
            f"https://192.0.2.{number}:2379": FakeTransport(replies, endpoint=f"https://192.0.2.{number}:2379")
            for number, replies in enumerate(members, start=1)
        }

    def connect(self, url: str) -> Endpoint:
        return Endpoint(self.transports[url])

    def calls(self, path: str) -> list[str]:
        return [
            url[16] for url, transport in self.transports.items() for called, _body in transport.calls if called == path
        ]


SLOW = errors.TimedOut("no answer within 600 s")

GOES_ON = "no answer within 600 s; it is still working on it"

COMPACTIONS: list[tuple[str, list[Reply], bool, dict[str, str]]] = [
    ("the first compacts, the others wait", [{}, COMPACTED, COMPACTED], True, {}),
    ("done before", [COMPACTED, COMPACTED, COMPACTED], False, {}),
    ("one is slow", [{}, COMPACTED, SLOW], True, {"cp3": GOES_ON}),
    ("all but one are slow", [COMPACTED, SLOW, SLOW], False, {"cp2": GOES_ON, "cp3": GOES_ON}),
    ("one is down", [{}, COMPACTED, errors.Unreachable("refused")], True, {"cp3": "refused"}),
]


@pytest.mark.parametrize(("replies", "changed", "pending"), table(COMPACTIONS))
def test_compact(replies: list[Reply], changed: bool, pending: dict[str, str]) -> None:
    net = Net(*({COMPACTION: reply} for reply in replies))
    done = compaction.compact(view(member(1), member(2), member(3)), net.connect, 77, timeout=600)
    assert (done.changed, done.pending, done.revision) == (changed, pending, 77)
    assert net.calls(COMPACTION) == ["1", "2", "3"]
    assert net.transports["https://192.0.2.1:2379"].calls[0][1] == {"revision": "77", "physical": True}


def test_compact_asks_neither_learners_nor_silent_members() -> None:
    net = Net({COMPACTION: {}}, {COMPACTION: {}}, {COMPACTION: {}})
    seen = view(member(1), member(2, learner=True), member(3, error="down"))
    assert compaction.compact(seen, net.connect, 77, timeout=600).changed
    assert net.calls(COMPACTION) == ["1"]


def test_compact_that_nobody_did() -> None:
    net = Net({COMPACTION: SLOW}, {COMPACTION: SLOW})
    with pytest.raises(errors.TimedOut):
        compaction.compact(view(member(1), member(2)), net.connect, 77, timeout=600)


def test_compact_where_no_voter_answers() -> None:
    with pytest.raises(Refused, match=r"No voter answers\."):
        compaction.compact(view(member(1, error="down"), member(2, learner=True)), Net().connect, 77, timeout=600)


OWN: list[tuple[str, Reply, int]] = [
    ("never compacted: nothing to wait for", {}, 0),
    ("compacted: waits on the member", COMPACTED, 1),
]


@pytest.mark.parametrize(("checked", "asked"), table(OWN))
def test_own_compaction(checked: Reply, asked: int) -> None:
    waiting, transport = endpoint({KV_RANGE: checked, COMPACTION: COMPACTED})
    compaction.await_own_compaction(waiting, 600)
    assert [body for path, body in transport.calls if path == COMPACTION] == [
        {"revision": "1", "physical": True}
    ] * asked


def own_status(number: int, *, learner: bool = False, applied: int = 5000) -> Json:
    return {
        "header": {"cluster_id": "7", "member_id": str(number)},
        "version": "3.6.16",
        "isLearner": learner,
        "raftAppliedIndex": str(applied),
    }


class Looks:
    """The cluster as it is seen, one look after the other; the last one stays."""

    def __init__(self, *views: ClusterView) -> None:
        self.views = list(views)

    def __call__(self) -> ClusterView:
        return self.views.pop(0) if len(self.views) > 1 else self.views[0]


def defragment(
    seen: Callable[[], ClusterView],
    number: int,
    *,
    defragmented: Reply | None = None,
    rule: defragmentation.Rule | None = None,
    disk: int | None = None,
    check: bool = False,
    learner: bool = False,
) -> tuple[Defragmentation, list[str]]:
    """The outcome, and which calls that change something were sent."""
    asked, transport = endpoint(
        {
            STATUS: own_status(number, learner=learner),
            KV_RANGE: {},
            TRANSFER: {},
            DEFRAGMENT: {} if defragmented is None else defragmented,
        }
    )
    try:
        done = defragmentation.defragment(
            seen,
            asked,
            rule=rule or defragmentation.Rule(),
            free_disk_bytes=lambda: disk,
            allow_unsafe=False,
            timeout=600,
            check=check,
        )
    finally:
        sent = [path for path, _body in transport.calls if path in (TRANSFER, DEFRAGMENT)]
    return done, sent


# Looked at first, then for others that are busy, and once more after the wait for its own compaction. Then it is looked
# at as long as it is away, and at last for its size.
FULL, SMALL = view(member(1), member(2)), view(member(1), member(2, size=100 * MIB))
BEFORE = [FULL, FULL, FULL]


def test_defragment_a_follower() -> None:
    done, sent = defragment(Looks(*BEFORE, SMALL), 2)
    assert sent == [DEFRAGMENT]
    assert (done.member, done.changed, done.before_bytes, done.after_bytes) == ("cp2", True, 500 * MIB, 100 * MIB)
    assert (done.moved_leader_to, done.skipped) == ("", "")


def test_defragment_a_leader_moves_it_first() -> None:
    led_by_2 = view(member(1, leader=2, size=100 * MIB), member(2, leader=2), leader=2)
    done, sent = defragment(Looks(*BEFORE, led_by_2), 1)
    assert sent == [TRANSFER, DEFRAGMENT]
    assert done.moved_leader_to == "cp2"


def test_defragment_the_only_member() -> None:
    alone = view(member(1))
    done, sent = defragment(Looks(alone), 1)
    assert sent == [DEFRAGMENT]
    assert done.moved_leader_to == ""


def test_defragment_a_leader_that_nobody_can_follow() -> None:
    with pytest.raises(Refused, match="cp1 leads, and no other voter answers"):
        defragment(Looks(view(member(1), member(2, error="down"))), 1)


def test_defragment_a_leader_that_stays() -> None:
    with pytest.raises(Refused, match="cp1 still leads 10 s after cp2 was asked"):
        defragment(Looks(FULL), 1)


def test_defragment_that_outlasts_the_client_is_waited_for_and_not_sent_again() -> None:
    away = view(member(1), member(2, error="no answer within 10 s"))
    done, sent = defragment(Looks(*BEFORE, away, away, SMALL), 2, defragmented=SLOW)
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
        defragment(Looks(*BEFORE, seen), 2)


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
        Looks(*BEFORE, *[behind] * 20, SMALL),
        asked,
        rule=defragmentation.Rule(),
        free_disk_bytes=lambda: None,
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
    looks = Looks(THREE, *seen)
    done, sent = defragment(looks, 3)
    assert (done.changed, sent) == (True, [DEFRAGMENT])
    assert looks.views == [THREE]


def test_defragment_beside_another_that_does_not_end() -> None:
    with pytest.raises(Refused, match=r"^cp1 is being defragmented by somebody else, and two at once would cost"):
        defragment(Looks(busy_view(1)), 3)


def test_defragment_where_the_others_cannot_be_seen() -> None:
    looks = iter([THREE])

    def look() -> ClusterView:
        for seen in looks:
            return seen
        raise errors.Unreachable("down")

    with pytest.raises(Refused, match=r"^The cluster could not be read \(down\), so it is not known whether another"):
        defragment(look, 3)


DEFRAG_REFUSALS: list[tuple[str, ClusterView, int, int | None, bool, str]] = [
    ("corrupt", view(member(1), member(2), alarms=[Alarm(1, "CORRUPT")]), 2, None, False, "CORRUPT"),
    ("no quorum", view(member(1), member(2), leader=0), 2, None, False, "no leader"),
    ("3.5.0", view(member(1), member(2, version="3.5.0")), 2, None, False, "3.5.0"),
    ("learner", view(member(1), member(2, learner=True)), 2, None, True, "The learner at https://192.0.2.1:2379"),
    ("removed", view(member(1)), 2, None, False, "is not in the member list any more"),
]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("seen", "number", "disk", "learner", "text"), table(DEFRAG_REFUSALS))
def test_defragment_refused(
    seen: ClusterView, number: int, disk: int | None, learner: bool, text: str, check: bool
) -> None:
    with pytest.raises(Refused, match=text):
        defragment(Looks(seen), number, disk=disk, learner=learner, check=check)


def test_defragment_asks_the_caller_last() -> None:
    """With the very view by which it would act; also before a leadership is moved."""
    asked, transport = endpoint({STATUS: own_status(1), KV_RANGE: {}})
    seen: list[tuple[ClusterView, str]] = []

    def refusal(now: ClusterView, which: MemberView) -> str:
        seen.append((now, which.name))
        return "Not now."

    with pytest.raises(Refused, match=r"^Not now\.$"):
        defragmentation.defragment(
            Looks(THREE, FULL, FULL),
            asked,
            rule=defragmentation.Rule(),
            free_disk_bytes=lambda: None,
            allow_unsafe=False,
            timeout=600,
            refusal=refusal,
        )
    assert seen == [(FULL, "cp1")]
    assert [path for path, _body in transport.calls if path in (TRANSFER, DEFRAGMENT)] == []


def test_defragment_on_a_small_disk() -> None:
    with pytest.raises(Refused, match="are needed on the data disk of cp2"):
        defragment(Looks(FULL), 2, disk=1)


def test_defragment_in_check_mode_does_not_judge_the_disk() -> None:
    """How much it needs is known only when the history is gone."""
    done, sent = defragment(Looks(FULL), 2, disk=1, check=True)
    assert (done.changed, sent) == (True, [])


def test_defragment_in_check_mode_does_not_wait_for_others() -> None:
    assert defragment(Looks(busy_view(1)), 3, check=True)[0].changed


def test_defragment_that_gains_too_little() -> None:
    done, sent = defragment(Looks(FULL), 2, rule=defragmentation.Rule(401 * MIB))
    assert sent == []
    assert not done.changed
    assert done.before_bytes == done.after_bytes == 500 * MIB
    assert done.skipped == "only 400.0 MiB could be gained"


def test_defragment_in_check_mode_sends_nothing() -> None:
    done, sent = defragment(Looks(FULL), 1, check=True)
    assert sent == []
    assert (done.changed, done.before_bytes, done.after_bytes) == (True, 500 * MIB, 100 * MIB)


def test_disarm_takes_every_nospace_alarm_and_nothing_else() -> None:
    armed = [NOSPACE, Alarm(0xDEAD, "NOSPACE"), Alarm(2, "CORRUPT")]

    def reply(body: Json) -> Json:
        return {"alarms": [{"memberID": "2", "alarm": "CORRUPT"}]} if body["action"] == "GET" else {}

    asked, transport = endpoint({ALARM: reply})
    assert alarms.disarm(view(member(1), alarms=armed), asked) == (Alarm(2, "CORRUPT"),)
    assert [(body.get("memberID"), body.get("alarm")) for _path, body in transport.calls] == [
        ("1", "NOSPACE"),
        (str(0xDEAD), "NOSPACE"),
        (None, None),
    ]


WRITES: dict[str, Reply] = {GRANT: {"ID": "5"}, REVOKE: {}}
FULL_ERROR = errors.NoSpace("etcdserver: mvcc: database space exceeded")
AGREE: dict[str, Reply] = {**WRITES, HASH: {"hash": 1, "compact_revision": "5"}}
HEALTHY = view(member(1), member(2))

PROOFS: list[tuple[str, list[ClusterView], list[dict[str, Reply]], bool | None, str]] = [
    ("writable", [HEALTHY], [AGREE, AGREE], True, ""),
    ("hashes not served", [HEALTHY], [{**WRITES, HASH: errors.GatewayDisabled("404")}] * 2, None, ""),
    ("one hash only", [HEALTHY], [AGREE, {**WRITES, HASH: SLOW}], None, ""),
    (
        "compacted at different revisions",
        [HEALTHY],
        [AGREE, {**WRITES, HASH: {"hash": 2, "compact_revision": "6"}}],
        None,
        "",
    ),
    (
        "different data",
        [HEALTHY],
        [AGREE, {**WRITES, HASH: {"hash": 2, "compact_revision": "5"}}],
        False,
        "hold different data",
    ),
    ("refused by one", [HEALTHY], [AGREE, {GRANT: FULL_ERROR}], None, "a write through cp2 was refused"),
    ("no leader", [view(member(1), leader=0)], [AGREE], None, "there is no leader"),
    (
        "alarm after the write",
        [HEALTHY, HEALTHY, HEALTHY, view(member(1), member(2), alarms=[NOSPACE])],
        [AGREE, AGREE],
        None,
        "armed: NOSPACE of cp1",
    ),
    (
        "alarm in the second round",
        [HEALTHY] * 7 + [view(member(1), member(2), alarms=[NOSPACE])],
        [AGREE, AGREE],
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


@pytest.mark.parametrize(("views", "members", "agree", "problem"), table(PROOFS))
def test_prove(views: list[ClusterView], members: list[dict[str, Reply]], agree: bool | None, problem: str) -> None:
    net = Net(*members)
    proof = write_check.check_writes(Looks(*views), net.connect, settle_seconds=10)
    assert proof.hashes_agree is agree
    if problem:
        assert problem in "; ".join(proof.problems)
    else:
        assert proof.problems == ()
        voters = len(views[0].answering_voters)
        assert len(proof.writes) == voters
        assert len(net.calls(REVOKE)) == 2 * voters  # both rounds


SETTLES: list[tuple[str, float, int, int, float, bool | None]] = [
    ("two rounds, and the data compared", 10.0, 2, 1, 10.0, True),
    ("one round and nothing else", 0.0, 1, 0, 0.0, None),
]


@pytest.mark.parametrize(("settle", "rounds", "hashes", "seconds", "agree"), table(SETTLES))
def test_rounds(settle: float, rounds: int, hashes: int, seconds: float, agree: bool | None) -> None:
    net = Net(AGREE, AGREE)
    proof = write_check.check_writes(Looks(HEALTHY), net.connect, settle_seconds=settle)
    assert proof.problems == ()
    assert net.calls(REVOKE) == sorted(["1", "2"] * rounds)
    assert net.calls(HASH) == ["1", "2"] * hashes
    assert (proof.seconds, proof.hashes_agree) == (seconds, agree)


def test_seconds_lie_between_the_views() -> None:
    """The second round waits, too: until all have applied its writes."""
    late = view(member(1), member(2, applied=4000))
    proof = write_check.check_writes(
        Looks(*[HEALTHY] * 6, late, late, HEALTHY), Net(AGREE, AGREE).connect, settle_seconds=10
    )
    assert proof.problems == ()
    assert proof.seconds == 12.0


def test_hashes_are_asked_one_member_after_the_other() -> None:
    """Hashing reads the whole database: on all members at once, every one of them would be slow."""
    at_work: list[str] = []
    together: list[int] = []

    def hashing(_body: Json) -> Json:
        at_work.append("one")
        threading.Event().wait(0.05)
        together.append(len(at_work))
        at_work.pop()
        return {"hash": 1, "compact_revision": "5"}

    replies: dict[str, Reply] = {**WRITES, HASH: hashing}
    seen = view(member(1), member(2), member(3))
    assert write_check.check_writes(Looks(seen), Net(replies, replies, replies).connect, settle_seconds=1).hashes_agree
    assert together == [1, 1, 1]


CONDITIONS: list[tuple[str, list[bool | None], bool]] = [
    ("at once", [True], True),
    ("later", [False, False, True], True),
    ("an error is not yet", [None, True], True),
    ("never", [False] * 99, False),
    ("only errors", [None] * 99, False),
]


@pytest.mark.parametrize(("outcomes", "expected"), table(CONDITIONS))
def test_await_true(outcomes: list[bool | None], expected: bool) -> None:
    left = iter(outcomes)

    def condition() -> bool:
        outcome = next(left)
        if outcome is None:
            raise errors.Unreachable("down")
        return outcome

    assert polling.await_true(condition, 10) is expected


def test_refuse() -> None:
    failures.refuse(None)
    failures.refuse("")
    with pytest.raises(Refused, match="because"):
        failures.refuse("because")


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
def test_line_of_a_defragmentation(done: Defragmentation, check: bool, expected: str) -> None:
    assert defragmentation.summary(done, check=check) == expected


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
    proof = WriteCheck((), view(*before), view(*after), seconds, None, ())
    assert etcd_write_check.growth(proof) == {"growth_bytes_per_minute": rate, "minutes_to_full": minutes}


def test_words_of_the_lock() -> None:
    text = run_lock.held_by(Lock("r", "root@admin, recover", 1795428000.0), "/run/x.lock")
    assert "root@admin, recover, at the latest until 2026-11-23 10:00:00 UTC" in text
    assert "remove /run/x.lock on this node" in text
