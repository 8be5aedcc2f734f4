# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The cluster from the inspections of all its nodes: a firewall may stand between their client ports."""

from __future__ import annotations

import typing as t

from ...module_utils._core.records import Fields, Json, plain
from ...module_utils._core.text import join
from ...module_utils._etcd import checks
from ...module_utils._etcd.api import Alarm, Member, Status
from ...module_utils._etcd.quota import Quota
from ...module_utils._etcd.view import ClusterView, MemberView
from ...module_utils._node.report import ClusterReport, Diagnosis, MemberReport
from .reports import Fleet

_VERSION = "unsafe_etcd_version"


def merged(seen: ClusterReport, others: t.Iterable[MemberReport | None]) -> ClusterReport:
    """The cluster as one node sees it, and each member that it cannot ask as one of the others, which can; a quota that
    it does not know as one that does."""
    found = {member.member_id: member for member in others if member and member.answers}
    better = (_better(member, found.get(member.member_id, member)) for member in seen.members)
    return seen._replace(members=tuple(better))


def _better(seen: MemberReport, other: MemberReport) -> MemberReport:
    """Where HTTP is served on loopback alone, other nodes may reach gRPC, which does not tell the quota before 3.6."""
    if not seen.answers:
        return other
    told = Quota(other.quota_bytes, other.quota_source)
    if Quota(seen.quota_bytes, seen.quota_source).known or not told.known:
        return seen
    used = round(told.share(seen.db_size_bytes), 4)
    return seen._replace(quota_bytes=told.bytes, quota_source=told.source, quota_used=used)


def merged_cluster(peers: Fleet, coordinator: str) -> ClusterReport | None:
    """The cluster as the coordinator sees it, and each member that it cannot ask as its own node sees it; None if the
    coordinator's own member does not answer."""
    seen = peers[coordinator].cluster
    return seen and merged(
        seen,
        (
            report.cluster.member(report.member_id)
            for report in peers.reports.values()
            if report.cluster and report.cluster.cluster_id == seen.cluster_id
        ),
    )


def _hidden_members(peers: Fleet, coordinator: str) -> tuple[MemberReport, ...]:
    """The members that another node can ask and the coordinator cannot, as the coordinator sees them."""
    seen, cluster = peers[coordinator].cluster, merged_cluster(peers, coordinator)
    now = {member.member_id for member in cluster.members if member.answers} if cluster else set()
    return tuple(member for member in (seen.members if seen else ()) if not member.answers and member.member_id in now)


def hidden_hosts(peers: Fleet, coordinator: str) -> tuple[str, ...]:
    """The hosts of those members: what has to be asked of one of them is asked there."""
    hosts = map(peers.asking_host_of, _hidden_members(peers, coordinator))
    return tuple(sorted(host for host in hosts if host))


def hidden_findings(peers: Fleet, coordinator: str) -> list[str]:
    """The members that only their own nodes can ask."""
    return [
        f"{coordinator} cannot ask {member.name} at {join(member.client_urls)} ({member.error}), but its own node can:"
        " the client port (2379) between these nodes is probably closed. It is worked on from its own node."
        for member in _hidden_members(peers, coordinator)
    ]


def merged_diagnosis(peers: Fleet, coordinator: str) -> Diagnosis | None:
    """The diagnosis of the merged cluster; that of the coordinator if that sees all that anybody sees."""
    own, cluster = peers[coordinator].diagnosis, merged_cluster(peers, coordinator)
    if own is None or cluster is None or cluster == peers[coordinator].cluster:
        return own
    found = Diagnosis.of(view_of(cluster), allow_unsafe=True)
    # Whether an unsafe version is allowed is known on the nodes alone.
    told = [report.diagnosis for report in peers.reports.values() if report.diagnosis]
    unsafe = [refusal for each in told for refusal in each.refusals if refusal.code == _VERSION]
    return found._replace(refusals=(*found.refusals, *unsafe[:1]))


def view_of(cluster: ClusterReport) -> ClusterView:
    """The view that a report was made of, as far as checks and estimates need it. Whether a silent member is a learner
    is not known any more."""
    by_name = {member.name: int(member.member_id, 16) for member in cluster.members}
    leader = by_name.get(cluster.leader or "", 1) if cluster.has_quorum else 0
    members = tuple(_member_view(member, cluster, leader) for member in cluster.members)
    alarms = tuple(Alarm(int(alarm.member_id, 16), alarm.alarm) for alarm in cluster.alarms)
    return ClusterView(int(cluster.cluster_id, 16), leader, members, alarms)


def _member_view(member: MemberReport, cluster: ClusterReport, leader: int) -> MemberView:
    started, learner = member.role != "unstarted", member.role == "learner"
    listed = Member(
        int(member.member_id, 16), member.name if started else "", member.peer_urls, member.client_urls, learner
    )
    status = Status(
        cluster_id=int(cluster.cluster_id, 16),
        member_id=listed.member_id,
        version=member.version,
        revision=cluster.revision,
        raft_term=0,
        raft_applied_index=member.raft_applied_index,
        leader_id=0 if member.role == "leaderless" else leader,
        learner=learner,
        db_size_bytes=member.db_size_bytes,
        db_size_in_use_bytes=member.db_size_in_use_bytes,
        quota_bytes=member.quota_bytes,
        errors=(),
        alarms=(),
    )
    quota = Quota(member.quota_bytes, member.quota_source)
    return MemberView(listed, member.endpoint, status if member.answers else None, quota, member.error)


def joined_writes(first: object, more: t.Iterable[object]) -> Json:
    """The result of a write check on the coordinator and those on hosts whose member it cannot ask, as one result."""
    own, results = Fields(first, "the result of etcd_write_check"), [Fields(each, "a write check") for each in more]
    read = [ClusterReport.read(each.record("cluster")) for each in (own, *results)]
    cluster = merged(read[0], (member for each in read[1:] for member in each.members))
    writes = [name for each in (own, *results) for name in each.texts("writes")]
    return {
        **t.cast(Json, first),
        "cluster": plain(cluster),
        "writes": list(dict.fromkeys(writes)),
        "findings": checks.findings(view_of(cluster)) if writes else [],
    }


__all__ = (
    "hidden_findings",
    "hidden_hosts",
    "joined_writes",
    "merged",
    "merged_cluster",
    "merged_diagnosis",
    "view_of",
)
