# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as clusters: who belongs together, who coordinates, who is worked on where and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from unit.builders import cluster_report, node_report, table
from unit.builders import member_report as entry

from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import MemberReport, NodeReport
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.grouping import (
    Place,
    coordinator_of,
    foreign_members,
    leader_last,
    members_missing,
    nodes_out_of_reach,
    on_own_hosts,
    order_of,
    out_of_reach_findings,
    peers_of,
    read_order,
    snapshot_host,
    unasked_findings,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

Reports = Mapping[str, NodeReport]

MEMBERS = (entry(1, "leader"), entry(2), entry(3))


def up(
    number: int, members: Sequence[MemberReport] = MEMBERS, *, cluster_id: str = "c1", quorum: bool = True
) -> NodeReport:
    """The report of a host whose member answers."""
    return node_report(number, cluster_report(*members, cluster_id=cluster_id, quorum=quorum), cluster_id=cluster_id)


def silent(number: int, *, cluster_id: str | None = "c1") -> NodeReport:
    """The report of a host whose etcd does not run."""
    return node_report(number, cluster_id=cluster_id)


THREE = {f"host{number}": up(number) for number in (3, 1, 2)}

# The certificates in the CA files of hosts, and who belongs to the first of them.
GROUPS: list[tuple[str, dict[str, str], list[str]]] = [
    ("one CA", {"a": "x", "b": "x", "c": "x"}, ["a", "b", "c"]),
    ("another CA", {"a": "x", "b": "y", "c": "x"}, ["a", "c"]),
    ("in the middle of a replacement", {"a": "old", "b": "new old", "c": "old"}, ["a", "b", "c"]),
    ("only through another", {"a": "old", "b": "old new", "c": "new"}, ["a", "b", "c"]),
    ("through two others", {"a": "1", "d": "1 2", "c": "2 3", "b": "3"}, ["a", "b", "c", "d"]),
    ("the links of another cluster", {"a": "x", "b": "y z", "c": "z"}, ["a"]),
    ("none in common", {"a": "x", "b": "y"}, ["a"]),
    ("nothing to go by", {"a": "", "b": ""}, ["a"]),
]


@pytest.mark.parametrize(("files", "expected"), table(GROUPS))
def test_hosts_that_share_a_certificate(files: dict[str, str], expected: list[str]) -> None:
    fleet = Fleet({name: node_report(number, ca=ca) for number, (name, ca) in enumerate(files.items(), start=1)})
    for host in expected:
        assert list(peers_of(fleet, host).hosts) == expected


COORDINATORS: list[tuple[str, Reports, str]] = [
    ("by name", THREE, "host1"),
    ("a silent one never", {**THREE, "host1": silent(1)}, "host2"),
    ("one without quorum last", {**THREE, "host1": up(1, quorum=False)}, "host2"),
    ("without quorum rather than silent", {"host1": silent(1), "host2": up(2, quorum=False)}, "host2"),
    ("all silent", {"host2": silent(2), "host1": silent(1)}, "host1"),
]


@pytest.mark.parametrize(("reports", "expected"), table(COORDINATORS))
def test_coordinator(reports: Reports, expected: str) -> None:
    assert coordinator_of(Fleet(reports)) == expected


ORDERS: list[tuple[str, Reports, list[tuple[str, str, str]]]] = [
    (
        "a member outside the play is worked on through the coordinator",
        {"host1": up(1), "host2": up(2)},
        [("cp2", "host2", ""), ("cp3", "host1", "https://192.0.2.3:2379"), ("cp1", "host1", "")],
    ),
    (
        "so is one whose host cannot ask it",
        {**THREE, "host3": silent(3)},
        [("cp2", "host2", ""), ("cp3", "host1", "https://192.0.2.3:2379"), ("cp1", "host1", "")],
    ),
    (
        "neither learners nor silent nor unstarted members",
        {
            "host1": up(
                1,
                [
                    entry(1, "leader"),
                    entry(2, "learner"),
                    entry(3, "silent"),
                    entry(4, "unstarted"),
                ],
            )
        },
        [("cp1", "host1", "")],
    ),
    ("nobody answers", {"host1": silent(1)}, []),
]


@pytest.mark.parametrize(("reports", "expected"), table(ORDERS))
def test_order(reports: Reports, expected: list[tuple[str, str, str]]) -> None:
    order = order_of(reports["host1"].cluster, Fleet(reports), "host1")
    assert [(place.name, place.host, place.endpoint) for place in order] == expected


SNAPSHOTS: list[tuple[str, Reports, str]] = [
    # Not who leads or is a little ahead just now: a second attempt has to find the first one's snapshot.
    ("by name", THREE, "host1"),
    ("by name of the host", {"host1": up(3), "host2": up(1), "host3": up(2)}, "host1"),
    (
        "not the one that is a little ahead",
        {**THREE, "host1": up(1, [entry(1, "leader"), entry(2), entry(3, applied=101)])},
        "host1",
    ),
    (
        "behind by exactly 1000",
        {**THREE, "host1": up(1, [entry(1), entry(2, "leader", applied=1100), entry(3)])},
        "host1",
    ),
    (
        "one more is too far",
        {**THREE, "host1": up(1, [entry(1), entry(2, "leader", applied=1101), entry(3)])},
        "host2",
    ),
    (
        "nor behind a learner",
        {
            **THREE,
            "host1": up(
                1,
                [entry(1), entry(2, "leader", applied=2000), entry(4, "learner", applied=2001)],
            ),
        },
        "host2",
    ),
    ("a host that cannot ask it never", {"host1": silent(1), "host2": up(2), "host3": up(3)}, "host2"),
    (
        "only hosts of the play",
        {"host1": up(1, [entry(1, "leader"), entry(2, applied=999)])},
        "host1",
    ),
    (
        "no learner",
        {"host1": up(1, [entry(1, "leader"), entry(2, "learner", applied=999)]), "host2": up(2)},
        "host1",
    ),
    ("nobody answers", {"host1": silent(1), "host2": silent(2)}, "host1"),
]


@pytest.mark.parametrize(("reports", "expected"), table(SNAPSHOTS))
def test_snapshot_host(reports: Reports, expected: str) -> None:
    peers = Fleet(reports)
    coordinator = coordinator_of(peers)
    assert snapshot_host(peers[coordinator].cluster, peers, coordinator) == expected


ORDER = (Place("cp2", "host2", ""), Place("cp3", "host1", "https://192.0.2.3:2379"), Place("cp1", "host1", ""))

LEADERS: list[tuple[str, str | None, list[str]]] = [
    ("as it was", "cp1", ["cp2", "cp3", "cp1"]),
    ("the leadership has moved", "cp2", ["cp3", "cp1", "cp2"]),
    ("nobody knows", None, ["cp2", "cp3", "cp1"]),
    ("a member that is not worked on", "cp9", ["cp2", "cp3", "cp1"]),
]


@pytest.mark.parametrize(("leader", "expected"), table(LEADERS))
def test_who_leads_by_now_is_last(leader: str | None, expected: list[str]) -> None:
    assert [place.name for place in leader_last(ORDER, leader)] == expected


def test_members_on_their_own_hosts() -> None:
    assert on_own_hosts(ORDER, ["host1"]) == (ORDER[2],)
    assert on_own_hosts(ORDER, []) == ()


def test_order_is_read_back() -> None:
    assert (
        read_order([{"name": place.name, "host": place.host, "endpoint": place.endpoint} for place in ORDER]) == ORDER
    )
    with pytest.raises(ValueError, match=r"^the cluster\.order\[0\]\.endpoint is missing\.$"):
        read_order([{"name": "cp1", "host": "host1"}])


EMPTIED = "One of them was probably emptied and came up as a cluster of its own."
OWN_RIGHT = "run this for the hosts of one at a time (--limit)."

FOREIGN: list[tuple[str, Reports, list[str]]] = [
    ("none", THREE, []),
    ("never started", {**THREE, "host3": silent(3, cluster_id=None)}, []),
    (
        "one of its own",
        {**THREE, "host3": up(3, [entry(3, "leader")], cluster_id="bad")},
        ["(host3: cluster bad; host1, host2: cluster c1)", EMPTIED],
    ),
    ("one that is silent", {**THREE, "host3": silent(3, cluster_id="bad")}, ["host3: cluster bad", EMPTIED]),
    (
        "one host of another cluster",
        {**THREE, "host4": up(4, [entry(4, "leader"), entry(5)], cluster_id="c2")},
        ["host4: cluster c2", OWN_RIGHT],
    ),
    (
        "two hosts of another cluster",
        {**THREE, "host4": silent(4, cluster_id="c2"), "host5": silent(5, cluster_id="c2")},
        ["host4, host5: cluster c2", OWN_RIGHT],
    ),
]


@pytest.mark.parametrize(("reports", "parts"), table(FOREIGN))
def test_foreign_members(reports: Reports, parts: list[str]) -> None:
    found = foreign_members(Fleet(reports))
    assert bool(found) is bool(parts)
    assert not found or found.code == "different_clusters"
    assert all(found and part in found.text for part in parts)


def test_members_missing() -> None:
    members = [*MEMBERS, entry(4, "unstarted"), entry(5, "silent", error="connection refused")]
    found = members_missing(members)
    assert members_missing(MEMBERS) is None
    assert found
    assert found.code == "members_missing"
    assert found.text == (
        "Not every member answers: cp4 (it has never started), cp5 (connection refused). Members are restarted one at a"
        " time, and the others must keep the quorum. Start what is down, wait for what is busy, and run this again."
        " Only a member that is gone for good is to be removed first (etcdctl member remove)."
    )


def test_nodes_out_of_reach() -> None:
    found = nodes_out_of_reach(ORDER)
    assert nodes_out_of_reach(ORDER[:1]) is None
    assert found
    assert found.code == "nodes_out_of_reach"
    assert found.text == (
        "The nodes of cp3 are not among the hosts of this run, or cannot ask their member, but all members have to get"
        " the same flags. Add them to the inventory, then run this again."
    )
    assert [finding[:18] for finding in out_of_reach_findings(ORDER)] == ["The node of cp3 is"]


def test_hosts_that_cannot_ask_their_own_member() -> None:
    peers = Fleet({**THREE, "host2": silent(2), "host9": silent(9)})
    assert unasked_findings(peers, THREE["host1"].cluster) == ["host2 cannot ask its own member: host2 is down."]
    assert unasked_findings(peers, None) == []
