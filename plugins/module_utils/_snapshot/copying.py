# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Copying the database of a running member, and hashing it in the same reading.

A copy is whole if no transaction ended under it: bbolt writes a transaction to pages that the tree before it does not
use, and only the one after that may reuse what the first has given up.

The copy is written past the page cache, if its filesystem can do that: it neither takes the memory from etcd's own
pages, nor leaves gigabytes to be written in the moment in which etcd waits for its log.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import mmap
import os
import typing as t
from concurrent.futures import Future, ThreadPoolExecutor

from .._core.failures import Failure
from .._core.files import descriptor_of
from .._core.units import mib
from .._etcd.bolt import HEAD_BYTES, metas
from .format import CHUNK_BYTES

_MOST_ATTEMPTS = 3
_NEW = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


class Attempt(t.NamedTuple):
    """One attempt: the bytes that it wrote, and the SHA-256 of the database, empty if a transaction ended under it."""

    written_bytes: int
    sha256: str


def copy(database: str, path: str) -> str:
    """Make a snapshot of a running member's database, and return the SHA-256 of that. Raises Failure, OSError."""
    attempts: list[Attempt] = []
    with _open(database) as source, _open(path, _NEW) as target:
        size = os.fstat(source.fileno()).st_size
        while another(attempts, size):
            attempts.append(_attempt(source, target))
            if attempts[-1].sha256:
                return attempts[-1].sha256
    written = sum(each.written_bytes for each in attempts)
    raise Failure(
        "snapshot_failed",
        f"the file changed under each attempt to copy it, {len(attempts)} in all (leases expire, or somebody writes);"
        f" they were given up at once, after {mib(written)} of its {mib(size)}",
    )


def another(attempts: t.Sequence[Attempt], size_bytes: int) -> bool:
    """Whether to copy once more, after attempts that failed: not often, and not if they have written more than the
    whole database, since the disk may be etcd's own. The second one has the best chance, as it begins with the end of a
    transaction."""
    wasted = sum(each.written_bytes for each in attempts)
    return len(attempts) < _MOST_ATTEMPTS and wasted <= size_bytes


def create(path: str) -> t.BinaryIO:
    """Create an empty file that only its owner may read. Raises OSError."""
    return os.fdopen(descriptor_of(path, _NEW), "w+b")


def _open(path: str, flags: int = os.O_RDONLY) -> io.FileIO:
    # Without a buffer: what is in it would be stale in the next attempt.
    return os.fdopen(descriptor_of(path, flags), "w+b" if flags == _NEW else "rb", buffering=0)


def _attempt(source: io.FileIO, target: io.FileIO) -> Attempt:
    """Copy the database from its beginning until a transaction ends, and append its SHA-256 if none has."""
    for file in (source, target):
        file.seek(0)
    target.truncate()
    _past_cache(target, True)
    before, written, digest = _txids(source), 0, hashlib.sha256()
    # One chunk is hashed while the next one is read and written.
    chunks = [memoryview(mmap.mmap(-1, CHUNK_BYTES)) for _chunk in range(2)]  # aligned, as the disk wants them
    hashed: Future[None] | None = None
    with ThreadPoolExecutor(max_workers=1) as pool:
        while True:
            chunk, other = chunks
            count = source.readinto(chunk)
            if _txids(source) != before:
                return Attempt(written, "")
            if hashed:
                hashed.result()
            if not count:
                break
            hashed = pool.submit(digest.update, chunk[:count])
            _write(target, chunk[:count])
            written += count
            chunks = [other, chunk]
    _past_cache(target, False)
    _write(target, memoryview(digest.digest()))
    return Attempt(written, digest.hexdigest())


def _txids(source: io.FileIO) -> tuple[int, ...]:
    """The newest transactions of both meta pages."""
    return tuple(meta.txid for meta in metas(os.pread(source.fileno(), HEAD_BYTES, 0)))


def _past_cache(target: io.FileIO, past: bool) -> bool:
    """Write past the page cache from here on, or not; whether that is a change that could be made."""
    before = fcntl.fcntl(target, fcntl.F_GETFL)
    after = before | os.O_DIRECT if past else before & ~os.O_DIRECT
    try:
        fcntl.fcntl(target, fcntl.F_SETFL, after)
    except OSError:  # not every filesystem can
        return False
    return before != after


def _write(target: io.FileIO, data: memoryview) -> None:
    while data:
        data = data[_written(target, data) :]


def _written(target: io.FileIO, data: memoryview) -> int:
    try:
        return target.write(data)
    except OSError as exc:  # some filesystems say only then that they cannot, or want larger blocks
        if exc.errno != errno.EINVAL or not _past_cache(target, False):
            raise
    return target.write(data)


__all__ = ("Attempt", "another", "copy", "create")
