# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of keys, beside a dictionary."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.seen_keys import SeenKeys, TableFull


@given(st.lists(st.one_of(st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1), st.sampled_from([1 << 40, 2 << 40]))))
def test_as_a_dictionary(codes: list[int]) -> None:
    """0 and 1 are one code; codes of the same lower bits stand in each other's way."""
    table, places = SeenKeys(), {}
    for place, code in enumerate(codes):
        assert table.add(code, place) is (places.setdefault(code or 1, place) == place)
    counts = Counter(code or 1 for code in codes)
    expected = sorted(((count, places[code]) for code, count in counts.items() if count > 1), reverse=True)
    assert table.most_seen(len(codes)) == expected
    assert table.most_seen(1) == expected[:1]


def test_it_grows() -> None:
    table = SeenKeys()
    assert all(table.add(code << 10, code) for code in range(1, 5000))
    assert not any(table.add(code << 10, 0) for code in range(1, 5000))
    assert table.most_seen(1) == [(2, 4999)]


def test_it_is_full() -> None:
    table = SeenKeys(16)
    assert all(table.add(code, code) for code in range(1, 10))
    with pytest.raises(TableFull):
        table.add(10, 10)
