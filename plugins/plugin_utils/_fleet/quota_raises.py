# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The larger quota that a recovery gives to all members of a cluster, and why not.

Whatever members, nodes and their quotas are like, there is a value that goes on: one with which a member runs already.
"""

from __future__ import annotations

import typing as t

from ...module_utils._core.failures import Refused
from ...module_utils._core.text import sentences
from ...module_utils._core.units import GIB, exact, gib
from ...module_utils._etcd.quota import WARNED_SHARE
from ...module_utils._kubeadm import flag_values
from .cluster import Cluster
from .coordination import members_missing, nodes_out_of_reach
from .quotas import UNLIMITED, MemberOnNode, differences, given_all_the_same, too_large, voters_on_nodes, way_out
from .reports import Fleet

_OPTION = "recover_quota_backend_bytes"


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
    return [
        *_lowered(nodes, size),
        *_not_carried(nodes, size),
        *filter(None, [members_missing(cluster.members), nodes_out_of_reach(cluster.order)]),
    ]


def raise_notes(cluster: Cluster, peers: Fleet, wanted: str) -> list[str]:
    """Notes on a quota that a recovery is to give to all members. Raises Refused if `wanted` is no size."""
    nodes, size = voters_on_nodes(cluster, peers), flag_values.quota_bytes(wanted)
    notes = differences(nodes)
    over = too_large(nodes, size)
    if over and not _not_carried(nodes, size) and any(node.quota_bytes < size for node in nodes):
        notes.append(given_all_the_same(nodes, size, over))
    if nodes and all(node.quota_bytes == size for node in nodes):
        notes.append(f"Every member has a quota of {gib(size)} already: naming it again gives none of them more.")
    return notes


def _not_carried(nodes: t.Sequence[MemberOnNode], size: int) -> list[Refused]:
    """The refusals of nodes that cannot carry a quota with which no member runs yet."""
    if any(node.quota_bytes >= size for node in nodes):
        return []
    instead = way_out(nodes, _OPTION)
    found = [refusal for node in nodes for refusal in (node.refusal(size),) if refusal]
    return [Refused(each.code, each.reason, sentences(each.advice, instead)) for each in found]


def _lowered(nodes: t.Sequence[MemberOnNode], size: int) -> list[Refused]:
    """The refusal of a quota that is less than what members have. One that has none at all counts only if its database
    would not fit: the others stop all writes at theirs, so there is nothing to lose."""
    more = [
        node
        for node in nodes
        if node.quota_bytes > size and (node.quota_bytes != UNLIMITED or node.db_bytes >= WARNED_SHARE * size)
    ]
    if not more:
        return []
    each = ", ".join(
        f"{node.name} has none and a database of {gib(node.db_bytes)}"
        if node.quota_bytes == UNLIMITED
        else f"{node.name} {gib(node.quota_bytes)}"
        for node in more
    )
    return [
        Refused(
            "quota_not_lowered",
            f"A quota of {gib(size)} is less than members have already ({each}), and a recovery lowers none.",
            sentences("Name a larger one.", _smallest_that_goes_on(nodes)),
        )
    ]


def _smallest_that_goes_on(nodes: t.Sequence[MemberOnNode]) -> str:
    """The value that is at least as much as each member has, or needs if it has no quota, as a sentence; empty if all
    have the same, which would gain nothing."""
    if not differences(nodes):
        return ""
    sizes = [int(node.quota_bytes) for node in nodes if node.quota_bytes != UNLIMITED]
    needed = [int(node.db_bytes / WARNED_SHARE) for node in nodes if node.quota_bytes == UNLIMITED]
    size = max(sizes, default=0)
    if max(needed, default=0) >= size:
        size = (max(needed) // GIB + 1) * GIB
    return f"What goes on in any case is {_OPTION}={exact(size)}."


__all__ = ("raise_notes", "raise_refusals")
