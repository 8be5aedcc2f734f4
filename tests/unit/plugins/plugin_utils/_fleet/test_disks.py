# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that stand against a recovery, and those that do not."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import MIB, cluster_report, disks_of, member_report, node_report, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.disks import Disk, Leftover
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import ClusterReport
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.disks import (
    down_for_its_disk,
    full_disk_findings,
    full_disks,
    small_disk_findings,
    snapshot_findings,
    snapshot_refusal,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

CLUSTER = cluster_report(member_report(1, "leader"), member_report(2), member_report(3, "learner"))
DOWN = cluster_report(member_report(1, "leader"), member_report(2), member_report(3, "silent"))
SEGMENT = 64 * MIB
# 100 MiB in use, 16 MiB that bbolt grows by, 64 MiB for the log.
ENOUGH = 180 * MIB


def peers(*free: int | None, cluster: ClusterReport | None = CLUSTER, down: str = "") -> Fleet:
    """Hosts a, b, c of the members 1, 2, 3, with so much free on their disks."""
    return Fleet(
        {
            host: node_report(number, None if host in down else cluster, free_disk_bytes=size)
            for number, (host, size) in enumerate(zip("abc", free, strict=False), start=1)
        }
    )


FULL: list[tuple[str, tuple[int | None, ...], list[str]]] = [
    ("room for one segment of the log", (SEGMENT, SEGMENT), []),
    ("a byte too small", (SEGMENT, SEGMENT - 1), ["The data disk of b has only 64.0 MiB free"]),
    ("two, one of a learner", (0, SEGMENT, 0), ["disk of a has only 0.0 MiB free", "disk of c has only 0.0 MiB free"]),
    ("not known", (None, None), []),
]


@pytest.mark.parametrize(("free", "expected"), table(FULL))
def test_full_disks(free: tuple[int | None, ...], expected: list[str]) -> None:
    found = full_disks(CLUSTER, peers(*free))
    assert [refused.code for refused in found] == ["disk_full"] * len(expected)
    assert all(part in refused.text for part, refused in zip(expected, found, strict=True))


# What is known of the cluster, the hosts that are down, free on their disks; those that stand against it.
DOWN_AND_FULL: list[tuple[str, ClusterReport | None, str, tuple[int, ...], str]] = [
    ("with a leader", DOWN, "c", (SEGMENT, SEGMENT, 0), ""),
    ("with a leader, and one that answers is full as well", DOWN, "c", (SEGMENT, 0, 0), "b"),
    ("a host that cannot ask a member that others can", CLUSTER, "b", (SEGMENT, 0), "b"),
    ("all down: two are enough", None, "abc", (SEGMENT, SEGMENT, 0), ""),
    ("all down: one is too few", None, "abc", (SEGMENT, 0, 0), "bc"),
    (
        "no leader: members on other hosts count for the quorum",
        cluster_report(*(member_report(number, "silent") for number in range(1, 6)), quorum=False),
        "abc",
        (SEGMENT, SEGMENT, 0),
        "c",
    ),
]


@pytest.mark.parametrize(("cluster", "down", "free", "expected"), table(DOWN_AND_FULL))
def test_full_disks_of_members_that_are_down(
    cluster: ClusterReport | None, down: str, free: tuple[int, ...], expected: str
) -> None:
    fleet = peers(*free, cluster=cluster, down=down)
    assert "".join(refused.text.partition("disk of ")[2][0] for refused in full_disks(cluster, fleet)) == expected


def test_a_member_that_is_down_for_its_disk_is_said() -> None:
    fleet = peers(SEGMENT, SEGMENT, 1, cluster=DOWN, down="c")
    assert list(down_for_its_disk(DOWN, fleet)) == ["c"]
    (found,) = full_disk_findings(DOWN, fleet)
    assert found.startswith("The data disk of c has only 0.0 MiB free: its etcd, which is down, exits when it")
    assert full_disk_findings(DOWN, peers(SEGMENT, 0, SEGMENT, cluster=DOWN, down="c")) == []


def test_what_may_go_is_named() -> None:
    left = (Leftover("/etc/kubernetes/tmp/kubeadm-backup-etcd-1", 2048 * MIB), Leftover("/var/lib/etcd/x", MIB))
    named = "/etc/kubernetes/tmp/kubeadm-backup-etcd-1 (2048.0 MiB), /var/lib/etcd/x (1.0 MiB)"
    fleet = Fleet({"a": node_report(1, CLUSTER, disks=disks_of(0, leftovers=left))})
    assert named in full_disks(CLUSTER, fleet)[0].text
    assert named in small_disk_findings(CLUSTER, fleet)[0]
    down = Fleet({"c": node_report(3, disks=disks_of(0, leftovers=left))})
    assert named in full_disk_findings(DOWN, down)[0]


def test_the_disk_of_the_log_counts() -> None:
    data = Disk(("data",), "/var/lib/etcd", SEGMENT, 0, False, "", ())
    wal = data._replace(uses=("wal",), path="/wal", free_bytes=SEGMENT - 1)
    fleet = Fleet({"a": node_report(1, CLUSTER, disks=(data, wal))})
    assert full_disks(CLUSTER, fleet)[0].text.startswith("The disk of the log (--wal-dir) of a has only 64.0 MiB free")
    # Its next segment is not on the disk of the data.
    for free, expected in ((ENOUGH - SEGMENT, 0), (ENOUGH - SEGMENT - 1, 1)):
        fleet = Fleet({"a": node_report(1, CLUSTER, disks=(data._replace(free_bytes=free), wal))})
        assert len(small_disk_findings(CLUSTER, fleet)) == expected


SMALL: list[tuple[str, ClusterReport | None, tuple[int | None, ...], list[str]]] = [
    ("exactly large enough", CLUSTER, (ENOUGH, ENOUGH), []),
    ("the leader's last", CLUSTER, (0, 0), ["The data disk of b has", "The data disk of a has"]),
    ("a byte too small", CLUSTER, (ENOUGH, ENOUGH - 1), ["The data disk of b has 180.0 MiB free; a defragmentation"]),
    ("of a learner, which is not defragmented", CLUSTER, (ENOUGH, ENOUGH, 0), []),
    ("not known", CLUSTER, (None, None), []),
    ("nobody knows the members", None, (0, 0), []),
    ("the member of no host", CLUSTER, (ENOUGH,), []),
]


@pytest.mark.parametrize(("cluster", "free", "expected"), table(SMALL))
def test_small_disks(cluster: ClusterReport | None, free: tuple[int | None, ...], expected: list[str]) -> None:
    found = small_disk_findings(cluster, peers(*free))
    assert len(found) == len(expected)
    assert all(finding.startswith(head) for head, finding in zip(expected, found, strict=True))


BIG = cluster_report(member_report(1, "leader", size=500 * MIB, in_use=100 * MIB))
# 500 MiB of the snapshot, and what the defragmentation needs.
BOTH = 500 * MIB + ENOUGH


def snapshot(free: int, **changes: Any) -> tuple[str, list[str]]:
    """The refusal and the findings on a snapshot on a disk with so much free."""
    fleet = Fleet({"a": node_report(1, BIG, disks=disks_of(free, reflinks=False, **changes))})
    refused = snapshot_refusal(BIG, fleet, "a")
    assert refused is None or refused.code == "disk_too_small"
    return refused.text if refused else "", snapshot_findings(BIG, fleet, "a")


# What is free, and the disk; whether it is refused, how often something is found.
SNAPSHOTS: list[tuple[str, int, dict[str, Any], bool, int]] = [
    ("room for both", BOTH, {}, False, 0),
    ("a byte too small for both", BOTH - 1, {}, True, 1),
    ("the data is elsewhere", 500 * MIB, {"uses": ("snapshots",)}, False, 0),
    ("the log is elsewhere", BOTH - SEGMENT, {"uses": ("data", "snapshots")}, False, 0),
    ("it may share blocks", BOTH - 1, {"reflinks": True}, False, 1),
    ("an earlier one may be reused", BOTH - 1, {"snapshot": "/b/etcd-c1-cp1-r1.db"}, False, 1),
    ("as much stays as the kubelet wants", BOTH, {"eviction_bytes": ENOUGH}, False, 0),
    ("less stays than the kubelet wants", BOTH, {"eviction_bytes": ENOUGH + 1}, False, 1),
    ("it shares blocks", BOTH, {"eviction_bytes": ENOUGH + 1, "reflinks": True}, False, 0),
]


@pytest.mark.parametrize(("free", "disk", "refused", "findings"), table(SNAPSHOTS))
def test_snapshot(free: int, disk: dict[str, Any], refused: bool, findings: int) -> None:
    fleet = Fleet({"a": node_report(1, BIG, disks=disks_of(free, **{"reflinks": False, **disk}))})
    refusal = snapshot_refusal(BIG, fleet, "a")
    assert (refusal is not None) is refused
    assert len(snapshot_findings(BIG, fleet, "a")) == findings


def test_what_is_said_of_a_snapshot() -> None:
    refusal, _findings = snapshot(BOTH - MIB, leftovers=(Leftover("/old", MIB),))
    assert refusal == (
        "The snapshot is written to the same disk as the data of cp1: it takes 500.0 MiB there, and a defragmentation"
        " up to 180.0 MiB more; 679.0 MiB are free on a. Name another disk for the snapshot (recover_snapshot_dir),"
        " make room, or go on without one (recover_snapshot=false). What may go there, once nobody needs it: /old"
        " (1.0 MiB)."
    )
    _refusal, (pressure,) = snapshot(BOTH, eviction_bytes=200 * MIB)
    assert pressure.startswith(
        "The snapshot would leave 180.0 MiB free on the disk of /var/lib/etcd on a. With less than 200.0 MiB its"
        " kubelet reports DiskPressure, removes images and evicts pods"
    )
    assert "DiskPressure already now," in snapshot(BOTH, eviction_bytes=BOTH + 1)[1][0]


def test_snapshot_of_a_member_that_is_not_known() -> None:
    fleet = Fleet({"a": node_report(1, None, disks=disks_of(0, reflinks=False))})
    assert snapshot_refusal(None, fleet, "a") is None
    assert snapshot_findings(None, fleet, "a") == []
