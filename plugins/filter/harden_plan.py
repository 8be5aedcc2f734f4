# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin harden_plan."""

from __future__ import annotations

DOCUMENTATION = r"""
name: harden_plan
short_description: Say which flags the members of an etcd cluster are to get, and in which order
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Decides on quota and auto-compaction for all members of a cluster, and whether they may be restarted now.
  - A quota is never lowered unless told. Where it is raised, the smallest node of the cluster has to carry it.
options:
  _input:
    description: The cluster, from P(controlplane.etcd.cluster_of#filter).
    type: dict
    required: true
  looks:
    description: What M(controlplane.etcd.etcd_node_info) returned, by host.
    type: dict
    required: true
  allow_downtime:
    description: Whether etcd may be away for a while, as it is with one or two members.
    type: bool
    default: false
  extra_args:
    description:
      - Further arguments of etcd, without their leading dashes. They win over C(auto-compaction-mode) V(periodic) and
        C(auto-compaction-retention) V(1h).
    type: dict
    default: {}
  lower:
    description: Whether a quota that is higher than O(quota) is lowered.
    type: bool
    default: false
  quota:
    description:
      - In bytes, or with a unit such as V(5GiB).
      - V(auto) is 2 GiB up to 16 GiB of memory and 1 GiB more for each further 8 GiB, but at most 8 GiB, and at most
        half of what is free on etcd's disk and what the database has already, in whole GiB; the smallest node decides.
    type: str
    default: 5GiB
positional: looks
"""

EXAMPLES = r"""
---
- name: Decide what the members get
  ansible.builtin.set_fact:
    plan: "{{ clusters_mine | controlplane.etcd.harden_plan(looks, quota='auto') }}"
"""

RETURN = r"""
_value:
  description:
    - The plan, as a dictionary of V(quota_bytes), V(extra_args), V(order), V(downtime), V(refusal) and V(notes).
    - V(quota_bytes) is what every member shall have, V(-1) where it stays switched off. V(extra_args) holds the flags
      by name, all as text. V(order) lists the hosts, the leader's last. V(downtime) tells whether etcd is away while
      one member is restarted. V(refusal) says why nothing may be done, and is empty where all may. V(notes) is what
      else there is to say.
  type: dict
"""

import math
import typing as t
from dataclasses import dataclass

from ..module_utils._etcd import sizing
from ..module_utils._etcd.cluster import DEFAULT_QUOTA_BYTES
from ..module_utils._etcd.plan import REFUSED_SHARE, percent
from ..module_utils._kubeadm import values
from ..module_utils._kubeadm.errors import ConfigRefused
from ..plugin_utils._kubelets import stray_refusals

Look = t.Mapping[str, t.Any]
Looks = t.Mapping[str, Look]

AUTO = "auto"
COMPACTION = {values.MODE: "periodic", values.RETENTION: "1h"}
_RECOVER_FIRST = "run recover first (the playbook controlplane.etcd.recover)"
_QUORUM_WITHOUT_ONE = 3  # members, so that a leader remains while one of them is restarted


@dataclass(frozen=True)
class Node:
    """A member and the node that it runs on, as far as both are known. A quota that is switched off is infinite."""

    host: str
    name: str
    quota_bytes: float
    db_bytes: int
    memory_bytes: int | None
    free_bytes: int | None

    def auto(self) -> int | None:
        if self.memory_bytes is None or self.free_bytes is None:
            return None
        return sizing.auto(self.memory_bytes, self.free_bytes, self.db_bytes)

    def refusal(self, quota_bytes: int) -> str | None:
        if self.memory_bytes is None or self.free_bytes is None:
            return None
        return sizing.refusal(quota_bytes, self.memory_bytes, self.free_bytes, self.db_bytes)


