# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a play as clusters: who belongs together, who coordinates, who is worked on where and when."""

from __future__ import annotations

import pytest
from unit.made import MIB, Json, table

from ansible_collections.controlplane.etcd.plugins.filter.cluster_of import FilterModule, cluster_of


def entry(number: int, role: str = "follower", applied: int = 100) -> Json:
    """An entry of `cluster.members`."""
    return {
        "member_id": f"{number:x}",
        "name": f"cp{number}",
        "role": role,
        "endpoint": f"https://192.0.2.{number}:2379",
        "raft_applied_index": applied,
    }


MEMBERS = [entry(1, "leader"), entry(2), entry(3)]


def look(
    number: int,
    members: list[Json] | None = None,
    *,
    ca: str = "ca",
    cluster: str = "c1",
    quorum: bool = True,
    free: int = 9000 * MIB,
    run: str | None = None,
    **diagnosis: object,
) -> Json:
    """What etcd_node_info returns of a host whose member answers."""
    return {
        "present": True,
        "answers": True,
        "error": "",
        "ca_sha256": ca,
        "cluster_id": cluster,
        "member_id": f"{number:x}",
        "free_disk_bytes": free,
        "lock": {"run": run, "owner": "root@a", "until": 1.0} if run else None,
        "cluster": {
            "cluster_id": cluster,
            "has_quorum": quorum,
            "members": MEMBERS if members is None else members,
        },
        "diagnosis": {
            "needs_recovery": True,
            "refusals": [],
            "findings": ["It is full."],
            "expected_seconds": 74,
            **diagnosis,
        },
    }


def silent(number: int, *, ca: str = "ca", cluster: str | None = "c1", free: int = 9000 * MIB) -> Json:
    found = look(number, ca=ca, free=free)
    del found["cluster"], found["diagnosis"]
    return found | {"answers": False, "error": f"host{number} is down", "cluster_id": cluster}


NO_ETCD: Json = {"present": False}
THREE = {f"host{number}": look(number) for number in (3, 1, 2)}


def test_healthy() -> None:
    found = cluster_of(THREE, "host2")
    assert found == {
        "hosts": ["host1", "host2", "host3"],
        "coordinator": "host1",
        "snapshot_host": "host2",
        "order": [
            {"name": "cp2", "host": "host2", "endpoint": ""},
            {"name": "cp3", "host": "host3", "endpoint": ""},
            {"name": "cp1", "host": "host1", "endpoint": ""},
        ],
        "members": MEMBERS,
        "needs_recovery": True,
        "refusals": [],
        "findings": ["It is full."],
        "expected_seconds": 74,
        "lock_runs": [],
    }


def test_same_for_every_host_of_a_cluster() -> None:
    assert cluster_of(THREE, "host1") == cluster_of(THREE, "host2") == cluster_of(THREE, "host3")


def test_clusters_with_equal_ids_are_told_apart_by_their_ca() -> None:
    looks = {
        "a1": look(1, [entry(1, "leader")], ca="one"),
        "b1": look(1, [entry(1, "leader")], ca="two"),
        "worker": NO_ETCD,
    }
    for host in ("a1", "b1"):
        found = cluster_of(looks, host)
        assert found["hosts"] == [host]
        assert found["coordinator"] == found["snapshot_host"] == found["order"][0]["host"] == host
        assert found["refusals"] == []


COORDINATORS: list[tuple[str, dict[str, Json], str]] = [
    ("by name", THREE, "host1"),
    ("a silent one never", {**THREE, "host1": silent(1)}, "host2"),
    ("one without quorum last", {**THREE, "host1": look(1, quorum=False)}, "host2"),
    (
        "a learner never",
        {"host1": look(1, [entry(1, "learner"), entry(2, "leader")]), "host2": look(2)},
        "host2",
    ),
    (
        "a learner rather than one without quorum",
        {"host1": look(1, quorum=False), "host2": look(2, [entry(2, "learner"), entry(3, "leader")])},
        "host2",
    ),
    ("without quorum rather than silent", {"host1": silent(1), "host2": look(2, quorum=False)}, "host2"),
    ("all silent", {"host2": silent(2), "host1": silent(1)}, "host1"),
]


@pytest.mark.parametrize(("looks", "expected"), table(COORDINATORS))
def test_coordinator(looks: dict[str, Json], expected: str) -> None:
    for host in looks:
        assert cluster_of(looks, host)["coordinator"] == expected


