# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters of which no node can ask all members: what is seen of them together."""

from __future__ import annotations

from unit.builders import MIB, Json, cluster_report, diagnosis, view
from unit.builders import member as member_view
from unit.builders import member_report as entry
from unit.fleet_reports import cluster_of, silent, up

from ansible_collections.controlplane.etcd.plugins.module_utils._core.records import plain
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import checks
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import ClusterReport, NodeReport
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet import merged_view
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

CLOSED = "no answer within 10 s"


def alone(number: int, role: str = "follower") -> NodeReport:
    """The report of a host that can ask its own member only."""
    others = [entry(each, "silent", error=CLOSED) for each in (1, 2, 3) if each != number]
    members = sorted([entry(number, role), *others], key=lambda each: each.name)
    return up(number, members)._replace(
        cluster=cluster_report(*members, cluster_id="c1")._replace(has_quorum=True, leader="cp1"),
    )


APART = {"host1": alone(1, "leader"), "host2": alone(2), "host3": alone(3)}


def test_every_member_is_seen_from_its_own_node() -> None:
    found = cluster_of(APART, "host1")
    assert [member["role"] for member in found["members"]] == ["leader", "follower", "follower"]
    assert [(place["name"], place["host"], place["endpoint"]) for place in found["order"]] == [
        ("cp2", "host2", ""),
        ("cp3", "host3", ""),
        ("cp1", "host1", ""),
    ]
    assert found["hidden_hosts"] == ["host2", "host3"]
    said = " ".join(found["findings"])
    assert "does not answer" not in said
    assert "host1 cannot ask cp2 at " in said
    assert f"({CLOSED}), but its own node can: the client port (2379)" in said


def test_a_member_that_is_down_for_its_own_node_is_down() -> None:
    found = cluster_of({**APART, "host3": silent(3)}, "host1")
    assert [member["role"] for member in found["members"]] == ["leader", "follower", "silent"]
    assert found["hidden_hosts"] == ["host2"]
    assert "cp3 does not answer" in " ".join(found["findings"])


def test_a_member_that_is_cut_off_says_so_itself() -> None:
    found = cluster_of({**APART, "host3": alone(3, "leaderless")}, "host1")
    assert [place["name"] for place in found["order"]] == ["cp2", "cp1"]
    assert "cp3 is cut off: it answers, but does not reach the other members" in " ".join(found["findings"])


def test_nothing_is_merged_if_the_coordinator_can_ask_all() -> None:
    fleet = Fleet({"host1": up(1), "host2": up(2), "host3": up(3)})
    assert merged_view.hidden_hosts(fleet, "host1") == ()
    assert merged_view.merged_diagnosis(fleet, "host1") == fleet["host1"].diagnosis
    assert merged_view.merged_cluster(fleet, "host1") == fleet["host1"].cluster


def test_a_quota_that_only_its_own_node_knows_counts() -> None:
    """As on RKE2 without gateways: gRPC reaches all members, and the metrics are each node's own."""

    def seen_from(number: int) -> NodeReport:
        sizes = {1: 10 * MIB, 2: 31 * MIB, 3: 10 * MIB}
        members = [
            entry(each, "leader" if each == 1 else "follower", size=size, in_use=MIB, quota=32 * MIB)
            if each == number
            else entry(each, "leader" if each == 1 else "follower", size=size, in_use=MIB, quota=2048 * MIB)
            for each, size in sizes.items()
        ]
        told = [
            each._replace(quota_source="metrics" if each.quota_bytes == 32 * MIB else "default") for each in members
        ]
        return up(number, told, full=number == 2)

    fleet = Fleet({f"host{number}": seen_from(number) for number in (1, 2, 3)})
    cluster, found = merged_view.merged_cluster(fleet, "host1"), merged_view.merged_diagnosis(fleet, "host1")
    assert cluster
    assert [member.quota_bytes for member in cluster.members] == [32 * MIB] * 3
    assert [member.quota_used for member in cluster.members] == [0.3125, 0.9688, 0.3125]
    assert found
    assert found.needs_recovery


def test_an_unsafe_version_is_known_on_the_nodes() -> None:
    told = diagnosis(refusals=["unsafe"])
    refusal = told.refusals[0]._replace(code="unsafe_etcd_version")
    fleet = Fleet({**APART, "host2": APART["host2"]._replace(diagnosis=told._replace(refusals=(refusal,)))})
    found = merged_view.merged_diagnosis(fleet, "host1")
    assert found
    assert found.refusals == (refusal,)


def test_view_of_a_report_is_the_view_it_was_made_of() -> None:
    """As far as checks and estimates tell."""
    seen = view(
        member_view(1),
        member_view(2, size=990 * MIB),
        member_view(3, error="down"),
        member_view(4, learner=True, size=990 * MIB),
        member_view(5, leader=0),
        member_view(6, started=False),
    )
    again = merged_view.view_of(ClusterReport.of(seen))
    assert checks.findings(again) == checks.findings(seen)
    assert [each.role for each in again.members] == [each.role for each in seen.members]
    assert (again.leader_id, [each.id for each in again.up]) == (1, [1, 2, 4])


def test_joined_writes() -> None:
    def result(number: int, role: str = "follower") -> Json:
        return {"cluster": plain(alone(number, role).cluster), "writes": [f"cp{number}"], "seconds": number}

    joined = merged_view.joined_writes(result(1, "leader"), [result(2), result(3)])
    assert joined["writes"] == ["cp1", "cp2", "cp3"]
    assert [each["role"] for each in joined["cluster"]["members"]] == ["leader", "follower", "follower"]
    assert joined["seconds"] == 1
    assert not [finding for finding in joined["findings"] if "does not answer" in finding]
