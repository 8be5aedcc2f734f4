# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Defragmentation of one member, and the transfer of its leadership beforehand."""

from __future__ import annotations

import time
import typing as t
from contextlib import suppress
from dataclasses import dataclass

from .._core import text, units
from .._core.failures import Refused, refuse
from . import checks
from .api import Endpoint
from .compaction import await_own_compaction
from .errors import EtcdError, TimedOut
from .polling import await_true
from .view import ClusterView, InspectCluster, MemberView


def defrag_order(view: ClusterView) -> tuple[MemberView, ...]:
    """Voters that answer, the leader last. Learners refuse, and a silent member cannot be asked."""
    return tuple(sorted(view.answering_voters, key=lambda member: (member.role == "leader", member.name)))


@dataclass(frozen=True)
class Rule:
    """When a defragmentation is worth its stall: at least so many bytes *and* such a share of the file to gain."""

    min_free_bytes: int = 0
    min_free_share: float = 0.0

    def worth_it(self, size_bytes: int, in_use_bytes: int) -> bool:
        free = size_bytes - in_use_bytes
        return free >= self.min_free_bytes and free >= self.min_free_share * size_bytes


@dataclass(frozen=True)
class Defragmentation:
    """Sizes of the member's file; `moved_leader_to` is the name of who took over, empty where nobody had
    to, and `skipped` why nothing was done, empty where it was."""

    member: str
    changed: bool
    before_bytes: int
    after_bytes: int
    seconds: float
    moved_leader_to: str = ""
    skipped: str = ""


def defragment(
    look_again: InspectCluster,
    endpoint: Endpoint,
    *,
    rule: Rule,
    free_disk_bytes: t.Callable[[], int | None],
    allow_unsafe: bool,
    timeout: float,
    check: bool = False,
    refusal: t.Callable[[ClusterView, MemberView], Refused | None] = lambda _view, _member: None,
) -> Defragmentation:
    """Rewrite the file of the member behind `endpoint`, and wait until it has caught up with the others again.

    A leader first hands its leadership over, so that no write of the cluster waits. `refusal` is the caller's own
    reason not to, asked last. Raises Refused where there is one, or where it would be unsafe, EtcdError where a call
    fails, TimedOut where the member is not back within `timeout` seconds.
    """
    view, member = _self(look_again, endpoint) if check else _settled(look_again, endpoint, timeout)
    # In check mode nothing was compacted, so that what will be in use is not known yet.
    free = None if check else free_disk_bytes()
    refuse(
        checks.defrag_refusal(view, member, free_disk_bytes=free, allow_unsafe=allow_unsafe) or refusal(view, member)
    )
    before = member.size_bytes
    if not rule.worth_it(before, member.in_use_bytes):
        gain = units.mib(before - member.in_use_bytes)
        return Defragmentation(member.name, False, before, before, 0.0, skipped=f"only {gain} could be gained")
    if check:
        return Defragmentation(member.name, True, before, member.in_use_bytes, 0.0)
    moved_to = transfer_leadership(view, member, endpoint, look_again) if member.role == "leader" else ""
    seconds = _rewrite(look_again, endpoint, member, timeout)
    _view, after = _self(look_again, endpoint)
    return Defragmentation(member.name, True, before, after.size_bytes, seconds, moved_to)


def _settled(look_again: InspectCluster, endpoint: Endpoint, timeout: float) -> tuple[ClusterView, MemberView]:
    """The cluster and the member, once no other one is being defragmented and this one is done with its compaction.
    Raises Refused, EtcdError."""
    view, _member = _self(look_again, endpoint)
    refuse(checks.corrupt_refusal(view) or checks.quorum_refusal(view))
    _await_other_defragmentations(look_again, timeout)
    # The compaction itself may be among what this member has still to apply.
    applied = view.applied_index
    await_true(lambda: endpoint.status().raft_applied_index >= applied, timeout)
    await_own_compaction(endpoint, timeout)
    return _self(look_again, endpoint)