ORDERS: list[tuple[str, dict[str, Json], list[tuple[str, str, str]]]] = [
    (
        "a member outside the play is worked on through the coordinator",
        {"host1": look(1), "host2": look(2)},
        [("cp2", "host2", ""), ("cp3", "host1", "https://192.0.2.3:2379"), ("cp1", "host1", "")],
    ),
    (
        "so is one whose host cannot ask it",
        {**THREE, "host3": silent(3)},
        [("cp2", "host2", ""), ("cp3", "host1", "https://192.0.2.3:2379"), ("cp1", "host1", "")],
    ),
    (
        "neither learners nor silent nor unstarted members",
        {"host1": look(1, [entry(1, "leader"), entry(2, "learner"), entry(3, "silent"), entry(4, "unstarted")])},
        [("cp1", "host1", "")],
    ),
    ("nobody answers", {"host1": silent(1)}, []),
]


@pytest.mark.parametrize(("looks", "expected"), table(ORDERS))
def test_order(looks: dict[str, Json], expected: list[tuple[str, str, str]]) -> None:
    order = cluster_of(looks, "host1")["order"]
    assert [(each["name"], each["host"], each["endpoint"]) for each in order] == expected


SNAPSHOTS: list[tuple[str, dict[str, Json], str]] = [
    ("a follower rather than the leader", THREE, "host2"),
    ("who is furthest", {**THREE, "host1": look(1, [entry(1, "leader"), entry(2), entry(3, applied=101)])}, "host3"),
    (
        "the leader where it is furthest",
        {**THREE, "host1": look(1, [entry(1, "leader", 101), entry(2), entry(3)])},
        "host1",
    ),
    (
        "only hosts of the play",
        {"host1": look(1, [entry(1, "leader"), entry(2, applied=999)])},
        "host1",
    ),
    (
        "no learner",
        {"host1": look(1, [entry(1, "leader"), entry(2, "learner", 999)]), "host2": look(2)},
        "host1",
    ),
    ("nobody answers", {"host1": silent(1), "host2": silent(2)}, "host1"),
]


@pytest.mark.parametrize(("looks", "expected"), table(SNAPSHOTS))
def test_snapshot_host(looks: dict[str, Json], expected: str) -> None:
    assert cluster_of(looks, "host1")["snapshot_host"] == expected


REFUSALS: list[tuple[str, dict[str, Json], list[str]]] = [
    ("none", THREE, []),
    ("of the coordinator", {**THREE, "host1": look(1, refusals=["It is corrupt."])}, ["It is corrupt."]),
    (
        "a stranger",
        {**THREE, "host3": look(3, [entry(3, "leader")], cluster="bad")},
        ["(host3: cluster bad; host1, host2: cluster c1)"],
    ),
    (
        "a silent stranger",
        {**THREE, "host3": silent(3, cluster="bad")},
        ["(host3: cluster bad; host1, host2: cluster c1)"],
    ),
    (
        "a stranger beside another refusal",
        {**THREE, "host1": look(1, refusals=["It is corrupt."]), "host3": silent(3, cluster="bad")},
        ["different clusters"],
    ),
    ("a silent host that never started", {**THREE, "host3": silent(3, cluster=None)}, []),
    (
        "nobody answers",
        {"host1": silent(1), "host2": silent(2)},
        ["No member of this cluster answers (host1: host1 is down; host2: host2 is down)"],
    ),
]


@pytest.mark.parametrize(("looks", "expected"), table(REFUSALS))
def test_refusals(looks: dict[str, Json], expected: list[str]) -> None:
    refusals = cluster_of({**looks, "worker": NO_ETCD, "other": look(9, ca="other", cluster="ff")}, "host1")["refusals"]
    assert len(refusals) == len(expected)
    assert all(part in refusal for part, refusal in zip(expected, refusals, strict=True))


def test_nobody_answers_needs_a_recovery() -> None:
    found = cluster_of({"host1": silent(1)}, "host1")
    assert (found["needs_recovery"], found["members"], found["expected_seconds"], found["findings"]) == (
        True,
        [],
        0,
        [],
    )


def test_healthy_needs_none() -> None:
    assert not cluster_of({"host1": look(1, needs_recovery=False)}, "host1")["needs_recovery"]


def test_disk_that_is_full() -> None:
    looks = {**THREE, "host2": look(2, free=64 * MIB - 1), "host3": look(3, free=64 * MIB)}
    findings = cluster_of(looks, "host1")["findings"]
    assert findings[0] == "It is full."
    assert len(findings) == 2
    assert findings[1].startswith("The data disk of host2 has only 64.0 MiB free")


def test_locks() -> None:
    looks = {
        "host1": look(1, run="b"),
        "host2": look(2, run="a"),
        "host3": look(3, run="b"),
        "x": look(4, ca="x", run="c"),
    }
    assert cluster_of(looks, "host1")["lock_runs"] == ["a", "b"]


def test_filter() -> None:
    assert FilterModule().filters() == {"cluster_of": cluster_of}
