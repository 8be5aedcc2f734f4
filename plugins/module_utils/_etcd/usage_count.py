# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The walk over all revisions in a database of etcd, and what it counts.

They are walked from the newest to the oldest, so that the first sight of a key is the newest there is of it: live, or
deleted. If the keys are too many for a table in a limited memory, they are counted in several walks, each with a share
of them.
"""

from __future__ import annotations

import heapq
import struct
import typing as t
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import compress

from .bolt import Buffer, revision_of
from .bolt_tree import Bucket, Tree
from .key_values import is_encrypted, key_span, lease_and_value
from .kubernetes_keys import DEFAULT_PREFIX, readable
from .managed_fields import managed_fields_bytes
from .revision_readers import MOST_READERS, cpus, revisions_backwards
from .revisions import ENCRYPTED, LEASED, TOMBSTONE, UNREAD, Revisions
from .seen_keys import MAX_SLOTS, SeenKeys, TableFull
from .tallies import Consumer, Sums, Tallies
from .usage_growth import Levels

_MAX_POWER = 8  # ten thousand million keys
_ALONE_BYTES = 64 << 20  # some tenths of a second


TOP = 10


@dataclass(frozen=True)
class Hot:
    """A key, and how many revisions of it are kept."""

    key: str
    revisions: int


@dataclass(frozen=True)
class Large:
    """A live key, and how many bytes its newest revision takes."""

    key: str
    bytes: int


@dataclass(frozen=True)
class FileUse:
    """Where the bytes of the file are; all but `size_bytes` add up to that. `overhead_bytes` are what bbolt needs to
    find the revisions, and gaps in its pages."""

    size_bytes: int
    live_bytes: int
    history_bytes: int
    overhead_bytes: int
    other_buckets_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class Usage:
    """What was found. `consistent` says that nobody has written to the file meanwhile."""

    revision: int
    consistent: bool
    leases: int
    file: FileUse
    total: Sums
    resources: tuple[Consumer, ...]
    namespaces: tuple[Consumer, ...]
    consumers: tuple[Consumer, ...]
    largest: tuple[Large, ...]
    hottest: tuple[Hot, ...]


@dataclass(frozen=True)
class Look:
    """What was found, and what it takes to tell the growth until the next look."""

    usage: Usage
    levels: Levels

    @property
    def consistent(self) -> bool:
        """As that of `usage`."""
        return self.usage.consistent


@dataclass(frozen=True)
class Wanted:
    """What is asked for: `prefix` is the API server's, each list has `top` entries at most. With `managed_fields` the
    live values are read, all of them. At most so many `readers` beside this process read a large file, as long as there
    are processors for them."""

    prefix: str = DEFAULT_PREFIX
    top: int = TOP
    managed_fields: bool = False
    readers: int = MOST_READERS


USUAL = Wanted()


def measure(data: Buffer, wanted: Wanted = USUAL, **limits: int) -> Usage:
    """As `look`, without what only a growth needs."""
    return look(data, wanted, **limits).usage


def look(data: Buffer, wanted: Wanted = USUAL, *, max_slots: int = MAX_SLOTS, alone_bytes: int = _ALONE_BYTES) -> Look:
    """What fills the database in `data`, of which less than `alone_bytes` are read without readers. Raises ValueError
    if it is not whole."""
    readers = 0 if len(data) < alone_bytes else min(wanted.readers, cpus() - 1)
    try:
        for shares in (4**power for power in range(_MAX_POWER)):
            with suppress(TableFull):
                return _Measurement(data, wanted, max_slots, readers).run(shares)
    except (IndexError, OverflowError, struct.error) as exc:
        raise ValueError(f"a damaged database ({exc})") from exc
    raise ValueError("it has more keys than a file of etcd can hold")


class _Measurement:
    def __init__(self, data: Buffer, wanted: Wanted, max_slots: int, readers: int) -> None:
        self._data, self._top, self._max_slots, self._readers = data, wanted.top, max_slots, readers
        self._managed_fields = wanted.managed_fields
        self._tallies = Tallies(wanted.prefix, managed_fields=wanted.managed_fields)
        # As many as are wanted, of nothing: so that there is always a smallest one.
        self._largest: list[tuple[int, int]] = [(0, 0)] * wanted.top
        self._too_small = 0 if wanted.top else len(data)
        self._hottest: list[tuple[int, int]] = []

    def run(self, shares: int) -> Look:
        tree = Tree(self._data)
        buckets = tree.buckets()
        if b"key" not in buckets:
            raise ValueError("it has no bucket key: not a database of etcd")
        self._count(tree, buckets[b"key"], 0, shares)
        for share in range(1, shares):
            self._count(Tree(self._data), buckets[b"key"], share, shares)
        before = tree.pages_walked
        leases = tree.walk(buckets[b"lease"]) if b"lease" in buckets else 0
        for name, bucket in buckets.items():
            if name not in (b"key", b"lease"):
                tree.walk(bucket)
        total = self._tallies.total()
        revision = revision_of(self._data)  # only now: no page of that tree is in two places
        usage = Usage(
            revision=revision,
            consistent=True,
            leases=leases,
            file=self._file(tree, total, tree.pages_walked - before),
            total=total,
            resources=self._tallies.resources(self._top),
            namespaces=self._tallies.namespaces(self._top),
            consumers=self._tallies.consumers(self._top),
            largest=tuple(Large(self._key(at, size), size) for size, at in sorted(self._largest, reverse=True) if size),
            hottest=tuple(Hot(self._key(at), count) for count, at in self._hottest),
        )
        return Look(usage, self._tallies.levels(len(self._data), revision))

    def _file(self, tree: Tree, total: Sums, other_pages: int) -> FileUse:
        size, page_size = len(self._data), tree.meta.page_size
        free = size - (2 + tree.pages_walked) * page_size
        others = other_pages * page_size
        overhead = size - free - others - total.live_bytes - total.history_bytes
        return FileUse(size, total.live_bytes, total.history_bytes, overhead, others, free)

    def _key(self, at: int, size: int | None = None) -> str:
        """The key of the record that starts there."""
        start, end = key_span(self._data, at, len(self._data) if size is None else at + size)
        return readable(self._data[start:end])

    def _count(self, tree: Tree, bucket: Bucket, share: int, shares: int) -> None:
        """Count the keys of one share."""
        seen = SeenKeys(self._max_slots, 4 * tree.meta.pages)  # two keys on each page, and room
        oldest = b"\xff"
        with closing(revisions_backwards(self._data, tree, bucket, self._readers)) as groups:
            for found in groups:
                if found.newest >= oldest:
                    raise ValueError("its revisions are out of order")
                oldest = found.oldest or oldest
                # By other bits than those that choose the slot in the table.
                mine = [(code >> 40) % shares == share for code in found.codes] if shares > 1 else None
                self._add(seen, found, mine)
        self._hottest = heapq.nlargest(self._top, [*self._hottest, *seen.most_seen(self._top)])

    def _add(self, seen: SeenKeys, found: Revisions, mine: list[bool] | None) -> None:
        """Count revisions, those that are not `mine` aside."""
        columns: t.Sequence[t.Sequence[t.Any]] = found[:5]
        if mine is not None:
            columns = [list(compress(column, mine)) for column in columns]
        codes, places, sizes, directories, kinds = columns
        seen.reserve(codes)
        # All that the loop uses is local, and it calls nothing for what is usual.
        tallies, mask, index, last = self._tallies, seen.mask, seen.index, seen.used
        seen_codes, seen_places, further = seen.codes, seen.places, seen.further
        live_keys, live_bytes = tallies.live_keys, tallies.live_bytes
        history_revisions, history_bytes = tallies.history_revisions, tallies.history_bytes
        managed_fields, too_small = self._managed_fields, self._too_small
        owners = list(map(tallies.numbers.__getitem__, directories))
        entries = list(map(index.__getitem__, map(mask.__and__, codes)))
        for code, found_code, entry, owner, size, kind, place in zip(
            codes, map(seen_codes.__getitem__, entries), entries, owners, sizes, kinds, places
        ):
            if found_code != code:
                # New, or of these revisions, or not in its first slot.
                slot = code & mask
                entry = index[slot]
                if entry and seen_codes[entry] != code:
                    slot = seen.slot_of(code)
                    entry = index[slot]
                if not entry:
                    last += 1
                    index[slot], seen_codes[last], seen_places[last] = last, code, place
                    if kind != TOMBSTONE:
                        live_keys[owner] += 1
                        live_bytes[owner] += size
                        if kind or managed_fields:
                            self._add_unusual(owner, place, size, kind)
                        if size > too_small:
                            heapq.heapreplace(self._largest, (size, place))
                            too_small = self._too_small = self._largest[0][0]
                        continue
            further[entry] += 1  # of nobody's entry, if it is new
            history_revisions[owner] += 1
            history_bytes[owner] += size
            if kind == TOMBSTONE:
                tallies.tombstones[owner] += 1
        seen.used = last

    def _add_unusual(self, owner: int, place: int, size: int, kind: int) -> None:
        """Count what not every live key has."""
        if kind == UNREAD or self._managed_fields:
            end = place + size
            _key, key_end = key_span(self._data, place, end)
            lease, value, value_end = lease_and_value(self._data, key_end, end)
            kind = (LEASED if lease else 0) | (ENCRYPTED if is_encrypted(self._data, value, value_end) else 0)
            if self._managed_fields and not kind & ENCRYPTED:
                found = managed_fields_bytes(self._data, value, value_end)
                self._tallies.managed_fields_bytes[owner] += found
        if kind & LEASED:
            self._tallies.leased_keys[owner] += 1
        if kind & ENCRYPTED:
            self._tallies.encrypted_keys[owner] += 1


__all__ = ("TOP", "USUAL", "FileUse", "Hot", "Large", "Look", "Usage", "Wanted", "look", "measure")
