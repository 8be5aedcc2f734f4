# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a play as clusters: who belongs together, who coordinates, who is worked on where and when."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from unit.builders import MIB, Json, held_by, on_node, table

from ansible_collections.controlplane.etcd.plugins.filter.cluster_of import FilterModule, cluster_of


def entry(number: int, role: str = "follower", applied: int = 100, in_use: int = 100 * MIB) -> Json:
    """An entry of `cluster.members`."""
    return {
        "member_id": f"{number:x}",
        "name": f"cp{number}",
        "role": role,
        "endpoint": f"https://192.0.2.{number}:2379",
        "raft_applied_index": applied,
        "db_size_in_use_bytes": in_use,
    }


MEMBERS = [entry(1, "leader"), entry(2), entry(3)]


def look(
    number: int,
    members: list[Json] | None = None,
    *,
    ca: str = "ca",
    cluster: str = "c1",
    quorum: bool = True,
    free: int | None = 9000 * MIB,
    run: str | None = None,
    alarms: Sequence[str] = (),
    node: Json | None = None,
    **diagnosis: object,
) -> Json:
    """What etcd_node_info returns of a host whose member answers; `ca` names the certificates in its CA file, `node`
    says what is not as it should be with its kubelet or its process."""
    return {
        "present": True,
        "answers": True,
        "error": "",
        "ca_sha256": ca.split(),
        "cluster_id": cluster,
        "member_id": f"{number:x}",
        "free_disk_bytes": free,
        "lock": {"run": run, "owner": "root@a", "until": 1.0} if run else None,
        **on_node(**node or {}),
        "cluster": {
            "cluster_id": cluster,
            "has_quorum": quorum,
            "alarms": [{"alarm": alarm} for alarm in alarms],
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


def silent(
    number: int, *, ca: str = "ca", cluster: str | None = "c1", free: int | None = 9000 * MIB, node: Json | None = None
) -> Json:
    """Its etcd does not run."""
    found = look(number, ca=ca, free=free, node={"process": None, "waiting_may_help": True, **(node or {})})
    del found["cluster"], found["diagnosis"]
    return found | {"answers": False, "error": f"host{number} is down", "cluster_id": cluster}


THREE = {f"host{number}": look(number) for number in (3, 1, 2)}


def test_healthy() -> None:
    found = cluster_of(THREE, "host2")
    assert found == {
        "hosts": ["host1", "host2", "host3"],
        "coordinator": "host1",
        "snapshot_host": "host1",
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
        "has_quorum": True,
        "revive": {},
        "hold": {},
        "full": True,
    }


def test_same_for_every_host_of_a_cluster() -> None:
    assert cluster_of(THREE, "host1") == cluster_of(THREE, "host2") == cluster_of(THREE, "host3")


def test_clusters_with_equal_ids_are_told_apart_by_their_ca() -> None:
    looks = {
        "a1": look(1, [entry(1, "leader")], ca="one"),
        "b1": look(1, [entry(1, "leader")], ca="two"),
    }
    for host in ("a1", "b1"):
        found = cluster_of(looks, host)
        assert found["hosts"] == [host]
        assert found["coordinator"] == found["snapshot_host"] == found["order"][0]["host"] == host
        assert found["refusals"] == []


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
    looks = {name: silent(number, ca=ca) for number, (name, ca) in enumerate(files.items(), start=1)}
    for host in expected:
        assert cluster_of(looks, host)["hosts"] == expected


COORDINATORS: list[tuple[str, dict[str, Json], str]] = [
    ("by name", THREE, "host1"),
    ("a silent one never", {**THREE, "host1": silent(1)}, "host2"),
    ("one without quorum last", {**THREE, "host1": look(1, quorum=False)}, "host2"),
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
    # Not who leads or is a little ahead just now: a second attempt has to find the first one's snapshot.
    ("by name", THREE, "host1"),
    ("by name of the host", {"host1": look(3), "host2": look(1), "host3": look(2)}, "host1"),
    (
        "not the one that is a little ahead",
        {**THREE, "host1": look(1, [entry(1, "leader"), entry(2), entry(3, applied=101)])},
        "host1",
    ),
    (
        "behind by exactly 1000",
        {**THREE, "host1": look(1, [entry(1), entry(2, "leader", 1100), entry(3)])},
        "host1",
    ),
    (
        "one more is too far",
        {**THREE, "host1": look(1, [entry(1), entry(2, "leader", 1101), entry(3)])},
        "host2",
    ),
    (
        "nor behind a learner",
        {**THREE, "host1": look(1, [entry(1), entry(2, "leader", 2000), entry(4, "learner", 2001)])},
        "host2",
    ),
    ("a host that cannot ask it never", {"host1": silent(1), "host2": look(2), "host3": look(3)}, "host2"),
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
        "the members of another cluster",
        {**THREE, "host4": look(4, [entry(4, "leader"), entry(5)], cluster="c2")},
        ["run this for the hosts of one at a time (--limit)."],
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
    refusals = cluster_of({**looks, "other": look(9, ca="other", cluster="ff")}, "host1")["refusals"]
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


SMALL = 64 * MIB - 1

FULL_DISKS: list[tuple[str, dict[str, Json], list[str]]] = [
    ("room for one segment of the log", {**THREE, "host2": look(2, free=64 * MIB)}, []),
    ("a byte too small", {**THREE, "host2": look(2, free=SMALL)}, ["The data disk of host2 has only 64.0 MiB free"]),
    ("of a silent one", {**THREE, "host3": silent(3, free=0)}, ["The data disk of host3 has only 0.0 MiB free"]),
    ("no data directory", {**THREE, "host2": look(2, free=None)}, []),
    ("two", {**THREE, "host2": look(2, free=1), "host3": look(3, free=2)}, ["disk of host2", "disk of host3"]),
    ("healthy: nothing is written", {**THREE, "host1": look(1, needs_recovery=False), "host2": look(2, free=1)}, []),
    ("after another refusal", {"host1": look(1, free=1, refusals=["It is corrupt."])}, ["It is corrupt."]),
    ("after silence", {"host1": silent(1, free=1)}, ["No member of this cluster answers"]),
]


@pytest.mark.parametrize(("looks", "expected"), table(FULL_DISKS))
def test_disk_that_is_full(looks: dict[str, Json], expected: list[str]) -> None:
    """etcd ends where it cannot write its log."""
    refusals = cluster_of(looks, "host1")["refusals"]
    assert len(refusals) == len(expected)
    assert all(part in refusal for part, refusal in zip(expected, refusals, strict=True))


# 100 MiB in use, 16 MiB that bbolt grows by, 64 MiB for the log.
ENOUGH = 180 * MIB

FINDINGS: list[tuple[str, dict[str, Json], list[str]]] = [
    ("nothing more", THREE, []),
    ("disk exactly large enough", {**THREE, "host2": look(2, free=ENOUGH)}, []),
    (
        "disk a byte too small",
        {**THREE, "host2": look(2, free=ENOUGH - 1)},
        ["The data disk of host2 has 180.0 MiB free; a defragmentation may need up to 180.0 MiB there"],
    ),
    (
        "a member that has more in use",
        {"host1": look(1, [entry(1, "leader", in_use=200 * MIB)], free=ENOUGH)},
        ["The data disk of host1 has 180.0 MiB free; a defragmentation may need up to 280.0 MiB there"],
    ),
    ("disk unknown", {**THREE, "host2": look(2, free=None)}, []),
    (
        "small disk, but nothing will be defragmented",
        {**THREE, "host1": look(1, needs_recovery=False), "host2": look(2, free=ENOUGH - 1)},
        [],
    ),
    (
        "a host that cannot ask its own member",
        {**THREE, "host2": silent(2)},
        ["host2 cannot ask its own member: host2 is down.", "The node of cp2 is not among the hosts of this run, or"],
    ),
    (
        "a host whose member is down for all",
        {**THREE, "host1": look(1, [entry(1, "leader"), entry(2, "silent"), entry(3)]), "host2": silent(2)},
        [],
    ),
    (
        "a member without a host",
        {"host1": look(1), "host2": look(2)},
        ["The node of cp3 is not among the hosts of this run, or cannot ask its member: it is worked on through"],
    ),
    (
        "a learner without a host: it is not worked on",
        {"host1": look(1, [entry(1, "leader"), entry(2, "learner")])},
        [],
    ),
]


@pytest.mark.parametrize(("looks", "expected"), table(FINDINGS))
def test_findings(looks: dict[str, Json], expected: list[str]) -> None:
    findings = cluster_of(looks, "host1")["findings"]
    assert findings[0] == "It is full."
    assert len(findings) == len(expected) + 1
    assert all(finding.startswith(part) for part, finding in zip(expected, findings[1:], strict=True))


def test_member_without_a_host() -> None:
    assert cluster_of({"host1": look(1), "host2": look(2)}, "host1")["findings"][1] == (
        "The node of cp3 is not among the hosts of this run, or cannot ask its member: it is worked on through"
        " https://192.0.2.3:2379, its disk is not checked, its kubelet is not held, and a run on that node alone would"
        " not see this one."
    )


ALL_DOWN = {f"host{number}": silent(number) for number in (1, 2, 3)}
ALONE = [entry(1), entry(2, "silent"), entry(3, "silent")]
LEADERLESS = {**ALL_DOWN, "host1": look(1, ALONE, quorum=False, refusals=["No leader."])}
ONE_DOWN = {**THREE, "host1": look(1, [entry(1, "leader"), entry(2, "silent"), entry(3)]), "host2": silent(2)}
STOPPED: Json = {"refusal": "kubelet was stopped by someone else."}

# Hosts; whether members are brought back; who is, whether there is work, and why it is refused.
REVIVED: list[tuple[str, dict[str, Json], bool, list[str], bool, list[str]]] = [
    ("all down", ALL_DOWN, True, ["host1", "host2", "host3"], True, []),
    ("all down, not to be brought back", ALL_DOWN, False, [], True, ["No member of this cluster answers"]),
    ("no leader: it is judged when it is back", LEADERLESS, True, ["host1", "host2", "host3"], True, []),
    ("no leader, not to be brought back", LEADERLESS, False, [], True, ["No leader."]),
    ("one down while full", ONE_DOWN, True, ["host2"], True, []),
    ("one down while full, not to be brought back", ONE_DOWN, False, [], True, []),
    (
        "one down, but there is nothing to do",
        {**ONE_DOWN, "host1": look(1, [entry(1, "leader"), entry(2, "silent"), entry(3)], needs_recovery=False)},
        True,
        [],
        False,
        [],
    ),
    (
        "no kubelet may be started",
        {"host1": silent(1, node=STOPPED), "host2": silent(2, node=STOPPED)},
        True,
        [],
        True,
        ["No member of this cluster answers"],
    ),
    (
        "corrupt",
        {**ONE_DOWN, "host1": look(1, [entry(1, "leader"), entry(2, "silent")], refusals=["It is corrupt."])},
        True,
        ["host2"],
        True,
        ["It is corrupt."],
    ),
    (
        "a stranger among them",
        {**ALL_DOWN, "host3": silent(3, cluster="bad")},
        True,
        ["host1", "host2", "host3"],
        True,
        ["different clusters"],
    ),
    (
        "a full disk",
        {**ALL_DOWN, "host3": silent(3, free=0)},
        True,
        ["host1", "host2", "host3"],
        True,
        ["The data disk of host3"],
    ),
]


@pytest.mark.parametrize(("looks", "revive", "hosts", "to_do", "refusals"), table(REVIVED))
def test_revive(looks: dict[str, Json], revive: bool, hosts: list[str], to_do: bool, refusals: list[str]) -> None:
    found = cluster_of(looks, "host1", revive=revive)
    assert list(found["revive"]) == hosts
    assert found["needs_recovery"] is to_do
    assert len(found["refusals"]) == len(refusals)
    assert all(part in refusal for part, refusal in zip(refusals, found["refusals"], strict=True))


# Whether members are to be brought back; whether there is work, and whether that is more than bringing them back.
FULL: list[tuple[str, dict[str, Json], bool, bool, bool]] = [
    ("full", THREE, True, True, True),
    ("nobody can tell", ALL_DOWN, True, True, True),
    ("healthy", {"host1": look(1, needs_recovery=False)}, True, False, False),
    (
        "no leader, and nothing else",
        {**ALL_DOWN, "host1": look(1, ALONE, quorum=False, needs_recovery=False)},
        True,
        True,
        False,
    ),
    (
        "no leader, not to be brought back",
        {**ALL_DOWN, "host1": look(1, ALONE, quorum=False, needs_recovery=False)},
        False,
        False,
        False,
    ),
]


@pytest.mark.parametrize(("looks", "revive", "to_do", "full"), table(FULL))
def test_full(looks: dict[str, Json], revive: bool, to_do: bool, full: bool) -> None:
    found = cluster_of(looks, "host1", revive=revive)
    assert (found["needs_recovery"], found["full"]) == (to_do, full)


OLD: Json = {"probes": "1.30"}

HOLDS: list[tuple[str, dict[str, Json], list[str]]] = [
    ("probes that do not mind the alarm", {"host1": look(1, alarms=["NOSPACE"])}, []),
    ("probes that do", {"host1": look(1, alarms=["NOSPACE"], node=OLD), "host2": look(2)}, ["host1"]),
    ("not armed yet", {"host1": look(1, node=OLD)}, []),
    ("nobody can tell about alarms", {"host1": silent(1, node=OLD), "host2": silent(2)}, ["host1"]),
    ("nothing to do", {"host1": look(1, alarms=["NOSPACE"], node=OLD, needs_recovery=False)}, []),
]


@pytest.mark.parametrize(("looks", "hosts"), table(HOLDS))
def test_hold(looks: dict[str, Json], hosts: list[str]) -> None:
    assert list(cluster_of(looks, "host1", revive=True)["hold"]) == hosts


def test_what_this_run_holds_is_always_told() -> None:
    """Whatever there is to do by now, it is to be released."""
    mine: Json = {"held": held_by("r1")}
    healthy = {"host1": look(1, node=mine, needs_recovery=False), "host2": look(2), "host3": silent(3, node=mine)}
    both = {"host1": "this run holds it", "host3": "this run holds it"}
    assert cluster_of(healthy, "host1", run="r1")["hold"] == both
    assert cluster_of(healthy, "host1", run="r2")["hold"] == {}
    full = {**healthy, "host1": look(1, node=mine), "host2": look(2, alarms=["NOSPACE"])}
    assert cluster_of(full, "host1", run="r1")["hold"] == both
    assert cluster_of(full, "host1", run="r2")["hold"] == {"host1": "an earlier run holds it"}


def test_others_are_held_while_one_is_brought_back() -> None:
    looks = {**ALL_DOWN, "host1": look(1, ALONE, quorum=False, node=OLD), "host2": silent(2, node=OLD)}
    assert list(cluster_of(looks, "host1", revive=True)["hold"]) == ["host1", "host2"]
    assert list(cluster_of(looks, "host1")["hold"]) == ["host1"]


def test_kubelet_that_somebody_stopped_is_told() -> None:
    looks = {**ONE_DOWN, "host2": silent(2, node=STOPPED)}
    assert cluster_of(looks, "host1")["findings"] == ["It is full.", "host2: kubelet was stopped by someone else."]
    assert cluster_of(THREE | {"host3": look(3, node=STOPPED)}, "host1")["findings"] == ["It is full."]


@pytest.mark.parametrize("needs_recovery", [True, False])
def test_kubelet_that_cannot_be_held_is_told(needs_recovery: bool) -> None:
    node = {**OLD, "refusal": "There is no unit kubelet on this node."}
    members = [entry(1, "leader")]
    found = cluster_of(
        {"host1": look(1, members, alarms=["NOSPACE"], node=node, needs_recovery=needs_recovery)}, "host1"
    )
    assert found["hold"] == {}
    assert len(found["findings"]) == (2 if needs_recovery else 1)
    assert not needs_recovery or found["findings"][1].startswith(
        "The kubelet of host1 cannot be held (There is no unit"
    )


def test_hold_of_an_earlier_run_is_told() -> None:
    looks = {"host1": look(1, [entry(1, "leader")], node={"held": held_by("r1")}, needs_recovery=False)}
    assert "is held (stopped) by an earlier run" in cluster_of(looks, "host1", run="r2")["findings"][-1]
    assert cluster_of(looks, "host1", run="r1")["findings"] == ["It is full."]


STRAYS: Json = {"stray_files": ["/m/etcd.yaml.bak"]}

STRAY_FILES: list[tuple[str, dict[str, Json], list[str]]] = [
    ("refused", {"host1": look(1), "host2": look(2, node=STRAYS)}, ["host2 has /m/etcd.yaml.bak beside"]),
    ("before its kubelet is restarted", {**ALL_DOWN, "host2": silent(2, node=STRAYS)}, ["host2 has /m/etcd.yaml.bak"]),
    ("nothing to do", {"host1": look(1, node=STRAYS, needs_recovery=False)}, []),
]


@pytest.mark.parametrize(("looks", "expected"), table(STRAY_FILES))
def test_stray_files(looks: dict[str, Json], expected: list[str]) -> None:
    refusals = cluster_of(looks, "host1", revive=True)["refusals"]
    assert len(refusals) == len(expected)
    assert all(refusal.startswith(part) for part, refusal in zip(expected, refusals, strict=True))


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
