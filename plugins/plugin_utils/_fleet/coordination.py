# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Coordination of the work on a cluster: which host coordinates, and on which member it works where and when."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from ...module_utils._core.records import Fields
from ...module_utils._etcd.checks import BEHIND_ENTRIES
from ...module_utils._node.report import ClusterReport, MemberReport, NodeReport
from .reports import Fleet


@dataclass(frozen=True)
class Place:
    """A member in the order of work, and the host to work on it from. `endpoint` is empty if that host is its own."""

    name: str
    host: str
    endpoint: str

    @classmethod
    def read(cls, found: Fields) -> Place:
        return cls(found.text("name"), found.text("host"), found.text("endpoint"))


def coordinator_of(peers: Fleet) -> str:
    """The host that does the work on the cluster, the same whichever of them asks."""
    return min(peers.hosts, key=lambda host: _coordinator_rank(peers[host], host))


def _coordinator_rank(report: NodeReport, host: str) -> tuple[bool, bool, str]:
    """The rank of a host, of which the smallest coordinates: it answers, it sees a leader, then by name. (A learner
    does not show its members.)"""
    return (not report.answers, not report.has_quorum, host)


def order_of(cluster: ClusterReport | None, peers: Fleet, coordinator: str) -> tuple[Place, ...]:
    """The voters that answer, the leader last, each with the host to work on it from."""
    return tuple(_place(member, peers, coordinator) for member in (cluster.voters_leader_last if cluster else ()))


def _place(member: MemberReport, peers: Fleet, coordinator: str) -> Place:
    host = peers.asking_host_of(member)
    return Place(member.name, host or coordinator, "" if host else member.endpoint)


def read_order(order: object) -> tuple[Place, ...]:
    """The places of a cluster's `order`, as the roles keep it. Raises ValueError."""
    return tuple(map(Place.read, Fields({"order": order}, "the cluster").records("order")))


def on_own_hosts(order: t.Iterable[Place], hosts: t.Container[str]) -> tuple[Place, ...]:
    """Members that run on one of these hosts."""
    return tuple(place for place in order if place.host in hosts and not place.endpoint)


def leader_last(order: t.Iterable[Place], leader: str | None) -> tuple[Place, ...]:
    """The same order with the member last that leads by now: a leader that was defragmented has handed over."""
    return tuple(sorted(order, key=lambda place: place.name == leader))


def snapshot_host(cluster: ClusterReport | None, peers: Fleet, coordinator: str) -> str:
    """The host of a voter that has applied what there is; the first by name: a second attempt finds its snapshot."""
    if cluster is None:
        return coordinator
    newest = max((member.raft_applied_index for member in cluster.members), default=0)
    hosts = [
        peers.asking_host_of(member)
        for member in cluster.voters
        if newest - member.raft_applied_index <= BEHIND_ENTRIES
    ]
    return min(filter(None, hosts), default=coordinator)


def members_missing(members: t.Iterable[MemberReport]) -> Refused | None:
    """The refusal of restarts one at a time while a member does not answer."""
    names = ", ".join(
        f"{member.name} ({member.error or 'it has never started'})" for member in members if not member.up
    )
    if not names:
        return None
    return Refused(
        "members_missing",
        f"Not every member answers: {names}. Members are restarted one at a time, and the others must keep the quorum.",
        "Start what is down, wait for what is busy, and run this again. Only a member that is gone for good is to be"
        " removed first (etcdctl member remove).",
    )


def nodes_out_of_reach(order: t.Iterable[Place]) -> Refused | None:
    """The refusal of what has to be done on every member's own node."""
    names = ", ".join(place.name for place in order if place.endpoint)
    if not names:
        return None
    return Refused(
        "nodes_out_of_reach",
        f"The nodes of {names} are not among the hosts of this run, or cannot ask their member, but all members have to"
        " get the same flags.",
        "Add them to the inventory, then run this again.",
    )


def out_of_reach_findings(order: t.Iterable[Place]) -> list[str]:
    """Members that are worked on from another node."""
    return [
        f"The node of {place.name} is not among the hosts of this run, or cannot ask its member: it is worked on"
        f" through {place.endpoint}, its disk is not checked, its kubelet is not held, and a run on that node alone"
        " would not see this one."
        for place in order
        if place.endpoint
    ]


def unasked_findings(peers: Fleet, cluster: ClusterReport | None) -> list[str]:
    """Hosts whose own member answers others, but not them: a certificate of theirs, for example."""
    answering = {member.member_id for member in (cluster.voters if cluster else ())}
    return [
        f"{host} cannot ask its own member: {report.error}."
        for host, report in peers.items()
        if not report.answers and report.member_id in answering
    ]


__all__ = (
    "Place",
    "coordinator_of",
    "leader_last",
    "members_missing",
    "nodes_out_of_reach",
    "on_own_hosts",
    "order_of",
    "out_of_reach_findings",
    "read_order",
    "snapshot_host",
    "unasked_findings",
)
