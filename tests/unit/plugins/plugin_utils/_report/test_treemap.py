# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.status_documents import MIB, consumer, usage

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.reading import Part
from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.treemap import NARROW, WIDE, fillers, treemap

AMOUNTS = st.lists(st.tuples(st.integers(0, 2**33), st.integers(0, 2**33)), max_size=12)


def record(amounts: list[tuple[int, int]], more: tuple[int, int] = (0, 0)) -> Part:
    named = enumerate(amounts)
    resources = [{"resource": f"r{at}", "live_bytes": live, "history_bytes": history} for at, (live, history) in named]
    live, history = (sum(each[at] for each in amounts) + more[at] for at in (0, 1))
    return Part({"resources": resources, "total": {"live_bytes": live, "history_bytes": history}})


@given(AMOUNTS, st.tuples(st.integers(0, 2**33), st.integers(0, 2**33)))
def test_every_byte_is_in_it(amounts: list[tuple[int, int]], more: tuple[int, int]) -> None:
    found = fillers(record(amounts, more))
    total = sum(map(sum, amounts)) + sum(more)
    # What is too small to be seen, even all of it together, is left out.
    assert sum(each.bytes for each in found) == pytest.approx(total, rel=0.0011)
    assert all(each.live_bytes >= 0 and each.history_bytes >= 0 for each in found)


@given(AMOUNTS)
def test_history_has_its_share_of_each_area(amounts: list[tuple[int, int]]) -> None:
    drawn = treemap(record(amounts))
    if drawn is None:
        assert sum(map(sum, amounts)) == 0
        return
    for layout, cell in [(each, cell) for each in drawn.layouts for cell in each.cells]:
        pixels = cell.live.width * cell.live.height, cell.history.width * cell.history.height
        shown = sum(each.filler.bytes for each in layout.cells)
        scale = layout.width * layout.height / shown
        expected = (cell.filler.live_bytes * scale, cell.filler.history_bytes * scale)
        assert pixels == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_it_is_laid_out_for_a_page_and_for_a_telephone() -> None:
    drawn = treemap(Part(usage()["record"]))
    assert drawn is not None
    assert [(each.kind, each.width, each.height) for each in drawn.layouts] == [("wide", *WIDE), ("narrow", *NARROW)]
    assert "policyreports.kyverno.io: 612.4 MiB live" in drawn.description


def test_names_are_cut_where_there_is_no_room() -> None:
    long = consumer("a" * 300, 1, 1)
    drawn = treemap(Part({"resources": [long], "total": long}))
    assert drawn is not None
    for layout in drawn.layouts:
        name, figure = layout.cells[0].lines
        assert name.endswith("…")
        assert len(name) * 8 < layout.width
        assert figure == "2.0 MiB"


def test_the_largest_comes_first_and_what_is_not_listed_last() -> None:
    names = [each.name for each in fillers(Part(usage()["record"]))]
    assert names[0] == "policyreports.kyverno.io"
    assert names[-1] == "all others"
    sizes = [each.bytes for each in fillers(Part(usage()["record"]))][:-1]
    assert all(one >= other for one, other in itertools.pairwise(sizes))


@pytest.mark.parametrize("body", [{}, {"resources": None, "total": None}, {"resources": [{"live_bytes": None}]}])
def test_no_figure_without_a_byte(body: dict[str, object]) -> None:
    assert treemap(Part(body)) is None


def test_without_a_total_the_list_is_all_there_is() -> None:
    assert [each.bytes for each in fillers(Part({"resources": [consumer("pods", 1, 2)]}))] == [3 * MIB]
