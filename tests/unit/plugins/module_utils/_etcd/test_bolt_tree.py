# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every page of a file at most once, whatever its tree looks like."""

from __future__ import annotations

import struct

import pytest
from unit.bolt_files import PAGE, Pages, inline, leaf, meta_page
from unit.builders import VERSIONS, recorded_snapshot, table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.bolt_tree import (
    Bucket,
    Tree,
    elements,
    newest_meta,
)

ITEMS = [(b"%03d" % number, b"x" * number) for number in range(100)]


def file_of(pages: Pages, root: int) -> bytes:
    metas = b"".join(meta_page(n, root=root, pages=pages.next, txid=n, size=pages.size) for n in (0, 1))
    return metas + bytes(pages.bytes)


def tops(pages: Pages, buckets: list[tuple[bytes, bytes]]) -> bytes:
    """A file with these buckets at the top."""
    root = pages.next
    pages.bytes += leaf(root, buckets, flags=1, size=pages.size)
    return file_of(pages, root)


def keys_backwards(data: bytes, tree: Tree, bucket: Bucket) -> list[bytes]:
    found = []
    for page in tree.leaves_backwards(bucket):
        found += [data[start : start + size] for start, size, _value, _flags in reversed(elements(data, page))]
    return found


@pytest.mark.parametrize("size", [4096, 8192, 16384, 65536])
def test_backwards(size: int) -> None:
    pages = Pages(size)
    data = tops(pages, [(b"a", struct.pack("<QQ", pages.tree(ITEMS, per_leaf=3), 0)), (b"b", inline(ITEMS[:5]))])
    tree = Tree(data)
    buckets = tree.buckets()
    assert list(buckets) == [b"a", b"b"]
    assert keys_backwards(data, tree, buckets[b"a"]) == [key for key, _value in reversed(ITEMS)]
    assert keys_backwards(data, tree, buckets[b"b"]) == [key for key, _value in reversed(ITEMS[:5])]
    assert tree.pages_walked == tree.meta.pages - 2


def test_values_that_take_several_pages() -> None:
    pages = Pages()
    large = [(b"%d" % number, b"x" * number * PAGE) for number in range(5)]
    data = tops(pages, [(b"a", struct.pack("<QQ", pages.tree(large, per_leaf=2), 0))])
    tree = Tree(data)
    assert keys_backwards(data, tree, tree.buckets()[b"a"]) == [b"4", b"3", b"2", b"1", b"0"]
    assert tree.pages_walked == tree.meta.pages - 2


def test_buckets_in_buckets() -> None:
    pages = Pages()
    inner = struct.pack("<QQ", pages.tree(ITEMS), 0)
    outer = struct.pack("<QQ", pages.tree([(b"x", inner), (b"y", inline([]))], flags=1), 0)
    tree = Tree(tops(pages, [(b"a", outer)]))
    assert tree.walk(tree.buckets()[b"a"]) == 2
    assert tree.pages_walked == tree.meta.pages - 2


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded(version: str) -> None:
    data = recorded_snapshot(version)
    tree = Tree(data)
    buckets = tree.buckets()
    assert {b"key", b"lease", b"meta", b"members"} <= set(buckets)
    keys = keys_backwards(data, tree, buckets[b"key"])
    assert (len(keys), keys) == (201, sorted(keys, reverse=True))


def walk_all(data: bytes) -> None:
    tree = Tree(data)
    for bucket in tree.buckets().values():
        tree.walk(bucket)


def head(number: int, flags: int, size: int, overflow: int = 0) -> bytes:
    return struct.pack("<QHHI", number, flags, size, overflow)


def page(*parts: bytes) -> bytes:
    return b"".join(parts).ljust(PAGE, b"\0")


TWICE = head(2, 1, 2) + struct.pack("<IIQIIQ", 0, 0, 3, 0, 0, 3)
OVERLAP = head(2, 2, 2) + struct.pack("<IIIIIIII", 1, 32, 1, 16, 1, 17, 1, 16)

BROKEN: list[tuple[str, bytes, str]] = [
    ("itself", page(head(2, 1, 1), struct.pack("<IIQ", 0, 0, 2)), "page 2 is in two places"),
    ("one page twice", page(TWICE) + page(head(3, 2, 0)), "page 3 is in two places"),
    ("a page that does not exist", page(head(2, 1, 1), struct.pack("<IIQ", 0, 0, 2**40)), "does not exist"),
    ("a meta page", page(head(2, 1, 1), struct.pack("<IIQ", 0, 0, 1)), "page 1 does not exist"),
    ("another page", page(head(9, 2, 0)), "page 2 calls itself 9"),
    ("another kind", page(head(2, 16, 0)), "a page of kind 0x10"),
    ("overflow beyond the end", page(head(2, 2, 0, 2**32 - 1)), "page 2 goes on beyond the end"),
    ("too many elements", page(head(2, 2, 65535)), "a page with 65535 elements is too small for them"),
    ("too many branches", page(head(2, 1, 65535)), "a page with 65535 elements is too small for them"),
    ("an element beyond the end", page(head(2, 2, 1), struct.pack("<IIII", 0, 16, 3, 2**32 - 1)), "beyond its page"),
    ("an element in the heads", page(head(2, 2, 1), struct.pack("<IIII", 0, 0, 3, 3)), "over another one"),
    ("two at one place", page(OVERLAP), "an element lies over another one"),
    ("a bucket without a head", leaf(2, [(b"a", b"x")], flags=1), "a bucket is smaller than its head"),
    ("a bucket without a page", leaf(2, [(b"a", bytes(16))], flags=1), "a bucket is smaller than its head"),
    (
        "inline branches",
        leaf(2, [(b"a", bytes(16) + head(0, 1, 0))], flags=1),
        "a page of kind 0x1 stands where a leaf",
    ),
    ("too many inline", leaf(2, [(b"a", bytes(16) + head(0, 2, 9))], flags=1), "a page with 9 elements is too small"),
]


@pytest.mark.parametrize(("pages", "message"), table(BROKEN))
def test_broken(pages: bytes, message: str) -> None:
    data = file_of(Pages(bytes=bytearray(pages)), 2)
    with pytest.raises(ValueError, match=message):
        walk_all(data)


def test_a_bucket_that_is_in_itself() -> None:
    inner = leaf(3, [(b"a", struct.pack("<QQ", 3, 0))], flags=1)
    data = file_of(Pages(bytes=bytearray(leaf(2, [(b"a", struct.pack("<QQ", 3, 0))], flags=1) + inner)), 2)
    tree = Tree(data)
    with pytest.raises(ValueError, match="page 3 is in two places"):
        tree.walk(tree.buckets()[b"a"])


def test_inline_buckets_without_an_end() -> None:
    value = inline([])
    for _level in range(40):
        value = struct.pack("<QQ", 0, 0) + leaf(0, [(b"a", value)], flags=1, size=1)
    tree = Tree(tops(Pages(), [(b"a", value)]))
    with pytest.raises(ValueError, match="its buckets have no end"):
        tree.walk(tree.buckets()[b"a"])


def test_a_page_size_that_is_none() -> None:
    page = meta_page(0, root=2, pages=3, txid=1).replace(struct.pack("<II", 2, PAGE), struct.pack("<II", 2, 12))
    with pytest.raises(ValueError, match="no valid meta page"):
        newest_meta(page)
    with pytest.raises(ValueError, match="its page size, 0, is none"):
        newest_meta(meta_page(0, root=2, pages=3, txid=1, size=0).ljust(PAGE, b"\0"))
