# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a silent step is mentioned, and how."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.plugin_utils._progress import silence
from ansible_collections.controlplane.etcd.plugins.plugin_utils._progress.silence import Step


def test_marks() -> None:
    moments = [second for second in range(1, 400) if silence.marks_passed(second) > silence.marks_passed(second - 1)]
    assert moments == [10, 30, 60, 120, 180, 240, 300, 360]


@given(st.lists(st.floats(0.01, 7), min_size=1, max_size=200))
def test_each_mark_is_mentioned_once_whenever_it_is_asked(gaps: list[float]) -> None:
    step, before, said = Step("cp1", "compacting", 100.0, 100.0), 100.0, 0
    for gap in gaps:
        said += len(silence.due([step], before, before + gap))
        before += gap
    assert said == silence.marks_passed(before - 100.0)


def test_something_that_was_said_of_it_breaks_the_silence() -> None:
    step = Step("cp1", "defragmenting", started=0.0, heard=55.0)
    assert silence.due([step], 59.0, 60.0) == []
    assert silence.due([step], 64.0, 65.0) == [step]


@pytest.mark.parametrize(
    ("expected", "now", "text"),
    [
        (None, 10.4, "10 s so far"),
        (48.0, 30.0, "30 s of about 48 s"),
        (48.0, 60.0, "60 s so far, about 48 s were expected"),
    ],
)
def test_elapsed(expected: float | None, now: float, text: str) -> None:
    assert silence.elapsed(Step("cp1", "compacting", 0.0, 0.0, expected), now) == text


def test_hosts_that_do_the_same_share_a_line() -> None:
    found = [Step(f"cp{at}", "inspecting", 0.0, 0.0) for at in range(1, 6)] + [Step("t1", "compacting", 5.0, 5.0)]
    assert silence.mentions(found, 10.0) == [
        ("cp1, cp2, cp3 and 2 more", "still inspecting: 10 s so far"),
        ("t1", "still compacting: 5 s so far"),
    ]


def test_the_bar_is_that_of_the_longest() -> None:
    short, long = Step("a", "x", 0.0, 0.0, 20.0), Step("b", "x", 5.0, 5.0, 40.0)
    assert silence.longest_expected([short, long, Step("c", "x", 0.0, 0.0)]) == long
    assert silence.longest_expected([Step("c", "x", 0.0, 0.0), Step("d", "x", 0.0, 0.0, 0.0)]) is None
