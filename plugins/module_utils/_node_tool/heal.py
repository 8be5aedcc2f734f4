# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Self-healing of a NOSPACE alarm: compact, defragment each member that needs it, disarm when all of them fit."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from .._core import run_lock
from .._core.failures import Failure, Refused, refuse
from .._core.run_lock import Locked
from .._core.units import percent
from .._etcd import alarms, checks, compaction, defragmentation, write_check
from .._etcd.errors import EtcdError
from .._etcd.estimates import WORK_SECONDS
from .._etcd.over_quota import quota_headroom
from .._etcd.view import ClusterView, MemberView
from .._node.member import LocalMember
from .._node.probes import Probe
from . import due
from .context import FAILED, OK, REFUSED, Context, probes_of, reason, say
from .state import NOTE_AGAIN_SECONDS, State

MAX_ATTEMPTS_PER_DAY = 3
# Under the alarm no lease can be granted that would keep other nodes away. Instead a leader waits until what an earlier
# one sent in its last moment can be seen on the member it was sent to.
_SETTLED_SECONDS = 45.0
_NOT_NOW = "The NOSPACE alarm is armed and not healed now"


def attempts_exhausted(state: State) -> Refused | None:
    """The reason why there is no further attempt today: this node's own ones count, and so does each time that it noted
    the alarm, since whoever led then may have tried."""
    if len(state.heals) >= MAX_ATTEMPTS_PER_DAY or len(state.alarms) > MAX_ATTEMPTS_PER_DAY:
        return Refused(
            "attempts_exhausted",
            f"{_NOT_NOW}: in the last 24 hours this node tried to heal {len(state.heals)} times and saw the alarm"
            f" {len(state.alarms)} times, one that stays again every 15 min; more than {MAX_ATTEMPTS_PER_DAY} a day"
            " would only hide what fills the database.",
            "Run the playbook controlplane.etcd.recover, and look for what fills it.",
        )
    return None


def wait_reason(state: State, now: float) -> str | None:
    """The reason to wait, None if there is none."""
    if state.led_since is None or now - state.led_since < _SETTLED_SECONDS:
        return "this node has not led for long enough; the next check, in a minute, does it"
    if state.heals and now - state.heals[-1] < NOTE_AGAIN_SECONDS:
        return f"the last attempt was {(now - state.heals[-1]) / 60:.0f} min ago; the next one is after 15 min"
    noted = max(state.alarms, default=0.0)
    if now - noted < NOTE_AGAIN_SECONDS and state.led_since > noted:
        return (
            f"this node has led only since it last noted the alarm, {(now - noted) / 60:.0f} min ago, and whoever led"
            " before may have tried; the next attempt is 15 min after that"
        )
    return None


def heal_refusal(view: ClusterView, probes: t.Sequence[Probe], *, allow_unsafe: bool) -> Refused | None:
    """The reason why only people may heal. How long a defragmentation takes is known only after the compaction."""
    killer = due.alarm_threat(probes)
    return (
        checks.corrupt_refusal(view)
        or checks.quorum_refusal(view)
        or checks.version_refusal(view, allowed=allow_unsafe)
        or (Refused("probe_would_kill", f"A member could be killed in the middle of it: {killer}.") if killer else None)
    )


def heal(context: Context, member: LocalMember, state: State, *, allow_unsafe: bool) -> int:
    """Make one attempt, and remember what came of it; its exit code."""
    exhausted = attempts_exhausted(state)
    if exhausted:
        say(exhausted.text)
        context.remember(lambda known: replace(known, heal_failed=True))
        return REFUSED
    wait = wait_reason(state, time.time())
    if wait:
        say(f"{_NOT_NOW}: {wait}.")
        return OK
    try:
        with context.locked("watch"):
            unverified = _disarm(_shrink(context, member, allow_unsafe), member)
    except Locked as exc:
        say(f"{_NOT_NOW}: {run_lock.describe(exc.lock)}.")
        return OK
    except Refused as exc:
        return _failed(context, f"refused. {exc.text} The alarm is still armed.", REFUSED)
    except (Failure, OSError) as exc:
        return _failed(context, f"{reason(exc)}. The alarm is still armed.", FAILED)
    if unverified:
        return _failed(context, unverified.text, REFUSED)
    context.remember(lambda known: replace(known, armed=False, heal_failed=False))
    return OK