@dataclass(frozen=True)
class Quota:
    """What all members shall have, None where it stays switched off."""

    size_bytes: int | None
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def harden_plan(
    cluster: Look,
    looks: Looks,
    quota: str = "5GiB",
    lower: bool = False,
    extra_args: t.Mapping[str, t.Any] | None = None,
    allow_downtime: bool = False,
) -> dict[str, t.Any]:
    """What the members get, in which order, and why not. `looks` holds the results of etcd_node_info by host."""
    mates = {host: looks[host] for host in cluster["hosts"]}
    nodes = [_node(member, mates) for member in cluster["members"] if _votes(member)]
    refusals = _state_refusals(cluster, mates)
    wanted: dict[str, str] = {}
    chosen = Quota(0)
    notes: tuple[str, ...] = ()
    try:
        chosen = quota_of(nodes, str(quota), lower=lower)
        settings = values.checked(_arguments(chosen, extra_args or {}))
        wanted, notes = settings.wanted, (*settings.warnings, *values.problems(settings.wanted))
    except ConfigRefused as exc:
        refusals.append(f"{exc} {exc.advice}".rstrip())
    if nodes:  # else there is nothing to measure it by, and the reason is said already
        refusals += chosen.refusals
    downtime = 0 < len(nodes) < _QUORUM_WITHOUT_ONE
    return {
        "quota_bytes": -1 if chosen.size_bytes is None else chosen.size_bytes,
        "extra_args": wanted,
        "order": [place["host"] for place in cluster["order"] if not place["endpoint"]],
        "downtime": downtime,
        "refusal": " ".join(refusals),
        "notes": [
            *chosen.notes,
            *notes,
            *_learners(cluster["members"]),
            *([_downtime(len(nodes), allowed=allow_downtime)] if downtime else []),
        ],
    }


def _votes(member: Look) -> bool:
    return member["role"] in ("leader", "follower")


def _node(member: Look, mates: Looks) -> Node:
    host = next((name for name, look in mates.items() if look["member_id"] == member["member_id"]), "")
    look = mates.get(host, {})
    return Node(
        host or member["name"],
        member["name"],
        member["quota_bytes"] if member["quota_bytes"] > 0 else math.inf,
        member["db_size_bytes"],
        look.get("memory_bytes"),
        look.get("free_disk_bytes"),
    )


def quota_of(nodes: t.Sequence[Node], quota: str, *, lower: bool) -> Quota:
    """The quota for all of them. Raises ConfigRefused where `quota` is none."""
    least = min((size for size in (node.auto() for node in nodes) if size), default=None)
    if quota.strip().lower() == AUTO:
        if least is None:
            return Quota(0, (f"The value {AUTO} cannot be worked out: memory and disk of no node are known.",))
        asked = least
    else:
        asked = values.quota_bytes(quota) or DEFAULT_QUOTA_BYTES
    highest = max((node.quota_bytes for node in nodes), default=0)
    notes = _differences(nodes)
    kept = highest > asked and not lower
    if kept and highest == math.inf:
        off = ", ".join(node.name for node in nodes if node.quota_bytes == math.inf)
        note = f"The quota of {off} is switched off and stays so: it is set only where lowering is asked for."
        return Quota(None, (), (*notes, note))
    size = int(highest) if kept else asked
    if kept:
        notes.append(
            f"The quota stays at {sizing.gib(size)}, which is more than the {sizing.gib(asked)} that are wanted: it is"
            " lowered only where that is asked for."
        )
    refusals = _overflows(nodes, size)
    too_small = sorted((node for node in nodes if node.refusal(size)), key=lambda node: (node.auto(), node.host))
    if too_small:
        smallest = too_small[0]
        said = f"{smallest.host}: {smallest.refusal(size)}"
        if least is not None and least != smallest.auto():
            said += f" For the whole cluster it would be {sizing.gib(least)}."
        # Where each of them has as much already, a restart makes nothing worse.
        (refusals if any(node.quota_bytes < size for node in nodes) else notes).append(said)
    return Quota(size, tuple(refusals), tuple(notes))


