# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases of real etcds, some made of bytes, and damaged ones."""

from __future__ import annotations

import contextlib
import mmap
import struct
from collections.abc import Collection
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import VERSIONS, recorded_snapshot, table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.bolt import (
    HEAD_BYTES,
    metas,
    newest_put,
    parse_meta,
    revision_of,
)

PAGE = 4096
REVISION = 202  # see data/record.py: the put, and 200 more
DATABASES = {version: recorded_snapshot(version)[:-32] for version in VERSIONS}


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded(version: str) -> None:
    assert revision_of(DATABASES[version]) == REVISION


def test_recorded_trees_have_branches() -> None:
    """Else nothing would have walked down one."""
    for data in DATABASES.values():
        kinds = {struct.unpack_from("<H", data, at + 8)[0] for at in range(2 * PAGE, len(data), PAGE)}
        assert {1, 2} <= kinds


def test_recorded_through_a_map(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(DATABASES["3.7.3"])
    with open(tmp_path / "db", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        assert revision_of(data) == REVISION


@pytest.mark.parametrize("version", VERSIONS)
def test_metas(version: str) -> None:
    found = metas(DATABASES[version][:HEAD_BYTES])
    assert {meta.page_size for meta in found} == {PAGE}
    first, second = (meta.txid for meta in found)
    assert abs(first - second) == 1


def fnv(data: bytes) -> int:
    """bbolt's checksum, written a second time."""
    value = 14695981039346656037
    for byte in data:
        value = ((value ^ byte) * 1099511628211) % 2**64
    return value


def meta_page(
    number: int, *, root: int = 2, pages: int = 3, txid: int = 1, magic: int = 0xED0CDAED, size: int = PAGE
) -> bytes:
    body = struct.pack("<IIIIQQQQQ", magic, 2, size, 0, root, 0, 2**64 - 1, pages, txid)
    page = struct.pack("<QHHI", number, 4, 0, 0) + body + struct.pack("<Q", fnv(body))
    return page.ljust(size, b"\0")


def leaf(number: int, items: list[tuple[bytes, bytes]], flags: int = 0) -> bytes:
    """A leaf page with these keys and values, without anything behind them."""
    heads, bodies = b"", b""
    for index, (key, value) in enumerate(items):
        position = 16 * (len(items) - index) + len(bodies)
        heads += struct.pack("<IIII", flags, position, len(key), len(value))
        bodies += key + value
    return struct.pack("<QHHI", number, 2, len(items), 0) + heads + bodies


def inline(items: list[tuple[bytes, bytes]]) -> bytes:
    """A bucket so small that it lies in its own value."""
    return struct.pack("<QQ", 0, 0) + leaf(0, items)


def revision(main: int, *, deleted: bool = False) -> bytes:
    """The key of a revision, or that of its tombstone."""
    return main.to_bytes(8, "big") + b"_" + bytes(8) + (b"t" if deleted else b"")


def database(
    keys: list[int],
    meta: dict[bytes, bytes],
    *,
    deleted: Collection[int] = (),
    first: bytes | None = None,
    second: bytes | None = None,
    size: int = PAGE,
) -> bytes:
    """These revisions, and which of them were deletions."""
    buckets = [
        (b"key", inline([(revision(each, deleted=each in deleted), b"x") for each in keys])),
        (b"meta", inline(sorted(meta.items()))),
    ]
    metas_ = [
        meta_page(0, txid=8, size=size) if first is None else first,
        meta_page(1, txid=9, size=size) if second is None else second,
    ]
    return b"".join(page.ljust(size, b"\0") for page in [*metas_, leaf(2, buckets, flags=1)])


def two_trees(first: bytes, second: bytes) -> bytes:
    """Revision 5 below the root in page 2, revision 6 below the one in page 3."""
    roots = [
        leaf(2 + more, [(b"key", inline([(revision(5 + more), b"x")])), (b"meta", inline([]))], 1) for more in (0, 1)
    ]
    return b"".join(page.ljust(PAGE, b"\0") for page in (first, second, *roots))


OLDER, NEWER = meta_page(0, pages=4, txid=8), meta_page(1, root=3, pages=4, txid=9)
TORN = NEWER.replace(struct.pack("<Q", 9), struct.pack("<Q", 11), 1)

DONE, PLANNED = b"finishedCompactRev", b"scheduledCompactRev"

MADE: list[tuple[str, bytes, int]] = [
    ("fresh", database([], {}), 1),
    ("last key", database([2, 3, 700], {}), 700),
    ("compacted below", database([2, 3, 700], {DONE: revision(600)}), 700),
    ("all keys were deleted and compacted away", database([], {DONE: revision(900), PLANNED: revision(900)}), 900),
    ("compaction under way", database([5], {DONE: revision(6), PLANNED: revision(950)}), 950),
    ("the later transaction counts", two_trees(OLDER, NEWER), 6),
    ("the later one is the first", two_trees(meta_page(0, pages=4, txid=10), NEWER), 5),
    ("a transaction whose page was not written whole", two_trees(OLDER, TORN), 5),
    ("second meta page damaged", database([7], {}, second=bytes(PAGE)), 7),
]


@pytest.mark.parametrize(("data", "expected"), table(MADE))
def test_made(data: bytes, expected: int) -> None:
    assert revision_of(data) == expected


SIZES = (4096, 8192, 16384, 65536)

HEADS: list[tuple[str, bool, bool, list[int]]] = [
    ("both", True, True, [8, 9]),
    ("the first only", True, False, [8]),
    ("the second only", False, True, [9]),
    ("neither", False, False, []),
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("first", "second", "expected"), table(HEADS))
def test_page_sizes(size: int, first: bool, second: bool, expected: list[int]) -> None:
    """bbolt takes the page size of the system that creates the file: 64 KiB on some ARM and POWER hosts."""
    data = database([7], {}, first=None if first else b"", second=None if second else b"", size=size)
    found = metas(data[:HEAD_BYTES])
    assert [meta.txid for meta in found] == expected
    assert all(meta.page_size == size for meta in found)
    if expected:
        assert revision_of(data) == 7
    else:
        with pytest.raises(ValueError, match="no valid meta page"):
            revision_of(data)


PUTS: list[tuple[str, bytes, int]] = [
    ("fresh", database([], {}), 1),
    ("no deletion", database([2, 3, 700], {}), 700),
    ("a deletion after it", database([2, 3, 700], {}, deleted=[700]), 3),
    ("several deletions after it", database([2, 3, 4, 5], {}, deleted=[3, 4, 5]), 2),
    ("a deletion before it", database([2, 3, 4], {}, deleted=[3]), 4),
    ("only deletions", database([2, 3], {}, deleted=[2, 3]), 1),
    ("compacted beyond it: nothing was written", database([5], {DONE: revision(900)}), 5),
    ("the later transaction counts", two_trees(OLDER, NEWER), 6),
]


@pytest.mark.parametrize(("data", "expected"), table(PUTS))
def test_newest_put(data: bytes, expected: int) -> None:
    assert newest_put(data) == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_newest_put_of_recorded(version: str) -> None:
    """There every revision is a put."""
    assert newest_put(DATABASES[version]) == REVISION


def test_newest_put_across_leaves() -> None:
    """The whole last leaf holds tombstones."""
    leaves = [leaf(4, [(revision(2), b"x")]), leaf(5, [(revision(3, deleted=True), b"x")])]
    heads = b"".join(struct.pack("<IIQ", 32 - 16 * n + 18 * n, len(revision(2)), 4 + n) for n in (0, 1))
    branch = struct.pack("<QHHI", 3, 1, 2, 0) + heads + revision(2) + b"\0" + revision(3)
    root = leaf(2, [(b"key", struct.pack("<QQ", 3, 0)), (b"meta", inline([]))], flags=1)
    pages = [meta_page(0, pages=6, txid=8), meta_page(1, pages=6, txid=9), root, branch, *leaves]
    data = b"".join(page.ljust(PAGE, b"\0") for page in pages)
    assert (revision_of(data), newest_put(data)) == (3, 2)


BROKEN: list[tuple[str, bytes, str]] = [
    ("empty", b"", "no valid meta page"),
    ("text", b"SQLite format 3\0" * 1000, "no valid meta page"),
    ("one page", DATABASES["3.6.16"][:PAGE], "cut off"),
    ("half", DATABASES["3.6.16"][: len(DATABASES["3.6.16"]) // 2], "cut off"),
    ("both metas gone", bytes(2 * PAGE) + DATABASES["3.6.16"][2 * PAGE :], "no valid meta page"),
    ("no bucket key", database([], {}).replace(b"key", b"kex"), "it has no bucket key: not a database of etcd"),
    ("other magic", meta_page(0, magic=1) + meta_page(1, magic=1) + leaf(2, []), "no valid meta page"),
    ("root that does not exist", meta_page(0, root=9) + meta_page(1, root=9) + bytes(PAGE), "page 9 does not exist"),
    ("root that is a meta page", meta_page(0, root=0) + meta_page(1, root=0) + bytes(PAGE), "page 0 does not exist"),
    ("root that is another page", meta_page(0) + meta_page(1) + leaf(7, []).ljust(PAGE), "page 2 calls itself 7"),
    (
        "root of another kind",
        meta_page(0) + meta_page(1) + struct.pack("<QHHI", 2, 16, 0, 0).ljust(PAGE, b"\0"),
        "a page of kind 0x10",
    ),
    (
        "a circle",
        meta_page(0)
        + meta_page(1)
        + (struct.pack("<QHHI", 2, 1, 1, 0) + struct.pack("<IIQ", 16, 1, 2) + b"a").ljust(PAGE, b"\0"),
        "its tree has no end",
    ),
]


@pytest.mark.parametrize(("data", "message"), table(BROKEN))
def test_broken(data: bytes, message: str) -> None:
    for read in (revision_of, newest_put):
        with pytest.raises(ValueError, match=message):
            read(data)


@given(st.sampled_from(VERSIONS), st.data(), st.integers(1, 255))
def test_flipped_bits(version: str, drawn: st.DataObject, bits: int) -> None:
    damaged = bytearray(DATABASES[version])
    for at in drawn.draw(st.lists(st.integers(0, len(damaged) - 1), min_size=1, max_size=20)):
        damaged[at] ^= bits
    for read in (revision_of, newest_put):
        with contextlib.suppress(ValueError):
            assert isinstance(read(bytes(damaged)), int)


@given(st.sampled_from(VERSIONS), st.integers(2, 40), st.integers(0, 63), st.integers(0, 255))
def test_damaged_head_of_a_page(version: str, page: int, offset: int, byte: int) -> None:
    """Where flags, counts and positions are."""
    damaged = bytearray(DATABASES[version])
    damaged[page * PAGE % len(damaged) + offset] = byte
    for read in (revision_of, newest_put):
        with contextlib.suppress(ValueError):
            assert isinstance(read(bytes(damaged)), int)


@given(st.sampled_from(VERSIONS), st.data())
def test_cut_off(version: str, drawn: st.DataObject) -> None:
    whole = DATABASES[version]
    with pytest.raises(ValueError, match=r"cut off|no valid meta page"):
        revision_of(whole[: drawn.draw(st.integers(0, len(whole) - PAGE))])


@given(st.binary(max_size=200))
def test_garbage_is_no_meta_page(data: bytes) -> None:
    assert parse_meta(data) is None
