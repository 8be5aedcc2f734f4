# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The part of bbolt's file format that tells whether a database is whole and which revision it holds.

A file consists of pages; the first two are meta pages, of which the valid one with the higher transaction id counts. A
bucket is a tree of branch and leaf pages; etcd keeps its revisions in the bucket `key`, in their order. Source: bbolt's
page.go, meta.go and bucket.go; the same from etcd 3.4 to 3.7.
"""

from __future__ import annotations

import struct
import typing as t

PAGE_HEADER = struct.Struct("<QHHI")  # id, flags, count, overflow
# Magic, version, page size, flags; root page, sequence, freelist, number of pages, transaction, checksum.
_META = struct.Struct("<IIIIQQQQQQ")
BRANCH = struct.Struct("<IIQ")  # position, key size, page
LEAF = struct.Struct("<IIII")  # flags, position, key size, value size
BUCKET = struct.Struct("<QQ")  # root page, sequence

BRANCH_PAGE, LEAF_PAGE = 0x01, 0x02
_MAGIC, _VERSION = 0xED0CDAED, 2
# bbolt takes the page size of the system that creates the file.
PAGE_SIZES = (4096, 8192, 16384, 65536)
HEAD_BYTES = 2 * max(PAGE_SIZES)

DEPTH = 32  # far above any real tree: a damaged file must not send us around in circles

Buffer = t.Union[bytes, t.Any]  # anything that slices to bytes, such as an mmap


class Meta(t.NamedTuple):
    """A meta page. `pages` is the number of pages in use: the file is at least that long."""

    page_size: int
    root: int
    pages: int
    txid: int


def _checksum(data: bytes) -> int:
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def parse_meta(page: bytes) -> Meta | None:
    """The record of a meta page, None if it is none or its checksum is wrong."""
    body = page[PAGE_HEADER.size : PAGE_HEADER.size + _META.size]
    if len(body) < _META.size:
        return None
    magic, version, page_size, _flags, root, _sequence, _freelist, pages, txid, checksum = _META.unpack(body)
    if (magic, version) != (_MAGIC, _VERSION) or checksum != _checksum(body[:-8]):
        return None
    return Meta(page_size, root, pages, txid)


def metas(head: bytes) -> tuple[Meta, ...]:
    """The valid ones of both meta pages, from the first `HEAD_BYTES` of a file."""
    first = parse_meta(head[: PAGE_SIZES[0]])
    sizes = (first.page_size,) if first else PAGE_SIZES
    seconds = (parse_meta(head[size : size + PAGE_SIZES[0]]) for size in sizes)
    return tuple(meta for meta in (first, next(filter(None, seconds), None)) if meta)


def revision_of(data: Buffer) -> int:
    """The newest revision in a database of etcd. Raises ValueError if that is not whole."""
    return _read(data, _Bolt.revision)


def newest_put(data: Buffer) -> int:
    """The revision of the newest value in a database of etcd, deletions aside. Raises ValueError as `revision_of`."""
    return _read(data, _Bolt.newest_put)


def _read(data: Buffer, what: t.Callable[[_Bolt], int]) -> int:
    try:
        return what(_Bolt(data))
    except (IndexError, struct.error) as exc:
        raise ValueError(f"a damaged database ({exc})") from exc


class _Bolt:
    def __init__(self, data: Buffer) -> None:
        self._data = data
        found = metas(data[:HEAD_BYTES])
        if not found:
            raise ValueError("no valid meta page: not a bbolt database, or a damaged one")
        self._meta = max(found, key=lambda meta: meta.txid)
        if self._meta.pages * self._meta.page_size > len(data):
            raise ValueError(f"cut off: {self._meta.pages} pages should be there")

    def revision(self) -> int:
        """The newest revision in it: of the last key, or of the last compaction if that took the last one away."""
        last = next(self._keys_backwards(self._bucket(b"key"), DEPTH), None)
        newest = [int.from_bytes(last[:8], "big") if last else 1]
        meta = self._bucket(b"meta")
        for name in (b"scheduledCompactRev", b"finishedCompactRev"):
            place = self._find(meta, name)
            newest.append(int.from_bytes(self._data[place[0] : place[0] + 8], "big") if place else 1)
        return max(newest)

    def newest_put(self) -> int:
        """The revision of the last key that is no tombstone (those end in `t`: mvcc/revision.go), 1 without one."""
        keys = self._keys_backwards(self._bucket(b"key"), DEPTH)
        return next((int.from_bytes(key[:8], "big") for key in keys if not key.endswith(b"t")), 1)

    def _bucket(self, name: bytes) -> int:
        """The start of the root page of a top-level bucket; that of a small one lies in the bucket's own value."""
        place = self._find(self._page(self._meta.root), name)
        if place is None:
            raise ValueError(f"it has no bucket {name.decode()}: not a database of etcd")
        start, _length = place
        root, _sequence = BUCKET.unpack(self._data[start : start + BUCKET.size])
        return self._page(root) if root else start + BUCKET.size

    def _page(self, number: int) -> int:
        """The start of a page."""
        at = number * self._meta.page_size
        if not 2 <= number < self._meta.pages:
            raise ValueError(f"page {number} does not exist")
        identity = PAGE_HEADER.unpack(self._data[at : at + PAGE_HEADER.size])[0]
        if identity != number:
            raise ValueError(f"page {number} calls itself {identity}")
        return at

    def _elements(self, page: int) -> tuple[bool, range]:
        """Whether the page that starts there is a leaf, and the starts of its elements."""
        _number, flags, count, _overflow = PAGE_HEADER.unpack(self._data[page : page + PAGE_HEADER.size])
        if flags not in (BRANCH_PAGE, LEAF_PAGE):
            raise ValueError(f"a page of kind {flags:#x} stands where a branch or a leaf should")
        leaf = flags == LEAF_PAGE
        step, start = LEAF.size if leaf else BRANCH.size, page + PAGE_HEADER.size
        return leaf, range(start, start + count * step, step)

    def _leaf_element(self, at: int) -> tuple[bytes, int, int]:
        """Key, and start and length of the value."""
        _flags, position, size, length = LEAF.unpack(self._data[at : at + LEAF.size])
        start = at + position
        return bytes(self._data[start : start + size]), start + size, length

    def _branch_element(self, at: int) -> tuple[bytes, int]:
        """The first key below, and the number of the page below."""
        position, size, child = BRANCH.unpack(self._data[at : at + BRANCH.size])
        return bytes(self._data[at + position : at + position + size]), child

    def _find(self, page: int, name: bytes) -> tuple[int, int] | None:
        """Start and length of the value of a key in the tree whose root page starts there."""
        for _level in range(DEPTH):
            leaf, places = self._elements(page)
            if leaf:
                found = (self._leaf_element(at) for at in places)
                return next(((start, length) for key, start, length in found if key == name), None)
            children = [self._branch_element(at) for at in places]
            page = self._page([child for key, child in children if key <= name or child == children[0][1]][-1])
        raise ValueError("its tree has no end")

    def _keys_backwards(self, page: int, depth: int) -> t.Iterator[bytes]:
        if not depth:
            raise ValueError("its tree has no end")
        leaf, places = self._elements(page)
        for at in reversed(places):
            if leaf:
                yield self._leaf_element(at)[0]
            else:
                yield from self._keys_backwards(self._page(self._branch_element(at)[1]), depth - 1)


__all__ = (
    "BRANCH",
    "BRANCH_PAGE",
    "BUCKET",
    "DEPTH",
    "HEAD_BYTES",
    "LEAF",
    "LEAF_PAGE",
    "PAGE_HEADER",
    "PAGE_SIZES",
    "Buffer",
    "Meta",
    "metas",
    "newest_put",
    "parse_meta",
    "revision_of",
)
