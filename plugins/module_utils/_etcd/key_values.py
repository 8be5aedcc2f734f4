# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What etcd stores for a revision: a KeyValue of `mvccpb/kv.proto`.

Its fields are key 1, create_revision 2, mod_revision 3, version 4, value 5, lease 6; a tombstone has the key alone.
"""

from __future__ import annotations

import typing as t

from .bolt import Buffer

_KEY_TAG = 1 << 3 | 2
_VALUE, _LEASE = 5, 6
_PASSED_OVER = frozenset((2 << 3, 3 << 3, 4 << 3))  # the three numbers before the value
_VARINT_BYTES = 10
_NO_END = "a number in a revision has no end"


class Content(t.NamedTuple):
    """Where the value of a KeyValue starts, its size, and the lease it is attached to, 0 without one."""

    value_start: int
    value_size: int
    lease: int


def key_span(data: Buffer, start: int, end: int) -> tuple[int, int]:
    """Start and end of the key of the KeyValue that lies there. Raises ValueError."""
    if start + 2 > end or data[start] != _KEY_TAG:
        raise ValueError("a revision does not begin with its key")
    size = data[start + 1]
    first = start + 2
    if size > 0x7F:
        size, first = _varint(data, start + 1, end)
    if first + size > end:
        raise ValueError("a key goes on beyond its revision")
    return first, first + size


def content(data: Buffer, start: int, end: int) -> Content:
    """What follows the key, from `start` on. Raises ValueError."""
    value_start, value_size, lease, at = start, 0, 0, start
    while at < end:
        tag = data[at]
        if tag in _PASSED_OVER:
            for last in range(at + 1, at + 1 + _VARINT_BYTES):
                if data[last] < 0x80:
                    break
            else:
                raise ValueError(_NO_END)
            at = last + 1
            continue
        tag, at = _varint(data, at, end)
        kind, field = tag & 7, tag >> 3
        if kind not in (0, 2):
            raise ValueError(f"a revision has a field of kind {kind}")
        number, at = _varint(data, at, end)
        if kind == 2:
            if field == _VALUE:
                value_start, value_size = at, number
            at += number
        elif field == _LEASE:
            lease = number
    if at > end:
        raise ValueError("a field goes on beyond its revision")
    return Content(value_start, value_size, lease)


def _varint(data: Buffer, at: int, end: int) -> tuple[int, int]:
    """A number of variable length, and what follows it."""
    number = shift = 0
    for place in range(at, at + _VARINT_BYTES):
        if place >= end:
            break
        byte = data[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place + 1
        shift += 7
    raise ValueError(_NO_END)


__all__ = ("Content", "content", "key_span")
