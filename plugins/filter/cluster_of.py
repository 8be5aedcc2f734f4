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
      V(needs_recovery), V(refusals), V(findings), V(expected_seconds) and V(lock_runs).
    - V(order) lists the voters that answer, the leader last, each with its V(name), the V(host) to work on it from, and
      its V(endpoint), which is empty where that host is its own.
  type: dict
"""

import typing as t

from ..module_utils._etcd.snapshot import WAL_SEGMENT_BYTES

Look = t.Mapping[str, t.Any]


def cluster_of(looks: t.Mapping[str, Look], host: str) -> dict[str, t.Any]:
    """The cluster of `host`. `looks` holds the result of etcd_node_info by host; some may be without etcd."""
    mates = {
        name: look for name, look in sorted(looks.items()) if look.get("ca_sha256") == looks[host].get("ca_sha256")
    }
    coordinator = min(mates, key=lambda name: _unfitness(mates[name], name))
    chosen = mates[coordinator]
    members = chosen["cluster"]["members"] if chosen["answers"] else []
    order = [_place(member, mates, coordinator) for member in _voters(members)]
    best = max(
        (member for member in _voters(members) if _host_of(member, mates)),
        key=lambda member: (member["raft_applied_index"], member["role"] == "follower"),
        default=None,
    )
    diagnosis = chosen.get("diagnosis") or {}
    return {
        "hosts": list(mates),
        "coordinator": coordinator,
        "snapshot_host": _host_of(best, mates) if best else coordinator,
        "order": order,
        "members": members,
        "needs_recovery": diagnosis.get("needs_recovery", True),
        "refusals": _strangers(mates) or diagnosis.get("refusals") or _silence(mates),
        "findings": diagnosis.get("findings", []) + _full_disks(mates),
        "expected_seconds": diagnosis.get("expected_seconds", 0),
        "lock_runs": sorted({look["lock"]["run"] for look in mates.values() if look["lock"]}),
    }


def _unfitness(look: Look, name: str) -> tuple[bool, bool, bool, str]:
    """The smallest coordinates: it answers, it sees a leader, it is no learner, then by name."""
    if not look["answers"]:
        return (True, True, True, name)
    own = next((each for each in look["cluster"]["members"] if each["member_id"] == look["member_id"]), None)
    learner = own is not None and own["role"] == "learner"
    return (False, not look["cluster"]["has_quorum"], learner, name)


def _voters(members: t.Iterable[Look]) -> list[Look]:
    """Those that answer, the leader last."""
    found = [member for member in members if member["role"] in ("follower", "leader")]
    return sorted(found, key=lambda member: (member["role"] == "leader", member["name"]))


def _host_of(member: Look, mates: t.Mapping[str, Look]) -> str | None:
    """The host that this member runs on, None where it is not among the hosts of the play or cannot be asked there."""
    return next((n for n, look in mates.items() if look["answers"] and look["member_id"] == member["member_id"]), None)


def _place(member: Look, mates: t.Mapping[str, Look], coordinator: str) -> dict[str, str]:
    host = _host_of(member, mates)
    return {
        "name": member["name"],
        "host": host or coordinator,
        "endpoint": "" if host else member["endpoint"],
    }


def _strangers(mates: t.Mapping[str, Look]) -> list[str]:
    """A member that was emptied comes up as a healthy cluster of its own, while the others still count on it."""
    ids: dict[str, list[str]] = {}
    for name, look in mates.items():
        identity = look["cluster"]["cluster_id"] if look["answers"] else look["cluster_id"]
        if identity:
            ids.setdefault(identity, []).append(name)
    if len(ids) < 2:
        return []
    found = "; ".join(f"{', '.join(names)}: cluster {identity}" for identity, names in sorted(ids.items()))
    message = (
        f"These hosts trust one etcd CA, but their members belong to different clusters ({found}). One of them was"
        " probably emptied and came up as a cluster of its own. Take that member out of the cluster it should be in"
        " (etcdctl member remove), empty its data directory, and join it again; run this afterwards."
    )
    return [message]


def _full_disks(mates: t.Mapping[str, Look]) -> list[str]:
    """etcd ends when it cannot write its log, whatever its quota says."""
    return [
        f"The data disk of {name} has only {look['free_disk_bytes'] / 1024**2:.1f} MiB free: etcd ends when it cannot"
        " write its log. Make room there first."
        for name, look in mates.items()
        if look["free_disk_bytes"] < WAL_SEGMENT_BYTES
    ]


def _silence(mates: t.Mapping[str, Look]) -> list[str]:
    if any(look["answers"] for look in mates.values()):
        return []
    reasons = "; ".join(f"{name}: {look['error']}" for name, look in mates.items())
    return [f"No member of this cluster answers ({reasons}). Start etcd there first (systemctl restart kubelet)."]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"cluster_of": cluster_of}
