# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Takes the NOSPACE alarm away without anybody: compact, defragment each member that needs it, disarm when all fit."""

from __future__ import annotations

import time
import typing as t
from dataclasses import replace

from .._core import failures, run_lock, units
from .._core.failures import Refused
from .._core.run_lock import Locked
from .._etcd import alarms, checks, compaction, defragmentation, estimates, quota_headroom, write_check
from .._etcd.errors import EtcdError
from .._etcd.view import ClusterView, MemberView
from .._node.etcd_manifest import ManifestError
from .._node.member import LocalMember
from .._node.probes import Probe
from . import due
from .context import FAILED, OK, REFUSED, Context, reason, say
from .state import STAYS_SECONDS, State

MAX_ATTEMPTS_PER_DAY = 3


# Under the alarm no lease can be granted that would keep other nodes away. Instead a leader waits until what an earlier
# one sent in its last moment can be seen on the member it was sent to.
SETTLED_SECONDS = 45.0


# What a second attempt leaves alone, as recover does.
_WORTH = defragmentation.Rule(units.MIB, 0.02)


class Moved(Refused):
    """Another node leads now: nothing more is done from here."""


class Unproved(Refused):
    """The disarm was sent, and what came of it is no success, or cannot be seen."""


def attempts_exhausted(memory: State) -> str | None:
    """Why there is no further attempt today: this node's own ones count, and so does each time that it noted the alarm,
    since whoever led then may have tried."""
    if len(memory.heals) >= MAX_ATTEMPTS_PER_DAY or len(memory.alarms) > MAX_ATTEMPTS_PER_DAY:
        return (
            f"in the last 24 hours this node tried to heal {len(memory.heals)} times and saw the alarm"
            f" {len(memory.alarms)} times, one that stays again every 15 min; more than"
            f" {MAX_ATTEMPTS_PER_DAY} a day would only hide what fills the database"
        )
    return None


def wait_reason(memory: State, now: float) -> str | None:
    """What is still waited for."""
    if memory.led_since is None or now - memory.led_since < SETTLED_SECONDS:
        return "this node has not led for long enough; the next check, in a minute, does it"
    if memory.heals and now - memory.heals[-1] < STAYS_SECONDS:
        return f"the last attempt was {(now - memory.heals[-1]) / 60:.0f} min ago; the next one is after 15 min"
    noted = max(memory.alarms, default=0.0)
    if now - noted < STAYS_SECONDS and memory.led_since > noted:
        return (
            f"this node has led only since it last noted the alarm, {(now - noted) / 60:.0f} min ago, and whoever led"
            " before may have tried; the next attempt is 15 min after that"
        )
    return None


def heal_refusal(view: ClusterView, probes: t.Sequence[Probe], *, allow_unsafe: bool) -> str | None:
    """Why nobody but people may do it. How long a defragmentation takes is known only after the compaction."""
    killer = due.alarm_threat(probes)
    return (
        checks.corrupt_refusal(view)
        or checks.quorum_refusal(view)
        or checks.version_refusal(view, allowed=allow_unsafe)
        or (f"A member could be killed in the middle of it: {killer}." if killer else None)
    )


def heal(node: Context, member: LocalMember, memory: State, *, allow_unsafe: bool) -> int:
    """One attempt; its exit code. What came of it is remembered."""
    wait = wait_reason(memory, time.time())
    often = attempts_exhausted(memory)
    if often or wait:
        said = f"{often}. Run the playbook controlplane.etcd.recover, and look for what fills it" if often else wait
        say(f"The NOSPACE alarm is armed and not healed now: {said}.")
        if often:
            node.remember(lambda known: replace(known, heal_failed=True))
        return REFUSED if often else OK
    try:
        with node.locked("watch"):
            _heal(node, member, allow_unsafe)
    except Locked as exc:
        say(f"The NOSPACE alarm is armed and not healed now: {run_lock.describe(exc.lock)}.")
        return OK
    except Unproved as exc:
        return _failed(node, f"{exc}", REFUSED)
    except Refused as exc:
        return _failed(node, f"refused. {exc} The alarm is still armed.", REFUSED)
    except (ManifestError, EtcdError, OSError) as exc:
        return _failed(node, f"{reason(exc)}. The alarm is still armed.", FAILED)
    node.remember(lambda known: replace(known, armed=False, heal_failed=False))
    return OK


