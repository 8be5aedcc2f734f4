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
_GROUP_BYTES = 1 << 19  # of leaves that are handled at once, those that go on over several pages aside


# Of a leaf page, or an inline bucket: the start of its header, its end, and its number of elements.
Leaf = t.Tuple[int, int, int]
# Where it starts, the sizes of its key and its value, its flags.
Element = t.Tuple[int, int, int, int]


class Bucket(t.NamedTuple):
    """A bucket: its root page, or, if that is 0, the start and end of the leaf that lies in its value."""

    root: int
    inline_start: int
    inline_end: int


class Leaves(t.NamedTuple):
    """Leaf pages, or an inline bucket, in the order of their keys: where each starts and ends, and how many elements it
    has."""

    starts: t.Sequence[int]
    ends: t.Sequence[int]
    counts: t.Sequence[int]


class _Pages(t.NamedTuple):
    flags: t.Sequence[int]
    starts: t.Sequence[int]
    ends: t.Sequence[int]
    counts: t.Sequence[int]


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
    """One walk. As no page is walked twice, it has an end."""

    def __init__(self, data: Buffer) -> None:
        """Raises ValueError, as everything below does if the file is damaged."""
        self._data = data
        self.meta = newest_meta(data)
        self._walked = bytearray(self.meta.pages)

    @property
    def pages_walked(self) -> int:
        """How many pages it has seen so far, those that continue another one included."""
        return self._walked.count(1)

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
                    total += leaf[2] if not depth else 0
                    inner += [
                        self._bucket(element) for element in elements(self._data, leaf) if element[3] & _IS_BUCKET
                    ]
            pending, depth = inner, depth + 1
            if depth > DEPTH:
                raise ValueError("its buckets have no end")
        return total

    def leaves_backwards(self, bucket: Bucket) -> t.Iterator[Leaf]:
        """The leaves of a bucket, the one with the last keys first."""
        for leaves in self.groups_backwards(bucket):
            yield from zip(*(column[::-1] for column in leaves))

    def groups_backwards(self, bucket: Bucket) -> t.Iterator[Leaves]:
        """The leaves of a bucket, some that one page leads to at once; the group with the last keys first."""
        if not bucket.root:
            yield self._inline(bucket)
            return
        pending = list(zip(*self._visit([bucket.root])))
        while pending:
            flags, start, end, count = pending.pop()
            if flags == LEAF_PAGE:
                yield Leaves([start], [end], [count])
            elif flags == BRANCH_PAGE:
                first, heads_end = start + PAGE_HEADER.size, check_room(start, end, count)
                children = [child for _position, _size, child in BRANCH.iter_unpack(self._data[first:heads_end])]
                pages = self._visit(children)
                if pages.flags.count(LEAF_PAGE) == len(children) > 0:
                    most = max(1, _GROUP_BYTES // self.meta.page_size)
                    for last in range(len(children), 0, -most):
                        group = slice(max(0, last - most), last)
                        yield Leaves(pages.starts[group], pages.ends[group], pages.counts[group])
                else:
                    pending += zip(*pages)
            else:
                raise ValueError(f"a page of kind {flags:#x} stands where a branch or a leaf should")

    def _visit(self, numbers: list[int]) -> _Pages:
        """Read the heads of pages, and mark them as walked."""
        if not numbers or min(numbers) < 2 or max(numbers) >= self.meta.pages:
            return self._visit_each(numbers)
        data, size, walked = self._data, self.meta.page_size, self._walked
        starts = [number * size for number in numbers]
        heads = b"".join([data[start : start + PAGE_HEADER.size] for start in starts])
        identities, flags, counts, overflows = zip(*PAGE_HEADER.iter_unpack(heads))
        walked_before = any(map(walked.__getitem__, numbers)) or len(set(numbers)) != len(numbers)
        if walked_before or any(overflows) or list(identities) != numbers:
            return self._visit_each(numbers)
        for number in numbers:
            walked[number] = 1
        return _Pages(flags, starts, [start + size for start in starts], counts)

    def _visit_each(self, numbers: list[int]) -> _Pages:
        """As `_visit`, for pages of any size, and to say what is wrong."""
        size, pages, walked = self.meta.page_size, self.meta.pages, self._walked
        found = []
        for number in reversed(numbers):
            if not 2 <= number < pages:
                raise ValueError(f"page {number} does not exist")
            start = number * size
            identity, flags, count, overflow = PAGE_HEADER.unpack_from(self._data, start)
            if identity != number:
                raise ValueError(f"page {number} calls itself {identity}")
            after = number + 1 + overflow
            if after > pages:
                raise ValueError(f"page {number} goes on beyond the end")
            if walked.find(1, number, after) >= 0:
                raise ValueError(f"page {number} is in two places")
            walked[number:after] = b"\1" * (1 + overflow)
            found.append((flags, start, after * size, count))
        return _Pages(*(tuple(column) for column in zip(*found[::-1]))) if found else _Pages((), (), (), ())

    def _inline(self, bucket: Bucket) -> Leaves:
        start, end = bucket.inline_start, bucket.inline_end
        if start + PAGE_HEADER.size > end:
            raise ValueError("a bucket is smaller than its head")
        _number, flags, count, _overflow = PAGE_HEADER.unpack_from(self._data, start)
        if flags != LEAF_PAGE:
            raise ValueError(f"a page of kind {flags:#x} stands where a leaf should")
        return Leaves([start], [end], [count])

    def _bucket(self, element: Element) -> Bucket:
        start, key_size, value_size, _flags = element
        at = start + key_size
        if value_size < BUCKET.size:
            raise ValueError("a bucket is smaller than its head")
        root, _sequence = BUCKET.unpack_from(self._data, at)
        return Bucket(root, at + BUCKET.size, at + value_size)


def check_room(start: int, end: int, count: int) -> int:
    """Where the heads of so many elements of the page that lies there end. Raises ValueError if they are not all in
    it."""
    heads_end = start + PAGE_HEADER.size + count * LEAF.size
    if heads_end > end:
        raise ValueError(f"a page with {count} elements is too small for them")
    return heads_end


def elements(data: Buffer, leaf: Leaf) -> list[Element]:
    """The elements of a leaf, in order. Raises ValueError if they are not all in it, or overlap."""
    page_start, page_end, count = leaf
    first = page_start + PAGE_HEADER.size
    lowest = check_room(page_start, page_end, count)
    found = []
    at = first
    for flags, position, key_size, value_size in LEAF.iter_unpack(data[first:lowest]):
        start = at + position
        if start < lowest:
            raise ValueError("an element lies over another one")
        lowest = start + key_size + value_size
        found.append((start, key_size, value_size, flags))
        at += LEAF.size
    if lowest > page_end:
        raise ValueError("an element goes on beyond its page")
    return found


__all__ = ("Bucket", "Element", "Leaf", "Leaves", "Tree", "check_room", "elements", "newest_meta")
