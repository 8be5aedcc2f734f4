# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The scheduled run: the leader's node defragments the others that are due, one after the other, and finally hands the
leadership over if its own member is due."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

from .._core import run_lock
from .._core.failures import Failure, Refused, refuse
from .._core.run_lock import Locked
from .._core.units import mib, percent
from .._etcd import checks, defragmentation, estimates
from .._etcd.errors import LeaseExists
from .._etcd.view import ClusterView, MemberView
from .._node.member import LocalMember
from . import cluster_lease, due, followers, usage_look
from .context import FAILED, OK, REFUSED, Context, observe, probes_of, reason, say
from .due import DueMember, DueMembers, Limits
from .metrics import Observation


@dataclass(frozen=True)
class Options:
    limits: Limits
    allow_unsafe: bool = False
    single_member: bool = True
    check: bool = False


class Deferred(Refused):
    """Nothing went wrong, and another run does it."""


def run(context: Context, options: Options) -> int:
    """Do one run, and remember what came of it; its exit code."""
    code, success = _attempt(context, options)
    if options.check:
        return code
    try:
        if success is not None:
            moment = time.time()
            context.remember(lambda known: replace(known, last_run=moment, last_run_success=success))
        usage_look.look_if_due(context)
        context.publish(_observe(context))
    except OSError as exc:
        say(f"The result of this run could not be saved: {exc}.")
        return FAILED
    return code


def _observe(context: Context) -> Observation | None:
    with suppress(Failure):
        return observe(context.member())
    return None


def _attempt(context: Context, options: Options) -> tuple[int, bool | None]:
    """The exit code, and whether it was a success, None if another run has to do it."""
    try:
        if context.has_no_member():
            return OK, True
        member = context.member()
        own = member.endpoint.status()
        if own.leader_id != own.member_id:
            return followers.follow(context, member, own.leader_id, options.limits, check=options.check)
        if options.check:
            _work(context, member, options)
            return OK, None
        context.remember(lambda known: replace(known, due_runs=0))
        with context.locked("run"):
            return (OK, True) if _work(context, member, options) else (REFUSED, False)
    except Deferred as exc:
        say(exc.text)
        return OK, None
    except Locked as exc:
        say(f"Nothing further was done: {run_lock.describe(exc.lock)}. The next scheduled run does it.")
        return REFUSED, None
    except Refused as exc:
        say(f"Refused: {exc.text}")
        return REFUSED, False
    except (Failure, OSError) as exc:
        say(f"Failed: {reason(exc)}. Nothing was touched except what is named above as done.")
        return FAILED, False


def _work(context: Context, member: LocalMember, options: Options) -> bool:
    """Defragment what is due; whether every member that is due was done. Raises Deferred, Failure, OSError."""
    view = member.inspect_cluster()
    own_id = member.endpoint.status().member_id
    term = due.term_of(view, own_id)
    refuse(due.run_refusal(view))
    _defer_if_moved(view, own_id, term)
    room, speeds = member.disk_room(), context.defrag_speeds()
    found = due.due_members(view, own_id, options.limits, probes_of(member), room, speeds)
    for sentence in found.left:
        say(sentence)
    if not (found.others or found.own):
        if not found.left:
            say(f"Nothing is due: {_levels(view)}.")
        return not found.left
    refuse(checks.version_refusal(view, allowed=options.allow_unsafe))
    if options.check:
        _preview(view, found, options)
        return True
    with ExitStack() as stack:
        try:
            stack.enter_context(cluster_lease.held(member.endpoint))
        except LeaseExists as exc:
            raise Deferred(
                exc.code,
                "Nothing was done: the node tool of another node is working on this cluster, or was killed less than an"
                " hour ago. The next scheduled run does it.",
            ) from None
        for each in found.others:
            _defragment(context, member, each, options, own_id, term)
        if found.own:
            _hand_over(context, member, found.own, options, own_id, term)
    return not found.left


def _defer_if_moved(view: ClusterView, own_id: int, term: int) -> None:
    """Raise Deferred if the leadership has moved."""
    moved = due.leadership_moved(view, own_id, term)
    if moved:
        raise Deferred(moved.code, f"{moved} The rest is left to the next scheduled run on the leader's node.")