def _arguments(quota: Quota, further: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """All flags that are wanted. Raises ConfigRefused."""
    if values.QUOTA in further:
        raise ConfigRefused(f"{values.QUOTA} is among the further arguments.", "The quota has an option of its own.")
    compaction = dict(COMPACTION)
    if further.get(values.MODE, compaction[values.MODE]) != compaction[values.MODE]:
        del compaction[values.RETENTION]  # it counts hours there, and something else in another mode
    size = {values.QUOTA: str(quota.size_bytes)} if quota.size_bytes else {}
    return {**size, **compaction, **further}


def _differences(nodes: t.Sequence[Node]) -> list[str]:
    if len({node.quota_bytes for node in nodes}) < 2:
        return []
    each = ", ".join(
        f"{node.name} {'none' if node.quota_bytes == math.inf else sizing.gib(node.quota_bytes)}" for node in nodes
    )
    return [f"The members have different quotas ({each}); all get the same."]


def _overflows(nodes: t.Sequence[Node], size: int) -> list[str]:
    """What is too large for a quota that is to be lowered."""
    over = [node for node in nodes if size < node.quota_bytes and node.db_bytes >= REFUSED_SHARE * size]
    if not over:
        return []
    levels = ", ".join(f"{node.name} {sizing.gib(node.db_bytes)}" for node in over)
    said = (
        f"With a quota of {sizing.gib(size)} etcd would be full at once: the database takes {levels}. Compact and"
        " defragment it first, or choose a larger quota."
    )
    return [said]


def _state_refusals(cluster: Look, mates: Looks) -> list[str]:
    """Why no member may be restarted now."""
    chosen = mates[cluster["coordinator"]]
    alarms = chosen["cluster"]["alarms"] if chosen["answers"] else []
    armed = sorted(alarm["member"] or alarm["member_id"] for alarm in alarms if alarm["alarm"] == "NOSPACE")
    if armed:
        return [f"The NOSPACE alarm is armed (by {', '.join(armed)}): {_RECOVER_FIRST}."]
    if cluster["refusals"]:
        return list(cluster["refusals"])
    if not cluster["has_quorum"]:
        return [f"The cluster has no leader: {_RECOVER_FIRST}."]
    return [
        *_full(cluster["members"]),
        *_absent(cluster["members"]),
        *_out_of_reach(cluster["order"]),
        *stray_refusals(mates),
    ]


def _full(members: t.Iterable[Look]) -> list[str]:
    """The next write raises the alarm, perhaps in the middle of the work."""
    full = [f"{each['name']}: {percent(each['quota_used'])}" for each in members if each["quota_used"] >= REFUSED_SHARE]
    said = f"The quota is used up, though no alarm is armed yet ({', '.join(full)}): {_RECOVER_FIRST}."
    return [said] if full else []


def _absent(members: t.Iterable[Look]) -> list[str]:
    absent = [
        f"{member['name']} ({member['error'] or 'it has never started'})"
        for member in members
        if member["role"] in ("silent", "unstarted")
    ]
    said = (
        f"Not every member answers: {', '.join(absent)}. One after the other is restarted, and the rest has to carry on"
        " without it. Start what is down, or take it out of the cluster (etcdctl member remove), then run this again."
    )
    return [said] if absent else []


def _out_of_reach(order: t.Iterable[t.Mapping[str, str]]) -> list[str]:
    names = [place["name"] for place in order if place["endpoint"]]
    said = (
        f"The nodes of {', '.join(names)} are not among the hosts of this run, or cannot ask their member, but all"
        " members have to get the same flags. Add them to the inventory, then run this again."
    )
    return [said] if names else []


def _learners(members: t.Iterable[Look]) -> list[str]:
    return [
        f"The learner {member['name']} is left as it is, and a smaller quota of its own stops all writes as well:"
        " promote it (etcdctl member promote), then run this again."
        for member in members
        if member["role"] == "learner"
    ]


def _downtime(count: int, *, allowed: bool) -> str:
    of = "the only member" if count == 1 else f"one of {count} members"
    so = "is" if allowed else "would be"
    return (
        f"While {of} is restarted, about 15 s, etcd {so} away, and the API server with it"
        f"{'.' if allowed else ': that is done only where downtime is allowed.'}"
    )


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"harden_plan": harden_plan}
