# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done to a cluster, and why it may not be."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from unit.builders import MIB, Json, held_by, kubelet_report, table
from unit.builders import member_report as entry
from unit.fleet_reports import MEMBERS, Reports, cluster_of, silent, up

from ansible_collections.controlplane.etcd.plugins.module_utils._core.records import plain
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import Refusal


def assert_texts(refusals: list[Json], expected: Sequence[str]) -> None:
    """Each refusal has the part of a text that is expected of it."""
    assert len(refusals) == len(expected)
    assert all(part in refusal["text"] for part, refusal in zip(expected, refusals, strict=True))


THREE = {f"host{number}": up(number) for number in (3, 1, 2)}
ALL_DOWN = {f"host{number}": silent(number) for number in (1, 2, 3)}
ALONE = [entry(1), entry(2, "silent"), entry(3, "silent")]
LEADERLESS = {**ALL_DOWN, "host1": up(1, ALONE, quorum=False, refusals=["No leader."])}
ONE_DOWN = {
    **THREE,
    "host1": up(1, [entry(1, "leader"), entry(2, "silent"), entry(3)]),
    "host2": silent(2),
}


def test_healthy() -> None:
    found = cluster_of(THREE, "host2")
    assert found == {
        "name": "host1",
        "unit_of_events": "",
        "hosts": ["host1", "host2", "host3"],
        "coordinator": "host1",
        "snapshot_host": "host1",
        "order": [
            {"name": "cp2", "host": "host2", "endpoint": ""},
            {"name": "cp3", "host": "host3", "endpoint": ""},
            {"name": "cp1", "host": "host1", "endpoint": ""},
        ],
        "members": plain(MEMBERS),
        "has_work": True,
        "refusals": [],
        "findings": ["It is full."],
        "expected_seconds": 74,
        "lock_runs": [],
        "hidden_hosts": [],
        "units": {},
        "apiserver_hosts": [],
        "has_quorum": True,
        "revive": {},
        "hold": {},
        "full": True,
    }


def test_same_for_every_host_of_a_cluster() -> None:
    assert cluster_of(THREE, "host1") == cluster_of(THREE, "host2") == cluster_of(THREE, "host3")


def test_clusters_with_equal_ids_are_told_apart_by_their_ca() -> None:
    reports = {
        "a1": up(1, [entry(1, "leader")], ca="one"),
        "b1": up(1, [entry(1, "leader")], ca="two"),
    }
    for host in ("a1", "b1"):
        found = cluster_of(reports, host)
        assert found["hosts"] == [host]
        assert found["coordinator"] == found["snapshot_host"] == found["order"][0]["host"] == host
        assert found["refusals"] == []


REFUSALS: list[tuple[str, Reports, list[str]]] = [
    ("none", THREE, []),
    ("of the coordinator", {**THREE, "host1": up(1, refusals=["It is corrupt."])}, ["It is corrupt."]),
    (
        "a foreign member",
        {**THREE, "host3": up(3, [entry(3, "leader")], cluster_id="bad")},
        ["(host3: cluster bad; host1, host2: cluster c1)"],
    ),
    (
        "a silent foreign member",
        {**THREE, "host3": silent(3, cluster_id="bad")},
        ["(host3: cluster bad; host1, host2: cluster c1)"],
    ),
    (
        "the members of another cluster",
        {**THREE, "host4": up(4, [entry(4, "leader"), entry(5)], cluster_id="c2")},
        ["run this for the hosts of one at a time (--limit)."],
    ),
    (
        "a foreign member beside another refusal",
        {**THREE, "host1": up(1, refusals=["It is corrupt."]), "host3": silent(3, cluster_id="bad")},
        ["different clusters"],
    ),
    ("a silent host that never started", {**THREE, "host3": silent(3, cluster_id=None)}, []),
    (
        "nobody answers",
        {"host1": silent(1), "host2": silent(2)},
        ["No member of this cluster answers (host1: host1 is down; host2: host2 is down)"],
    ),
]


@pytest.mark.parametrize(("reports", "expected"), table(REFUSALS))
def test_refusals(reports: Reports, expected: list[str]) -> None:
    others = {**reports, "other": up(9, ca="other", cluster_id="ff")}
    assert_texts(cluster_of(others, "host1")["refusals"], expected)


def test_what_one_node_knows_refuses_its_cluster_and_comes_before_what_is_down() -> None:
    """Its member may well be up, and nobody's kubelet is restarted because of a file that is not there."""
    wrong = silent(2)._replace(refusals=(Refusal("wrong_connection", "its etcd cannot be asked with a file."),))
    for reports in ({**ONE_DOWN, "host2": wrong}, {**ALL_DOWN, "host2": wrong}):
        (found,) = cluster_of(reports, "host1", revive=True)["refusals"]
        assert found == {"code": "wrong_connection", "text": "host2: its etcd cannot be asked with a file."}


