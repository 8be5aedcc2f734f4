# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who coordinates, who is worked on where and when, and who is out of reach."""

from __future__ import annotations

import pytest
from unit.builders import member_report as entry
from unit.builders import table
from unit.fleet_reports import MEMBERS, Reports, silent, up

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.coordination import (
    Place,
    coordinator_of,
    leader_last,
    members_missing,
    nodes_out_of_reach,
    on_own_hosts,
    order_of,
    out_of_reach_findings,
    read_order,
    snapshot_host,
    unasked_findings,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

THREE = {f"host{number}": up(number) for number in (3, 1, 2)}


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


def test_who_is_cut_off_is_missing() -> None:
    found = members_missing([*MEMBERS, entry(4, "leaderless", error="it answers, but knows no leader")])
    assert found
    assert "Not every member answers: cp4 (it answers, but knows no leader)." in found.text


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