def _failed(context: Context, why: str, code: int) -> int:
    context.remember(lambda known: replace(known, heal_failed=True))
    say(f"Healing failed: {why} Run the playbook controlplane.etcd.recover.")
    return code


def _shrink(context: Context, member: LocalMember, allow_unsafe: bool) -> ClusterView:
    """Compact, and defragment until all members fit; the cluster afterwards. Raises Failure, OSError."""
    view = member.inspect_cluster()
    own_id = member.endpoint.status().member_id
    term = due.term_of(view, own_id)
    refuse(heal_refusal(view, probes_of(member), allow_unsafe=allow_unsafe) or due.leadership_moved(view, own_id, term))
    moment = time.time()
    context.remember(lambda known: replace(known, heals=(*known.heals, moment)))
    say("The NOSPACE alarm is armed: compacting, then defragmenting each member that needs it.")
    revision = member.endpoint.revision() - compaction.KEPT_REVISIONS
    done = compaction.compact(view, member.connect, revision, timeout=WORK_SECONDS)
    say(f"Compacted at revision {revision} in {done.seconds:.1f} s.")
    for name, error in done.pending.items():
        say(f"{name} did not report that its compaction is finished: {error}.")
    passed_over = []
    for each in defragmentation.defrag_order(view):
        context.lock("watch")
        try:
            _defragment(context, member, each, own_id, term, allow_unsafe)
        except Refused as exc:
            if exc.code == "leadership_moved":
                raise
            # The others may shrink enough.
            passed_over.append(f"{each.name} was not defragmented: {exc.text}")
            say(passed_over[-1])
    view = member.inspect_cluster()
    refuse(checks.corrupt_refusal(view) or checks.quorum_refusal(view) or headroom_refusal(view, passed_over))
    return view


def _disarm(view: ClusterView, member: LocalMember) -> Failure | None:
    """Disarm, and verify that writes are accepted. Returns the failure instead of raising it, None after a success: the
    alarm may be gone by then."""
    try:
        left = alarms.disarm(view, member.endpoint)
        check = write_check.check_writes(member.inspect_cluster, member.connect, settle_seconds=0)
    except EtcdError as exc:
        return Failure(
            "heal_not_verified",
            f"{reason(exc)}, after the disarm was begun: whether the alarm is gone is not known.",
        )
    if left or check.problems:
        return Failure(
            "heal_not_verified", f"After the disarm {'; '.join(check.problems) or 'an alarm is armed again'}."
        )
    say(f"Disarmed, and writes are accepted: {_levels(check.after)}.")
    return None


def headroom_refusal(view: ClusterView, passed_over: t.Sequence[str]) -> Refused | None:
    """The reason why the alarm would come back at once, with the members that were not defragmented."""
    refusal = quota_headroom(view).refusal
    return Refused(refusal.code, " ".join([refusal.text, *passed_over])) if refusal else None


def _defragment(
    context: Context, member: LocalMember, target: MemberView, own_id: int, term: int, allow_unsafe: bool
) -> None:
    """Defragment one member, but only while this node leads: the leader's own member is the last one, and hands the
    leadership over itself.

    Raises Refused, with the code leadership_moved if another one leads, with any other one if this member alone is
    not to be defragmented, EtcdError, OSError.
    """
    own = target.id == own_id

    def refusal(now: ClusterView, again: MemberView) -> Refused | None:
        moved = due.leadership_moved(now, own_id, term)
        speeds = context.defrag_speeds()  # with those of the members before it
        return moved or due.danger(again, probes_of(member), member.disk_room(), speeds, own=own)

    context.done(
        defragmentation.defragment(
            member.inspect_cluster,
            member.endpoint if own else member.connect(target.endpoint),
            rule=defragmentation.AFTER_COMPACTION,
            room=member.disk_room if own else lambda: None,
            allow_unsafe=allow_unsafe,
            timeout=WORK_SECONDS,
            refusal=refusal,
        )
    )


def _levels(view: ClusterView) -> str:
    return "; ".join(f"{each.name} uses {percent(each.used)} of its quota" for each in view.answering)


__all__ = (
    "MAX_ATTEMPTS_PER_DAY",
    "attempts_exhausted",
    "headroom_refusal",
    "heal",
    "heal_refusal",
    "wait_reason",
)
