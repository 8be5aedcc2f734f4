# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Disarming of the NOSPACE alarms."""

from __future__ import annotations

import typing as t

from .._core.failures import Refused, refuse
from .._core.text import join
from . import checks
from .api import Alarm, Endpoint
from .over_quota import quota_headroom
from .quota import Capacity
from .view import ClusterView


class Disarmed(t.NamedTuple):
    """The names of the members whose alarm was disarmed, and what is worth a warning."""

    names: t.Sequence[str]
    warnings: t.Sequence[str] = ()


def disarm_for_good(
    view: ClusterView, endpoint: Endpoint, capacity: t.Callable[[int], Capacity | None], *, check: bool = False
) -> Disarmed:
    """Disarm every NOSPACE alarm, unless it would come back at once. `capacity` is that of this node for a database of
    so many bytes. With `check` nothing is disarmed, and sizes do not count, because an earlier step of a real run would
    have changed them. Raises Refused, EtcdError."""
    refuse(checks.corrupt_refusal(view) or checks.quorum_refusal(view))
    names = list(view.full_names)
    if check:
        return Disarmed(names)
    # Also if no alarm is armed: somebody may have disarmed it too early.
    headroom = quota_headroom(view, capacity(max((each.size_bytes for each in view.answering), default=0)))
    refuse(headroom.refusal)
    # Also one that was not armed before: a member whose quota cannot be read may be over it.
    left = disarm(view, endpoint) if names else ()
    if left:
        still = join(sorted({f"{alarm.kind} of {view.name_of(alarm.member_id)}" for alarm in left}))
        raise Refused(
            "alarm_raised_again",
            f"The alarm {still} is armed after all were disarmed: it was raised again at once. See which member is over"
            " its quota (etcd_info), defragment it, and run this again.",
        )
    return Disarmed(names, headroom.warnings)


def disarm(view: ClusterView, endpoint: Endpoint) -> tuple[Alarm, ...]:
    """Disarm every NOSPACE alarm of the list, and return what is still listed afterwards. Raises EtcdError.

    Those of members that are down or removed are disarmed as well: one that is left keeps the whole cluster read-only.
    """
    for alarm in view.full_alarms:
        endpoint.disarm(alarm)
    return endpoint.alarms()


__all__ = ("Disarmed", "disarm", "disarm_for_good")
