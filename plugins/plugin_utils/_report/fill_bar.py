# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Bars that show how full a database is: what is in the file, and where the quota lies."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .formatting import percent, size
from .reading import Part

# The keys of a usage record's `file`, and what the report calls them. They add up to the file.
PARTS = (
    ("live", "live_bytes", "live data"),
    ("history", "history_bytes", "history"),
    ("overhead", "overhead_bytes", "overhead"),
    ("other", "other_buckets_bytes", "leases, members, alarms"),
    ("free", "free_bytes", "free pages"),
)


@dataclass(frozen=True)
class Segment:
    """A part of a bar; its place is in percent of the scale."""

    kind: str
    name: str
    bytes: float
    start: float
    width: float


@dataclass(frozen=True)
class Bar:
    """One database on a scale. `quota` is the place of its quota in percent, None if it is not known."""

    name: str
    note: str
    segments: tuple[Segment, ...]
    quota: float | None
    over: bool
    words: str

    @property
    def title(self) -> str:
        parts = ", ".join(f"{size(each.bytes)} {each.name}" for each in self.segments if each.bytes)
        return f"{self.name}{f' {self.note}' if self.note else ''}: {self.words}. {parts}"


def bars(members: t.Iterable[Part], usage: Part, *, note: str = "", scale_bytes: float) -> list[Bar]:
    """A bar for each member whose size is known; in detail for the one whose file was read."""
    return [
        _bar(member, usage.part("record").part("file") if _is_of(usage, member) else Part(None), note, scale_bytes)
        for member in members
        if member.amount("size_bytes")
    ]


def scale_of(members: t.Iterable[Part]) -> float:
    """The bytes at the right end of a scale on which all these members and their quotas have room."""
    found = [member.amount(key) for member in members for key in ("size_bytes", "quota_bytes")]
    return max(found, default=0) * 1.02 or 1


def _is_of(usage: Part, member: Part) -> bool:
    return bool(usage.text("host")) and usage.text("host") in (member.text("host"), member.text("name"))


def _bar(member: Part, file: Part, note: str, scale_bytes: float) -> Bar:
    size_bytes, quota = member.amount("size_bytes"), member.amount("quota_bytes")
    parts = [(kind, name, file.amount(key)) for kind, key, name in PARTS] if file else _plain_parts(member)
    return Bar(
        member.text("name") or member.text("host") or "a member",
        note,
        tuple(_segments(parts, scale_bytes)),
        min(quota / scale_bytes * 100, 100) if quota else None,
        bool(quota) and size_bytes >= quota,
        _words(size_bytes, quota),
    )


def _plain_parts(member: Part) -> list[tuple[str, str, float]]:
    """What a member says of itself: what is in use, and the rest of the file."""
    size_bytes, in_use = member.amount("size_bytes"), member.number("in_use_bytes")
    if in_use is None:
        return [("used", "in the file", size_bytes)]
    used = min(max(in_use, 0), size_bytes)
    return [("used", "in use", used), ("free", "free pages", size_bytes - used)]


def _segments(parts: t.Iterable[tuple[str, str, float]], scale_bytes: float) -> t.Iterator[Segment]:
    done = 0.0
    for kind, name, part_bytes in parts:
        width = min(part_bytes / scale_bytes * 100, 100 - done)
        yield Segment(kind, name, part_bytes, done, width)
        done += width


def _words(size_bytes: float, quota: float) -> str:
    if not quota:
        return f"{size(size_bytes)}, quota unknown"
    return f"{size(size_bytes)} of {size(quota)}, {percent(size_bytes / quota * 100)}"


__all__ = ("PARTS", "Bar", "Segment", "bars", "scale_of")