def _failed(node: Context, why: str, code: int) -> int:
    node.remember(lambda known: replace(known, heal_failed=True))
    say(f"Healing failed: {why} Run the playbook controlplane.etcd.recover.")
    return code


def _heal(node: Context, member: LocalMember, allow_unsafe: bool) -> None:
    """Raises Refused, EtcdError, OSError."""
    view = member.inspect_cluster()
    own_id = member.endpoint.status().member_id
    term = due.term_of(view, own_id)
    probes = member.manifest.probes if member.manifest else ()
    failures.refuse(heal_refusal(view, probes, allow_unsafe=allow_unsafe) or due.leadership_moved(view, own_id, term))
    moment = time.time()
    node.remember(lambda known: replace(known, heals=(*known.heals, moment)))
    say("The NOSPACE alarm is armed: compacting, then defragmenting each member that needs it.")
    revision = member.endpoint.revision()
    done = compaction.compact(view, member.connect, revision, timeout=estimates.WORK_SECONDS)
    say(f"Compacted at revision {revision} in {done.seconds:.1f} s.")
    for name, error in done.pending.items():
        say(f"{name} did not report that its compaction is finished: {error}.")
    passed_over = []
    for turn in defragmentation.defrag_order(view):
        node.lock("watch")
        try:
            _defragment(node, member, turn, own_id, term, allow_unsafe)
        except Moved:
            raise
        except Refused as exc:  # the others may make room enough
            passed_over.append(f"{turn.name} was not defragmented: {exc}")
            say(passed_over[-1])
    view = member.inspect_cluster()
    failures.refuse(checks.corrupt_refusal(view) or checks.quorum_refusal(view) or headroom_refusal(view, passed_over))
    try:
        left = alarms.disarm(view, member.endpoint)
        proof = write_check.check_writes(member.inspect_cluster, member.connect, settle_seconds=0)
    except EtcdError as exc:
        raise Unproved(f"{reason(exc)}, after the disarm was begun: whether the alarm is gone is not known.") from exc
    if left or proof.problems:
        raise Unproved(f"After the disarm {'; '.join(proof.problems) or 'an alarm is armed again'}.")
    say(f"Disarmed, and writes are accepted: {_levels(proof.after)}.")


def headroom_refusal(view: ClusterView, passed_over: t.Sequence[str]) -> str | None:
    """Why the alarm would come back at once, with the members that were not defragmented."""
    refusal = quota_headroom.quota_headroom(view).refusal
    return " ".join([refusal, *passed_over]) if refusal else None


def _defragment(
    node: Context, member: LocalMember, turn: MemberView, own_id: int, term: int, allow_unsafe: bool
) -> None:
    """Only while this node leads: the leader's own member is the last one, and hands the leadership over itself.

    Raises Moved where another one leads, Refused where this member alone is not to be defragmented, EtcdError, OSError.
    """
    own = turn.id == own_id

    def refusal(now: ClusterView, again: MemberView) -> str | None:
        moved = due.leadership_moved(now, own_id, term)
        if moved:
            raise Moved(moved)
        why = due.run_threat(again, member.manifest.probes if member.manifest else ())
        why = why or due.disk_threat(again, member.free_disk_bytes(), own=own)
        return f"{why}." if why else None

    node.done(
        defragmentation.defragment(
            member.inspect_cluster,
            member.endpoint if own else member.connect(turn.endpoint),
            rule=_WORTH,
            free_disk_bytes=member.free_disk_bytes if own else lambda: None,
            allow_unsafe=allow_unsafe,
            timeout=estimates.WORK_SECONDS,
            refusal=refusal,
        )
    )


def _levels(view: ClusterView) -> str:
    return "; ".join(f"{each.name} uses {units.percent(each.used)} of its quota" for each in view.answering)


__all__ = (
    "MAX_ATTEMPTS_PER_DAY",
    "SETTLED_SECONDS",
    "attempts_exhausted",
    "headroom_refusal",
    "heal",
    "heal_refusal",
    "wait_reason",
)
