# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers and lengths in etcd's records, whole and hostile."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.bolt_files import Change, record, varint
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.key_values import (
    content,
    is_encrypted,
    key_span,
    lease_and_value,
)


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(0, 2**63 - 1), st.integers(2, 2**62))
def test_records(key: bytes, value: bytes, lease: int, revision: int) -> None:
    data = b"before" + record(Change(key, value, lease), revision) + b"behind"
    end = len(data) - 6
    start, key_end = key_span(data, 6, end)
    found = content(data, key_end, end)
    assert data[start:key_end] == key
    assert data[found.value_start : found.value_end] == value
    assert found.lease == lease
    assert lease_and_value(data, key_end, end) == found


@pytest.mark.parametrize("lease", [0, 7])
@pytest.mark.parametrize("size", [0, 1, 127, 128, 16383, 16384, 2**21 - 1, 2**21])
def test_sizes_of_values(size: int, lease: int) -> None:
    data = record(Change(b"/a", b"x" * size, lease), 2**40)
    assert lease_and_value(data, 4, len(data)) == content(data, 4, len(data))
    assert content(data, 4, len(data)).value_end - content(data, 4, len(data)).value_start == size


def test_encrypted() -> None:
    data = b"k8s:enc:aescbc"
    assert is_encrypted(data, 0, 8)
    assert not is_encrypted(data, 0, 7)
    assert not is_encrypted(data, 1, 14)


def test_tombstone() -> None:
    data = record(Change(b"/a", None), 7)
    assert key_span(data, 0, len(data)) == (2, 4)
    assert content(data, 4, len(data)) == (0, 4, 4)


def test_fields_that_a_later_etcd_adds_are_passed_over() -> None:
    data = record(Change(b"/a", b"value", 9), 7) + b"\x3a\x02xx" + b"\x40\x05"
    assert content(data, 4, len(data))[0] == 9


BROKEN: list[tuple[str, bytes, str]] = [
    ("empty", b"", "does not begin with its key"),
    ("another field first", b"\x10\x01", "does not begin with its key"),
    ("key beyond the end", b"\x0a\x05abc", "a key goes on beyond its revision"),
    ("key of enormous size", b"\x0a" + b"\xff" * 9 + b"\x01abc", "a key goes on beyond its revision"),
    ("size without an end", b"\x0a" + b"\xff" * 30, "a number in a revision has no end"),
    ("size cut off", b"\x0a\xff", "a number in a revision has no end"),
    ("value beyond the end", b"\x0a\x01a\x2a\x05abc", "a field goes on beyond its revision"),
    ("tag without a number", b"\x0a\x01a\x10", "a number in a revision has no end"),
    ("revision without an end", b"\x0a\x01a\x10" + b"\x80" * 12, "a number in a revision has no end"),
    ("lease without an end", b"\x0a\x01a\x30" + b"\x80" * 12, "a number in a revision has no end"),
    ("fixed width", b"\x0a\x01a\x31" + b"\x01" * 8, "a field of kind 1"),
]


@pytest.mark.parametrize(("data", "message"), table(BROKEN))
def test_broken(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        content(data + b"behind", key_span(data + b"behind", 0, len(data))[1], len(data))
    with pytest.raises(ValueError, match=message):
        lease_and_value(data + b"behind", key_span(data + b"behind", 0, len(data))[1], len(data))


@given(st.binary(max_size=60))
def test_anything(data: bytes) -> None:
    with contextlib.suppress(ValueError, IndexError):
        start, end = key_span(data, 0, len(data))
        found = content(data, end, len(data))
        assert 2 <= start <= end <= found.value_start <= found.value_end <= len(data)
        assert lease_and_value(data, end, len(data)) == found


numbers = st.integers(0, 2**70).map(varint)


@given(st.binary(max_size=4), numbers, numbers, numbers, st.binary(max_size=6), st.binary(max_size=200))
def test_almost_what_etcd_writes(
    key: bytes, first: bytes, second: bytes, third: bytes, size: bytes, rest: bytes
) -> None:
    """The fast way and the slow one say the same, also of what is damaged."""
    data = key + b"\x10" + first + b"\x18" + second + b"\x20" + third + b"\x2a" + size + rest

    def said(of: Callable[[bytes, int, int], tuple[int, int, int]]) -> tuple[int, int, int] | None:
        with contextlib.suppress(ValueError, IndexError):
            return of(data, len(key), len(data))
        return None

    assert said(lease_and_value) == said(content)
