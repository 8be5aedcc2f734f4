# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The gate before an alarm is disarmed: whether the databases fit their quotas."""

from __future__ import annotations

import typing as t

from .._core.failures import Refused
from .._core.units import exact, gib, mib, percent
from .checks import learner_warning
from .quota import REFUSED_SHARE, WARNED_SHARE, Capacity, next_quota
from .view import ClusterView, MemberView


class Headroom(t.NamedTuple):
    """The headroom of a cluster before a disarm: `refusal` if the alarm would come back at once, `warnings` if it soon
    will."""

    refusal: Refused | None
    warnings: tuple[str, ...]


def quota_headroom(view: ClusterView, capacity: Capacity | None = None) -> Headroom:
    """The headroom of all members and learners that are up. `capacity` is that of the node that acts, None if it is not
    known: the quota that is advised has to fit there."""
    over = [member for member in view.up if member.used >= REFUSED_SHARE and member.quota.known]
    close = [member for member in view.up if member.used >= WARNED_SHARE and member not in over]
    warnings = tuple(
        f"{_fill_level(member)}: writes will be refused again soon. Raise the quota or delete what fills it."
        for member in close
    )
    if not over:
        return Headroom(None, warnings)
    levels = "; ".join(_fill_level(member) for member in over)
    learners = [learner_warning(member.name) for member in over if member.member.learner]
    live_too_big = all(member.quota.share(member.in_use_bytes) >= REFUSED_SHARE for member in over)
    raise_or_delete = _raise_or_delete(over, capacity)
    if learners:
        code, advice = "learner_full", " ".join(learners)
    elif live_too_big:
        code, advice = "live_data_too_large", f"The live data itself does not fit. {raise_or_delete}"
    else:
        code = "not_enough_reclaimed"
        advice = (
            "Defragment every one of them first: free pages count as well. The playbook controlplane.etcd.recover does,"
            f" also with one that has come back only during this run. Where that gains too little: {raise_or_delete}"
        )
    return Headroom(Refused(code, f"The next writes would raise the alarm again: {levels}. {advice}"), warnings)


def _raise_or_delete(over: t.Sequence[MemberView], capacity: Capacity | None) -> str:
    """The advice on live data that does not fit: a quota that is larger than what there is, or what to do without."""
    live, quota = max(each.in_use_bytes for each in over), max(each.quota.bytes for each in over)
    larger = next_quota(live, quota, capacity)
    if larger is None and capacity:
        return (
            f"No larger quota would do: {gib(live)} are live, and the memory and the disk of this node carry a quota of"
            f" {gib(capacity.largest())} at most. Delete what fills the database (deletes are accepted while writes are"
            " not: recover_delete=/registry/events/, for example, takes what is safe to lose), or give the nodes more,"
            " then run this again."
        )
    return (
        "Raise --quota-backend-bytes on every member (the playbook controlplane.etcd.recover does, with"
        f" recover_quota_backend_bytes={exact(larger or 0)}), or delete what fills the database (deletes are"
        " accepted: recover_delete=/registry/events/, for example, takes what is safe to lose), then run this again."
    )


def _fill_level(member: MemberView) -> str:
    assumed = "" if member.quota.known else ", which is etcd's default and only assumed: its own could not be read"
    return (
        f"{member.name} uses {mib(member.size_bytes)} ({mib(member.in_use_bytes)} live) of its quota of"
        f" {mib(member.quota.bytes)} ({percent(member.used)}{assumed})"
    )


__all__ = ("Headroom", "quota_headroom")
