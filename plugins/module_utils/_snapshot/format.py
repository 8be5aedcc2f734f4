# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The format of a snapshot file: a member's database followed by its SHA-256."""

from __future__ import annotations

import hashlib
import mmap
import os
import typing as t

from .._core.failures import Failure
from .._core.files import descriptor_of, reading
from .._core.units import MIB
from .._etcd.bolt import revision_of

CHUNK_BYTES = 4 * MIB
HASH_BYTES = 32
_SMALLEST = 4 * 4096  # two meta pages, a freelist, an empty leaf


class Verified(t.NamedTuple):
    """A file that is whole: its newest revision, its size, and the SHA-256 of its database."""

    revision: int
    size_bytes: int
    sha256: str


def verify(path: str, sha256: str | None = None) -> Verified:
    """Verify the file's trailing SHA-256 and its database. Raises Failure.

    `sha256` is that of the database if whoever wrote the file has hashed it: then it is not read once more.
    """
    try:
        size = os.path.getsize(path)
        if size < _SMALLEST or size % 512 != HASH_BYTES:
            raise Failure(
                "snapshot_failed", f"{path} is not a snapshot: {size} bytes are not whole pages and a SHA-256"
            )
        with reading(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = sha256 or _hash(file, size - HASH_BYTES).hexdigest()
            if found != data[size - HASH_BYTES :].hex():
                raise Failure("snapshot_failed", f"{path} is damaged or cut off: its SHA-256 does not match")
            revision = revision_of(data)
    except OSError as exc:
        raise Failure("snapshot_failed", f"{path} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise Failure("snapshot_failed", f"{path} is not an etcd database: {exc}") from exc
    return Verified(revision, size, found)


def append_hash(path: str) -> str:
    """Make a snapshot of a copied database, and return the SHA-256 of that. Raises OSError."""
    with os.fdopen(descriptor_of(path, os.O_RDWR), "r+b") as file:
        digest = _hash(file, os.path.getsize(path))
        file.write(digest.digest())
    return digest.hexdigest()


def _hash(file: t.BinaryIO, size_bytes: int) -> hashlib._Hash:
    """The SHA-256 of the file's beginning; after it the file stands behind that."""
    digest = hashlib.sha256()
    chunk = memoryview(bytearray(CHUNK_BYTES))
    while size_bytes:
        count = file.readinto(chunk[:size_bytes])  # type: ignore[attr-defined]  # a file has it, if not BinaryIO
        if not count:
            break
        digest.update(chunk[:count])
        size_bytes -= count
    return digest


__all__ = ("CHUNK_BYTES", "HASH_BYTES", "Verified", "append_hash", "verify")
