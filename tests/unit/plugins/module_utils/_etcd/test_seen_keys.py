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


def add(table: SeenKeys, code: int, place: int) -> bool:
    """See a key as the walk does; whether for the first time."""
    code = code or 1
    table.reserve([code])
    slot = table.slot_of(code)
    entry = table.index[slot]
    if entry:
        assert table.codes[entry] == code
        table.further[entry] += 1
        return False
    table.used += 1
    table.index[slot], table.codes[table.used], table.places[table.used] = table.used, code, place
    return True


@given(st.lists(st.one_of(st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1), st.sampled_from([1 << 40, 2 << 40]))))
def test_as_a_dictionary(codes: list[int]) -> None:
    """0 and 1 are one code; codes of the same lower bits stand in each other's way."""
    table, places = SeenKeys(), {}
    for place, code in enumerate(codes):
        assert add(table, code, place) is (places.setdefault(code or 1, place) == place)
    counts = Counter(code or 1 for code in codes)
    expected = sorted(((count, places[code]) for code, count in counts.items() if count > 1), reverse=True)
    assert table.most_seen(len(codes)) == expected
    assert table.most_seen(1) == expected[:1]


def test_it_grows() -> None:
    table = SeenKeys()
    assert all(add(table, code << 10, code) for code in range(1, 5000))
    assert not any(add(table, code << 10, 0) for code in range(1, 5000))
    assert table.most_seen(1) == [(2, 4999)]


def test_it_begins_with_room_for_what_is_expected() -> None:
    for expected, slots in ((0, 1024), (1025, 2048), (5000, 8192), (10**9, 1 << 14)):
        assert len(SeenKeys(1 << 14, expected).index) == slots


def test_it_is_full() -> None:
    table = SeenKeys(16)
    assert all(add(table, code, code) for code in range(1, 10))
    with pytest.raises(TableFull):
        add(table, 10, 10)


def test_known_keys_need_no_room() -> None:
    table = SeenKeys(16)
    assert all(add(table, code, code) for code in range(1, 10))
    table.reserve([1, 2, 3] * 9)
    with pytest.raises(TableFull):
        table.reserve([1, 10])
