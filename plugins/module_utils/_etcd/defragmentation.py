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

from .._core.failures import Refused, refuse
from .._core.text import join
from .._core.units import MIB, mib
from . import checks
from .api import Endpoint
from .compaction import await_own_compaction
from .errors import EtcdError, TimedOut
from .estimates import DiskRoom
from .polling import await_leader, await_true
from .view import ClusterView, InspectCluster, MemberView

_TAKEOVER_SECONDS = 10.0


@dataclass(frozen=True)
class Rule:
    """The gain that makes a defragmentation worth its stall: at least so many bytes *and* such a share of the file."""

    min_free_bytes: int = 0
    min_free_share: float = 0.0

    def worth_it(self, size_bytes: int, in_use_bytes: int) -> bool:
        free = size_bytes - in_use_bytes
        return free >= self.min_free_bytes and free >= self.min_free_share * size_bytes


# When a member counts as fragmented: for the node tool, the alert rules, and the status.
FRAGMENTED = Rule(100 * MIB, 0.45)
# After a compaction: a second attempt leaves alone what the first one has defragmented.
AFTER_COMPACTION = Rule(MIB, 0.02)


@dataclass(frozen=True)
class Defragmentation:
    """The outcome for one member, and the sizes of its file. `moved_leader_to` is the name of the voter that took the
    leadership over, empty if the member did not lead; `skipped` is why nothing was done, empty if it was."""

    member: str
    changed: bool
    before_bytes: int
    after_bytes: int
    seconds: float
    moved_leader_to: str = ""
    skipped: str = ""


def defrag_order(view: ClusterView) -> tuple[MemberView, ...]:
    """The voters that answer and know a leader, that one last. Learners refuse, and a silent member cannot be asked."""
    return tuple(sorted(view.connected_voters, key=lambda member: (member.role == "leader", member.name)))


def defragment(
    inspect: InspectCluster,
    endpoint: Endpoint,
    *,
    rule: Rule,
    room: t.Callable[[], DiskRoom | None],
    allow_unsafe: bool,
    timeout: float,
    check: bool = False,
    refusal: t.Callable[[ClusterView, MemberView], Refused | None] = lambda _view, _member: None,
) -> Defragmentation:
    """Rewrite the file of the member behind `endpoint`, and wait until it has caught up with the others again.

    A leader first hands its leadership over, so that no write of the cluster waits. `refusal` is the caller's own
    check, the last one. With `check` nothing is changed. Raises Refused if that, or a check of ours, speaks against it;
    EtcdError if a call fails; TimedOut if the member is not back within `timeout` seconds.
    """
    view, member = _self(inspect, endpoint) if check else _settled(inspect, endpoint, timeout)
    # In check mode nothing was compacted, so it is not known yet what will be in use.
    found = None if check else room()
    refuse(checks.defrag_refusal(view, member, room=found, allow_unsafe=allow_unsafe) or refusal(view, member))
    before = member.size_bytes
    if not rule.worth_it(before, member.in_use_bytes):
        gain = mib(before - member.in_use_bytes)
        return Defragmentation(member.name, False, before, before, 0.0, skipped=f"only {gain} could be gained")
    if check:
        return Defragmentation(member.name, True, before, member.in_use_bytes, 0.0)
    moved_to = transfer_leadership(view, member, endpoint, inspect) if member.role == "leader" else ""
    seconds = _rewrite(inspect, endpoint, member, timeout)
    _view, after = _self(inspect, endpoint)
    return Defragmentation(member.name, True, before, after.size_bytes, seconds, moved_to)


def _settled(inspect: InspectCluster, endpoint: Endpoint, timeout: float) -> tuple[ClusterView, MemberView]:
    """The cluster and the member as soon as no other one is being defragmented, this one's compaction is done, and
    nobody is behind who must not be, or as they are `timeout` seconds later. Raises Refused, EtcdError."""
    deadline = time.monotonic() + timeout

    def left() -> float:
        return max(deadline - time.monotonic(), 1.0)

    view = await_leader(lambda: _self(inspect, endpoint)[0])
    refuse(checks.corrupt_refusal(view) or checks.quorum_refusal(view))
    _await_other_defragmentations(inspect, left())
    # The compaction itself may be among the entries that this member has still to apply.
    applied = view.applied_index
    await_true(lambda: endpoint.status().raft_applied_index >= applied, left())
    await_own_compaction(endpoint, left())
    return _caught_up(inspect, endpoint, left())


def _caught_up(inspect: InspectCluster, endpoint: Endpoint, seconds: float) -> tuple[ClusterView, MemberView]:
    """The cluster and the member as soon as it need not wait for anybody. Under clients that retry without a pause a
    member is behind in one inspection, and is not in the next."""
    seen: list[tuple[ClusterView, MemberView]] = []

    def nobody_lags() -> bool:
        seen[:] = [_self(inspect, endpoint)]
        view, member = seen[0]
        return not (view.has_quorum and checks.lagging(view, member))

    await_true(nobody_lags, seconds)
    if not seen or not seen[0][0].has_quorum:  # an election, or a loss that the caller refuses
        await_leader(lambda: _self(inspect, endpoint)[0])
        return _self(inspect, endpoint)
    return seen[0]


