# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""The scheduled run: the leader's node defragments the others that are due, one after the other, and at last hands the
leadership over where its own member is due."""

from __future__ import annotations

import time
import typing as t
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from .._core import failures, run_lock, units
from .._core.failures import Refused
from .._core.run_lock import Locked
from .._etcd import checks, defragmentation, estimates
from .._etcd.api import Endpoint
from .._etcd.errors import EtcdError, LeaseExists
from .._etcd.view import ClusterView, MemberView
from .._node.etcd_manifest import ManifestError
from .._node.member import LocalMember
from . import due
from .context import FAILED, LOCK_SECONDS, OK, REFUSED, Context, observe, reason, say
from .due import DueMember, Limits
from .metrics import Observation

# A lease is granted under this id ("etcdefra") to exactly one of all who ask, through raft: of two nodes that both
# believe to lead, or lead one after the other, only one works. It leaves neither key nor revision.
LEASE_ID = 0x6574636465667261


@dataclass(frozen=True)
class Options:
    limits: Limits
    allow_unsafe: bool = False
    single_member: bool = True
    check: bool = False


class Deferred(Exception):
    """Nothing went wrong, and another wake does it. The text says why."""


def run(node: Context, options: Options) -> int:
    """One wake, and what is to be remembered of it. Its exit code."""
    code, success = _guarded(node, options)
    if options.check:
        return code
    try:
        if success is not None:
            moment = time.time()
            node.remember(lambda known: replace(known, last_run=moment, last_run_success=success))
        node.publish(_look(node))
    except OSError as exc:
        say(f"The result of this run could not be saved: {exc}.")
        return FAILED
    return code


def _look(node: Context) -> Observation | None:
    with suppress(ManifestError, EtcdError):
        return observe(node.member())
    return None


def _guarded(node: Context, options: Options) -> tuple[int, bool | None]:
    """The exit code, and whether it was a success; None where another wake has to do it."""
    try:
        member = node.member()
        own = member.endpoint.status()
        if own.leader_id != own.member_id:
            say(_elsewhere(member, own.leader_id))
            return (OK, True) if own.leader_id else (FAILED, False)
        if options.check:
            _work(node, member, options)
            return OK, None
        with node.locked("run"):
            return (OK, True) if _work(node, member, options) else (REFUSED, False)
    except Deferred as exc:
        say(f"{exc}")
        return OK, None
    except Locked as exc:
        say(f"Nothing further was done: {run_lock.describe(exc.lock)}. The next scheduled run does it.")
        return REFUSED, None
    except Refused as exc:
        say(f"Refused: {exc}")
        return REFUSED, False
    except (ManifestError, EtcdError, OSError) as exc:
        say(f"Failed: {reason(exc)}. Nothing was touched except what is named above as done.")
        return FAILED, False


def _elsewhere(member: LocalMember, leader_id: int) -> str:
    if not leader_id:
        return f"Failed: the member at {member.endpoint.url} knows no leader. Nothing was done."
    with suppress(EtcdError):
        names = {each.member_id: each.name for each in member.endpoint.members()}
        return f"{names.get(leader_id, f'{leader_id:x}')} leads: nothing to do on this node."
    return f"{leader_id:x} leads: nothing to do on this node."


def _work(node: Context, member: LocalMember, options: Options) -> bool:
    """Whether every member that is due was done. Raises Left, Refused, EtcdError, OSError."""
    view = member.inspect_cluster()
    own_id = member.endpoint.status().member_id
    term = due.term_of(view, own_id)
    failures.refuse(due.run_refusal(view))
    _still_mine(view, own_id, term)
    manifest = member.manifest
    probes = manifest.probes if manifest else ()
    turns = due.due_members(view, own_id, options.limits, probes, member.free_disk_bytes())
    for sentence in turns.left:
        say(sentence)
    if not (turns.others or turns.own):
        if not turns.left:
            say(f"Nothing is due: {_levels(view)}.")
        return not turns.left
    failures.refuse(checks.version_refusal(view, allowed=options.allow_unsafe))
    if options.check:
        _foretell(view, turns, options)
        return True
    with _alone(member.endpoint):
        for turn in turns.others:
            _defragment(node, member, turn, options, own_id, term)
        if turns.own:
            _own(node, member, turns.own, options, own_id, term)
    return not turns.left


def _still_mine(view: ClusterView, own_id: int, term: int) -> None:
    """Raises Left."""
    moved = due.leadership_moved(view, own_id, term)
    if moved:
        raise Deferred(f"{moved} The rest is left to the next scheduled run on the leader's node.")


def _levels(view: ClusterView) -> str:
    def level(member: MemberView) -> str:
        free = member.size_bytes - member.in_use_bytes
        share = free / member.size_bytes if member.size_bytes else 0.0
        return f"{member.name} {units.mib(member.size_bytes)}, {units.percent(share)} fragmented"

    return "; ".join(level(member) for member in view.answering)


def _foretell(view: ClusterView, turns: due.DueMembers, options: Options) -> None:
    for turn in turns.others:
        say(f"It would defragment {_sizes(turn)}.")
    if turns.own and len(view.voters) > 1:
        target = checks.transferee(view)
        whom = f"{target.name} would lead then" if target else "but no other member answers that could lead"
        say(f"It would hand the leadership over, since this node's own member is due, {_sizes(turns.own)}: {whom}.")
    elif turns.own and options.single_member:
        say(f"It would defragment the only member, {_sizes(turns.own)}, which serves nothing meanwhile.")
    elif turns.own:
        say(f"The only member is due, {_sizes(turns.own)}, and was left alone as requested.")


def _sizes(turn: DueMember) -> str:
    seconds = estimates.defrag_seconds(turn.member.in_use_bytes)
    return (
        f"{turn.member.name} ({units.mib(turn.member.size_bytes)}, {units.mib(turn.member.in_use_bytes)} in use,"
        f" about {seconds:.1f} s)"
    )


@contextmanager
def _alone(endpoint: Endpoint) -> t.Iterator[None]:
    """Be the only one in the whole cluster who does this. Raises Left."""
    # A clock that nobody sets, and that goes on while the machine sleeps, as the lease does.
    granted = time.clock_gettime(time.CLOCK_BOOTTIME)
    try:
        endpoint.grant_lease(LOCK_SECONDS, LEASE_ID)
    except LeaseExists:
        raise Deferred(
            "Nothing was done: the node tool of another node is working on this cluster, or was killed less than an"
            " hour ago. The next scheduled run does it."
        ) from None
    try:
        yield
    finally:
        # It ends by itself. After such a time it may be that of another node.
        if time.clock_gettime(time.CLOCK_BOOTTIME) - granted < LOCK_SECONDS:
            with suppress(EtcdError):
                endpoint.revoke_lease(LEASE_ID)


def _defragment(node: Context, member: LocalMember, turn: DueMember, options: Options, own_id: int, term: int) -> None:
    """Raises Left where another one leads now, Refused, EtcdError, OSError."""
    node.lock("run")
    if not member.endpoint.renew_lease(LEASE_ID):
        raise Deferred("The lease that keeps other nodes out is gone: the rest is left to the next scheduled run.")
    own = turn.member.id == own_id

    def gone(now: ClusterView, again: MemberView) -> str | None:
        why = due.leadership_moved(now, own_id, term)
        if why:  # not a refusal of etcd's: nothing is wrong
            raise Deferred(f"{why} {turn.member.name} and what comes after it are left to the next scheduled run.")
        return _danger(member, again, own=own)

    node.done(
        defragmentation.defragment(
            member.inspect_cluster,
            member.endpoint if own else member.connect(turn.member.endpoint),
            rule=turn.rule,
            free_disk_bytes=member.free_disk_bytes if own else lambda: None,
            allow_unsafe=options.allow_unsafe,
            timeout=estimates.WORK_SECONDS,
            refusal=gone,
        )
    )


def _danger(member: LocalMember, turn: MemberView, *, own: bool) -> str | None:
    """What has come up since the first look against the defragmentation of a member."""
    killer = due.run_threat(turn, member.manifest.probes if member.manifest else ())
    killer = killer or due.disk_threat(turn, member.free_disk_bytes(), own=own)
    return f"{turn.name} was left alone: {killer}. What was not named as done was not touched." if killer else None


def _own(node: Context, member: LocalMember, turn: DueMember, options: Options, own_id: int, term: int) -> None:
    """The last act: the leadership goes to another one, whose next wake does this member. Raises as `_defragment`."""
    view = member.inspect_cluster()
    _still_mine(view, own_id, term)
    if len(view.voters) == 1:
        if not options.single_member:
            say(f"{turn.member.name} is due but left alone: it is the only member, and would serve nothing meanwhile.")
            return
        _defragment(node, member, turn, options, own_id, term)
        return
    failures.refuse(_danger(member, view.by_id(own_id) or turn.member, own=True))
    target = defragmentation.transfer_leadership(view, turn.member, member.endpoint, member.inspect_cluster)
    say(
        f"The leadership moved from {turn.member.name}, which is due itself, to {target}, whose next scheduled run"
        " defragments it."
    )


__all__ = (
    "LEASE_ID",
    "Options",
    "run",
)