def test_nobody_answers_needs_a_recovery() -> None:
    found = cluster_of({"host1": silent(1)}, "host1")
    assert (found["has_work"], found["members"], found["expected_seconds"], found["findings"]) == (
        True,
        [],
        0,
        [],
    )


def test_healthy_needs_none() -> None:
    assert not cluster_of({"host1": up(1, full=False)}, "host1")["has_work"]


SMALL = 64 * MIB - 1

FULL_DISKS: list[tuple[str, Reports, list[str]]] = [
    ("room for one segment of the log", {**THREE, "host2": up(2, free=64 * MIB)}, []),
    (
        "a byte too small",
        {**THREE, "host2": up(2, free=SMALL)},
        ["The data disk of host2 has only 64.0 MiB free"],
    ),
    ("of a silent one", {**THREE, "host3": silent(3, free=0)}, ["The data disk of host3 has only 0.0 MiB free"]),
    ("no data directory", {**THREE, "host2": up(2, free=None)}, []),
    (
        "two",
        {**THREE, "host2": up(2, free=1), "host3": up(3, free=2)},
        ["disk of host2", "disk of host3"],
    ),
    ("healthy: nothing is written", {**THREE, "host1": up(1, full=False), "host2": up(2, free=1)}, []),
    ("after another refusal", {"host1": up(1, free=1, refusals=["It is corrupt."])}, ["It is corrupt."]),
    ("after no member that answers", {"host1": silent(1, free=1)}, ["No member of this cluster answers"]),
]


@pytest.mark.parametrize(("reports", "expected"), table(FULL_DISKS))
def test_disk_that_is_full(reports: Reports, expected: list[str]) -> None:
    """etcd exits when it cannot write its log."""
    assert_texts(cluster_of(reports, "host1")["refusals"], expected)


# 100 MiB in use, 16 MiB that bbolt grows by, 64 MiB for the log.
ENOUGH = 180 * MIB

FINDINGS: list[tuple[str, Reports, list[str]]] = [
    ("nothing more", THREE, []),
    ("disk exactly large enough", {**THREE, "host2": up(2, free=ENOUGH)}, []),
    (
        "disk a byte too small",
        {**THREE, "host2": up(2, free=ENOUGH - 1)},
        ["The data disk of host2 has 180.0 MiB free; a defragmentation may need up to 180.0 MiB there"],
    ),
    (
        "a member that has more in use",
        {"host1": up(1, [entry(1, "leader", in_use=200 * MIB)], free=ENOUGH)},
        ["The data disk of host1 has 180.0 MiB free; a defragmentation may need up to 280.0 MiB there"],
    ),
    (
        "a full disk of a member that is down",
        {**ONE_DOWN, "host2": silent(2, free=0)},
        ["The data disk of host2 has only 0.0 MiB free: its etcd, which is down, exits when it cannot write its log"],
    ),
    ("disk unknown", {**THREE, "host2": up(2, free=None)}, []),
    (
        "small disk, but nothing will be defragmented",
        {**THREE, "host1": up(1, full=False), "host2": up(2, free=ENOUGH - 1)},
        [],
    ),
    (
        "a host that cannot ask its own member",
        {**THREE, "host2": silent(2)},
        ["host2 cannot ask its own member: host2 is down.", "The node of cp2 is not among the hosts of this run, or"],
    ),
    (
        "a host whose member is down for all",
        {
            **THREE,
            "host1": up(1, [entry(1, "leader"), entry(2, "silent"), entry(3)]),
            "host2": silent(2),
        },
        [],
    ),
    (
        "a member without a host",
        {"host1": up(1), "host2": up(2)},
        ["The node of cp3 is not among the hosts of this run, or cannot ask its member: it is worked on through"],
    ),
    (
        "a learner without a host: it is not worked on",
        {"host1": up(1, [entry(1, "leader"), entry(2, "learner")])},
        [],
    ),
]


@pytest.mark.parametrize(("reports", "expected"), table(FINDINGS))
def test_findings(reports: Reports, expected: list[str]) -> None:
    findings = cluster_of(reports, "host1")["findings"]
    assert findings[0] == "It is full."
    assert len(findings) == len(expected) + 1
    assert all(finding.startswith(part) for part, finding in zip(expected, findings[1:], strict=True))


