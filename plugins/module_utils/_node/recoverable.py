# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Decisions over one node of a cluster that is to be recovered, whoever does it: whether its member can be revived,
what could kill that in the middle, and what stands against the work there."""

from __future__ import annotations

from .._core.failures import Refused
from .._core.text import sentences
from .._core.units import mib
from .._etcd.estimates import WAL_SEGMENT_BYTES, defrag_seconds
from .disks import DATA, WAL, Disk, removable
from .probes import Outlook, threat
from .report import ClusterReport, NodeReport

# The ways to revive a member: restart its kubelet or its own unit, or wait for its etcd, which runs and may be reading
# its log.
RESTART, WAIT = "restart", "wait"


def may_come(report: NodeReport) -> bool:
    """Whether a member that is silent can be expected to answer once what starts it is restarted, or simply later."""
    return report.waiting_may_help if report.process else not report.start_refusal


def work_threat(report: NodeReport, cluster: ClusterReport | None) -> str | None:
    """The probe that could kill this member in the middle of the work, as half a sentence. `cluster` is None if nobody
    can be asked about alarms: then one is assumed."""
    has_quorum = cluster is not None and cluster.has_quorum
    member = cluster.member(report.member_id) if cluster else None
    outlook = Outlook(
        armed=bool(cluster.alarms) if cluster and has_quorum else True,
        leaderless=not has_quorum,
        start_seconds=0.0 if report.answers else report.start_seconds,
        defrag_seconds=defrag_seconds(
            member.db_size_in_use_bytes if member else 0,
            report.upkeep.defrag_bytes_per_second if report.upkeep else None,
        ),
    )
    return threat(report.probes, outlook)


def stray_refusal(host: str, report: NodeReport) -> Refused | None:
    """The refusal of copies beside the manifest: the kubelet runs whichever name sorts last, and a restart may swap
    them."""
    if not report.stray_files:
        return None
    return Refused(
        "stray_manifests",
        f"{host} has {', '.join(report.stray_files)} beside the manifest of etcd. The kubelet reads every file in"
        " that folder, whatever it is called, and of two with one pod the last name counts: it may be running an"
        " old copy.",
        "Move it out of the folder (renaming it is not enough), see which etcd runs, and run this again.",
    )


def full_disk(report: NodeReport) -> Disk | None:
    """The first disk of a node, of its log and its data, that has no room for etcd's next WAL segment."""
    found = (report.disk_of(WAL), report.disk_of(DATA))
    return next((disk for disk in found if disk and disk.free_bytes < WAL_SEGMENT_BYTES), None)


def full_disk_refusal(host: str, report: NodeReport) -> Refused | None:
    """The refusal of a full disk: etcd exits when it cannot write its log, whatever its quota says."""
    disk = full_disk(report)
    if disk is None:
        return None
    return Refused(
        "disk_full",
        f"{disk_name(disk, host)} has only {mib(disk.free_bytes)} free: etcd exits when it cannot write its log.",
        sentences("Make room there first (old snapshots, logs), then run this again.", removable(disk.leftovers)),
    )


def disk_name(disk: Disk, host: str) -> str:
    """What people call a disk of etcd's, as the beginning of a sentence."""
    return f"The {'data disk' if DATA in disk.uses else 'disk of the log (--wal-dir)'} of {host}"


__all__ = (
    "RESTART",
    "WAIT",
    "disk_name",
    "full_disk",
    "full_disk_refusal",
    "may_come",
    "stray_refusal",
    "work_threat",
)
