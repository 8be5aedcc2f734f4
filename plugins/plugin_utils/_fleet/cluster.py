# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A cluster as the roles work on it: who coordinates, in which order, what is to be done, and why it may not be."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from ...module_utils._core.records import Fields, Json, plain
from ...module_utils._node.report import MemberReport, Refusal
from .disks import full_disks, small_disk_findings
from .grouping import (
    Place,
    coordinator_of,
    foreign_members,
    order_of,
    out_of_reach_findings,
    peers_of,
    snapshot_host,
    unasked_findings,
)
from .kubelets import held_by, holds, kubelet_findings, no_member_answers, revivals, stray_refusals
from .reports import Fleet


@dataclass(frozen=True)
class Cluster:
    """One cluster; each field is a key of the dictionary that the roles keep of it. `full` says that the alarm is
    armed, is about to be raised, or that nobody can tell; `has_work` that there is anything to do."""

    hosts: tuple[str, ...]
    coordinator: str
    snapshot_host: str
    order: tuple[Place, ...]
    members: tuple[MemberReport, ...]
    has_quorum: bool
    has_work: bool
    full: bool
    refusals: tuple[Refused, ...]
    findings: tuple[str, ...]
    expected_seconds: int
    lock_runs: tuple[str, ...]
    revive: t.Mapping[str, str]
    hold: t.Mapping[str, str]

    def as_result(self) -> Json:
        return {**plain(self), "refusals": [refused.as_result() for refused in self.refusals]}

    @classmethod
    def from_result(cls, body: object) -> Cluster:
        """The cluster of such a dictionary. Raises ValueError if it is none."""
        found = Fields(body, "the cluster")
        return cls(
            hosts=found.texts("hosts"),
            coordinator=found.text("coordinator"),
            snapshot_host=found.text("snapshot_host"),
            order=tuple(map(Place.read, found.records("order"))),
            members=tuple(map(MemberReport.read, found.records("members"))),
            has_quorum=found.flag("has_quorum"),
            has_work=found.flag("has_work"),
            full=found.flag("full"),
            refusals=tuple(Refusal.read(each).refused() for each in found.records("refusals")),
            findings=found.texts("findings"),
            expected_seconds=found.whole("expected_seconds"),
            lock_runs=found.texts("lock_runs"),
            revive=found.texts_by_key("revive"),
            hold=found.texts_by_key("hold"),
        )


def cluster_of(fleet: Fleet, host: str, *, revive: bool = False, run: str = "") -> Cluster:
    """The cluster of `host`, the same whichever of its hosts is named.

    `revive` says whether members that do not answer can still be brought back; `run` is the id of this run, so that a
    kubelet that it holds itself is not mistaken for one that another run holds.
    """
    peers = peers_of(fleet, host)
    coordinator = coordinator_of(peers)
    cluster, diagnosis = peers[coordinator].cluster, peers[coordinator].diagnosis
    full = diagnosis.needs_recovery if diagnosis else True
    has_quorum = cluster is not None and cluster.has_quorum
    order = order_of(cluster, peers, coordinator)
    to_revive = revivals(peers, cluster, full=full) if revive else {}
    has_work = full or bool(to_revive)
    return Cluster(
        hosts=peers.hosts,
        coordinator=coordinator,
        snapshot_host=snapshot_host(cluster, peers, coordinator),
        order=order,
        members=cluster.members if cluster else (),
        has_quorum=has_quorum,
        has_work=has_work,
        full=full,
        # A cluster without a leader that may come back is assessed when it is back.
        refusals=tuple(_refusals(peers, coordinator, has_work=has_work, later=bool(to_revive) and not has_quorum)),
        findings=(
            *(diagnosis.findings if diagnosis else ()),
            *unasked_findings(peers, cluster),
            *out_of_reach_findings(order),
            *kubelet_findings(peers, cluster if has_work else None, run),
            *(small_disk_findings(cluster, peers) if full else ()),
        ),
        expected_seconds=diagnosis.expected_seconds if diagnosis else 0,
        lock_runs=tuple(sorted({report.lock.run for report in peers.reports.values() if report.lock})),
        revive=to_revive,
        hold={**(holds(peers, cluster, to_revive) if has_work else {}), **held_by(peers, run)},
    )


def _refusals(peers: Fleet, coordinator: str, *, has_work: bool, later: bool) -> list[Refused]:
    """The reasons why nothing may be done to this cluster, only those of the first kind that there is. With `later` its
    own state is no reason yet."""
    foreign, silent = foreign_members(peers), no_member_answers(peers)
    diagnosis = peers[coordinator].diagnosis
    if foreign:
        return [foreign]
    strays = stray_refusals(peers) if has_work else []
    if strays:
        return strays
    if not later and diagnosis and diagnosis.refusals:
        return [refusal.refused() for refusal in diagnosis.refusals]
    if not later and silent:
        return [silent]
    return full_disks(peers) if has_work else []


__all__ = ("Cluster", "cluster_of")