def test_member_without_a_host() -> None:
    assert cluster_of({"host1": up(1), "host2": up(2)}, "host1")["findings"][1] == (
        "The node of cp3 is not among the hosts of this run, or cannot ask its member: it is worked on through"
        " https://192.0.2.3:2379, its disk is not checked, its kubelet is not held, and a run on that node alone would"
        " not see this one."
    )


STOPPED = kubelet_report(refusal="kubelet was stopped by someone else.")

# Hosts; whether members are brought back; who is, whether there is work, and why it is refused.
REVIVED: list[tuple[str, Reports, bool, list[str], bool, list[str]]] = [
    ("all down", ALL_DOWN, True, ["host1", "host2", "host3"], True, []),
    ("all down, not to be brought back", ALL_DOWN, False, [], True, ["No member of this cluster answers"]),
    ("no leader: it is assessed when it is back", LEADERLESS, True, ["host1", "host2", "host3"], True, []),
    ("no leader, not to be brought back", LEADERLESS, False, [], True, ["No leader."]),
    ("one down while full", ONE_DOWN, True, ["host2"], True, []),
    ("one down while full, not to be brought back", ONE_DOWN, False, [], True, []),
    (
        "one down, but there is nothing to do",
        {
            **ONE_DOWN,
            "host1": up(1, [entry(1, "leader"), entry(2, "silent"), entry(3)], full=False),
        },
        True,
        [],
        False,
        [],
    ),
    (
        "no kubelet may be started",
        {"host1": silent(1, kubelet=STOPPED), "host2": silent(2, kubelet=STOPPED)},
        True,
        [],
        True,
        ["No member of this cluster answers"],
    ),
    (
        "corrupt",
        {
            **ONE_DOWN,
            "host1": up(1, [entry(1, "leader"), entry(2, "silent")], refusals=["It is corrupt."]),
        },
        True,
        ["host2"],
        True,
        ["It is corrupt."],
    ),
    (
        "a foreign member among them",
        {**ALL_DOWN, "host3": silent(3, cluster_id="bad")},
        True,
        ["host1", "host2", "host3"],
        True,
        ["different clusters"],
    ),
    (
        "a full disk, without which there is a quorum",
        {**ALL_DOWN, "host3": silent(3, free=0)},
        True,
        ["host1", "host2"],
        True,
        [],
    ),
    (
        "two full disks, without which there is none",
        {**ALL_DOWN, "host2": silent(2, free=0), "host3": silent(3, free=0)},
        True,
        ["host1"],
        True,
        ["The data disk of host2", "The data disk of host3"],
    ),
    ("the one that is down has a full disk", {**ONE_DOWN, "host2": silent(2, free=0)}, True, [], True, []),
]


@pytest.mark.parametrize(("reports", "revive", "hosts", "to_do", "refusals"), table(REVIVED))
def test_revive(reports: Reports, revive: bool, hosts: list[str], to_do: bool, refusals: list[str]) -> None:
    found = cluster_of(reports, "host1", revive=revive)
    assert list(found["revive"]) == hosts
    assert found["has_work"] is to_do
    assert_texts(found["refusals"], refusals)


# Whether members are to be brought back; whether there is work, and whether that is more than bringing them back.
FULL: list[tuple[str, Reports, bool, bool, bool]] = [
    ("full", THREE, True, True, True),
    ("nobody can tell", ALL_DOWN, True, True, True),
    ("healthy", {"host1": up(1, full=False)}, True, False, False),
    (
        "no leader, and nothing else",
        {**ALL_DOWN, "host1": up(1, ALONE, quorum=False, full=False)},
        True,
        True,
        False,
    ),
    (
        "no leader, not to be brought back",
        {**ALL_DOWN, "host1": up(1, ALONE, quorum=False, full=False)},
        False,
        False,
        False,
    ),
]


@pytest.mark.parametrize(("reports", "revive", "to_do", "full"), table(FULL))
def test_full(reports: Reports, revive: bool, to_do: bool, full: bool) -> None:
    found = cluster_of(reports, "host1", revive=revive)
    assert (found["has_work"], found["full"]) == (to_do, full)


OLD = "1.30"

HOLDS: list[tuple[str, Reports, list[str]]] = [
    ("probes that do not mind the alarm", {"host1": up(1, alarms=["NOSPACE"])}, []),
    ("probes that do", {"host1": up(1, alarms=["NOSPACE"], probes=OLD), "host2": up(2)}, ["host1"]),
    ("not armed yet", {"host1": up(1, probes=OLD)}, []),
    ("nobody can tell about alarms", {"host1": silent(1, probes=OLD), "host2": silent(2)}, ["host1"]),
    ("nothing to do", {"host1": up(1, alarms=["NOSPACE"], probes=OLD, full=False)}, []),
]


