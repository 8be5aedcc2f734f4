# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison of the followers' data: when it is made, what it finds, and that it never touches the leader."""

from __future__ import annotations

import threading

import pytest
from unit.builders import MIB, Json, Reply, member, table, view
from unit.fake_cluster import FakeCluster

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.hashes import (
    Comparison,
    compare_hashes,
    objection,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView

STATUS, HASH = "/v3/maintenance/status", "/v3/maintenance/hashkv"

FOLLOWS: dict[str, Reply] = {STATUS: {"leader": "1"}}
SAME: dict[str, Reply] = {**FOLLOWS, HASH: {"hash": 1, "compact_revision": "5"}}
OTHER: dict[str, Reply] = {**FOLLOWS, HASH: {"hash": 2, "compact_revision": "5"}}
COMPACTED: dict[str, Reply] = {**FOLLOWS, HASH: {"hash": 1, "compact_revision": "6"}}
UNSERVED: dict[str, Reply] = {**FOLLOWS, HASH: errors.GatewayDisabled("404")}
SLOW: dict[str, Reply] = {**FOLLOWS, HASH: errors.TimedOut("no answer within 120 s")}
LEADS: dict[str, Reply] = {**SAME, STATUS: {"leader": "2"}}

THREE = view(member(1), member(2), member(3))

COMPARISONS: list[tuple[str, list[dict[str, Reply]], Comparison, list[str]]] = [
    ("the same", [SAME, SAME], Comparison(True), ["2", "3"]),
    ("not the same", [SAME, OTHER], Comparison(False), ["2", "3"]),
    (
        "compacted up to different revisions",
        [SAME, COMPACTED],
        Comparison(None, "they are compacted up to different revisions"),
        ["2", "3"],
    ),
    ("not served", [UNSERVED, SAME], Comparison(None, "the etcd of cp2 does not serve its hash"), ["2"]),
    (
        "so slow that the next one is spared",
        [SLOW, SAME],
        Comparison(None, "cp2 did not say its hash: no answer within 120 s"),
        ["2"],
    ),
    ("the leader by now", [LEADS, SAME], Comparison(None, "cp2 has become the leader"), []),
]


@pytest.mark.parametrize(("followers", "expected", "asked"), table(COMPARISONS))
def test_compare_hashes(followers: list[dict[str, Reply]], expected: Comparison, asked: list[str]) -> None:
    net = FakeCluster({}, *followers)
    assert compare_hashes(THREE, net.connect) == expected
    assert net.calls(HASH) == asked


def test_hashes_are_asked_at_a_revision_that_all_followers_have() -> None:
    net = FakeCluster({}, SAME, SAME)
    compare_hashes(view(member(1, revision=9), member(2, revision=8), member(3, revision=7)), net.connect)
    bodies = [body for transport in net.transports.values() for path, body in transport.calls if path == HASH]
    assert bodies == [{"revision": "7"}, {"revision": "7"}]


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

    net = FakeCluster({}, *[{**FOLLOWS, HASH: hashing}] * 3)
    assert compare_hashes(view(*map(member, (1, 2, 3, 4))), net.connect).agree
    assert together == [1, 1, 1]


def test_a_cluster_of_one_has_nothing_to_compare() -> None:
    assert compare_hashes(view(member(1)), FakeCluster({}).connect) == Comparison(None)


LEADER_STOPS = ", and the leader would stop all writes for it"

OBJECTIONS: list[tuple[str, ClusterView, str]] = [
    ("none", THREE, ""),
    ("a cluster of one", view(member(1)), ""),
    ("a cluster of two", view(member(1), member(2)), f"only one follower answers, cp2{LEADER_STOPS}"),
    (
        "one is down, and a learner does not count",
        view(member(1), member(2), member(3, error="down"), member(4, learner=True)),
        f"only one follower answers, cp2{LEADER_STOPS}",
    ),
    ("all but the leader are down", view(member(1), member(2, error="down")), f"no follower answers{LEADER_STOPS}"),
    ("as large as can be", view(member(1), member(2), member(3, in_use=1024 * MIB)), ""),
    (
        "a follower that is too large",
        view(member(1), member(2), member(3, in_use=1025 * MIB)),
        "cp3 would hash 1.0 GiB and commit nothing meanwhile",
    ),
    ("a large leader", view(member(1, in_use=9000 * MIB), member(2), member(3)), ""),
]


@pytest.mark.parametrize(("seen", "expected"), table(OBJECTIONS))
def test_objection(seen: ClusterView, expected: str) -> None:
    assert objection(seen) == expected
