# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases of etcd made of bytes, with pages as bbolt writes them: trees, overflow, inline and nested buckets."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

PAGE = 4096
Items = Sequence[tuple[bytes, bytes]]


class Change(NamedTuple):
    """A revision: of which key, and its value, None for a deletion."""

    key: bytes
    value: bytes | None
    lease: int = 0


def fnv(data: bytes) -> int:
    """bbolt's checksum."""
    value = 14695981039346656037
    for byte in data:
        value = ((value ^ byte) * 1099511628211) % 2**64
    return value


def meta_page(number: int, *, root: int, pages: int, txid: int, size: int = PAGE) -> bytes:
    """A meta page whose checksum is right."""
    body = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, size, 0, root, 0, 2**64 - 1, pages, txid)
    return (struct.pack("<QHHI", number, 4, 0, 0) + body + struct.pack("<Q", fnv(body))).ljust(size, b"\0")


def leaf(number: int, items: Items, *, flags: int = 0, size: int = PAGE) -> bytes:
    """A leaf page with its overflow, filled up."""
    heads, bodies = b"", b"".join(key + value for key, value in items)
    done = 0
    for index, (key, value) in enumerate(items):
        heads += struct.pack("<IIII", flags, 16 * (len(items) - index) + done, len(key), len(value))
        done += len(key) + len(value)
    length = 16 + len(heads) + len(bodies)
    overflow = (length - 1) // size
    return (struct.pack("<QHHI", number, 2, len(items), overflow) + heads + bodies).ljust((overflow + 1) * size, b"\0")


def inline(items: Items) -> bytes:
    """The value of a bucket so small that it lies in it."""
    return struct.pack("<QQ", 0, 0) + leaf(0, items, size=1)


@dataclass
class Pages:
    """The pages behind the meta pages, in the order of their numbers."""

    size: int = PAGE
    bytes: bytearray = field(default_factory=bytearray)

    @property
    def next(self) -> int:
        """The number of the next page."""
        return 2 + len(self.bytes) // self.size

    def tree(self, items: Items, *, flags: int = 0, per_leaf: int = 8, fan_out: int = 4) -> int:
        """Write a tree of these items; return its root page."""
        level = []
        for at in range(0, max(len(items), 1), per_leaf):
            level.append((items[at][0] if items else b"", self.next))
            self.bytes += leaf(self.next, items[at : at + per_leaf], flags=flags, size=self.size)
        while len(level) > 1:
            level = [self._branch(level[at : at + fan_out]) for at in range(0, len(level), fan_out)]
        return level[0][1]

    def _branch(self, children: Sequence[tuple[bytes, int]]) -> tuple[bytes, int]:
        number = self.next
        heads, keys = b"", b""
        for index, (key, child) in enumerate(children):
            heads += struct.pack("<IIQ", 16 * (len(children) - index) + len(keys), len(key), child)
            keys += key
        self.bytes += (struct.pack("<QHHI", number, 1, len(children), 0) + heads + keys).ljust(self.size, b"\0")
        return children[0][0], number


def varint(number: int) -> bytes:
    """A number as protobuf has it."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def record(change: Change, revision: int) -> bytes:
    """The KeyValue that etcd stores for a change."""
    key = b"\x0a" + varint(len(change.key)) + change.key
    if change.value is None:
        return key
    numbers = b"".join(tag + varint(revision) for tag in (b"\x10", b"\x18"))
    value = b"\x2a" + varint(len(change.value)) + change.value if change.value else b""
    lease = b"\x30" + varint(change.lease) if change.lease else b""
    return key + numbers + b"\x20\x01" + value + lease


def revisions(changes: Sequence[Change], first: int = 2) -> list[tuple[bytes, bytes]]:
    """What the bucket `key` holds after these changes, one revision each."""
    return [
        (number.to_bytes(8, "big") + b"_" + bytes(8) + (b"t" if each.value is None else b""), record(each, number))
        for number, each in enumerate(changes, first)
    ]


def database(
    changes: Sequence[Change],
    *,
    small: bool = False,
    others: Mapping[bytes, Items] | None = None,
    free_pages: int = 0,
    size: int = PAGE,
    per_leaf: int = 8,
) -> bytes:
    """A database after these changes; with `small`, its revisions lie in the root page. `others` are more buckets."""
    pages = Pages(size)
    items = revisions(changes)
    key = inline(items) if small else struct.pack("<QQ", pages.tree(items, per_leaf=per_leaf), 0)
    buckets = {b"key": key, b"meta": inline([])}
    for name, content in (others or {}).items():
        buckets[name] = struct.pack("<QQ", pages.tree(content), 0)
    root = pages.next
    pages.bytes += leaf(root, sorted(buckets.items()), flags=1, size=size)
    pages.bytes += bytes(free_pages * size)
    metas = [meta_page(number, root=root, pages=pages.next, txid=8 + number, size=size) for number in (0, 1)]
    return b"".join(metas) + bytes(pages.bytes)
