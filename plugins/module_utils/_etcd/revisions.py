# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The revisions in leaves of the bucket `key`, column by column.

What is usual is read for all revisions of a group of leaves at once, each step by one call of what Python has in C. A
group with anything unusual is read revision by revision, which accepts more, and says what is wrong.
"""

from __future__ import annotations

import re
import struct
import typing as t
from itertools import accumulate, chain, repeat
from operator import add, le, lt

from .bolt import LEAF, PAGE_HEADER, Buffer
from .bolt_tree import Leaves, check_room
from .key_values import ENCRYPTED_MARK, UNTIL_VALUE, key_span
from .kubernetes_keys import directory_of

# A key of the bucket `key`: 8 bytes, "_", 8 bytes, and for a tombstone a "t". Source: mvcc/revision.go.
_PUT_SIZE, _TOMBSTONE_SIZE = 17, 18

# What is known of a revision. Of an unread one it is not known whether it is leased or encrypted.
TOMBSTONE, LEASED, ENCRYPTED, UNREAD = 1, 2, 4, 8


class Revisions(t.NamedTuple):
    """Revisions that have a content, the newest first. Of each: the hash of its key, which is not 0; where its KeyValue
    starts and how many bytes that has; the directory of its key; what is known of it. And the newest and the oldest
    key of the bucket, those without a content included; empty if there is none."""

    codes: t.Sequence[int]
    places: t.Sequence[int]
    sizes: t.Sequence[int]
    directories: t.Sequence[bytes]
    kinds: t.Sequence[int]
    newest: bytes
    oldest: bytes


def revisions_in(data: Buffer, leaves: Leaves) -> Revisions:
    """What these leaves hold. Raises ValueError if they are damaged."""
    return _usual(data, leaves) or each_of(data, leaves)


def each_of(data: Buffer, leaves: Leaves) -> Revisions:
    """As `revisions_in`, one by one."""
    rows = []
    newest, oldest = b"", b"\xff"
    for start, key_size, size in _elements_backwards(data, leaves):
        place = start + key_size
        revision = bytes(data[start:place])
        if revision >= oldest:
            raise ValueError("its revisions are out of order")
        newest, oldest = newest or revision, revision
        if key_size not in (_PUT_SIZE, _TOMBSTONE_SIZE):
            raise ValueError("the key of a revision has another form")
        if not size:  # `etcdutl snapshot restore --bump-revision` writes one without a content
            continue
        first, end = key_span(data, place, place + size)
        key = bytes(data[first:end])
        kind = TOMBSTONE if key_size == _TOMBSTONE_SIZE else UNREAD
        rows.append((hash(key) or 1, place, size, directory_of(key), kind))
    codes, places, sizes, directories, kinds = zip(*rows) if rows else repeat((), 5)
    return Revisions(codes, places, sizes, directories, kinds, newest, oldest if newest else b"")


def _elements_backwards(data: Buffer, leaves: Leaves) -> t.Iterator[tuple[int, int, int]]:
    """Of each element, where it starts and the sizes of its key and value."""
    for page_start, page_end, count in zip(*(column[::-1] for column in leaves)):
        lowest, limit = check_room(page_start, page_end, count), page_end
        for head in range(lowest - LEAF.size, page_start, -LEAF.size):
            _flags, position, key_size, size = LEAF.unpack_from(data, head)
            start = head + position
            if start + key_size + size > limit:
                raise ValueError("an element goes on beyond its page, or lies over another one")
            yield start, key_size, size
            limit = start
        if limit < lowest:
            raise ValueError("an element lies over another one")


# A key of the bucket, and of the KeyValue all up to the value if its own key has at most 127 bytes.
_WINDOW = 192
_LENGTH = _PUT_SIZE + 1  # where in it the length of the key is
# For each window, whether it is a usual one or not: all up to the value, of that the key and the size of the value, and
# the mark of an encrypted value.
_USUAL = re.compile(
    rb"(?s)(?:(?=.{17}(\n.([^\x10]*)%b([\x80-\xff]{0,2}[\0-\x7f]))(%b)?)|).{%d}"
    % (UNTIL_VALUE, re.escape(ENCRYPTED_MARK), _WINDOW)
)
_LEASE = re.compile(rb"\x30(?:[\x80-\xff]{1,8}[\x01-\x7f]|[\x01-\x7f])")


class _Numbers(t.Dict[bytes, int]):
    """Numbers of up to three bytes, by how protobuf writes them."""

    def __missing__(self, written: bytes) -> int:
        if len(self) > 10_000:
            self.clear()
        number = sum((byte & 0x7F) << 7 * place for place, byte in enumerate(written))
        self[written] = number
        return number


_numbers = _Numbers()


def _usual(data: Buffer, leaves: Leaves) -> Revisions | None:
    """As `each_of`, None for what is unusual."""
    found = _places(data, leaves)
    if not found:
        return None
    starts, key_sizes, sizes = found
    windows = [data[start : start + _WINDOW] for start in starts]
    revisions = [window[:_PUT_SIZE] for window in windows]
    joined = b"".join(windows)
    if len(joined) != _WINDOW * len(windows) or not all(map(lt, revisions, revisions[1:])):
        return None
    places = list(map(add, starts, key_sizes))
    contents, usual_keys, value_sizes, encrypted = zip(*_USUAL.findall(joined))
    keys = list(usual_keys)
    kinds = [ENCRYPTED if mark else 0 for mark in encrypted] if any(encrypted) else [0] * len(keys)
    used = list(map(add, map(len, contents), map(_numbers.__getitem__, value_sizes)))
    lengths = joined[_LENGTH::_WINDOW]
    if used != sizes or bytes(map(len, keys)) != lengths:
        for index, (place, size, key) in enumerate(zip(places, sizes, keys)):
            if key_sizes[index] == _TOMBSTONE_SIZE or used[index] != size or len(key) != lengths[index]:
                leased = len(key) == lengths[index] and _LEASE.fullmatch(data, place + used[index], place + size)
                if key_sizes[index] == _PUT_SIZE and leased:
                    kinds[index] |= LEASED
                else:
                    kinds[index] = UNREAD if key_sizes[index] == _PUT_SIZE else TOMBSTONE
                    first, end = key_span(data, place, place + size)
                    keys[index] = data[first:end]
    codes = list(map(hash, keys))
    if 0 in codes:
        codes = [code or 1 for code in codes]
    directories = [key.rpartition(b"/")[0] for key in keys]
    newest, oldest = (bytes(data[starts[index] : places[index]]) for index in (-1, 0))
    return Revisions(codes[::-1], places[::-1], sizes[::-1], directories[::-1], kinds[::-1], newest, oldest)


def _places(data: Buffer, leaves: Leaves) -> tuple[list[int], tuple[int, ...], list[int]] | None:
    """Of each element of these leaves, where it starts and the sizes of its key and value; None if one is not that of a
    revision with a content, or does not lie where it should."""
    firsts = [start + PAGE_HEADER.size for start in leaves.starts]
    heads_ends = [first + LEAF.size * count for first, count in zip(firsts, leaves.counts)]
    if 0 in leaves.counts or not all(map(le, heads_ends, leaves.ends)):
        return None
    heads = b"".join([data[first:end] for first, end in zip(firsts, heads_ends)])
    numbers = struct.unpack(f"<{len(heads) // 4}I", heads)
    positions, key_sizes, sizes = numbers[1::4], numbers[2::4], list(numbers[3::4])
    usual_keys = key_sizes.count(_PUT_SIZE) + key_sizes.count(_TOMBSTONE_SIZE)
    if 0 in sizes or usual_keys != len(sizes):
        return None
    starts = list(map(add, chain.from_iterable(map(range, firsts, heads_ends, repeat(LEAF.size))), positions))
    # Each one ends before the next one starts, or the page ends.
    limits = [*starts[1:], 0]
    after = list(accumulate(leaves.counts))
    for index, end in zip(after, leaves.ends):
        limits[index - 1] = end
    lowest = map(starts.__getitem__, [0, *after[:-1]])
    if all(map(le, heads_ends, lowest)) and all(map(le, map(add, map(add, starts, key_sizes), sizes), limits)):
        return starts, key_sizes, sizes
    return None


__all__ = ("ENCRYPTED", "LEASED", "TOMBSTONE", "UNREAD", "Revisions", "each_of", "revisions_in")
