# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Which quota the members of a cluster get, and why not another one.

`mates` holds what etcd_node_info returned of each host of one cluster, by host; `members` are the entries of
`cluster.members`.
"""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

from ...module_utils._core import units
from ...module_utils._etcd import quota as sizing
from ...module_utils._etcd.quota import DEFAULT_QUOTA_BYTES, REFUSED_SHARE
from ...module_utils._kubeadm import flag_values

Look = t.Mapping[str, t.Any]
Looks = t.Mapping[str, Look]

AUTO = "auto"


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
        return sizing.automatic_quota(self.memory_bytes, self.free_bytes, self.db_bytes)

    def refusal(self, quota_bytes: int) -> str | None:
        if self.memory_bytes is None or self.free_bytes is None:
            return None
        return sizing.capacity_refusal(quota_bytes, self.memory_bytes, self.free_bytes, self.db_bytes)


@dataclass(frozen=True)
class Quota:
    """What all members shall have, None where it stays switched off."""

    size_bytes: int | None
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def votes(member: Look) -> bool:
    return member["role"] in ("leader", "follower")


def node_of(member: Look, mates: Looks) -> Node:
    host = next((name for name, look in mates.items() if look["member_id"] == member["member_id"]), "")
    look = mates.get(host, {})
    # Asked from elsewhere, a member that was slow with its metrics shows etcd's default in place of its own quota.
    own = look.get("cluster", {}).get("members", [])
    quota = next((each for each in own if each["member_id"] == member["member_id"]), member)["quota_bytes"]
    return Node(
        host or member["name"],
        member["name"],
        quota if quota > 0 else math.inf,
        member["db_size_bytes"],
        look.get("memory_bytes"),
        look.get("free_disk_bytes"),
    )


def quota_of(nodes: t.Sequence[Node], quota: str, *, lower: bool) -> Quota:
    """The quota for all of them. Raises ConfigRefused where `quota` is none."""
    least = min((size for size in (node.auto() for node in nodes) if size), default=None)
    if quota.strip().lower() == AUTO:
        if least is None:
            return Quota(0, (f"The value {AUTO} cannot be worked out: no node's memory and disk are known.",))
        asked = least
    else:
        asked = flag_values.quota_bytes(quota) or DEFAULT_QUOTA_BYTES
    highest = max((node.quota_bytes for node in nodes), default=0)
    notes = _differences(nodes)
    kept = highest > asked and not lower
    if kept and highest == math.inf:
        off = ", ".join(node.name for node in nodes if node.quota_bytes == math.inf)
        note = (
            f"The quota of {off} is switched off and stays off: it is set only if lowering is allowed"
            " (harden_lower_quota)."
        )
        rest = [node.name for node in nodes if node.quota_bytes != math.inf]
        if rest:
            note += f" Until then {', '.join(rest)} is not raised either, and stops all writes when it is full."
        return Quota(None, (), (*([] if rest else notes), note))
    size = int(highest) if kept else asked
    if kept:
        notes.append(
            f"The quota stays at {units.gib(size)}, which is more than the {units.gib(asked)} asked for: it is"
            " lowered only if that is allowed (harden_lower_quota)."
        )
    refusals = _overflows(nodes, size)
    too_small = sorted((node for node in nodes if node.refusal(size)), key=lambda node: (node.auto(), node.host))
    if too_small:
        smallest = too_small[0]
        said = f"{smallest.host}: {smallest.refusal(size)}"
        if least is not None and least != smallest.auto():
            said += f" For the whole cluster it would be {units.gib(least)}."
        # Where each of them has as much already, a restart makes nothing worse.
        (refusals if any(node.quota_bytes < size for node in nodes) else notes).append(said)
    return Quota(size, tuple(refusals), tuple(notes))


def _differences(nodes: t.Sequence[Node]) -> list[str]:
    if len({node.quota_bytes for node in nodes}) < 2:
        return []
    each = ", ".join(
        f"{node.name} {'none' if node.quota_bytes == math.inf else units.gib(node.quota_bytes)}" for node in nodes
    )
    return [f"The members have different quotas ({each}); all get the same."]


def _overflows(nodes: t.Sequence[Node], size: int) -> list[str]:
    """What is too large for a quota that is to be lowered."""
    over = [node for node in nodes if size < node.quota_bytes and node.db_bytes >= REFUSED_SHARE * size]
    if not over:
        return []
    levels = ", ".join(f"{node.name} {units.gib(node.db_bytes)}" for node in over)
    said = (
        f"With a quota of {units.gib(size)} etcd would be full at once: the database takes {levels}. Compact and"
        " defragment it first, or choose a larger quota."
    )
    return [said]


def absent(members: t.Iterable[Look]) -> list[str]:
    names = [
        f"{member['name']} ({member['error'] or 'it has never started'})"
        for member in members
        if member["role"] in ("silent", "unstarted")
    ]
    said = (
        f"Not every member answers: {', '.join(names)}. Members are restarted one at a time, and the others must keep"
        " the quorum. Start what is down, wait for what is busy, and run this again. Only a member that is gone for"
        " good is to be removed first (etcdctl member remove)."
    )
    return [said] if names else []


def out_of_reach(order: t.Iterable[t.Mapping[str, str]]) -> list[str]:
    names = [place["name"] for place in order if place["endpoint"]]
    said = (
        f"The nodes of {', '.join(names)} are not among the hosts of this run, or cannot ask their member, but all"
        " members have to get the same flags. Add them to the inventory, then run this again."
    )
    return [said] if names else []


__all__ = ("AUTO", "Node", "Quota", "absent", "node_of", "out_of_reach", "quota_of", "votes")
