# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A scheduled run on a node that does not lead: whether the leader's node does what is due, which it alone can do."""

from __future__ import annotations

import typing as t
from contextlib import suppress
from dataclasses import replace

from .._core.text import join
from .._etcd import defragmentation
from .._etcd.errors import EtcdError
from .._etcd.view import ClusterView
from .._node.member import LocalMember
from . import due
from .context import FAILED, OK, Context, say
from .due import Limits

# The leader's node defragments the others in one run and hands over; its own member is done by the next one's.
RUNS = 3


def follow(context: Context, member: LocalMember, leader_id: int, limits: Limits, *, check: bool) -> tuple[int, bool]:
    """Say who leads, and remember for how many runs members have been due; the exit code, and whether it is a success.
    Raises EtcdError, OSError."""
    if not leader_id:
        say(f"Failed: the member at {member.endpoint.url} knows no leader. Nothing was done.")
        return FAILED, False
    view = None
    with suppress(EtcdError):
        view = member.inspect_cluster()
    leader = view.name_of(leader_id) if view else f"{leader_id:x}"
    names = waiting(view, limits) if view else []
    runs = context.remembered().due_runs + 1 if names else 0
    if not check:
        context.remember(lambda known: replace(known, due_runs=runs))
    said = overdue(leader, names, runs)
    say(said or f"{leader} leads: nothing to do on this node.")
    return (FAILED, False) if said else (OK, True)


def waiting(view: ClusterView, limits: Limits) -> list[str]:
    """The members that the leader's node ought to defragment."""
    return [
        member.name
        for member in defragmentation.defrag_order(view)
        if limits.rule_for(member) and not due.quorum_threat(view, member, limits)
    ]


def overdue(leader: str, names: t.Sequence[str], runs: int) -> str:
    """The sentence if members have been due for too many runs of this node, else empty."""
    if runs < RUNS:
        return ""
    return (
        f"Failed: {leader} leads, so its node defragments what is due; but something was due in each of the last {runs}"
        f" runs of this node, now {join(sorted(names))}. See there what its runs say (journalctl -t etcd-maintenance)."
        " If the tool is not installed there, nobody defragments: run the playbook controlplane.etcd.harden with all"
        " nodes."
    )


__all__ = ("RUNS", "follow", "overdue", "waiting")