@pytest.mark.parametrize(("reports", "hosts"), table(HOLDS))
def test_hold(reports: Reports, hosts: list[str]) -> None:
    assert list(cluster_of(reports, "host1", revive=True)["hold"]) == hosts


def test_what_this_run_holds_is_always_told() -> None:
    """Whatever there is to do by now, it is to be released."""
    mine = kubelet_report(held=held_by("r1"))
    healthy = {"host1": up(1, kubelet=mine, full=False), "host2": up(2), "host3": silent(3, kubelet=mine)}
    both = {"host1": "this run holds it", "host3": "this run holds it"}
    assert cluster_of(healthy, "host1", run="r1")["hold"] == both
    assert cluster_of(healthy, "host1", run="r2")["hold"] == {}
    full = {**healthy, "host1": up(1, kubelet=mine), "host2": up(2, alarms=["NOSPACE"])}
    assert cluster_of(full, "host1", run="r1")["hold"] == both
    assert cluster_of(full, "host1", run="r2")["hold"] == {"host1": "an earlier run holds it"}


def test_others_are_held_while_one_is_brought_back() -> None:
    reports = {**ALL_DOWN, "host1": up(1, ALONE, quorum=False, probes=OLD), "host2": silent(2, probes=OLD)}
    assert list(cluster_of(reports, "host1", revive=True)["hold"]) == ["host1", "host2"]
    assert list(cluster_of(reports, "host1")["hold"]) == ["host1"]


def test_kubelet_that_somebody_stopped_is_told() -> None:
    reports = {**ONE_DOWN, "host2": silent(2, kubelet=STOPPED)}
    assert cluster_of(reports, "host1")["findings"] == ["It is full.", "host2: kubelet was stopped by someone else."]
    assert cluster_of(THREE | {"host3": up(3, kubelet=STOPPED)}, "host1")["findings"] == ["It is full."]


@pytest.mark.parametrize("full", [True, False])
def test_kubelet_that_cannot_be_held_is_told(full: bool) -> None:
    no_unit = kubelet_report(refusal="There is no unit kubelet on this node.", running=False)
    members = [entry(1, "leader")]
    report = up(1, members, alarms=["NOSPACE"], probes=OLD, kubelet=no_unit, full=full)
    found = cluster_of({"host1": report}, "host1")
    assert found["hold"] == {}
    assert len(found["findings"]) == (2 if full else 1)
    assert not full or found["findings"][1].startswith("The kubelet of host1 cannot be held (There is no unit")


def test_hold_of_an_earlier_run_is_told() -> None:
    reports = {"host1": up(1, [entry(1, "leader")], kubelet=kubelet_report(held=held_by("r1")), full=False)}
    assert "is held (stopped) by an earlier run" in cluster_of(reports, "host1", run="r2")["findings"][-1]
    assert cluster_of(reports, "host1", run="r1")["findings"] == ["It is full."]


STRAYS = ["/m/etcd.yaml.bak"]

STRAY_FILES: list[tuple[str, Reports, list[str]]] = [
    (
        "refused",
        {"host1": up(1), "host2": up(2, stray_files=STRAYS)},
        ["host2 has /m/etcd.yaml.bak beside"],
    ),
    (
        "before its kubelet is restarted",
        {**ALL_DOWN, "host2": silent(2, stray_files=STRAYS)},
        ["host2 has /m/etcd.yaml.bak"],
    ),
    ("nothing to do", {"host1": up(1, stray_files=STRAYS, full=False)}, []),
]


@pytest.mark.parametrize(("reports", "expected"), table(STRAY_FILES))
def test_stray_files(reports: Reports, expected: list[str]) -> None:
    assert_texts(cluster_of(reports, "host1", revive=True)["refusals"], expected)


def test_locks() -> None:
    reports = {
        "host1": up(1, run="b"),
        "host2": up(2, run="a"),
        "host3": up(3, run="b"),
        "x": up(4, ca="x", run="c"),
    }
    assert cluster_of(reports, "host1")["lock_runs"] == ["a", "b"]


def test_refusals_have_their_codes() -> None:
    foreign = {**THREE, "host3": silent(3, cluster_id="bad")}
    alias = {**foreign, "alias": up(1)}
    situations: list[Reports] = [alias, foreign, ALL_DOWN, {"host1": up(1, free=1)}]
    found = [cluster_of(reports, "host1")["refusals"] for reports in situations]
    assert [[refusal["code"] for refusal in refusals] for refusals in found] == [
        ["two_names_for_one_node"],
        ["different_clusters"],
        ["no_member_answers"],
        ["disk_full"],
    ]
