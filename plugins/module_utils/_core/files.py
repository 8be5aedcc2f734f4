# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Files that are written whole or not at all, waiting until they are on the disk, and free space."""

from __future__ import annotations

import os
from contextlib import suppress


def put(path: str, data: bytes, mode: int) -> None:
    """Write the file aside and rename it over what is there. Raises OSError."""
    # Because of the leading dot nobody takes it for the file itself: neither cron nor systemd nor node-exporter.
    aside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.{os.getpid()}.part")
    # In a directory that is not root's alone: a file that somebody else has put there is never written to.
    with suppress(FileNotFoundError):
        os.unlink(aside)
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.rename(aside, path)
    finally:
        if os.path.lexists(aside):
            os.unlink(aside)


def sync(path: str) -> None:
    """Wait until a file's content, or a directory's list of names, is on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def free_bytes(path: str) -> int:
    """The free space on the filesystem of `path`, without what is reserved for root. Raises OSError."""
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


__all__ = ("free_bytes", "put", "sync")
