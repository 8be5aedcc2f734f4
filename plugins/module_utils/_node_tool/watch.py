# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The per-minute check: observe the local member, write metrics, heal if enabled."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .._core.failures import Failure
from .._etcd.api import CORRUPT, NOSPACE
from .._node.member import LocalMember
from . import heal
from .context import FAILED, OK, Context, observe, reason, say
from .metrics import Observation
from .state import State, record_observation


@dataclass(frozen=True)
class Options:
    heal: bool = False
    allow_unsafe: bool = False


def watch(context: Context, options: Options) -> int:
    """Do one check; its exit code. A member that is down is what the metrics are for: no failure of the tool."""
    code = OK
    member, observation = _observe(context)
    try:
        if observation is not None:
            first = observation
            state = context.remember(
                lambda before: record_observation(
                    before,
                    now=time.time(),
                    armed=first.armed(NOSPACE),
                    leads=first.is_leader,
                    term=first.term,
                    heal=options.heal,
                )
            )
            if observation.armed(NOSPACE) and member is not None:
                code = _armed(context, member, observation, state, options)
                _member, observation = _observe(context)
        context.publish(observation)
    except OSError as exc:
        say(f"Failed: {exc}. No metrics were written.")
        return FAILED
    return code


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


__all__ = ("Options", "watch")
