# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""How fast a database grows, and what of it: two looks at it are compared, as plain data."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .kubernetes_keys import Owner

_HOUR = 3600.0


class Level(t.NamedTuple):
    """What an owner has at one moment; `revisions` are all that are kept, live and history."""

    live_bytes: int
    live_keys: int
    revisions: int


_NOTHING = Level(0, 0, 0)
Owned = t.Mapping[Owner, Level]


@dataclass(frozen=True)
class Levels:
    """One look: all resources, and all namespaces; None where there are too many to be told apart, since which of them
    are depends on their order."""

    size_bytes: int
    revision: int
    resources: Owned | None
    namespaces: Owned | None


@dataclass(frozen=True)
class Grown:
    """How fast one owner grows, or shrinks. What is not told apart is `*`."""

    group: str
    resource: str
    namespace: str
    live_bytes_per_hour: int
    live_keys_per_hour: int
    revisions_per_hour: int


@dataclass(frozen=True)
class Growth:
    """The change from one look to the next. `revisions_per_hour` is how far the revision of etcd came: what was
    written. That of a resource is by how many more revisions are kept of it, which a compaction makes fewer."""

    seconds: float
    size_bytes_per_hour: int
    revisions_per_hour: int
    resources: tuple[Grown, ...]
    namespaces: tuple[Grown, ...]


def growth(before: Levels, after: Levels, seconds: float, top: int) -> Growth:
    """The growth in these seconds; at most `top` of each list, and what has changed most in live bytes first, whether
    it grew or shrank. Raises ValueError if `after` is not the later one."""
    if seconds <= 0:
        raise ValueError("it is not older than what it is compared with")
    if before.revision > after.revision:
        raise ValueError(
            f"its revision, {before.revision}, is later than {after.revision}: it is of another cluster, or of before a"
            " restore"
        )
    return Growth(
        seconds=round(seconds, 3),
        size_bytes_per_hour=_per_hour(after.size_bytes - before.size_bytes, seconds),
        revisions_per_hour=_per_hour(after.revision - before.revision, seconds),
        resources=_grown(before.resources, after.resources, seconds, top),
        namespaces=_grown(before.namespaces, after.namespaces, seconds, top),
    )


def _grown(before: Owned | None, after: Owned | None, seconds: float, top: int) -> tuple[Grown, ...]:
    if before is None or after is None:
        return ()
    changes = []
    for owner in {**before, **after}:
        old, new = before.get(owner, _NOTHING), after.get(owner, _NOTHING)
        if new != old:
            changes.append((owner, [now - then for now, then in zip(new, old)]))
    changes.sort(key=lambda each: (-abs(each[1][0]), -abs(each[1][2]), each[0]))
    return tuple(Grown(*owner, *(_per_hour(number, seconds) for number in change)) for owner, change in changes[:top])


def _per_hour(number: int, seconds: float) -> int:
    return round(number * _HOUR / seconds)


__all__ = ("Grown", "Growth", "Level", "Levels", "Owned", "growth")
