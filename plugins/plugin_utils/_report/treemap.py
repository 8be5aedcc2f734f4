# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The treemap of what fills a database: an area for each resource, its history hatched in the lower part of it.

A figure that is scaled down to a telephone has letters nobody can read. So it is laid out for both, and the style sheet
shows one of them.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .formatting import plural, size
from .reading import Part
from .squarified import Rectangle, squarified

# Width and height in pixels, as the page shows them. What fits a telephone of 380 pixels, and a page of text.
NARROW, WIDE = (340, 440), (960, 420)
# What is smaller than this share could not be seen, and goes to the others.
_SMALLEST = 0.001
_CHARACTER, _LINE, _MARGIN = 8.0, 17, 7


@dataclass(frozen=True)
class Filler:
    """A resource, or all others together."""

    name: str
    live_bytes: float
    history_bytes: float

    @property
    def bytes(self) -> float:
        return self.live_bytes + self.history_bytes

    @property
    def title(self) -> str:
        return f"{self.name}: {size(self.live_bytes)} live, {size(self.history_bytes)} of history"


@dataclass(frozen=True)
class Cell:
    """A filler in its place. `lines` are those that fit there."""

    filler: Filler
    live: Rectangle
    history: Rectangle
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """One drawing of the treemap."""

    kind: str
    width: int
    height: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Treemap:
    """Both drawings, and what they show in one sentence."""

    description: str
    layouts: tuple[Layout, ...]


def treemap(usage: Part) -> Treemap | None:
    """The treemap of a usage record, None if it has no key."""
    found = fillers(usage)
    if not found:
        return None
    total = sum(each.bytes for each in found)
    first = found[0]
    return Treemap(
        f"{size(total)} in {plural(len(found), 'area')}. The largest is {first.title}: "
        f"{first.bytes / total * 100:.0f} % of it.",
        (_layout("wide", WIDE, found), _layout("narrow", NARROW, found)),
    )


def fillers(usage: Part) -> list[Filler]:
    """The resources that can be seen, the largest first, then all others together."""
    listed = [_filler(name_of(each), each) for each in usage.parts("resources")]
    total = _filler("others", usage.part("total"))
    all_bytes = max(total.bytes, sum(each.bytes for each in listed))
    shown = [each for each in listed if each.bytes > _SMALLEST * all_bytes]
    shown.sort(key=lambda each: -each.bytes)
    live, history = (
        max(getattr(total, name), sum(getattr(each, name) for each in listed))
        - sum(getattr(each, name) for each in shown)
        for name in ("live_bytes", "history_bytes")
    )
    others = Filler("all others", live, history)
    return [*shown, others] if others.bytes > _SMALLEST * all_bytes else shown


def name_of(consumer: Part) -> str:
    """A resource as kubectl names it, such as policyreports.kyverno.io."""
    name, group = consumer.text("resource"), consumer.text("group")
    return f"{name or 'unknown'}.{group}" if group and group != "*" else name or "unknown"


def _filler(name: str, part: Part) -> Filler:
    return Filler(name, part.amount("live_bytes"), part.amount("history_bytes"))


def _layout(kind: str, extent: tuple[int, int], found: t.Sequence[Filler]) -> Layout:
    width, height = extent
    places = squarified([each.bytes for each in found], Rectangle(0, 0, width, height))
    return Layout(kind, width, height, tuple(map(_cell, found, places)))


def _cell(filler: Filler, place: Rectangle) -> Cell:
    live = place.height * filler.live_bytes / filler.bytes
    return Cell(
        filler,
        Rectangle(place.x, place.y, place.width, live),
        Rectangle(place.x, place.y + live, place.width, place.height - live),
        tuple(_lines(filler, place)),
    )


def _lines(filler: Filler, place: Rectangle) -> t.Iterator[str]:
    """The name and the size, as far as there is room for them."""
    characters = int((place.width - 2 * _MARGIN) / _CHARACTER)
    lines = int((place.height - _MARGIN) / _LINE)
    if characters < 4 or lines < 1:
        return
    yield filler.name if len(filler.name) <= characters else f"{filler.name[: characters - 1]}…"
    figure = size(filler.bytes)
    if lines > 1 and len(figure) <= characters:
        yield figure


__all__ = ("NARROW", "WIDE", "Cell", "Filler", "Layout", "Treemap", "fillers", "name_of", "treemap")
