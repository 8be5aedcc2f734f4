# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Takes the NOSPACE alarm away without anybody: compact, defragment each member that needs it, disarm when all fit."""

from __future__ import annotations

import time
from dataclasses import replace

from .._etcd import lock, maintenance, plan
from .._etcd.cluster import ClusterView, MemberView
from .._etcd.errors import EtcdError
from .._etcd.local import LocalMember
from .._etcd.lock import Locked
from .._etcd.maintenance import Refused
from .._etcd.manifest import ManifestError
from .._etcd.probes import Outlook, threat
from . import rule
from .memory import Memory
from .node import FAILED, OK, REFUSED, Node, reason, say

A_DAY = 3
# Under the alarm no lease can be granted that would keep other nodes away. Instead a leader waits until what an earlier
# one sent in its last moment can be seen on the member it was sent to.
SETTLED_SECONDS = 45.0
_PAUSE_SECONDS = 15 * 60.0
# What a second attempt leaves alone, as recover does.
_WORTH = plan.Rule(plan.MIB, 0.02)


def too_often(memory: Memory) -> str | None:
    """Why there is no further attempt today: this node's own ones count, and so do alarms that others healed."""
    if len(memory.heals) >= A_DAY or len(memory.alarms) > A_DAY:
        return (
            f"in the last 24 hours this node tried to heal {len(memory.heals)} times and saw the alarm come"
            f" {len(memory.alarms)} times; more than {A_DAY} a day would only hide what fills the database"
        )
    return None


def not_yet(memory: Memory, now: float) -> str | None:
    """What is still waited for."""
    if memory.led_since is None or now - memory.led_since < SETTLED_SECONDS:
        return "this node has not led for long enough; the next check, in a minute, does it"
    if memory.heals and now - memory.heals[-1] < _PAUSE_SECONDS:
        return f"the last attempt was {(now - memory.heals[-1]) / 60:.0f} min ago; the next one is after 15 min"
    return None


def heal_refusal(view: ClusterView, member: LocalMember, *, allow_unsafe: bool) -> str | None:
    """Why nobody but people may do it."""
    manifest = member.manifest
    seconds = max((plan.defrag_seconds(each.in_use_bytes) for each in view.answering_voters), default=0.0)
    outlook = Outlook(armed=True, leaderless=False, defrag_seconds=seconds)
    killer = threat(manifest.probes if manifest else (), outlook)
    return (
        plan.corrupt_refusal(view)
        or plan.quorum_refusal(view)
        or plan.version_refusal(view, allowed=allow_unsafe)
        or (f"A member could be killed in the middle of it: {killer}." if killer else None)
    )


def heal(node: Node, member: LocalMember, memory: Memory, *, allow_unsafe: bool) -> int:
    """One attempt; its exit code. What came of it is remembered."""
    wait = not_yet(memory, time.time())
    often = too_often(memory)
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
        say(f"The NOSPACE alarm is armed and not healed now: {lock.describe(exc.lock)}.")
        return OK
    except Refused as exc:
        return _failed(node, f"refused. {exc}", REFUSED)
    except (ManifestError, EtcdError, OSError) as exc:
        return _failed(node, f"{reason(exc)}.", FAILED)
    node.remember(lambda known: replace(known, armed=False, heal_failed=False))
    return OK


def _failed(node: Node, why: str, code: int) -> int:
    node.remember(lambda known: replace(known, heal_failed=True))
    say(f"Healing failed: {why} The alarm is still armed. Run the playbook controlplane.etcd.recover.")
    return code


def _heal(node: Node, member: LocalMember, allow_unsafe: bool) -> None:
    """Raises Refused, EtcdError, OSError."""
    view = member.look()
    own_id = member.endpoint.status().member_id
    term = rule.term_of(view, own_id)
    maintenance.refuse(heal_refusal(view, member, allow_unsafe=allow_unsafe) or rule.not_mine(view, own_id, term))
    moment = time.time()
    node.remember(lambda known: replace(known, heals=(*known.heals, moment)))
    say("The NOSPACE alarm is armed: compacting, then defragmenting each member that needs it.")
    revision = member.endpoint.revision()
    done = maintenance.compact(view, member.connect, revision, timeout=maintenance.WORK_SECONDS)
    say(f"Compacted at revision {revision} in {done.seconds:.1f} s.")
    for name, error in done.pending.items():
        say(f"{name} did not report that its compaction is finished: {error}.")
    for turn in plan.defrag_order(view):
        node.lock("watch")
        _defragment(node, member, turn, own_id, term, allow_unsafe)
    view = member.look()
    maintenance.refuse(plan.corrupt_refusal(view) or plan.quorum_refusal(view) or plan.room(view).refusal)
    left = maintenance.disarm(view, member.endpoint)
    proof = maintenance.prove(member.look, member.connect, settle_seconds=0)
    if left or proof.problems:
        raise Refused(f"After the disarm {'; '.join(proof.problems) or 'an alarm is armed again'}.")
    say(f"Disarmed, and writes are accepted: {_levels(proof.after)}.")


def _defragment(node: Node, member: LocalMember, turn: MemberView, own_id: int, term: int, allow_unsafe: bool) -> None:
    """Only while this node leads: the leader's own member is the last one, and hands the leadership over itself."""
    own = turn.id == own_id
    node.done(
        maintenance.defragment(
            member.look,
            member.endpoint if own else member.connect(turn.endpoint),
            rule=_WORTH,
            free_disk_bytes=member.free_disk_bytes if own else lambda: None,
            allow_unsafe=allow_unsafe,
            timeout=maintenance.WORK_SECONDS,
            refusal=lambda view, _member: rule.not_mine(view, own_id, term),
        )
    )


def _levels(view: ClusterView) -> str:
    return "; ".join(f"{each.name} uses {plan.percent(each.used)} of its quota" for each in view.answering)


__all__ = ("A_DAY", "SETTLED_SECONDS", "heal", "heal_refusal", "not_yet", "too_often")
