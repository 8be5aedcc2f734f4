# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""All revisions in a database of etcd, from the newest to the oldest, read by several processes and counted by one.

Each reader is a child that walks the same tree, reads every so-and-so-many-th group of leaves, and writes what it found
to a pipe. The parent takes the groups in their order, so what it counts does not depend on how many readers there are.
Where a reader fails, in whatever way, the parent reads what is left to it, and finds the damage itself if there is one.
"""

from __future__ import annotations

import os
import pickle
import signal
import typing as t
from array import array
from contextlib import contextmanager, suppress

from .bolt import Buffer
from .bolt_tree import Bucket, Leaves, Tree
from .revisions import Revisions, revisions_in

# Counting takes a third of the time, so two readers keep one parent busy; a single one leaves it each fourth group.
MOST_READERS = 2
_PARENT = -1
_TURNS = ((_PARENT,), (0, 0, 0, _PARENT), (0, 1))


def cpus() -> int:
    """How many this process may run on. The quota of a cgroup is for all processes together, so it does not matter."""
    with suppress(AttributeError, OSError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def revisions_backwards(data: Buffer, tree: Tree, bucket: Bucket, readers: int) -> t.Generator[Revisions, None, None]:
    """The revisions in the leaves of a bucket, group by group. No reader outlives the iterator by more than a moment.
    Raises ValueError if the file is damaged."""
    turns = _TURNS[min(readers, MOST_READERS)]
    with _started(data, tree, bucket, turns) as found:
        for number, leaves in enumerate(tree.groups_backwards(bucket)):
            reader = found.get(turns[number % len(turns)])
            yield (reader and reader.next_of(leaves)) or revisions_in(data, leaves)


class _Reader:
    """A child, as its parent sees it."""

    def __init__(self, pid: int, pipe: t.BinaryIO) -> None:
        self.pid, self.pipe = pid, pipe
        self._directories: list[bytes] = []
        self._failed = False

    def next_of(self, leaves: Leaves) -> Revisions | None:
        """What it has read of the next group that it reads, None if it fails to."""
        if self._failed:
            return None
        try:
            first, directories, columns, newest, oldest = pickle.load(self.pipe)
        except (EOFError, OSError, pickle.UnpicklingError):
            self._failed = True
            return None
        # If etcd writes to the file, the tree may have become another one meanwhile.
        if first != leaves.starts[0]:
            self._failed = True
            return None
        self._directories += directories
        codes, places, sizes, numbers, kinds = columns
        return Revisions(codes, places, sizes, [*map(self._directories.__getitem__, numbers)], kinds, newest, oldest)

    def end(self) -> None:
        """Take it away, whether it is done or not."""
        self.pipe.close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)


@contextmanager
def _started(data: Buffer, tree: Tree, bucket: Bucket, turns: t.Sequence[int]) -> t.Iterator[dict[int, _Reader]]:
    """The readers that could be started."""
    found: dict[int, _Reader] = {}
    try:
        with suppress(OSError):  # no memory, or too many processes: fewer readers will do
            for number in sorted({*turns} - {_PARENT}):
                found[number] = _start(data, tree, bucket, [turn == number for turn in turns])
        yield found
    finally:
        for reader in found.values():
            reader.end()


def _start(data: Buffer, tree: Tree, bucket: Bucket, turns: t.Sequence[bool]) -> _Reader:
    ours, theirs = os.pipe()
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        os.close(ours)
        os.close(theirs)
        raise
    if pid:
        os.close(theirs)
        return _Reader(pid, os.fdopen(ours, "rb", 1 << 16))
    try:
        # Nothing of the parent's may run here, neither what it does at its exit nor what waits for an exception.
        os.close(ours)
        with os.fdopen(theirs, "wb", 1 << 16) as pipe:
            _read(data, tree, bucket, turns, pipe, parent)
    finally:
        os._exit(0)


def _read(data: Buffer, tree: Tree, bucket: Bucket, turns: t.Sequence[bool], pipe: t.BinaryIO, parent: int) -> None:
    """Write what is in the groups whose turn it is, until all is done or the parent is gone."""
    numbers: dict[bytes, int] = {}
    for number, leaves in enumerate(tree.groups_backwards(bucket)):
        if not turns[number % len(turns)]:
            continue
        if os.getppid() != parent:
            return
        found = revisions_in(data, leaves)
        known = len(numbers)
        owners = array("I", [numbers.setdefault(directory, len(numbers)) for directory in found.directories])
        columns = (
            array("q", found.codes),
            array("Q", found.places),
            array("I", found.sizes),
            owners,
            bytes(found.kinds),
        )
        pickle.dump((leaves.starts[0], list(numbers)[known:], columns, found.newest, found.oldest), pipe, -1)


__all__ = ("MOST_READERS", "cpus", "revisions_backwards")
