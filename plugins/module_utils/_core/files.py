# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Files that are opened only if they are files, written whole or not at all; waiting until they are on the disk, and
free space."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import stat
import time
import typing as t
from contextlib import contextmanager, suppress

from .failures import Refused

_LOCK_SECONDS = 10.0  # nobody who works needs it for more than a moment
_LOCK_POLL_SECONDS = 0.05


def descriptor_of(path: str, flags: int = os.O_RDONLY, mode: int = 0o600) -> int:
    """Open a regular file, or a link to one. Raises OSError, at once, if it is anything else: whoever opens a pipe that
    nobody writes to waits for ever."""
    descriptor = os.open(path, flags | os.O_NONBLOCK, mode)
    kind = os.fstat(descriptor).st_mode
    if stat.S_ISREG(kind):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(kind):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "Not a regular file but a pipe or a device", path)


def reading(path: str) -> t.BinaryIO:
    """A regular file, opened for reading. Raises OSError."""
    return os.fdopen(descriptor_of(path), "rb")


def lock(file: t.IO[t.Any], seconds: float = _LOCK_SECONDS, *, shared: bool = False) -> None:
    """Lock an open file until it is closed. Raises OSError if somebody else holds it for longer than that: whoever does
    may hang, and those who wait would be more every minute."""
    deadline = time.monotonic() + seconds
    while not _try_lock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            reason = f"Another process has held the lock of this file for {seconds:.0f} s"
            raise OSError(errno.EAGAIN, reason, str(file.name))
        time.sleep(_LOCK_POLL_SECONDS)


def _try_lock(file: t.IO[t.Any], how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def content(path: str) -> bytes:
    """The bytes of a regular file. Raises OSError."""
    with reading(path) as file:
        return file.read()


def text(path: str, *, encoding: str = "utf-8", errors: str = "strict") -> str:
    """The text of a regular file, each line break as one character. Raises OSError, UnicodeDecodeError."""
    with reading(path) as file, io.TextIOWrapper(file, encoding=encoding, errors=errors) as wrapped:
        return wrapped.read()


@contextmanager
def alone(directory: str) -> t.Iterator[None]:
    """The moment in which nobody else who asks for it works in that directory. Waits for it. Raises OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # a network's filesystem that knows no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def create(path: str, data: bytes, mode: int = 0o600) -> None:
    """Write a file that is not there yet, and wait until it is on the disk. Raises OSError."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())


def put(path: str, data: bytes, mode: int) -> None:
    """Write the file aside and rename it over what is there. Raises OSError."""
    with _aside(*os.path.split(path), data, mode) as aside:
        os.rename(aside, path)


def replace(path: str, old: bytes, new: bytes, check: t.Callable[[bytes], None], *, above: bool = False) -> None:
    """Put new content in the place of the old, with its mode and owner; of a link, at its target. `check` sees what
    lies on the disk before it counts. With `above` it is written in the directory above, if that is on the same disk.
    There is never a moment without the file, and never half of one. Raises Refused when somebody else has changed it
    meanwhile, OSError."""
    target = os.path.realpath(path)
    directory, name = os.path.split(target)
    if above and os.stat(os.path.dirname(directory)).st_dev == os.stat(directory).st_dev:
        directory = os.path.dirname(directory)
    with _aside(directory, name, new, 0o600) as aside:
        check(content(aside))
        import shutil  # few starts of a module write a file, and all would read it

        status = os.stat(target)
        os.chown(aside, status.st_uid, status.st_gid)
        shutil.copystat(target, aside)  # the mode, and SELinux's label among the extended attributes
        os.utime(aside)
        if content(target) != old:
            raise Refused("changed_meanwhile", f"Somebody else changed {path} at the same time.", "Run this again.")
        os.rename(aside, target)
    with suppress(OSError):  # it is in its place by now, and whole
        for each in sorted({directory, os.path.dirname(target)}):
            sync(each)


@contextmanager
def _aside(directory: str, name: str, data: bytes, mode: int) -> t.Iterator[str]:
    """A new file beside the one it is to become, removed unless it was renamed."""
    # Because of the leading dot nobody takes it for the file itself: neither the kubelet nor cron, systemd or
    # node-exporter.
    path = os.path.join(directory, f".{name}.{os.getpid()}.part")
    # In a directory that is not root's alone: a file that somebody else has put there is never written to.
    with suppress(FileNotFoundError):
        os.unlink(path)
    try:
        create(path, data, mode)
        yield path
    finally:
        if os.path.lexists(path):
            os.unlink(path)


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


__all__ = (
    "alone",
    "content",
    "create",
    "descriptor_of",
    "free_bytes",
    "lock",
    "put",
    "reading",
    "replace",
    "sync",
    "text",
)
