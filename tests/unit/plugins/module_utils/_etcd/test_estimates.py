# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a step takes, and how much room it needs."""

from __future__ import annotations

import pytest
from unit.builders import MIB, member, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import estimates
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import MemberView


def test_seconds_grow_with_the_sizes() -> None:
    assert estimates.expected_seconds(view()) == 30
    small, large = view(member(1), member(2)), view(member(1), member(2, size=4000 * MIB, in_use=3000 * MIB))
    assert 30 < estimates.expected_seconds(small) < estimates.expected_seconds(large)
    # 4000 MiB copied and compacted once, 3100 MiB written by defragmentations.
    assert estimates.expected_seconds(large) == round(30 + 4000 / 250 + 4000 / 150 + 3100 / 120)
    assert estimates.expected_seconds(view(member(1), member(2, learner=True))) == estimates.expected_seconds(
        view(member(1))
    )


def test_defrag_seconds() -> None:
    assert estimates.defrag_seconds(0) == 0.0
    assert estimates.defrag_seconds(1200 * MIB) == 10.0
    assert estimates.defrag_seconds(1200 * MIB, 60.0 * MIB) == 20.0


SPEEDS: list[tuple[str, int, float, float | None]] = [
    ("measured", 640 * MIB, 8.0, 80.0 * MIB),
    ("just enough", 64 * MIB, 0.5, 128.0 * MIB),
    ("too little to tell", 64 * MIB - 1, 8.0, None),
    ("no time", 640 * MIB, 0.0, None),
]


@pytest.mark.parametrize(("written", "seconds", "expected"), table(SPEEDS))
def test_defrag_speed(written: int, seconds: float, expected: float | None) -> None:
    assert estimates.defrag_speed(written, seconds) == expected


SILENT: list[tuple[str, list[MemberView], int]] = [
    ("nobody", [member(2)], 0),
    ("one", [member(2, error="down")], 1),
    ("two", [member(2, error="down"), member(3, error="down")], 2),
    ("a learner as well", [member(2, learner=True, error="down")], 1),
    ("unstarted: nobody waits for it", [member(2, started=False)], 0),
]


@pytest.mark.parametrize(("others", "silent"), table(SILENT))
def test_seconds_for_each_silent_member(others: list[MemberView], silent: int) -> None:
    alone = view(member(1), *(each for each in others if each.answers))
    assert estimates.expected_seconds(view(member(1), *others)) == estimates.expected_seconds(alone) + 30 * silent


MINUTES: list[tuple[str, int, int, float, float | None]] = [
    ("grows", 400, 1000, 60.0, 10.0),
    ("full", 1000, 1000, 60.0, 0.0),
    ("over", 2000, 1000, 60.0, 0.0),
    ("stands still", 400, 1000, 0.0, None),
    ("shrinks", 400, 1000, -1.0, None),
    ("quota off", 400, -1, 60.0, None),
]


@pytest.mark.parametrize(("size", "quota", "growth", "expected"), table(MINUTES))
def test_minutes_to_full(size: int, quota: int, growth: float, expected: float | None) -> None:
    assert estimates.minutes_to_full(size, quota, growth) == expected


def test_defrag_needed_bytes() -> None:
    """The copy may be larger than its content, and etcd's next WAL segment is on the same disk."""
    assert estimates.defrag_needed_bytes(0) == 80 * MIB
    assert estimates.defrag_needed_bytes(100 * MIB) == 180 * MIB
    assert estimates.defrag_needed_bytes(100 * MIB, with_log=False) == 116 * MIB
