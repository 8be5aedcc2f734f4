# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Hosts as clusters: which of them belong together, and which do not although they seem to."""

from __future__ import annotations

import typing as t

from ...module_utils._core.failures import Refused
from ...module_utils._node.report import NodeReport
from .reports import Fleet


def peers_of(fleet: Fleet, host: str) -> Fleet:
    """The hosts that share a CA certificate with `host`, or with one that does: while a CA is replaced, some have the
    old and the new one in their file, and others only one of them.

    Ids do not tell clusters apart: two whose first member has the same peer address have the same ids. But a second
    etcd for events has the CA of the first one, and then it is a unit of another name and has another id.
    """
    own = fleet[host]
    found, known = {host}, set(own.ca_sha256)
    while True:
        alike = {name for name, report in fleet.items() if known & set(report.ca_sha256)}
        more = {name for name in alike if not _are_apart(own, fleet[name])} - found
        if not more:
            return fleet.only(found)
        found |= more
        known = known.union(*(fleet[name].ca_sha256 for name in more))


def _are_apart(one: NodeReport, other: NodeReport) -> bool:
    """Whether two members with one CA are of two clusters that are meant to be two."""
    if not (one.unit and other.unit) or one.unit.unit == other.unit.unit:
        return False
    ids = (one.known_cluster_id, other.known_cluster_id)
    return None not in ids and ids[0] != ids[1]


def foreign_members(peers: Fleet) -> Refused | None:
    """The refusal of foreign members: one that was emptied comes up as a healthy cluster of its own, while the others
    still count on it."""
    hosts_of: dict[str, list[str]] = {}
    for host, report in peers.items():
        if report.known_cluster_id:
            hosts_of.setdefault(report.known_cluster_id, []).append(host)
    if len(hosts_of) < 2:
        return None
    found = "; ".join(f"{', '.join(hosts)}: cluster {identity}" for identity, hosts in sorted(hosts_of.items()))
    several = [hosts for hosts in hosts_of.values() if len(hosts) > 1 or _has_other_members(peers[hosts[0]])]
    if len(several) < 2:
        advice = (
            "One of them was probably emptied and came up as a cluster of its own. Remove that member from the cluster"
            " it should be in (etcdctl member remove), empty its data directory, and join it again, then run this"
            " again."
        )
    else:
        advice = (
            "Where these are clusters in their own right that share a CA, run this for the hosts of one at a time"
            " (--limit)."
        )
    return Refused(
        "different_clusters",
        f"These hosts trust one etcd CA, but their members belong to different clusters ({found}).",
        advice,
    )


def two_names(peers: Fleet) -> Refused | None:
    """The refusal of two hosts that are one node: its kubelet would be restarted a second time, or started in the
    middle of the work by the second host's timer."""
    hosts_of: dict[tuple[str | None, str], list[str]] = {}
    for host, report in peers.items():
        # Before its first start a member has no id; then its name, which kubeadm takes from the node.
        hosts_of.setdefault((report.known_cluster_id, report.member_id or f"name {report.name}"), []).append(host)
    found = [
        f"{', '.join(hosts)} ({peers[hosts[0]].name}, member {peers[hosts[0]].member_id or 'not started yet'})"
        for hosts in hosts_of.values()
        if len(hosts) > 1
    ]
    if not found:
        return None
    return Refused(
        "two_names_for_one_node",
        f"These hosts show one and the same member, so they are two names of one node: {'; '.join(found)}.",
        "Leave one name of each node, in the inventory or with --limit, then run this again.",
    )


def unit_of_events(peers: Fleet) -> str:
    """The unit of a cluster that is the second one of its hosts, which has the events; empty if it is none."""
    units = (report.unit for report in peers.reports.values())
    return next((unit.unit for unit in units if unit and unit.of_events), "")


def name_of(hosts: t.Iterable[str], peers: Fleet) -> str:
    """What a cluster is called: after its first host, and that of the events after its unit as well, since the first
    one of the same hosts is called after the host."""
    unit = unit_of_events(peers)
    return f"{min(hosts)}/{unit}" if unit else min(hosts)


def second_etcds(fleet: Fleet) -> dict[str, str]:
    """By host the unit of the second etcd of Kubernetes, which is worked on when the first one is done. It is empty for
    hosts that have only an API server, which may use it. Nothing if no host has a second one."""
    found = {host: min(report.further) for host, report in fleet.items() if report.further}
    return {**dict.fromkeys(fleet.etcd_urls, ""), **found} if found else {}


def further_etcds(peers: Fleet) -> dict[str, tuple[str, ...]]:
    """The hosts of each other etcd of Kubernetes, by its unit."""
    names = sorted({name for report in peers.reports.values() for name in report.further})
    return {name: tuple(host for host, report in peers.items() if name in report.further) for name in names}


def further_findings(peers: Fleet) -> list[str]:
    """What becomes of the other etcds of Kubernetes on these hosts: each is a cluster of its own."""
    second = set(second_etcds(peers).values())
    return [
        f"{', '.join(hosts)} also run the etcd of {name}, a cluster of its own with an alarm of its own:"
        f" {_when_recovered(name, is_second=name in second)}, and harden does with -e harden_manifest={name}."
        for name, hosts in further_etcds(peers).items()
    ]


def _when_recovered(name: str, *, is_second: bool) -> str:
    if is_second:
        return "the playbook recover works on it when it is done with this one"
    return f"recover works on it with -e recover_manifest={name}"


def _has_other_members(report: NodeReport) -> bool:
    return report.cluster is not None and len(report.cluster.members) > 1


__all__ = (
    "foreign_members",
    "further_etcds",
    "further_findings",
    "name_of",
    "peers_of",
    "second_etcds",
    "two_names",
    "unit_of_events",
)
