# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What `managedFields` take of an object, by the format of the stored value alone: JSON, as custom resources are
stored, or protobuf, as those that are built in.

A value in protobuf is an `Unknown` behind four bytes, whose field 2 is the object; the object's field 1 is its
metadata, and each field 17 of that an entry of its managedFields. Source: runtime/generated.proto and
meta/v1/generated.proto of apimachinery. A value that is neither, or damaged, has none: for etcd all values are bytes.
"""

from __future__ import annotations

import re
import typing as t

from .bolt import Buffer
from .key_values import varint

_PROTOBUF = b"k8s\0"
_RAW, _METADATA, _MANAGED_FIELDS = 2, 1, 17
_FIXED_BYTES = {1: 8, 5: 4}
_VARIABLE = 2

_KEY = b'"managedFields":['  # the API server writes no blanks
_MARK = re.compile(rb'["{}\[\]]')
_IN_STRING = re.compile(rb'["\\]')
_QUOTE, _OPENING, _CLOSING = ord('"'), b"{[", b"}]"


def managed_fields_bytes(data: Buffer, start: int, end: int) -> int:
    """The bytes that they take of the value that lies there."""
    try:
        if data[start : start + 1] == b"{":
            return _of_json(data, start, end)
        if data[start : start + len(_PROTOBUF)] == _PROTOBUF:
            return _of_protobuf(data, start + len(_PROTOBUF), end)
    except (IndexError, ValueError):
        pass
    return 0


def _of_protobuf(data: Buffer, start: int, end: int) -> int:
    for wanted in _RAW, _METADATA:
        first = next((field for field in _fields(data, start, end) if field.number == wanted), None)
        if first is None:
            return 0
        start, end = first.start, first.end
    found = (field for field in _fields(data, start, end) if field.number == _MANAGED_FIELDS)
    return sum(field.end - field.head for field in found)


class _Field(t.NamedTuple):
    """A field of variable length: its number, where its head and its content start, and its end."""

    number: int
    head: int
    start: int
    end: int


def _fields(data: Buffer, at: int, end: int) -> t.Iterator[_Field]:
    """Those of a message. Raises ValueError."""
    while at < end:
        head = at
        tag, at = varint(data, at, end)
        kind = tag & 7
        if kind == 0:
            _number, at = varint(data, at, end)
        elif kind in _FIXED_BYTES:
            at += _FIXED_BYTES[kind]
        elif kind == _VARIABLE:
            size, at = varint(data, at, end)
            if at + size > end:
                raise ValueError("a field goes on beyond its message")
            yield _Field(tag >> 3, head, at, at + size)
            at += size
        else:
            raise ValueError(f"a field of kind {kind}")


def _of_json(data: Buffer, start: int, end: int) -> int:
    """Of the object's own metadata: a template in it may have some as well. In a string a quote is behind a backslash,
    so what looks like the key is one."""
    at = data.find(_KEY, start, end)
    while at >= 0:
        if _is_in_metadata(data, start, at):
            return _end_of_list(data, at + len(_KEY), end) - at
        at = data.find(_KEY, at + 1, end)
    return 0


def _is_in_metadata(data: Buffer, start: int, here: int) -> bool:
    """Whether the key there stands right in the object `metadata` of the whole one."""
    depth, name, parent = 0, b"", b""
    for at, last in _marks(data, start, here):
        mark = data[at]
        if mark == _QUOTE:
            name = data[at:last] if depth == 1 else name
        elif mark in _OPENING:
            depth += 1
            parent = name if depth == 2 else parent
        else:
            depth -= 1
    return depth == 2 and parent == b'"metadata"'


def _end_of_list(data: Buffer, start: int, end: int) -> int:
    """Where the list ends whose content begins there. Raises ValueError if it does not."""
    depth = 1
    for at, last in _marks(data, start, end):
        mark = data[at]
        if mark != _QUOTE:
            depth += 1 if mark in _OPENING else -1
            if not depth:
                return last
    raise ValueError("a list has no end")


def _marks(data: Buffer, at: int, end: int) -> t.Iterator[tuple[int, int]]:
    """Start and end of each string and bracket. Raises ValueError if a string has no end."""
    found = _MARK.search(data, at, end)
    while found:
        first, at = found.span()
        while data[first] == _QUOTE:
            inner = _IN_STRING.search(data, at, end)
            if not inner:
                raise ValueError("a string has no end")
            at = inner.end()
            if data[at - 1] == _QUOTE:
                break
            at += 1
        yield first, at
        found = _MARK.search(data, at, end)


__all__ = ("managed_fields_bytes",)
