# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Compaction of the history, physically and on every member."""

from __future__ import annotations

import time
import typing as t
from contextlib import suppress
from dataclasses import dataclass

from .._core.failures import Refused
from .._core.side_by_side import side_by_side
from . import checks
from .api import Endpoint
from .errors import Compacted, EtcdError, FutureRevision, TimedOut
from .polling import await_true
from .view import ClusterView, Connect, InspectCluster, MemberView

# Of the newest revisions, those that a compaction leaves alone (D420).
KEPT_REVISIONS = 1


@dataclass(frozen=True)
class Compaction:
    """A compaction that was carried out. `pending` are the members that had not finished their own share in time, with
    their answers."""

    revision: int
    changed: bool
    seconds: float
    pending: t.Mapping[str, str]


def compactable(endpoint: Endpoint, revision: int) -> bool:
    """Whether compacting at `revision` would take any history away. Raises Refused if that is in the future."""
    if revision <= 1:  # the first revision has no history
        return False
    try:
        endpoint.check_revision(revision)
        endpoint.check_revision(revision - 1)
    except Compacted:
        return False
    except FutureRevision as exc:
        raise Refused(
            "revision_in_future", f"The revision {revision} is in the future ({exc}). Nothing was compacted."
        ) from exc
    return True


def compact(view: ClusterView, connect: Connect, revision: int, *, timeout: float) -> Compaction:
    """Drop the history below `revision`, and wait on every connected voter until it has done so in its own file.
    Raises Refused if no voter answers, EtcdError if all fail.

    Only the member that is asked waits for a physical compaction. So each one is asked, at the same time: the first
    request through raft compacts, and the others come back with Compacted when that member is done.
    """
    started = time.monotonic()

    def ask(member: MemberView) -> tuple[MemberView, bool, EtcdError | None]:
        try:
            connect(member.endpoint).compact(revision, timeout)
        except Compacted:
            return member, False, None
        except EtcdError as exc:
            return member, False, exc
        return member, True, None

    voters = view.connected_voters
    answers = side_by_side(ask, voters)
    failed = [(member, error) for member, _changed, error in answers if error]
    if not voters:
        raise Refused("no_member_answers", "No voter answers.")
    if len(failed) == len(answers):
        raise failed[0][1]
    return Compaction(
        revision=revision,
        changed=any(changed for _member, changed, _error in answers),
        seconds=time.monotonic() - started,
        pending={
            member.name: f"{error}{'; it is still working on it' if isinstance(error, TimedOut) else ''}"
            for member, error in failed
        },
    )


def await_voters(inspect: InspectCluster, seconds: float) -> tuple[ClusterView, tuple[MemberView, ...]]:
    """The cluster as soon as no voter is behind, or as it is `seconds` later, with those that are. Raises EtcdError if
    it cannot be inspected at all."""
    seen: list[ClusterView] = []

    def nobody_is_behind() -> bool:
        seen[:] = [inspect()]
        return not (seen[0].has_quorum and checks.behind_voters(seen[0]))

    await_true(nobody_is_behind, seconds)
    view = seen[0] if seen else inspect()
    return view, checks.behind_voters(view)


def await_own_compaction(endpoint: Endpoint, timeout: float) -> None:
    """Wait until a compaction that this member is still carrying out is done. Raises EtcdError.

    Defragmented before that, it would reclaim nothing. A physical compaction of a revision that is compacted already
    changes nothing and answers only then.
    """
    try:
        endpoint.check_revision(1)
    except Compacted:
        with suppress(Compacted):
            endpoint.compact(1, timeout)


__all__ = ("KEPT_REVISIONS", "Compaction", "await_own_compaction", "await_voters", "compact", "compactable")