def _levels(view: ClusterView) -> str:
    def level(member: MemberView) -> str:
        free = member.size_bytes - member.in_use_bytes
        share = free / member.size_bytes if member.size_bytes else 0.0
        return f"{member.name} {mib(member.size_bytes)}, {percent(share)} fragmented"

    return "; ".join(level(member) for member in view.answering)


def _preview(view: ClusterView, found: DueMembers, options: Options) -> None:
    """Say what would be done."""
    for each in found.others:
        say(f"It would defragment {_sizes(each)}.")
    if found.own and len(view.voters) > 1:
        target = checks.transferee(view)
        whom = f"{target.name} would lead then" if target else "but no other member answers that could lead"
        say(f"It would hand the leadership over, since this node's own member is due, {_sizes(found.own)}: {whom}.")
    elif found.own and options.single_member:
        say(f"It would defragment the only member, {_sizes(found.own)}, which serves nothing meanwhile.")
    elif found.own:
        say(f"The only member is due, {_sizes(found.own)}, and was left alone as requested.")


def _sizes(each: DueMember) -> str:
    return (
        f"{each.member.name} ({mib(each.member.size_bytes)}, {mib(each.member.in_use_bytes)} in use,"
        f" about {each.seconds:.1f} s)"
    )


def _defragment(
    context: Context, member: LocalMember, target: DueMember, options: Options, own_id: int, term: int
) -> None:
    """Defragment one member. Raises Deferred if another one leads now, Refused, EtcdError, OSError."""
    context.lock("run")
    if not member.endpoint.renew_lease(cluster_lease.LEASE_ID):
        raise Deferred(
            LeaseExists.code,
            "The lease that keeps other nodes out is gone: the rest is left to the next scheduled run.",
        )
    own = target.member.id == own_id

    def refusal(now: ClusterView, again: MemberView) -> Refused | None:
        moved = due.leadership_moved(now, own_id, term)
        if moved:  # not a refusal of etcd's: nothing is wrong
            raise Deferred(
                moved.code,
                f"{moved} {target.member.name} and what comes after it are left to the next scheduled run.",
            )
        return _danger(context, member, now, again, options.limits, own=own)

    context.done(
        defragmentation.defragment(
            member.inspect_cluster,
            member.endpoint if own else member.connect(target.member.endpoint),
            rule=target.rule,
            room=member.disk_room if own else lambda: None,
            allow_unsafe=options.allow_unsafe,
            timeout=estimates.WORK_SECONDS,
            refusal=refusal,
        )
    )


def _danger(
    context: Context, member: LocalMember, view: ClusterView, target: MemberView, limits: Limits, *, own: bool
) -> Refused | None:
    """The refusal of what has come up since the due members were found."""
    down = due.quorum_threat(view, target, limits)
    found = (
        Refused("members_missing", f"{down}.")
        if down
        else due.danger(target, probes_of(member), member.disk_room(), context.defrag_speeds(), own=own)
    )
    if found is None:
        return None
    return Refused(found.code, f"{target.name} was left alone: {found} What was not named as done was not touched.")


def _hand_over(context: Context, member: LocalMember, own: DueMember, options: Options, own_id: int, term: int) -> None:
    """Finally transfer the leadership to another one, whose next run defragments this node's own member; defragment the
    only member of a cluster here. Raises as `_defragment`."""
    view = member.inspect_cluster()
    _defer_if_moved(view, own_id, term)
    if len(view.voters) == 1:
        if not options.single_member:
            say(f"{own.member.name} is due but left alone: it is the only member, and would serve nothing meanwhile.")
            return
        _defragment(context, member, own, options, own_id, term)
        return
    refuse(_danger(context, member, view, view.by_id(own_id) or own.member, options.limits, own=True))
    target = defragmentation.transfer_leadership(view, own.member, member.endpoint, member.inspect_cluster)
    say(
        f"The leadership moved from {own.member.name}, which is due itself, to {target}, whose next scheduled run"
        " defragments it."
    )


__all__ = ("Options", "run")
