# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The data disks of a cluster's nodes: too full for etcd, or too small for a defragmentation."""

from __future__ import annotations

from ...module_utils._core.failures import Refused
from ...module_utils._core.units import mib
from ...module_utils._etcd.estimates import defrag_needed_bytes
from ...module_utils._node.recoverable import full_disk_refusal
from ...module_utils._node.report import ClusterReport
from .reports import Fleet


def full_disks(peers: Fleet) -> list[Refused]:
    """The refusals of full disks."""
    return [refusal for host, report in peers.items() for refusal in [full_disk_refusal(host, report)] if refusal]


def small_disk_findings(cluster: ClusterReport | None, peers: Fleet) -> list[str]:
    """Findings on disks that may be too small for a defragmentation; how much it needs is known only when the history
    is gone."""
    found = []
    for member in cluster.voters_leader_last if cluster else ():
        host = peers.asking_host_of(member)
        free = peers[host].free_disk_bytes if host else None
        needed = defrag_needed_bytes(member.db_size_in_use_bytes)
        if free is not None and free < needed:
            found.append(
                f"The data disk of {host} has {mib(free)} free; a defragmentation may need up to {mib(needed)} there,"
                " less once the history is gone."
            )
    return found


__all__ = ("full_disks", "small_disk_findings")
