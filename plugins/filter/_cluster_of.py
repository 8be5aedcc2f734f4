# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin cluster_of."""

from __future__ import annotations

DOCUMENTATION = r"""
name: cluster_of
short_description: Find the etcd cluster of a host among all hosts of a play
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Groups hosts into clusters by the CA of their etcd, chooses who coordinates, and says in which order its members are
    to be worked on.
  - Ids do not tell clusters apart - two clusters whose first member has the same peer address have the same ids.
options:
  _input:
    description: What M(controlplane.etcd.etcd_node_info) returned, by host.
    type: dict
    required: true
  host:
    description: The host whose cluster is wanted.
    type: str
    required: true
  revive:
    description:
      - Whether members that do not answer can still be brought back. Without them, a cluster that has no leader is
        refused.
    type: bool
    default: false
  run:
    description: Id of this run, so that a kubelet that it holds itself is not mistaken for one that another run holds.
    type: str
    default: ""
positional: host
"""

EXAMPLES = r"""
---
- name: Show who coordinates the work on the cluster of this host
  ansible.builtin.debug:
    msg: "{{ (looks | controlplane.etcd.cluster_of(inventory_hostname)).coordinator }}"
"""

RETURN = r"""
_value:
  description:
    - The cluster, as a dictionary of V(hosts), V(coordinator), V(snapshot_host), V(order), V(members),
      V(has_quorum), V(needs_recovery), V(refusals), V(findings), V(expected_seconds), V(lock_runs), V(revive),
      V(hold) and V(full).
    - V(order) lists the voters that answer, the leader last, each with its V(name), the V(host) to work on it from, and
      its V(endpoint), which is empty where that host is its own.
    - V(revive) says by host whether its kubelet is to be restarted (V(restart)) or its etcd is to be waited for
      (V(wait)); V(hold) says by host why its kubelet is to be held.
  type: dict
"""

import typing as t

from ..module_utils._core.units import mib
from ..module_utils._etcd.checks import BEHIND_ENTRIES
from ..module_utils._etcd.estimates import WAL_SEGMENT_BYTES, defrag_needed_bytes
from ..plugin_utils._fleet.kubelets import held_by, holds, kubelet_findings, revivals, silence, stray_refusals

Look = t.Mapping[str, t.Any]
Mates = t.Mapping[str, Look]


def cluster_of(looks: Mates, host: str, revive: bool = False, run: str = "") -> dict[str, t.Any]:
    """The cluster of `host`. `looks` holds the result of etcd_node_info by host; all of them have etcd."""
    mates = _mates(looks, host)
    coordinator = min(mates, key=lambda name: _unfitness(mates[name], name))
    chosen = mates[coordinator]
    cluster = chosen["cluster"] if chosen["answers"] else {}
    members = cluster.get("members", [])
    diagnosis = chosen.get("diagnosis") or {}
    needs_recovery = diagnosis.get("needs_recovery", True)
    has_quorum = cluster.get("has_quorum", False)
    order = [_place(member, mates, coordinator) for member in _voters(members)]
    to_revive = revivals(mates, members, has_quorum=has_quorum, full=needs_recovery) if revive else {}
    # A cluster without a leader that may come back is judged when it is back.
    verdict = [] if to_revive and not has_quorum else diagnosis.get("refusals") or silence(mates)
    to_do = needs_recovery or bool(to_revive)
    return {
        "hosts": list(mates),
        "coordinator": coordinator,
        "snapshot_host": _snapshot_host(members, mates, coordinator),
        "order": order,
        "members": members,
        "has_quorum": has_quorum,
        "needs_recovery": to_do,
        "refusals": _strangers(mates)
        or (stray_refusals(mates) if to_do else [])
        or verdict
        or (_full_disks(mates) if to_do else []),
        "findings": [*diagnosis.get("findings", []), *_unasked(mates, members), *_absent(order)]
        + kubelet_findings(mates, cluster if to_do else {}, run)
        + (_small_disks(members, mates) if needs_recovery else []),
        "expected_seconds": diagnosis.get("expected_seconds", 0),
        "lock_runs": sorted({look["lock"]["run"] for look in mates.values() if look["lock"]}),
        "revive": to_revive,
        "hold": {**(holds(mates, cluster, to_revive) if to_do else {}), **held_by(mates, run)},
        "full": needs_recovery,
    }


