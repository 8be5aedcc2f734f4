# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of the hosts of a cluster, and the cluster that is made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unit.builders import MIB, Json, cluster_report, diagnosis, node_report
from unit.builders import member_report as entry

from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_lock import Lock
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import (
    KubeletReport,
    MemberReport,
    NodeReport,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet import assessment
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

Reports = Mapping[str, NodeReport]

MEMBERS = (entry(1, "leader"), entry(2), entry(3))


def up(
    number: int,
    members: Sequence[MemberReport] = MEMBERS,
    *,
    ca: str = "ca",
    cluster_id: str = "c1",
    quorum: bool = True,
    free: int | None = 9000 * MIB,
    run: str = "",
    alarms: Sequence[str] = (),
    full: bool = True,
    refusals: Sequence[str] = (),
    probes: str = "1.33",
    kubelet: KubeletReport | None = None,
    stray_files: Sequence[str] = (),
) -> NodeReport:
    """The report of a host whose member answers."""
    return node_report(
        number,
        cluster_report(*members, cluster_id=cluster_id, quorum=quorum, alarms=alarms),
        ca=ca,
        cluster_id=cluster_id,
        diagnosis=diagnosis(full=full, refusals=refusals, findings=["It is full."]),
        free_disk_bytes=free,
        lock=Lock(run, "root@a", 1.0) if run else None,
        probes=probes,
        kubelet=kubelet,
        stray_files=tuple(stray_files),
    )


def silent(
    number: int,
    *,
    cluster_id: str | None = "c1",
    free: int | None = 9000 * MIB,
    probes: str = "1.33",
    kubelet: KubeletReport | None = None,
    stray_files: Sequence[str] = (),
) -> NodeReport:
    """The report of a host whose etcd does not run."""
    return node_report(
        number,
        cluster_id=cluster_id,
        free_disk_bytes=free,
        probes=probes,
        kubelet=kubelet,
        stray_files=tuple(stray_files),
    )


def cluster_of(reports: Reports, host: str, *, revive: bool = False, run: str = "") -> Json:
    return assessment.cluster_of(Fleet(reports), host, revive=revive, run=run).as_result()
