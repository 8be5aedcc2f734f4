# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The sources of a snapshot: a reflink or a copy of the member's file, etcdctl, or the gateway's stream."""

from __future__ import annotations

import fcntl
import mmap
import time
import typing as t

from .._core.failures import Failure
from .._core.files import reading
from .._etcd.api import Endpoint
from .._etcd.bolt import newest_put, revision_of
from .._etcd.transport import TlsFiles
from .._node import container, process
from .._node.settings import MemberSettings
from . import etcdctl
from .copying import copy, create
from .format import append_hash

REFLINK, FILE, ETCDCTL, GATEWAY = "reflink", "file", "etcdctl", "gateway"
METHODS = (REFLINK, FILE, ETCDCTL, GATEWAY)

_FICLONE = 0x40049409  # linux/fs.h
_COMMIT_SECONDS = 2.0  # etcd commits at least every 100 ms


class Source:
    """A member and the ways to a snapshot of it."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        manifest: MemberSettings | None,
        tls: TlsFiles | None,
        timeout: float,
        run: etcdctl.RunInside = container.run,
    ) -> None:
        """`manifest` is None if the member's own files are out of reach."""
        self._endpoint, self._manifest, self._tls, self._timeout, self._run = endpoint, manifest, tls, timeout, run

    def write(self, method: str, path: str, revision: int) -> str | None:
        """Write a snapshot that holds at least `revision`, by one of `METHODS`; return the SHA-256 of its database if
        that was hashed as it was written. Raises Failure, OSError."""
        if method in (REFLINK, FILE):
            database = self._database()
            _await_revision(database, revision)
            return _clone(database, path) if method == REFLINK else _copy(database, path)
        (self._etcdctl if method == ETCDCTL else self._gateway)(path)
        return None

    def _database(self) -> str:
        if self._manifest is None:
            raise Failure("snapshot_failed", "its files are not on this host")
        return self._manifest.database

    def _etcdctl(self, path: str) -> None:
        pid = process.find(self._manifest) if self._manifest else None
        if self._manifest is None or pid is None:
            raise Failure("snapshot_failed", "its process is not running on this host")
        url = self._manifest.grpc_url(self._endpoint.url)
        etcdctl.save(pid, url, self._tls, path, timeout=self._timeout, run=self._run)

    def _gateway(self, path: str) -> None:
        try:
            with create(path) as target:
                for blob in self._endpoint.snapshot(self._timeout):
                    target.write(blob)
        except OSError as exc:
            raise Failure("snapshot_failed", f"{path} cannot be written: {exc.strerror}") from exc


def last_put(database: str, revision: int) -> int:
    """The revision of the newest value in a running member's database, once that holds `revision`. Raises Failure."""
    return _await(database, lambda data: (newest_put(data), revision_of(data) >= revision))


def _clone(database: str, path: str) -> str:
    try:
        with reading(database) as source, create(path) as target:
            fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
    except OSError as exc:
        raise Failure("snapshot_failed", f"the filesystem does not support reflinks ({exc.strerror})") from exc
    return append_hash(path)


def _copy(database: str, path: str) -> str:
    try:
        return copy(database, path)
    except OSError as exc:
        raise Failure("snapshot_failed", f"{database} cannot be copied: {exc.strerror}") from exc


def _await_revision(database: str, revision: int) -> None:
    """Wait until the file holds the revision that was read through the API. Raises Failure."""
    _await(database, lambda data: (0, revision_of(data) >= revision))


def _await(database: str, read: t.Callable[[mmap.mmap], tuple[int, bool]]) -> int:
    """The number that `read` finds in a running member's database, once it says that it is there. Raises Failure."""
    deadline = time.monotonic() + _COMMIT_SECONDS
    while True:
        try:
            with reading(database) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                found, there = read(data)
        except OSError as exc:
            raise Failure("snapshot_failed", f"{database} cannot be read: {exc.strerror}") from exc
        except ValueError:  # read in the middle of a commit
            found, there = 0, False
        if there:
            return found
        if time.monotonic() >= deadline:
            raise Failure("snapshot_failed", f"{database} is older than what its member reports")
        time.sleep(0.05)


__all__ = ("METHODS", "Source", "last_put")