def _mates(looks: Mates, host: str) -> dict[str, Look]:
    """The hosts that share a CA certificate with `host`, or with one that does: while a CA is replaced, some have the
    old and the new one in their file, and others only one of them."""
    found, known = {host}, set(looks[host]["ca_sha256"])
    while True:
        more = {name for name, look in looks.items() if known & set(look["ca_sha256"])} - found
        if not more:
            return {name: looks[name] for name in sorted(found)}
        found |= more
        known = known.union(*(looks[name]["ca_sha256"] for name in more))


def _unfitness(look: Look, name: str) -> tuple[bool, bool, str]:
    """The smallest coordinates: it answers, it sees a leader, then by name. (A learner does not show its members.)"""
    return (not look["answers"], not (look["answers"] and look["cluster"]["has_quorum"]), name)


def _voters(members: t.Iterable[Look]) -> list[Look]:
    """Those that answer, the leader last."""
    found = [member for member in members if member["role"] in ("follower", "leader")]
    return sorted(found, key=lambda member: (member["role"] == "leader", member["name"]))


def _host_of(member: Look, mates: Mates) -> str | None:
    """The host that this member runs on, None where it is not among the hosts of the play or cannot be asked there."""
    return next((n for n, look in mates.items() if look["answers"] and look["member_id"] == member["member_id"]), None)


def _snapshot_host(members: t.Sequence[Look], mates: Mates, coordinator: str) -> str:
    """The host of a voter that has applied what there is; the first by name: a second attempt finds its snapshot."""
    newest = max((member["raft_applied_index"] for member in members), default=0)
    hosts = [
        _host_of(member, mates)
        for member in _voters(members)
        if newest - member["raft_applied_index"] <= BEHIND_ENTRIES
    ]
    return min(filter(None, hosts), default=coordinator)


def _place(member: Look, mates: Mates, coordinator: str) -> dict[str, str]:
    host = _host_of(member, mates)
    return {
        "name": member["name"],
        "host": host or coordinator,
        "endpoint": "" if host else member["endpoint"],
    }


def _unasked(mates: Mates, members: t.Iterable[Look]) -> list[str]:
    """Hosts whose own member answers others, but not them: a certificate of theirs, for example."""
    answering = {member["member_id"] for member in members if member["role"] in ("follower", "leader")}
    return [
        f"{name} cannot ask its own member: {look['error']}."
        for name, look in mates.items()
        if not look["answers"] and look["member_id"] in answering
    ]


def _absent(order: t.Iterable[t.Mapping[str, str]]) -> list[str]:
    return [
        f"The node of {place['name']} is not among the hosts of this run, or cannot ask its member: it is worked on"
        f" through {place['endpoint']}, its disk is not checked, its kubelet is not held, and a run on that node alone"
        " would not see this one."
        for place in order
        if place["endpoint"]
    ]


def _strangers(mates: Mates) -> list[str]:
    """A member that was emptied comes up as a healthy cluster of its own, while the others still count on it."""
    ids: dict[str, list[str]] = {}
    for name, look in mates.items():
        identity = look["cluster"]["cluster_id"] if look["answers"] else look["cluster_id"]
        if identity:
            ids.setdefault(identity, []).append(name)
    if len(ids) < 2:
        return []
    found = "; ".join(f"{', '.join(names)}: cluster {identity}" for identity, names in sorted(ids.items()))
    several = [names for names in ids.values() if len(names) > 1 or _has_mates(mates[names[0]])]
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
    return [f"These hosts trust one etcd CA, but their members belong to different clusters ({found}). {advice}"]


def _has_mates(look: Look) -> bool:
    return look["answers"] and len(look["cluster"]["members"]) > 1


def _full_disks(mates: Mates) -> list[str]:
    """etcd ends when it cannot write its log, whatever its quota says."""
    return [
        f"The data disk of {name} has only {mib(look['free_disk_bytes'])} free: etcd exits when it cannot write its"
        " log. Make room there first (old snapshots, logs), then run this again."
        for name, look in mates.items()
        if look["free_disk_bytes"] is not None and look["free_disk_bytes"] < WAL_SEGMENT_BYTES
    ]


def _small_disks(members: t.Iterable[Look], mates: Mates) -> list[str]:
    """What a defragmentation may run into; how much it needs is known only when the history is gone."""
    found = []
    for member in _voters(members):
        host = _host_of(member, mates)
        free = mates[host]["free_disk_bytes"] if host else None
        needed = defrag_needed_bytes(member["db_size_in_use_bytes"])
        if free is not None and free < needed:
            found.append(
                f"The data disk of {host} has {mib(free)} free; a defragmentation may need up to {mib(needed)} there,"
                " less once the history is gone."
            )
    return found


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"cluster_of": cluster_of}
