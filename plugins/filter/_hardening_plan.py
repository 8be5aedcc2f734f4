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
  - A quota is never lowered unless O(lower) is set. If it is raised, it has to fit the smallest node of the cluster.
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
    description: Whether etcd may be down for a while, as it is with one or two members.
    type: bool
    default: false
  extra_args:
    description:
      - Further arguments of etcd, without their leading dashes. They win over C(auto-compaction-mode) V(periodic) and
        C(auto-compaction-retention) V(1h).
    type: dict
    default: {}
  lower:
    description: Whether to lower a quota that is higher than O(quota).
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
    - The plan, as a dictionary of V(quota_bytes), V(extra_args), V(order), V(unfinished), V(downtime), V(refusal) and
      V(notes).
    - V(quota_bytes) is what every member shall have, V(-1) if it stays switched off. V(extra_args) holds the flags
      by name, all as text. V(order) lists the hosts, the leader's last. V(unfinished) is the host on which an earlier
      run may have been cut off, since its etcd alone is down, or empty. V(downtime) says whether etcd is down while one
      member is restarted. V(refusal) says why nothing may be done, and is empty otherwise. V(notes) holds further
      remarks.
  type: dict
"""

import typing as t

from ..module_utils._core.failures import Refused
from ..module_utils._core.units import percent
from ..module_utils._etcd.quota import REFUSED_SHARE
from ..module_utils._kubeadm import flag_values
from ..module_utils._kubeadm.known_flags import member_refusal
from ..plugin_utils._fleet.kubelets import stray_refusals
from ..plugin_utils._fleet.quotas import Quota, absent, node_of, out_of_reach, quota_of, votes

Look = t.Mapping[str, t.Any]
Looks = t.Mapping[str, Look]

COMPACTION = {flag_values.MODE: "periodic", flag_values.RETENTION: "1h"}
_RECOVER_FIRST = "run recover first (the playbook controlplane.etcd.recover)"
_UNFINISHED = (
    "The etcd of {host} is down. If an earlier run was cut off there, what it began is proved or taken back first."
)
_QUORUM_WITHOUT_ONE = 3  # members, so that a leader remains while one of them is restarted


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
    nodes = [node_of(member, mates) for member in cluster["members"] if votes(member)]
    refusals = _state_refusals(cluster, mates)
    wanted: dict[str, str] = {}
    chosen = Quota(0)
    notes: tuple[str, ...] = ()
    try:
        chosen = quota_of(nodes, str(quota), lower=lower)
        settings = flag_values.checked(_arguments(chosen, extra_args or {}))
        wanted, notes = settings.wanted, (*settings.warnings, *flag_values.problems(settings.wanted))
        refusals += filter(None, [member_refusal(wanted)])
    except Refused as exc:
        refusals.append(f"{exc} {exc.advice}".rstrip())
    if nodes:  # else there is nothing to measure it by, and the reason is said already
        refusals += chosen.refusals
    downtime = 0 < len(nodes) < _QUORUM_WITHOUT_ONE
    unfinished = _unfinished(cluster, mates)
    return {
        "quota_bytes": -1 if chosen.size_bytes is None else chosen.size_bytes,
        "extra_args": wanted,
        "order": [place["host"] for place in cluster["order"] if not place["endpoint"]],
        "unfinished": unfinished,
        "downtime": downtime,
        "refusal": " ".join(refusals),
        "notes": [
            *chosen.notes,
            *notes,
            *_learners(cluster["members"]),
            *([_UNFINISHED.format(host=unfinished)] if unfinished else []),
            *([_downtime(len(nodes), allowed=allow_downtime)] if downtime else []),
        ],
    }


def _arguments(quota: Quota, further: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """All flags that are wanted. Raises Refused."""
    if flag_values.QUOTA in further:
        raise Refused(
            "invalid_quota", f"{flag_values.QUOTA} is among the extra arguments.", "The quota has its own option."
        )
    compaction = dict(COMPACTION)
    if further.get(flag_values.MODE, compaction[flag_values.MODE]) != compaction[flag_values.MODE]:
        del compaction[flag_values.RETENTION]  # it counts hours there, and something else in another mode
    size = {flag_values.QUOTA: str(quota.size_bytes)} if quota.size_bytes else {}
    return {**size, **compaction, **further}


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
        *absent(cluster["members"]),
        *out_of_reach(cluster["order"]),
        *_idle_kubelets(mates),
        *stray_refusals(mates),
    ]


def _unfinished(cluster: Look, mates: Looks) -> str:
    """The host whose etcd alone is down, empty where there is none: of a run that is cut off, no more than one is."""
    down = [host for host, look in mates.items() if not look["answers"]]
    if len(down) != 1 or mates[down[0]]["process"] or _idle_kubelets(mates) or stray_refusals(mates):
        return ""
    alarms = [alarm for look in mates.values() if look["answers"] for alarm in look["cluster"]["alarms"]]
    # Without a leader that is what is refused; with one, it is something else.
    return "" if alarms or (cluster["has_quorum"] and cluster["refusals"]) else down[0]


def _idle_kubelets(mates: Looks) -> list[str]:
    """Nobody would start etcd from a changed manifest."""
    found = {name: look["kubelet"] for name, look in mates.items()}
    held = [f"{name} (by {kubelet['held']['owner']})" for name, kubelet in found.items() if kubelet["held"]]
    stopped = [name for name, kubelet in found.items() if kubelet["stopped"] and not kubelet["held"]]
    said = []
    if held:
        said.append(f"The kubelet of {', '.join(held)} is held: wait until it is released, then run this again.")
    if stopped:
        said.append(f"The kubelet of {', '.join(stopped)} is not running: start it, then run this again.")
    return said


def _full(members: t.Iterable[Look]) -> list[str]:
    """The next write raises the alarm, perhaps in the middle of the work."""
    full = [f"{each['name']}: {percent(each['quota_used'])}" for each in members if each["quota_used"] >= REFUSED_SHARE]
    said = f"The quota is used up, though no alarm is armed yet ({', '.join(full)}): {_RECOVER_FIRST}."
    return [said] if full else []


def _learners(members: t.Iterable[Look]) -> list[str]:
    return [
        f"The learner {member['name']} is not changed, and its own smaller quota would stop all writes too: promote it"
        " (etcdctl member promote), then run this again."
        for member in members
        if member["role"] == "learner"
    ]


def _downtime(count: int, *, allowed: bool) -> str:
    of = "the only member" if count == 1 else f"one of {count} members"
    so = "is" if allowed else "would be"
    return (
        f"While {of} is restarted, up to 50 s, etcd {so} down, and the API server with"
        f" it{'.' if allowed else ': this is done only if downtime is allowed.'}"
    )


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"harden_plan": harden_plan}
