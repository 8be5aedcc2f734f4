# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compaction: whether there is anything to compact, and that every member is waited for."""

from __future__ import annotations

import pytest
from unit.builders import Json, Reply, endpoint, member, table, view
from unit.fake_cluster import FakeCluster, Views

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import compaction, errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView

KV_RANGE, COMPACTION = "/v3/kv/range", "/v3/kv/compaction"
COMPACTED = errors.Compacted("etcdserver: mvcc: required revision has been compacted")
FUTURE = errors.FutureRevision("etcdserver: mvcc: required revision is a future revision")


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
    with pytest.raises(Refused, match=r"The revision 101 is in the future .*Nothing was compacted") as caught:
        compaction.compactable(endpoint({KV_RANGE: holds(1, 100)})[0], 101)
    assert caught.value.code == "revision_in_future"


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
    net = FakeCluster(*({COMPACTION: reply} for reply in replies))
    done = compaction.compact(view(member(1), member(2), member(3)), net.connect, 77, timeout=600)
    assert (done.changed, done.pending, done.revision) == (changed, pending, 77)
    assert net.calls(COMPACTION) == ["1", "2", "3"]
    assert net.transports["https://192.0.2.1:2379"].calls[0][1] == {"revision": "77", "physical": True}


LATE = view(member(1), member(2, applied=1))
CUT_OFF = view(member(1), member(2, applied=1, leader=0), member(3, applied=1, learner=True))

VOTERS: list[tuple[str, list[ClusterView], list[str]]] = [
    ("nobody is behind", [view(member(1), member(2))], []),
    ("one is, for a moment", [LATE, LATE, view(member(1), member(2))], []),
    ("one stays behind", [LATE], ["cp2"]),
    ("nobody waits for learners and for who is cut off", [CUT_OFF, LATE], []),
]


@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize(("seen", "behind"), table(VOTERS))
def test_await_voters(seen: list[ClusterView], behind: list[str]) -> None:
    views = Views(*seen)
    last, found = compaction.await_voters(views, 60)
    assert [each.name for each in found] == behind
    assert last in seen


def test_compact_asks_neither_learners_nor_silent_members() -> None:
    net = FakeCluster({COMPACTION: {}}, {COMPACTION: {}}, {COMPACTION: {}})
    seen = view(member(1), member(2, learner=True), member(3, error="down"))
    assert compaction.compact(seen, net.connect, 77, timeout=600).changed
    assert net.calls(COMPACTION) == ["1"]


@pytest.mark.parametrize("names", [("cp1", "cp2"), ("default", "default")])
def test_compact_that_nobody_did(names: tuple[str, str]) -> None:
    net = FakeCluster({COMPACTION: SLOW}, {COMPACTION: SLOW})
    numbered = zip((member(1), member(2)), names)
    members = [each._replace(member=each.member._replace(name=name)) for each, name in numbered]
    with pytest.raises(errors.TimedOut):
        compaction.compact(view(*members), net.connect, 77, timeout=600)


def test_compact_without_a_voter() -> None:
    with pytest.raises(Refused, match=r"No voter answers\.") as caught:
        compaction.compact(
            view(member(1, error="down"), member(2, learner=True)), FakeCluster().connect, 77, timeout=600
        )
    assert caught.value.code == "no_member_answers"


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
