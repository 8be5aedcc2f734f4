# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A rectangle divided into smaller ones whose areas are as given, none of them long and thin.

Source: Bruls, Huizing, van Wijk, "Squarified Treemaps", 2000.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass


@dataclass(frozen=True)
class Rectangle:
    """A place in a figure; x and y are those of its upper left corner."""

    x: float
    y: float
    width: float
    height: float


def squarified(weights: t.Sequence[float], area: Rectangle) -> list[Rectangle]:
    """The area in as many rectangles as there are weights, in their order, and as large in proportion. All weights are
    above 0; if the largest comes first, the rectangles are nearly square."""
    placed: list[Rectangle] = []
    left = area
    while len(placed) < len(weights):
        waiting = weights[len(placed) :]
        row = waiting[: _length_of_row(waiting, left)]
        share = sum(row) / sum(waiting)  # 1.0 for the last row: it takes all that is left
        if left.width >= left.height:
            width = share * left.width
            placed += _column(row, Rectangle(left.x, left.y, width, left.height))
            left = Rectangle(left.x + width, left.y, left.width - width, left.height)
        else:
            height = share * left.height
            placed += map(_turned, _column(row, Rectangle(left.y, left.x, height, left.width)))
            left = Rectangle(left.x, left.y + height, left.width, left.height - height)
    return placed


def _length_of_row(weights: t.Sequence[float], left: Rectangle) -> int:
    """How many of the weights to place beside each other along the shorter side, so that the worst of them is as near
    to a square as can be."""
    side = min(left.width, left.height)
    scale = left.width * left.height / sum(weights)
    total, worst = 0.0, float("inf")
    for number, weight in enumerate(weights):
        total += weight * scale
        row = weights[: number + 1]
        shape = max(side**2 * max(row) * scale / total**2, total**2 / (side**2 * min(row) * scale))
        if shape > worst:
            return number
        worst = shape
    return len(weights)


def _column(row: t.Sequence[float], strip: Rectangle) -> list[Rectangle]:
    """The strip, divided from its upper end to its lower one."""
    total, done, placed = sum(row), 0.0, []
    for weight in row:
        height = weight / total * strip.height
        placed.append(Rectangle(strip.x, strip.y + done, strip.width, height))
        done += height
    return placed


def _turned(mirrored: Rectangle) -> Rectangle:
    return Rectangle(mirrored.y, mirrored.x, mirrored.height, mirrored.width)


__all__ = ("Rectangle", "squarified")
