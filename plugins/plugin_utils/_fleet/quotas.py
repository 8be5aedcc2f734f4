# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The quota that all members of a cluster get, and why not another one."""

from __future__ import annotations

import math
import typing as t
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from ...module_utils._core.units import gib
from ...module_utils._etcd import quota as sizing
from ...module_utils._etcd.quota import DEFAULT_QUOTA_BYTES, REFUSED_SHARE
from ...module_utils._kubeadm import flag_values
from ...module_utils._node.report import MemberReport
from .cluster import Cluster
from .coordination import members_missing, nodes_out_of_reach
from .reports import Fleet

AUTO = "auto"
UNLIMITED = math.inf


@dataclass(frozen=True)
class MemberOnNode:
    """A voter that answers and the node that it runs on, as far as both are known. `quota_bytes` is infinite if it is
    switched off."""

    host: str
    name: str
    quota_bytes: float
    db_bytes: int
    memory_bytes: int | None
    free_bytes: int | None

    def automatic(self) -> int | None:
        """The quota that its node can carry, None if that is not known."""
        if self.memory_bytes is None or self.free_bytes is None:
            return None
        return sizing.automatic_quota(self.memory_bytes, self.free_bytes, self.db_bytes)

    def refusal(self, quota_bytes: int) -> Refused | None:
        """The reason why its node cannot carry this quota."""
        if self.memory_bytes is None or self.free_bytes is None:
            return None
        return sizing.capacity_refusal(quota_bytes, self.memory_bytes, self.free_bytes, self.db_bytes)


@dataclass(frozen=True)
class ChosenQuota:
    """The quota of all members, None if it stays switched off."""

    size_bytes: int | None
    refusals: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()


def voters_on_nodes(cluster: Cluster, peers: Fleet) -> list[MemberOnNode]:
    return [_on_node(member, peers) for member in cluster.members if member.votes]


def _on_node(member: MemberReport, peers: Fleet) -> MemberOnNode:
    host = peers.host_of(member)
    report = peers[host] if host else None
    # Asked from elsewhere, a member that was slow with its metrics shows etcd's default in place of its own quota.
    own = report.cluster.member(member.member_id) if report and report.cluster else None
    return MemberOnNode(
        host or member.name,
        member.name,
        (own or member).quota_limit,
        member.db_size_bytes,
        report.memory_bytes if report else None,
        report.free_disk_bytes if report else None,
    )


def choose_quota(nodes: t.Sequence[MemberOnNode], wanted: str, *, lower: bool) -> ChosenQuota:
    """The quota for all of them: never less than one has, unless it may be lowered. Raises Refused if `wanted` is no
    size."""
    least = min((size for size in (node.automatic() for node in nodes) if size), default=None)
    if wanted.strip().lower() == AUTO:
        if least is None:
            return ChosenQuota(
                0,
                (
                    Refused(
                        "invalid_quota",
                        f"The value {AUTO} cannot be worked out: no node's memory and disk are known.",
                    ),
                ),
            )
        asked = least
    else:
        asked = flag_values.quota_bytes(wanted) or DEFAULT_QUOTA_BYTES
    highest = max((node.quota_bytes for node in nodes), default=0)
    notes = _differences(nodes)
    kept = highest > asked and not lower
    if kept and highest == UNLIMITED:
        return _switched_off(nodes, notes)
    size = int(highest) if kept else asked
    if kept:
        notes.append(
            f"The quota stays at {gib(size)}, which is more than the {gib(asked)} asked for: it is"
            " lowered only if that is allowed (harden_lower_quota)."
        )
    refusals = _overflows(nodes, size)
    too_large = _too_large(nodes, size, least)
    if too_large:
        # If each of them has as much already, a restart makes nothing worse.
        if any(node.quota_bytes < size for node in nodes):
            refusals.append(too_large)
        else:
            notes.append(too_large.text)
    return ChosenQuota(size, tuple(refusals), tuple(notes))


