# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and lengths in etcd's records, whole and hostile."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.bolt_files import Change, record
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.key_values import content, key_span


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(0, 2**63 - 1), st.integers(2, 2**62))
def test_records(key: bytes, value: bytes, lease: int, revision: int) -> None:
    data = b"before" + record(Change(key, value, lease), revision) + b"behind"
    end = len(data) - 6
    start, key_end = key_span(data, 6, end)
    found = content(data, key_end, end)
    assert data[start:key_end] == key
    assert data[found.value_start : found.value_start + found.value_size] == value
    assert found.lease == lease


def test_tombstone() -> None:
    data = record(Change(b"/a", None), 7)
    assert key_span(data, 0, len(data)) == (2, 4)
    assert content(data, 4, len(data))[1:] == (0, 0)


def test_fields_that_a_later_etcd_adds_are_passed_over() -> None:
    data = record(Change(b"/a", b"value", 9), 7) + b"\x3a\x02xx" + b"\x40\x05"
    assert content(data, 4, len(data))[1:] == (5, 9)


BROKEN: list[tuple[str, bytes, str]] = [
    ("empty", b"", "does not begin with its key"),
    ("another field first", b"\x10\x01", "does not begin with its key"),
    ("key beyond the end", b"\x0a\x05abc", "a key goes on beyond its revision"),
    ("key of enormous size", b"\x0a" + b"\xff" * 9 + b"\x01abc", "a key goes on beyond its revision"),
    ("size without an end", b"\x0a" + b"\xff" * 30, "a number in a revision has no end"),
    ("size cut off", b"\x0a\xff", "a number in a revision has no end"),
    ("value beyond the end", b"\x0a\x01a\x2a\x05abc", "a field goes on beyond its revision"),
    ("tag without a number", b"\x0a\x01a\x10", "a field goes on beyond its revision"),
    ("revision without an end", b"\x0a\x01a\x10" + b"\x80" * 12, "a number in a revision has no end"),
    ("lease without an end", b"\x0a\x01a\x30" + b"\x80" * 12, "a number in a revision has no end"),
    ("fixed width", b"\x0a\x01a\x31" + b"\x01" * 8, "a field of kind 1"),
]


@pytest.mark.parametrize(("data", "message"), table(BROKEN))
def test_broken(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        content(data + b"behind", key_span(data + b"behind", 0, len(data))[1], len(data))


@given(st.binary(max_size=60))
def test_anything(data: bytes) -> None:
    with contextlib.suppress(ValueError, IndexError):
        start, end = key_span(data, 0, len(data))
        found = content(data, end, len(data))
        assert 2 <= start <= end <= found.value_start + found.value_size <= len(data)
