# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The disks of a cluster's nodes: too full for etcd, or too small for a defragmentation, a snapshot, or both."""

from __future__ import annotations

import typing as t

from ...module_utils._core.failures import Refused
from ...module_utils._core.text import sentences
from ...module_utils._core.units import mib
from ...module_utils._etcd.estimates import defrag_needed_bytes
from ...module_utils._node.disks import DATA, SNAPSHOTS, WAL, Disk, removable
from ...module_utils._node.recoverable import disk_name, full_disk, full_disk_refusal
from ...module_utils._node.report import ClusterReport, MemberReport, NodeReport
from .reports import Fleet


def full_disks(cluster: ClusterReport | None, peers: Fleet) -> list[Refused]:
    """The refusals of full disks: etcd exits when it cannot write its log, whatever its quota says. That of a member
    that is down stands against nothing as long as the others are enough for a quorum."""
    full = _full(peers)
    enough = len(peers.hosts) - len(full) >= _majority(cluster, peers)
    carried = enough or (cluster is not None and cluster.has_quorum)
    against = [host for host in full if not (carried and _is_down(cluster, peers[host]))]
    return [refusal for host in against for refusal in [full_disk_refusal(host, peers[host])] if refusal]


def down_for_its_disk(cluster: ClusterReport | None, peers: Fleet) -> dict[str, Disk]:
    """The full disks of members that are down, by host: they would exit again, so there is no use in reviving them."""
    return {host: disk for host, disk in _full(peers).items() if _is_down(cluster, peers[host])}


def full_disk_findings(cluster: ClusterReport | None, peers: Fleet) -> list[str]:
    """Findings on members that are down and cannot come up."""
    return [
        sentences(
            f"{disk_name(disk, host)} has only {mib(disk.free_bytes)} free: its etcd, which is down, exits when it"
            " cannot write its log, so it is not started. The others go on without it; if the cluster is full, that"
            " member raises the alarm again when it is back. Make room there, then run this again.",
            removable(disk.leftovers),
        )
        for host, disk in down_for_its_disk(cluster, peers).items()
    ]


def small_disk_findings(cluster: ClusterReport | None, peers: Fleet) -> list[str]:
    """Findings on disks that may be too small for a defragmentation; how much it needs is known only when the history
    is gone."""
    found = []
    for member in cluster.voters_leader_last if cluster else ():
        host = peers.asking_host_of(member)
        disk = peers[host].disk_of(DATA) if host else None
        if host and disk and disk.free_bytes < _defragmentation(disk, member):
            found.append(
                sentences(
                    f"The data disk of {host} has {mib(disk.free_bytes)} free; a defragmentation may need up to"
                    f" {mib(_defragmentation(disk, member))} there, less once the history is gone.",
                    removable(disk.leftovers),
                )
            )
    return found


def snapshot_refusal(cluster: ClusterReport | None, peers: Fleet, host: str) -> Refused | None:
    """The refusal of a snapshot on `host` that would take the room which the defragmentation of its member needs, on
    one and the same filesystem; None if there is room for both.

    None as well if that cannot be told: a reflink takes no room, and a snapshot of an earlier attempt may be reused.
    """
    found = _snapshot_of(cluster, peers, host)
    if found is None or found.fits or found.disk.reflinks or found.disk.snapshot:
        return None
    disk = found.disk
    return Refused(
        "disk_too_small",
        f"{found.sum(host)}.",
        sentences(
            "Name another disk for the snapshot (recover_snapshot_dir), make room, or go on without one"
            " (recover_snapshot=false).",
            removable(disk.leftovers),
        ),
    )


def snapshot_findings(cluster: ClusterReport | None, peers: Fleet, host: str) -> list[str]:
    """Findings on a snapshot that may leave too little for the defragmentation, or so little that the kubelet evicts
    pods."""
    found = _snapshot_of(cluster, peers, host)
    if found is None:
        return []
    why = "one of an earlier attempt may be reused" if found.disk.snapshot else "the file system may share its blocks"
    may_fit = [] if found.fits else [f"{found.sum(host)}, but {why}."]
    if found.disk.reflinks:
        return may_fit
    left = found.disk.free_bytes - found.member.db_size_bytes
    if left >= found.disk.eviction_bytes:
        return may_fit
    already = " already now" if found.disk.free_bytes < found.disk.eviction_bytes else ""
    pressure = (
        f"The snapshot would leave {mib(max(left, 0))} free on the disk of {found.disk.path} on {host}. With less than"
        f" {mib(found.disk.eviction_bytes)} its kubelet reports DiskPressure{already}, removes images and evicts pods,"
        " though not etcd. Another disk for it can be named with recover_snapshot_dir."
    )
    return [*may_fit, pressure]


class _Snapshot(t.NamedTuple):
    disk: Disk
    member: MemberReport

    @property
    def fits(self) -> bool:
        """Whether the disk has room for the snapshot and the defragmentation after it, if both are there."""
        needed = self.member.db_size_bytes + _defragmentation(self.disk, self.member)
        return DATA not in self.disk.uses or self.disk.free_bytes >= needed

    def sum(self, host: str) -> str:
        return (
            f"The snapshot is written to the same disk as the data of {self.member.name}: it takes"
            f" {mib(self.member.db_size_bytes)} there, and a defragmentation up to"
            f" {mib(_defragmentation(self.disk, self.member))} more; {mib(self.disk.free_bytes)} are free on {host}"
        )


def _snapshot_of(cluster: ClusterReport | None, peers: Fleet, host: str) -> _Snapshot | None:
    """The filesystem that the snapshot is written to, and the member that it is of; None if they are not known."""
    disk, member = peers[host].disk_of(SNAPSHOTS), cluster.member(peers[host].member_id) if cluster else None
    return _Snapshot(disk, member) if disk and member and member.votes else None


def _full(peers: Fleet) -> dict[str, Disk]:
    """The first full disk of each host."""
    found = ((host, full_disk(report)) for host, report in peers.items())
    return {host: disk for host, disk in found if disk}


def _is_down(cluster: ClusterReport | None, report: NodeReport) -> bool:
    """Whether neither this node nor any other one gets an answer of its member."""
    member = cluster.member(report.member_id) if cluster else None
    return not report.answers and not (member and member.answers)


def _majority(cluster: ClusterReport | None, peers: Fleet) -> int:
    """How many members make a quorum; as many as hosts are taken for the voters if nobody can be asked."""
    voters = [member for member in cluster.members if member.role != "learner"] if cluster else peers.hosts
    return len(voters) // 2 + 1


def _defragmentation(disk: Disk, member: MemberReport) -> int:
    """The free space that the defragmentation of a member needs on the disk of its data, with etcd's next WAL segment
    if that is there, too."""
    return defrag_needed_bytes(member.db_size_in_use_bytes, with_log=WAL in disk.uses)


__all__ = (
    "down_for_its_disk",
    "full_disk_findings",
    "full_disks",
    "small_disk_findings",
    "snapshot_findings",
    "snapshot_refusal",
)
