# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.squarified import Rectangle, squarified

WEIGHTS = st.lists(st.integers(1, 10**10), min_size=1, max_size=40)


def overlap(one: Rectangle, other: Rectangle) -> float:
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    return max(across, 0) * max(down, 0)


@given(WEIGHTS, st.integers(10, 2000), st.integers(10, 2000))
def test_areas_are_in_proportion_and_fill_the_whole(weights: list[int], width: int, height: int) -> None:
    placed = squarified(weights, Rectangle(0, 0, width, height))
    shares = [each.width * each.height / (width * height) for each in placed]
    assert shares == pytest.approx([weight / sum(weights) for weight in weights], rel=1e-4, abs=1e-9)


@given(WEIGHTS, st.integers(10, 2000), st.integers(10, 2000))
def test_nothing_overlaps_or_lies_outside(weights: list[int], width: int, height: int) -> None:
    placed = squarified(weights, Rectangle(0, 0, width, height))
    assert all(overlap(one, other) < 1e-6 for one, other in itertools.combinations(placed, 2))
    assert all(each.x >= 0 and each.y >= 0 and each.width > 0 and each.height > 0 for each in placed)
    assert max(each.x + each.width for each in placed) == pytest.approx(width)
    assert max(each.y + each.height for each in placed) == pytest.approx(height)


def test_the_example_of_its_authors() -> None:
    """Areas 6, 6, 4, 3, 2, 2, 1 in a rectangle of 6 x 4: the first two one above the other, each 3 wide and 2 high."""
    placed = squarified([6, 6, 4, 3, 2, 2, 1], Rectangle(0, 0, 6, 4))
    assert placed[:2] == [Rectangle(0, 0, 3, 2), Rectangle(0, 2, 3, 2)]
    assert placed[2].width == pytest.approx(12 / 7)
    assert placed[2].height == pytest.approx(7 / 3)


def test_nothing_to_place() -> None:
    assert squarified([], Rectangle(0, 0, 1, 1)) == []
