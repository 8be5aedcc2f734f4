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
from ...module_utils._core.text import sentences
from ...module_utils._core.units import exact, gib
from ...module_utils._etcd.quota import DEFAULT_QUOTA_BYTES, REFUSED_SHARE, Capacity
from ...module_utils._kubeadm import flag_values
from ...module_utils._node.report import MemberReport
from .cluster import Cluster
from .reports import Fleet

AUTO = "auto"
UNLIMITED = math.inf


@dataclass(frozen=True)
class MemberOnNode:
    """A voter that answers and the node that it runs on. `quota_bytes` is infinite if it is switched off; `capacity` is
    None if nothing is known of its node."""

    host: str
    name: str
    quota_bytes: float
    db_bytes: int
    capacity: Capacity | None

    def refusal(self, quota_bytes: int) -> Refused | None:
        """The reason why its node cannot carry this quota."""
        refusal = self.capacity.refusal(quota_bytes) if self.capacity else None
        return Refused(refusal.code, f"{self.host}: {refusal.reason}", refusal.advice) if refusal else None


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
        report.capacity(member.db_size_bytes) if report else None,
    )


def choose_quota(nodes: t.Sequence[MemberOnNode], wanted: str, *, lower: bool) -> ChosenQuota:
    """The quota for all of them: never less than one has, unless it may be lowered. Raises Refused if `wanted` is no
    size."""
    least = min((node.capacity.automatic() for node in nodes if node.capacity), default=None)
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
    notes = differences(nodes)
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
    over = too_large(nodes, size)
    if over:
        # If each of them has as much already, a restart makes nothing worse.
        if all(node.quota_bytes >= size for node in nodes):
            notes.append(over.text)
        elif not kept and any(size <= node.quota_bytes < UNLIMITED for node in nodes):
            notes.append(given_all_the_same(nodes, size, over))
        else:
            fits = least is not None and not too_large(nodes, least)
            auto = f"The value {AUTO} would be {gib(least or 0)} for the whole cluster." if fits else ""
            instead = way_out(nodes, "harden_quota_backend_bytes", "or harden_lower_quota=true with a smaller one")
            refusals.append(Refused(over.code, over.reason, sentences(over.advice, auto, instead)))
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


def too_large(nodes: t.Sequence[MemberOnNode], size: int) -> Refused | None:
    """The refusal of the node that can carry least, of those that would get more than they have; else of any."""
    refused = [
        (node.quota_bytes >= size, node.capacity.largest(), node.host, refusal)
        for node in nodes
        for refusal in (node.refusal(size),)
        if refusal and node.capacity
    ]
    return min(refused, key=lambda each: each[:3])[3] if refused else None


def _with_at_least(nodes: t.Sequence[MemberOnNode], size: float) -> str:
    return ", ".join(node.name for node in nodes if node.quota_bytes >= size)


def given_all_the_same(nodes: t.Sequence[MemberOnNode], size: int, over: Refused) -> str:
    """The note on a quota that is too large for a node and is given nevertheless: it was named, and the data of all
    members is the same, so it can grow no further on that node than on those that have such a quota already."""
    return (
        f"{over.text} It gets it all the same, because {_with_at_least(nodes, size)} run with as much already and"
        " no smaller quota is given to them."
    )


def way_out(nodes: t.Sequence[MemberOnNode], option: str, otherwise: str = "") -> str:
    """The value that is never refused for memory or disk, empty if all members have the same."""
    most = max(node.quota_bytes for node in nodes)
    if most == UNLIMITED or not differences(nodes):
        return ""
    value = f"{option}={exact(int(most))}"
    rest = f", {otherwise}" if otherwise else ""
    return f"What {_with_at_least(nodes, most)} run with already goes on in any case: {value}{rest}."


def differences(nodes: t.Sequence[MemberOnNode]) -> list[str]:
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
    "UNLIMITED",
    "ChosenQuota",
    "MemberOnNode",
    "choose_quota",
    "differences",
    "given_all_the_same",
    "recorded_refusals",
    "too_large",
    "voters_on_nodes",
    "way_out",
)
