# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What fills a database of etcd: who has how much in it, live and history, read from the file alone.

The revisions are walked from the newest to the oldest, so that the first sight of a key is the newest there is of it:
live, or deleted. If the keys are too many for a table in a limited memory, they are counted in several walks, each with
a share of them.
"""

from __future__ import annotations

import heapq
import mmap
import os
import struct
from contextlib import suppress
from dataclasses import dataclass, replace

from .._core.failures import Failure
from .._core.files import reading
from . import tallies as columns
from .bolt import Buffer, revision_of
from .bolt_tree import Bucket, Tree, elements, newest_meta
from .key_values import content, key_span
from .kubernetes_keys import DEFAULT_PREFIX, readable
from .seen_keys import MAX_SLOTS, SeenKeys, TableFull
from .tallies import Consumer, Sums, Tallies

# A key of the bucket `key`: 8 bytes, "_", 8 bytes, and for a tombstone a "t". Source: mvcc/revision.go.
_PUT_SIZE, _TOMBSTONE_SIZE = 17, 18
_ENCRYPTED = b"k8s:enc:"
_ATTEMPTS = 3
_MAX_POWER = 8  # ten thousand million keys

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
class Damage:
    """Why a file cannot be read; `consistent` as that of `Usage`."""

    problem: str
    consistent: bool


def usage_of(path: str, *, prefix: str = DEFAULT_PREFIX, top: int = TOP) -> Usage:
    """What fills a snapshot, or the database of a member, which may be running: if that writes at every attempt, the
    last result is not `consistent`. Raises Failure if the file is no whole database, OSError."""
    last: Usage | None = None
    found = _attempt_at(path, prefix, top)
    for _attempt in range(_ATTEMPTS - 1):
        if found.consistent:
            break
        last = found if isinstance(found, Usage) else last
        found = _attempt_at(path, prefix, top)
    if isinstance(found, Usage):
        return found
    if last and not found.consistent:
        return last
    why = "" if found.consistent else ", to which etcd is writing,"
    raise Failure(
        "database_damaged",
        f"{path}{why} cannot be read as a database of etcd: {found.problem}.",
        "Give the path of a snapshot that is whole (etcd_snapshot takes one).",
    )


def _attempt_at(path: str, prefix: str, top: int) -> Usage | Damage:
    """The usage of the file as it is now. Raises OSError."""
    with reading(path) as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            return Damage("it is empty", consistent=True)
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
            before = _txid(data)
            try:
                found = measure(data, prefix=prefix, top=top)
            except ValueError as exc:
                grown = os.fstat(file.fileno()).st_size != size
                return Damage(str(exc), consistent=not grown and _txid(data) == before)
            return replace(found, consistent=_txid(data) == before)


def _txid(data: Buffer) -> int:
    """The newest transaction, -1 if there is none."""
    try:
        return newest_meta(data).txid
    except ValueError:
        return -1


def measure(data: Buffer, *, prefix: str = DEFAULT_PREFIX, top: int = TOP, max_slots: int = MAX_SLOTS) -> Usage:
    """What fills the database in `data`. Raises ValueError if it is not whole."""
    try:
        for shares in (4**power for power in range(_MAX_POWER)):
            with suppress(TableFull):
                return _Measurement(data, prefix, top, max_slots).run(shares)
    except (IndexError, OverflowError, struct.error) as exc:
        raise ValueError(f"a damaged database ({exc})") from exc
    raise ValueError("it has more keys than a file of etcd can hold")


class _Measurement:
    def __init__(self, data: Buffer, prefix: str, top: int, max_slots: int) -> None:
        self._data, self._top, self._max_slots = data, top, max_slots
        self._tallies = Tallies(prefix)
        self._largest: list[tuple[int, int]] = []
        self._hottest: list[tuple[int, int]] = []

    def run(self, shares: int) -> Usage:
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
        return Usage(
            revision=revision_of(self._data),  # only now: no page of that tree is in two places
            consistent=True,
            leases=leases,
            file=self._file(tree, total, tree.pages_walked - before),
            total=total,
            resources=self._tallies.resources(self._top),
            namespaces=self._tallies.namespaces(self._top),
            consumers=self._tallies.consumers(self._top),
            largest=tuple(Large(self._key(at, size), size) for size, at in sorted(self._largest, reverse=True)),
            hottest=tuple(Hot(self._key(at), count) for count, at in self._hottest),
        )

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
        data, tallies, seen = self._data, self._tallies, SeenKeys(self._max_slots)
        last = b"\xff"
        for leaf in tree.leaves_backwards(bucket):
            for start, key_size, value_size, _flags in reversed(elements(data, leaf)):
                at = start + key_size
                end = at + value_size
                revision = data[start:at]
                if key_size not in (_PUT_SIZE, _TOMBSTONE_SIZE):
                    raise ValueError("the key of a revision has another form")
                if revision >= last:
                    raise ValueError("its revisions are out of order")
                last = revision
                if at == end:  # `etcdutl snapshot restore --bump-revision` writes one without a content
                    continue
                key_start, key_end = key_span(data, at, end)
                key = data[key_start:key_end]
                code = hash(key)
                # By other bits than those that choose the place in the table.
                if shares > 1 and (code >> 40) % shares != share:
                    continue
                sums = tallies.of(key)
                newest = seen.add(code, at)
                if newest and key_size == _PUT_SIZE:
                    self._count_live(sums, at, key_end, end)
                else:
                    sums[columns.HISTORY_REVISIONS] += 1
                    sums[columns.HISTORY_BYTES] += value_size
                    if key_size == _TOMBSTONE_SIZE:
                        sums[columns.TOMBSTONES] += 1
        self._hottest = heapq.nlargest(self._top, [*self._hottest, *seen.most_seen(self._top)])

    def _count_live(self, sums: list[int], at: int, key_end: int, end: int) -> None:
        found = content(self._data, key_end, end)
        sums[columns.LIVE_KEYS] += 1
        sums[columns.LIVE_BYTES] += end - at
        if found.lease:
            sums[columns.LEASED_KEYS] += 1
        value = found.value_start
        if found.value_size >= len(_ENCRYPTED) and self._data[value : value + len(_ENCRYPTED)] == _ENCRYPTED:
            sums[columns.ENCRYPTED_KEYS] += 1
        if len(self._largest) < self._top:
            heapq.heappush(self._largest, (end - at, at))
        elif self._largest and end - at > self._largest[0][0]:
            heapq.heapreplace(self._largest, (end - at, at))


__all__ = ("TOP", "FileUse", "Hot", "Large", "Usage", "measure", "usage_of")
