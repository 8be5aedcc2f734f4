# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What the tool remembers of what fills the database: the largest resources, and how fast each has grown since the look
before."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.records import Fields
from .._etcd.kubernetes_keys import OTHERS, Owner
from .._etcd.usage_count import Look
from .._etcd.usage_growth import Level, Levels, growth

MOST = 10  # series on each node
_KEPT = 200
# Over a shorter time some writes would be a growth per hour that never comes.
_SHORTEST_SECONDS = 600.0


@dataclass(frozen=True)
class ResourceUse:
    """What one resource has; `live_bytes_per_hour` is None if there was no look to compare it with."""

    group: str
    resource: str
    live_bytes: int
    history_bytes: int
    live_bytes_per_hour: int | None


@dataclass(frozen=True)
class UsageLook:
    """A look, at a time in seconds since 1970. `live` are group, resource and live bytes of those that have most, for
    the next one; `complete` says whether those are all."""

    moment: float
    revision: int
    largest: tuple[ResourceUse, ...]
    live: tuple[tuple[str, str, int], ...]
    complete: bool


def look_after(before: UsageLook | None, found: Look, moment: float) -> UsageLook:
    """What is to be remembered of what was found then."""
    resources = found.levels.resources or {}
    ranked = sorted(resources.items(), key=lambda item: (-item[1].live_bytes, item[0]))
    grown = _growth(before, resources, found.levels.revision, moment) if before else {}
    largest = (
        ResourceUse(
            each.group,
            each.resource,
            each.live_bytes,
            each.history_bytes,
            grown.get(Owner(each.group, each.resource, each.namespace)),
        )
        for each in found.usage.resources[:MOST]
    )
    live = tuple((owner.group, owner.resource, level.live_bytes) for owner, level in ranked[:_KEPT])
    complete = found.levels.resources is not None and len(ranked) <= _KEPT
    return UsageLook(moment, found.levels.revision, tuple(largest), live, complete)


def _growth(before: UsageLook, resources: t.Mapping[Owner, Level], revision: int, moment: float) -> dict[Owner, int]:
    """Live bytes per hour of all that can be compared; of nothing after a restore, or if the clock was set back."""
    seconds = moment - before.moment
    if seconds < _SHORTEST_SECONDS:
        return {}
    then = {Owner(group, resource, OTHERS): Level(size, 0, 0) for group, resource, size in before.live}
    now = {
        owner: Level(level.live_bytes, 0, 0) for owner, level in resources.items() if before.complete or owner in then
    }
    earlier, later = Levels(0, before.revision, then, {}), Levels(0, revision, now, {})
    try:
        found = growth(earlier, later, seconds, len(then) + len(now))
    except ValueError:
        return {}
    changed = {Owner(each.group, each.resource, each.namespace): each for each in found.resources}
    return {owner: changed[owner].live_bytes_per_hour if owner in changed else 0 for owner in now}


def parse(body: object) -> UsageLook | None:
    """A look as JSON has it, None if there is none. Raises ValueError."""
    if body is None:
        return None
    fields = Fields(body, "usage")
    largest = tuple(
        ResourceUse(
            each.text("group"),
            each.text("resource"),
            each.whole("live_bytes"),
            each.whole("history_bytes"),
            each.whole_or_none("live_bytes_per_hour"),
        )
        for each in fields.records("largest")
    )
    raw = t.cast("t.Mapping[str, t.Any]", body)
    live = tuple((str(group), str(resource), int(size)) for group, resource, size in raw["live"])
    return UsageLook(fields.number("moment"), fields.whole("revision"), largest, live, fields.flag("complete"))


__all__ = ("MOST", "ResourceUse", "UsageLook", "look_after", "parse")
