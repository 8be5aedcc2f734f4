# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that is done at the same time."""

from __future__ import annotations

import threading

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core.side_by_side import both, side_by_side


def test_results_come_in_the_order_of_the_items() -> None:
    """Each one waits for the one behind it, so they only end if all are at work."""
    at_work = [threading.Event() for _item in range(4)]
    at_work[3].set()

    def work(item: int) -> int:
        assert at_work[item].wait(30)
        at_work[item - 1].set()
        return item * 10

    assert side_by_side(work, range(4)) == [0, 10, 20, 30]
    assert side_by_side(work, ()) == []


def test_the_first_error_is_raised_when_all_are_done() -> None:
    done = []

    def work(item: str) -> None:
        if item.startswith("bad"):
            raise ValueError(item)
        done.append(item)

    with pytest.raises(ValueError, match=r"^bad one$"):
        side_by_side(work, ("a", "bad one", "b", "bad two", "c"))
    assert sorted(done) == ["a", "b", "c"]


def test_both() -> None:
    second_is_at_work = threading.Event()
    assert both(lambda: second_is_at_work.wait(30), lambda: second_is_at_work.set() or "x") == (True, "x")
