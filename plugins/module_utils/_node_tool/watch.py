# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The look of every minute: the member of this node, the metrics, and where it is allowed the healing."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .._etcd.api import CORRUPT, NOSPACE
from .._etcd.errors import EtcdError
from .._node.etcd_manifest import ManifestError
from .._node.member import LocalMember
from . import heal
from . import state as memory
from .context import FAILED, OK, Context, observe, reason, say
from .metrics import Observation


@dataclass(frozen=True)
class Options:
    heal: bool = False
    allow_unsafe: bool = False


def watch(node: Context, options: Options) -> int:
    """One wake; its exit code. A member that is down is what the metrics are for: no failure of the tool."""
    code = OK
    member, look = _look(node)
    try:
        if look is not None:
            seen = look
            known = node.remember(
                lambda before: memory.record_observation(
                    before,
                    now=time.time(),
                    armed=seen.armed(NOSPACE),
                    leads=seen.is_leader,
                    term=seen.term,
                    heal=options.heal,
                )
            )
            if look.armed(NOSPACE) and member is not None:
                code = _armed(node, member, look, known, options)
                _member, look = _look(node)
        node.publish(look)
    except OSError as exc:
        say(f"Failed: {exc}. No metrics were written.")
        return FAILED
    return code


def _look(node: Context) -> tuple[LocalMember | None, Observation | None]:
    try:
        member = node.member()
        return member, observe(member)
    except (ManifestError, EtcdError) as exc:
        say(f"The member of this node does not answer: {reason(exc)}.")
    return None, None


def _armed(node: Context, member: LocalMember, look: Observation, known: memory.State, options: Options) -> int:
    if not options.heal:
        say("The NOSPACE alarm is armed: the cluster refuses writes. Run the playbook controlplane.etcd.recover.")
        return OK
    if look.armed(CORRUPT):
        say("The NOSPACE and the CORRUPT alarm are armed: nothing is healed under CORRUPT, which needs a person.")
        return OK
    if not look.is_leader:
        say("The NOSPACE alarm is armed; healing it is up to the leader's node.")
        return OK
    return heal.heal(node, member, known, allow_unsafe=options.allow_unsafe)


__all__ = ("Options", "watch")