def _switched_off(nodes: t.Sequence[MemberOnNode], notes: t.Sequence[str]) -> ChosenQuota:
    off = ", ".join(node.name for node in nodes if node.quota_bytes == UNLIMITED)
    rest = ", ".join(node.name for node in nodes if node.quota_bytes != UNLIMITED)
    note = (
        f"The quota of {off} is switched off and stays off: it is set only if lowering is allowed (harden_lower_quota)."
    )
    if not rest:
        return ChosenQuota(None, (), (*notes, note))
    return ChosenQuota(
        None, (), (f"{note} Until then {rest} is not raised either, and stops all writes when it is full.",)
    )


def _too_large(nodes: t.Sequence[MemberOnNode], size: int, least: int | None) -> Refused | None:
    """The refusal of the node that can carry least."""
    refused = [
        (node.automatic() or 0, node.host, refusal) for node in nodes for refusal in (node.refusal(size),) if refusal
    ]
    if not refused:
        return None
    most, host, refusal = min(refused, key=lambda each: each[:2])
    text = f"{host}: {refusal.text}"
    if least is not None and least != most:
        text += f" For the whole cluster it would be {gib(least)}."
    return Refused(refusal.code, text)


def _differences(nodes: t.Sequence[MemberOnNode]) -> list[str]:
    if len({node.quota_bytes for node in nodes}) < 2:
        return []
    each = ", ".join(
        f"{node.name} {'none' if node.quota_bytes == UNLIMITED else gib(node.quota_bytes)}" for node in nodes
    )
    return [f"The members have different quotas ({each}); all get the same."]


def _overflows(nodes: t.Sequence[MemberOnNode], size: int) -> list[Refused]:
    """Databases that are too large for a quota that is to be lowered."""
    over = [node for node in nodes if size < node.quota_bytes and node.db_bytes >= REFUSED_SHARE * size]
    if not over:
        return []
    levels = ", ".join(f"{node.name} {gib(node.db_bytes)}" for node in over)
    return [
        Refused(
            "quota_too_small",
            f"With a quota of {gib(size)} etcd would be full at once: the database takes {levels}.",
            "Compact and defragment it first, or choose a larger quota.",
        )
    ]


def raise_refusals(cluster: Cluster, peers: Fleet, wanted: str) -> list[Refused]:
    """The reasons why a recovery may not raise the quota of all members to `wanted`; none if that cannot be said yet,
    because there is no leader."""
    if not cluster.has_quorum:
        return []
    try:
        size = flag_values.quota_bytes(wanted)
    except Refused as refused:
        return [refused]
    nodes = voters_on_nodes(cluster, peers)
    carried = ((node.host, node.refusal(size)) for node in nodes)
    return [
        *_lowered(nodes, size),
        *(Refused(refusal.code, f"{host}: {refusal.text}") for host, refusal in carried if refusal),
        *filter(None, [members_missing(cluster.members), nodes_out_of_reach(cluster.order)]),
    ]


def _lowered(nodes: t.Sequence[MemberOnNode], size: int) -> list[Refused]:
    more = ", ".join(
        f"{node.name} {'none at all' if node.quota_bytes == UNLIMITED else gib(node.quota_bytes)}"
        for node in nodes
        if node.quota_bytes > size
    )
    if not more:
        return []
    return [
        Refused(
            "quota_not_lowered",
            f"A quota of {gib(size)} is less than members have already ({more}), and a recovery lowers none.",
            "Name a larger one.",
        )
    ]


def recorded_refusals(recorded: t.Iterable[int], wanted: int, *, late: bool) -> list[Refused]:
    """The refusal of quotas that are recorded in the administrator's own file or the ConfigMap and are larger than the
    one that all members would get, or switched off. `late` says that the members have the new one already."""
    sizes = sorted((size for size in recorded if size > wanted or size < 0), key=lambda size: size < 0)
    if not sizes:
        return []
    untouched = "The members have it already; the ConfigMap was not changed." if late else "No member was touched."
    return [
        Refused(
            "recorded_quota_larger",
            "The administrator's own file or the ConfigMap kubeadm-config has a quota of"
            f" {', '.join(map(str, sizes))} bytes, more than the {wanted} that all members would get.",
            "Give them that much (harden_quota_backend_bytes), or allow it to be lowered (harden_lower_quota)."
            f" {untouched}",
        )
    ]


__all__ = (
    "AUTO",
    "ChosenQuota",
    "MemberOnNode",
    "choose_quota",
    "raise_refusals",
    "recorded_refusals",
    "voters_on_nodes",
)