def _self(inspect: InspectCluster, endpoint: Endpoint) -> tuple[ClusterView, MemberView]:
    """The cluster, and in it the member behind `endpoint`. Raises Refused if it is not in its own member list."""
    own = endpoint.status()
    if own.learner:  # it would not even show its member list
        raise checks.learner_refusal(f"at {endpoint.url}")
    view = inspect()
    member = view.by_id(own.member_id)
    if member is None:
        raise Refused(
            "member_removed",
            f"The member at {endpoint.url} is not in the member list any more: it was removed. Take this node out of"
            " the inventory, or join it again.",
        )
    return view, member


def _await_other_defragmentations(inspect: InspectCluster, timeout: float) -> None:
    """Wait until no other member is being defragmented, by a scheduled job or the remains of a killed run: two members
    that serve nothing at the same time would cost the quorum. Raises Refused."""
    busy: list[str] = []
    unread: list[EtcdError] = []

    def no_other_is_busy() -> bool:
        unread.clear()
        try:
            busy[:] = [member.name for member in inspect().members if member.busy]
        except EtcdError as exc:
            unread.append(exc)
        return not (busy or unread)

    if not await_true(no_other_is_busy, timeout):
        if unread:
            raise Refused(
                "member_busy",
                f"The cluster could not be read ({unread[0]}), so it is not known whether another member is being"
                " defragmented, and two at once would cost the quorum. See which members answer, and run this again.",
            )
        raise Refused(
            "member_busy",
            f"{join(busy)} is being defragmented by somebody else, and two at once would cost the quorum.",
        )


def transfer_leadership(view: ClusterView, member: MemberView, endpoint: Endpoint, inspect: InspectCluster) -> str:
    """Move the leadership away from `member`, which has it, and return the name of the voter that took it over, empty
    in a cluster of one. Raises Refused, EtcdError."""
    if len(view.voters) == 1:
        return ""
    targets = checks.transferees(view)
    if not targets:
        raise Refused(
            "leadership_stuck",
            f"{member.name} leads, and there is no other voter that could take over. Start another voter, then run this"
            " again.",
        )
    said, now = "", [member.id]

    def moved() -> bool:
        now[:] = [inspect().leader_id]
        return now[0] not in (0, member.id)

    for target in targets:
        seconds = _TAKEOVER_SECONDS
        try:
            endpoint.move_leader(target.id)
        except EtcdError as exc:  # etcd itself gives up if the other one does not take over at once
            said, seconds = f" ({exc})", 0.0
        if await_true(moved, seconds):
            return view.name_of(now[0])
    names = join(target.name for target in targets)
    raise Refused(
        "leadership_stuck",
        f"{member.name} still leads {_TAKEOVER_SECONDS:.0f} s after {names} was asked to take over{said}. See whether"
        f" {names} is down, overloaded or cut off, then run this again.",
    )


def _rewrite(inspect: InspectCluster, endpoint: Endpoint, member: MemberView, timeout: float) -> float:
    """Defragment it, wait until it has caught up, and return for how long it served nothing. Raises EtcdError."""
    started = time.monotonic()
    with suppress(TimedOut):  # it goes on in the server: wait for it below, and never send it again
        endpoint.defragment(timeout)
    patience = max(timeout, 60.0)
    await_true(lambda: bool(endpoint.status().version), patience)
    seconds = time.monotonic() - started
    if not await_true(lambda: _is_back(inspect(), member.id), patience):
        raise TimedOut(
            f"{member.name} had not answered and caught up {time.monotonic() - started:.0f} s after its"
            " defragmentation began. It may still be working, so the request was not repeated",
            endpoint=endpoint.url,
        )
    return seconds


def _is_back(view: ClusterView, member_id: int) -> bool:
    member = view.by_id(member_id)
    return bool(
        member
        and member.answers
        and view.has_quorum
        and not member.leaderless
        and member not in checks.behind_voters(view)
    )


def summary(done: Defragmentation, *, check: bool = False) -> str:
    """One line for people about what was done to a member."""
    if done.skipped:
        return f"{done.member}: {mib(done.before_bytes)}, left alone ({done.skipped})"
    sizes = f"{done.member}: {mib(done.before_bytes)} -> {mib(done.after_bytes)}"
    if check:
        return f"{sizes} or less, if it were done"
    moved = f", leadership moved to {done.moved_leader_to}" if done.moved_leader_to else ""
    return f"{sizes} in {done.seconds:.1f} s{moved}"


__all__ = (
    "AFTER_COMPACTION",
    "FRAGMENTED",
    "Defragmentation",
    "Rule",
    "defrag_order",
    "defragment",
    "summary",
    "transfer_leadership",
)
