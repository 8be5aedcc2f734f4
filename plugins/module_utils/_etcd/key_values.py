# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What etcd stores for a revision: a KeyValue of `mvccpb/kv.proto`.

Its fields are key 1, create_revision 2, mod_revision 3, version 4, value 5, lease 6; a tombstone has the key alone.
"""

from __future__ import annotations

import re
import typing as t

from .bolt import Buffer

_KEY_TAG = 1 << 3 | 2
_VALUE, _LEASE = 5, 6
_VARINT_BYTES = 10
_NO_END = "a number in a revision has no end"
_NUMBER = rb"[\x80-\xff]{0,9}[\0-\x7f]"
# The pattern of the three numbers before the value, and its tag, as etcd writes them.
UNTIL_VALUE = rb"\x10%b\x18%b\x20%b\x2a" % (_NUMBER, _NUMBER, _NUMBER)
_UNTIL_VALUE = re.compile(UNTIL_VALUE)
ENCRYPTED_MARK = b"k8s:enc:"


class Content(t.NamedTuple):
    """The lease that a KeyValue is attached to, 0 without one, and where its value starts and ends."""

    lease: int
    value_start: int
    value_end: int


def key_span(data: Buffer, start: int, end: int) -> tuple[int, int]:
    """Start and end of the key of the KeyValue that lies there. Raises ValueError."""
    if start + 2 > end or data[start] != _KEY_TAG:
        raise ValueError("a revision does not begin with its key")
    size = data[start + 1]
    first = start + 2
    if size > 0x7F:
        size, first = varint(data, start + 1, end)
    if first + size > end:
        raise ValueError("a key goes on beyond its revision")
    return first, first + size


def lease_and_value(data: Buffer, start: int, end: int) -> tuple[int, int, int]:
    """As `content`, and faster for what etcd writes: a value of less than 2 MiB, and nothing after it."""
    found = _UNTIL_VALUE.match(data, start, end)
    if found:
        # The size of the value, in up to three bytes.
        at = found.end()
        size, at = data[at], at + 1
        for shift in 7, 14:
            if size < 1 << shift:
                break
            size, at = size + (data[at] - 1 << shift), at + 1
        if at + size == end:
            return 0, at, end
    return content(data, start, end)


def content(data: Buffer, start: int, end: int) -> Content:
    """What follows the key, from `start` on. Raises ValueError."""
    value_start = value_end = at = start
    lease = 0
    while at < end:
        tag, at = varint(data, at, end)
        kind, field = tag & 7, tag >> 3
        if kind not in (0, 2):
            raise ValueError(f"a revision has a field of kind {kind}")
        number, at = varint(data, at, end)
        if kind == 2:
            if field == _VALUE:
                value_start, value_end = at, at + number
            at += number
        elif field == _LEASE:
            lease = number
    if at > end:
        raise ValueError("a field goes on beyond its revision")
    return Content(lease, value_start, value_end)


def is_encrypted(data: Buffer, start: int, end: int) -> bool:
    """Whether the API server has encrypted the value that lies there."""
    first = start + len(ENCRYPTED_MARK)
    return first <= end and data[start:first] == ENCRYPTED_MARK


def varint(data: Buffer, at: int, end: int) -> tuple[int, int]:
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


__all__ = (
    "ENCRYPTED_MARK",
    "UNTIL_VALUE",
    "Content",
    "content",
    "is_encrypted",
    "key_span",
    "lease_and_value",
    "varint",
)
