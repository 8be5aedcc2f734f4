# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A walk over every page of a bbolt file that counts, each at most once, from the last key to the first."""

from __future__ import annotations

import typing as t

from .bolt import (
    BRANCH,
    BRANCH_PAGE,
    BUCKET,
    DEPTH,
    HEAD_BYTES,
    LEAF,
    LEAF_PAGE,
    PAGE_HEADER,
    PAGE_SIZES,
    Buffer,
    Meta,
    metas,
)

_IS_BUCKET = 0x01  # the flag of a leaf element


class Leaf(t.NamedTuple):
    """A leaf page, or an inline bucket: the start of its header, its end, and its number of elements."""

    start: int
    end: int
    size: int


# An element of a leaf: where its key starts, the sizes of key and value, which follow each other, and its flags. A
# plain tuple, since there are millions of them.
Element = t.Tuple[int, int, int, int]


class Bucket(t.NamedTuple):
    """A bucket: its root page, or, if that is 0, the start and end of the leaf that lies in its value."""

    root: int
    inline_start: int
    inline_end: int


def newest_meta(data: Buffer) -> Meta:
    """The meta page that counts. Raises ValueError if there is none, or the file is shorter than it says."""
    found = metas(data[:HEAD_BYTES])
    if not found:
        raise ValueError("no valid meta page: not a bbolt database, or a damaged one")
    meta = max(found, key=lambda meta: meta.txid)
    if meta.page_size not in PAGE_SIZES:
        raise ValueError(f"its page size, {meta.page_size}, is none")
    if meta.pages * meta.page_size > len(data):
        raise ValueError(f"cut off: {meta.pages} pages should be there")
    return meta


class Tree:
    """One walk. `pages_walked` is how many pages it has seen so far, those that continue another one included."""

    def __init__(self, data: Buffer) -> None:
        """Raises ValueError, as everything below does if the file is damaged."""
        self._data = data
        self.meta = newest_meta(data)
        self._walked = bytearray(self.meta.pages)
        self.pages_walked = 0

    def buckets(self) -> dict[bytes, Bucket]:
        """The buckets at the top, by name."""
        found = {}
        for leaf in self.leaves_backwards(Bucket(self.meta.root, 0, 0)):
            for element in elements(self._data, leaf):
                start, key_size, _value_size, flags = element
                if flags & _IS_BUCKET:
                    found[bytes(self._data[start : start + key_size])] = self._bucket(element)
        return found

    def walk(self, bucket: Bucket) -> int:
        """Walk a whole bucket, and those in it; return how many elements it has itself."""
        total = 0
        pending, depth = [bucket], 0
        while pending:
            inner = []
            for each in pending:
                for leaf in self.leaves_backwards(each):
                    total += leaf.size if not depth else 0
                    inner += [
                        self._bucket(element) for element in elements(self._data, leaf) if element[3] & _IS_BUCKET
                    ]
            pending, depth = inner, depth + 1
            if depth > DEPTH:
                raise ValueError("its buckets have no end")
        return total

    def leaves_backwards(self, bucket: Bucket) -> t.Iterator[Leaf]:
        """The leaves of a bucket, the one with the last keys first."""
        if not bucket.root:
            yield self._inline(bucket)
            return
        pending = [(bucket.root, 0)]
        while pending:
            number, depth = pending.pop()
            if depth > DEPTH:
                raise ValueError("its tree has no end")
            start, end, flags, count = self._page(number)
            if flags == LEAF_PAGE:
                yield Leaf(start, end, count)
            else:
                children = BRANCH.iter_unpack(self._data[start + PAGE_HEADER.size : self._heads_end(start, end, count)])
                pending += [(child, depth + 1) for _position, _size, child in children]

    def _inline(self, bucket: Bucket) -> Leaf:
        start, end = bucket.inline_start, bucket.inline_end
        if start + PAGE_HEADER.size > end:
            raise ValueError("a bucket is smaller than its head")
        _number, flags, count, _overflow = PAGE_HEADER.unpack_from(self._data, start)
        if flags != LEAF_PAGE:
            raise ValueError(f"a page of kind {flags:#x} stands where a leaf should")
        return Leaf(start, end, count)

    def _page(self, number: int) -> tuple[int, int, int, int]:
        """Start, end, kind and number of elements of a page, which is walked with that."""
        size = self.meta.page_size
        if not 2 <= number < self.meta.pages:
            raise ValueError(f"page {number} does not exist")
        start = number * size
        identity, flags, count, overflow = PAGE_HEADER.unpack_from(self._data, start)
        if identity != number:
            raise ValueError(f"page {number} calls itself {identity}")
        if flags not in (BRANCH_PAGE, LEAF_PAGE):
            raise ValueError(f"a page of kind {flags:#x} stands where a branch or a leaf should")
        after = number + 1 + overflow
        if after > self.meta.pages:
            raise ValueError(f"page {number} goes on beyond the end")
        if any(self._walked[number:after]):
            raise ValueError(f"page {number} is in two places")
        self._walked[number:after] = b"\1" * (1 + overflow)
        self.pages_walked += 1 + overflow
        return start, after * size, flags, count

    def _heads_end(self, start: int, end: int, count: int) -> int:
        found = start + PAGE_HEADER.size + count * BRANCH.size
        if found > end:
            raise ValueError(f"a page with {count} elements is too small for them")
        return found

    def _bucket(self, element: Element) -> Bucket:
        start, key_size, value_size, _flags = element
        at = start + key_size
        if value_size < BUCKET.size:
            raise ValueError("a bucket is smaller than its head")
        root, _sequence = BUCKET.unpack_from(self._data, at)
        return Bucket(root, at + BUCKET.size, at + value_size)


def elements(data: Buffer, leaf: Leaf) -> list[Element]:
    """The elements of a leaf, in order. Raises ValueError if they are not all in it, or overlap."""
    first = leaf.start + PAGE_HEADER.size
    lowest = first + leaf.size * LEAF.size
    if lowest > leaf.end:
        raise ValueError(f"a page with {leaf.size} elements is too small for them")
    found = []
    at = first
    for flags, position, key_size, value_size in LEAF.iter_unpack(data[first:lowest]):
        start = at + position
        if start < lowest:
            raise ValueError("an element lies over another one")
        lowest = start + key_size + value_size
        found.append((start, key_size, value_size, flags))
        at += LEAF.size
    if lowest > leaf.end:
        raise ValueError("an element goes on beyond its page")
    return found


__all__ = ("Bucket", "Element", "Leaf", "Tree", "elements", "newest_meta")