def _rewrite(look_again: InspectCluster, endpoint: Endpoint, member: MemberView, timeout: float) -> float:
    """Defragment it and wait until it has caught up; for how many seconds it served nothing. Raises EtcdError."""
    started = time.monotonic()
    with suppress(TimedOut):  # it goes on in the server: wait for it below, and never send it again
        endpoint.defragment(timeout)
    patience = max(timeout, 60.0)
    await_true(lambda: bool(endpoint.status().version), patience)
    seconds = time.monotonic() - started
    if not await_true(lambda: _caught_up(look_again(), member.id), patience):
        raise TimedOut(
            f"{member.name} had not answered and caught up {time.monotonic() - started:.0f} s after its"
            " defragmentation began. It may still be working, so the request was not repeated",
            endpoint=endpoint.url,
        )
    return seconds


def summary(done: Defragmentation, *, check: bool = False) -> str:
    """What was done to a member, for people."""
    if done.skipped:
        return f"{done.member}: {units.mib(done.before_bytes)}, left alone ({done.skipped})"
    sizes = f"{done.member}: {units.mib(done.before_bytes)} -> {units.mib(done.after_bytes)}"
    if check:
        return f"{sizes} or less, if it were done"
    moved = f", leadership moved to {done.moved_leader_to}" if done.moved_leader_to else ""
    return f"{sizes} in {done.seconds:.1f} s{moved}"


def _await_other_defragmentations(look_again: InspectCluster, timeout: float) -> None:
    """A scheduled job, or what is left of a run that was killed, may be at work on another member: two members that
    serve nothing at the same time would cost the quorum. Raises Refused."""
    busy: list[str] = []
    unread: list[EtcdError] = []

    def nobody_is_busy() -> bool:
        unread.clear()
        try:
            busy[:] = [member.name for member in look_again().members if member.busy]
        except EtcdError as exc:
            unread.append(exc)
        return not (busy or unread)

    if not await_true(nobody_is_busy, timeout):
        if unread:
            raise Refused(
                "member_busy",
                f"The cluster could not be read ({unread[0]}), so it is not known whether another member is being"
                " defragmented, and two at once would cost the quorum. See which members answer, and run this again.",
            )
        raise Refused(
            "member_busy",
            f"{text.join(busy)} is being defragmented by somebody else, and two at once would cost the quorum.",
        )


def _self(look_again: InspectCluster, endpoint: Endpoint) -> tuple[ClusterView, MemberView]:
    """The cluster, and in it the member behind `endpoint`. Raises Refused where it is not in its own member list."""
    own = endpoint.status()
    if own.learner:  # it would not even show its member list
        raise checks.learner_refusal(f"at {endpoint.url}")
    view = look_again()
    member = view.by_id(own.member_id)
    if member is None:
        raise Refused(
            "member_removed",
            f"The member at {endpoint.url} is not in the member list any more: it was removed. Take this node out of"
            " the inventory, or join it again.",
        )
    return view, member


def _caught_up(view: ClusterView, member_id: int) -> bool:
    member = view.by_id(member_id)
    return bool(member and member.answers and view.has_quorum and member not in checks.lagging(view))


def transfer_leadership(view: ClusterView, member: MemberView, endpoint: Endpoint, look_again: InspectCluster) -> str:
    """Move the leadership away from `member`, which has it; the name of who took it over, empty where there is nobody
    else. Raises Refused, EtcdError."""
    target = checks.transferee(view)
    if target is None:
        if len(view.voters) > 1:
            raise Refused(
                "leadership_stuck",
                f"{member.name} leads, and no other voter answers that could take over. Start another voter, then run"
                " this again.",
            )
        return ""
    endpoint.move_leader(target.id)
    if not await_true(lambda: look_again().leader_id not in (0, member.id), 10.0):
        raise Refused(
            "leadership_stuck",
            f"{member.name} still leads 10 s after {target.name} was asked to take over. See whether {target.name} is"
            " overloaded or cut off, then run this again.",
        )
    return target.name


__all__ = (
    "Defragmentation",
    "Rule",
    "defrag_order",
    "defragment",
    "summary",
    "transfer_leadership",
)
