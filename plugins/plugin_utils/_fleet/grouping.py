# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Hosts as clusters: which of them belong together, and which do not although they seem to."""

from __future__ import annotations

from ...module_utils._core.failures import Refused
from ...module_utils._node.report import NodeReport
from .reports import Fleet


def peers_of(fleet: Fleet, host: str) -> Fleet:
    """The hosts that share a CA certificate with `host`, or with one that does: while a CA is replaced, some have the
    old and the new one in their file, and others only one of them.

    Ids do not tell clusters apart: two whose first member has the same peer address have the same ids.
    """
    found, known = {host}, set(fleet[host].ca_sha256)
    while True:
        more = {name for name, report in fleet.items() if known & set(report.ca_sha256)} - found
        if not more:
            return fleet.only(found)
        found |= more
        known = known.union(*(fleet[name].ca_sha256 for name in more))


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


def _has_other_members(report: NodeReport) -> bool:
    return report.cluster is not None and len(report.cluster.members) > 1


__all__ = (
    "foreign_members",
    "peers_of",
    "two_names",
)
