# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The per-minute check: observe the local member, write metrics, heal if enabled."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass, replace

from .._core import time_limit
from .._core.failures import Failure
from .._etcd.api import CORRUPT, NOSPACE
from .._node.member import LocalMember
from . import heal
from .context import FAILED, OK, Context, observe, reason, say
from .metrics import Observation
from .state import State, record_observation

# The next check begins a minute after this one.
LIMIT_SECONDS = 50
_T = t.TypeVar("_T")


@dataclass(frozen=True)
class Options:
    heal: bool = False
    allow_unsafe: bool = False


class Seen(t.NamedTuple):
    """What an inspection found: the member and what it says, None if it is down, and the state afterwards."""

    member: LocalMember | None
    observation: Observation | None
    state: State


def watch(context: Context, options: Options) -> int:
    """Do one check; its exit code. A member that is down is what the metrics are for: no failure of the tool."""
    try:
        seen = _alone(context, lambda: _inspect(context, options))
        if seen is None or seen.member is None or seen.observation is None or not seen.observation.armed(NOSPACE):
            return OK
        # Without that lock: it may take many minutes, in which the metrics of each are wanted. Another lock keeps a
        # second healing out.
        code = _armed(context, seen.member, seen.observation, seen.state, options)
        _alone(context, lambda: context.publish(_observe(context)[1]))
    except time_limit.TimeIsOver:
        say(
            f"Failed: this check had not finished after {LIMIT_SECONDS} s, and was given up. Something hangs on this"
            " node: look at its disks and load (dmesg, uptime)."
        )
        return FAILED
    except OSError as exc:
        say(f"Failed: {exc}. The metrics may be old.")
        return FAILED
    return code


def _alone(context: Context, work: t.Callable[[], _T]) -> _T | None:
    """The result of the work, which is given up before the next minute begins; None if an earlier check is at work.
    Raises TimeIsOver, OSError."""
    with context.alone() as alone:
        if not alone:
            say("The check of an earlier minute is still at work on this node: this one does nothing.")
            return None
        with time_limit.kept(LIMIT_SECONDS):
            return work()


def _inspect(context: Context, options: Options) -> Seen:
    """Inspect the member of this node, and publish what it says. Raises OSError."""
    if context.has_no_member():
        context.publish(None)
        return Seen(None, None, context.remembered())
    member, observation = _observe(context)
    state = context.remembered()
    if observation is not None and member is not None:
        state = _record(context, observation, member, options)
    context.publish(observation)
    return Seen(member, observation, state)


def _record(context: Context, seen: Observation, member: LocalMember, options: Options) -> State:
    """Remember what was seen; the state then, also if nothing can be remembered."""
    data_dir = member.manifest.data_dir if member.manifest else ""

    def change(before: State) -> State:
        after = record_observation(
            before, now=time.time(), armed=seen.armed(NOSPACE), leads=seen.is_leader, term=seen.term, heal=options.heal
        )
        return replace(after, data_dir=data_dir)

    try:
        return context.remember(change)
    except OSError as exc:
        say(f"Nothing can be remembered: {exc}. Metrics are written all the same.")
        return change(context.remembered())


def _observe(context: Context) -> tuple[LocalMember | None, Observation | None]:
    try:
        member = context.member()
        return member, observe(member)
    except Failure as exc:
        say(f"The member of this node does not answer: {reason(exc)}.")
    return None, None


def _armed(context: Context, member: LocalMember, observation: Observation, state: State, options: Options) -> int:
    """Heal, or say why not; the exit code."""
    if not options.heal:
        say("The NOSPACE alarm is armed: the cluster refuses writes. Run the playbook controlplane.etcd.recover.")
        return OK
    if observation.armed(CORRUPT):
        say("The NOSPACE and the CORRUPT alarm are armed: nothing is healed under CORRUPT, which needs a person.")
        return OK
    if not observation.is_leader:
        say("The NOSPACE alarm is armed; healing it is up to the leader's node.")
        return OK
    return heal.heal(context, member, state, allow_unsafe=options.allow_unsafe)


__all__ = ("LIMIT_SECONDS", "Options", "Seen", "watch")
