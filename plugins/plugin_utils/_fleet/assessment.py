# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""The assessment of a cluster from the reports of its hosts: what is to be done, and why it may not be."""

from __future__ import annotations

from ...module_utils._core.failures import Refused
from ...module_utils._node.report import Diagnosis
from .api_servers import hosts_of_api_servers
from .cluster import Cluster
from .coordination import coordinator_of, order_of, out_of_reach_findings, snapshot_host, unasked_findings
from .disks import down_for_its_disk, full_disk_findings, full_disks, small_disk_findings
from .grouping import foreign_members, further_findings, name_of, peers_of, two_names, unit_of_events
from .kubelets import held_by, holds, kubelet_findings, revivals, stray_refusals
from .merged_view import hidden_findings, hidden_hosts, merged_cluster, merged_diagnosis
from .recovery import has_work_to_do
from .reports import Fleet
from .wording import no_member_answers


def cluster_of(fleet: Fleet, host: str, *, revive: bool = False, run: str = "") -> Cluster:
    """The cluster of `host`, the same whichever of its hosts is named.

    `revive` says whether members that do not answer can still be brought back; `run` is the id of this run, so that a
    kubelet that it holds itself is not mistaken for one that another run holds.
    """
    peers = peers_of(fleet, host)
    coordinator = coordinator_of(peers)
    cluster, diagnosis = merged_cluster(peers, coordinator), merged_diagnosis(peers, coordinator)
    full = diagnosis.needs_recovery if diagnosis else True
    has_quorum = cluster is not None and cluster.has_quorum
    order = order_of(cluster, peers, coordinator)
    down = down_for_its_disk(cluster, peers)
    revivable = revivals(peers, cluster, full=full) if revive else {}
    to_revive = {each: way for each, way in revivable.items() if each not in down}
    has_work = has_work_to_do(full=full, revive=to_revive)
    return Cluster(
        name=name_of(peers.hosts, peers),
        unit_of_events=unit_of_events(peers),
        hosts=peers.hosts,
        coordinator=coordinator,
        snapshot_host=snapshot_host(cluster, peers, coordinator),
        order=order,
        members=cluster.members if cluster else (),
        has_quorum=has_quorum,
        has_work=has_work,
        full=full,
        # A cluster without a leader that may come back is assessed when it is back.
        refusals=tuple(
            _refusals(peers, coordinator, diagnosis, has_work=has_work, later=bool(to_revive) and not has_quorum)
        ),
        findings=(
            *(diagnosis.findings if diagnosis else ()),
            *unasked_findings(peers, cluster),
            *hidden_findings(peers, coordinator),
            *out_of_reach_findings(order),
            *further_findings(peers),
            *kubelet_findings(peers, cluster if has_work else None, run),
            *full_disk_findings(cluster, peers),
            *(small_disk_findings(cluster, peers) if full else ()),
        ),
        expected_seconds=diagnosis.expected_seconds if diagnosis else 0,
        lock_runs=tuple(sorted({report.lock.run for report in peers.reports.values() if report.lock})),
        revive=to_revive,
        hold={**(holds(peers, cluster, to_revive) if has_work else {}), **held_by(peers, run)},
        hidden_hosts=hidden_hosts(peers, coordinator),
        units={host: report.unit.unit for host, report in peers.items() if report.unit},
        apiserver_hosts=hosts_of_api_servers(peers, cluster),
    )


def _refusals(
    peers: Fleet, coordinator: str, diagnosis: Diagnosis | None, *, has_work: bool, later: bool
) -> list[Refused]:
    """The reasons why nothing may be done to this cluster, only those of the first kind that there is. With `later` its
    own state is no reason yet."""
    inventory = two_names(peers) or foreign_members(peers)
    if inventory:
        return [inventory]
    return (
        _node_refusals(peers)
        or (stray_refusals(peers) if has_work else [])
        or ([] if later else _state_refusals(peers, diagnosis))
        or (full_disks(peers[coordinator].cluster, peers) if has_work else [])
    )


def _state_refusals(peers: Fleet, diagnosis: Diagnosis | None) -> list[Refused]:
    if diagnosis and diagnosis.refusals:
        return [refusal.refused() for refusal in diagnosis.refusals]
    silent = no_member_answers(peers)
    return [silent] if silent else []


def _node_refusals(peers: Fleet) -> list[Refused]:
    """The reasons that a node alone knows, each with its host."""
    return [
        Refused(refusal.code, f"{host}: {refusal.text}")
        for host, report in peers.items()
        for refusal in report.refusals
    ]


__all__ = ("cluster_of",)
