# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A snapshot of one member in a file that `etcdutl snapshot restore` takes with its hash check on.

Such a file is the member's database followed by its SHA-256. The member's own file is the same database: it may be
copied while etcd runs, as long as no transaction ended meanwhile, because bbolt never overwrites the current tree.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
import time
import typing as t
from contextlib import contextmanager, suppress

from .._core import files
from .._core.failures import Failure
from .._core.units import mib
from .._etcd.estimates import WAL_SEGMENT_BYTES
from .catalog import Snapshot
from .format import verify
from .sources import REFLINK, Source

_WORKPLACE = ".etcd-snapshot-"


def take(
    source: Source,
    directory: str,
    *,
    methods: t.Sequence[str],
    cluster_id: int,
    ca_sha256: str,
    member: str,
    revision: int,
    size_bytes: int,
    data_dir: str | None,
    now: t.Callable[[], float] = time.time,
) -> tuple[Snapshot, list[str]]:
    """Write, verify and name a snapshot; return it, and why the methods before did not work.

    The file appears under its name only when it is whole, verified and not below `revision`. Raises Failure.
    """
    _make_directory(directory)
    tried: list[str] = []
    with _workplace(directory) as aside:
        part = os.path.join(aside, "snapshot")
        for method in methods:
            try:
                _empty(aside)  # a file that the method before left would count as used
                if method != REFLINK:  # a clone shares its blocks
                    _refuse_small_disk(directory, size_bytes, data_dir)
                found = verify(part, source.write(method, part, revision))
                if found.revision < revision:
                    raise Failure(
                        "snapshot_failed", f"it holds revision {found.revision}, below the {revision} read before"
                    )
            except (Failure, OSError) as exc:
                tried.append(f"{method}: {exc}")
                continue
            path = os.path.join(directory, f"etcd-{cluster_id:x}-{_plain(member)}-r{found.revision}.db")
            _settle(part, path)
            done = Snapshot(
                path=path,
                cluster_id=f"{cluster_id:x}",
                ca_sha256=ca_sha256,
                member=member,
                revision=found.revision,
                size_bytes=found.size_bytes,
                sha256=found.sha256,
                method=method,
                created=now(),
            )
            return done, tried
    raise Failure("snapshot_failed", f"No snapshot of {member} could be written to {directory}. {'; '.join(tried)}.")


def _make_directory(directory: str) -> None:
    """Create a directory that only its owner may enter, if it is missing. Raises Failure."""
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
    except OSError as exc:
        raise Failure("snapshot_failed", f"The folder {directory} cannot be created: {exc.strerror}.") from exc


@contextmanager
def _workplace(directory: str) -> t.Iterator[str]:
    """A directory of our own to write in: nobody else can put a link there, and two snapshots never share a file.

    The directories of killed runs are removed; that of a run at work is locked.
    """
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        if name.startswith(_WORKPLACE) and os.path.isdir(path) and not os.path.islink(path):
            with suppress(OSError), _locked(path):
                shutil.rmtree(path)
    path = tempfile.mkdtemp(prefix=_WORKPLACE, dir=directory)
    try:
        with _locked(path):
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(directory: str) -> t.Iterator[None]:
    """Lock a directory. Raises BlockingIOError if somebody else has it locked."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _empty(directory: str) -> None:
    for name in os.listdir(directory):
        os.unlink(os.path.join(directory, name))


def _refuse_small_disk(directory: str, size_bytes: int, data_dir: str | None) -> None:
    """Refuse a disk that has no space for a copy of the database and etcd's next WAL segment beside it. Raises
    Failure."""
    shared = data_dir is not None and os.path.exists(data_dir) and os.stat(directory).st_dev == os.stat(data_dir).st_dev
    needed = size_bytes + (WAL_SEGMENT_BYTES if shared else 0)
    free = files.free_bytes(directory)
    if free < needed:
        reason = " (with room for etcd's next WAL segment, which is on the same disk)" if shared else ""
        raise Failure(
            "snapshot_failed",
            f"{mib(needed)} are needed in {directory}{reason}, {mib(free)} are free; make room there or name"
            " another folder",
        )


def _plain(name: str) -> str:
    """A member's name as part of a file's name: etcd takes any text as a name."""
    return re.sub(r"[^\w.-]", "_", name)


def _settle(part: str, path: str) -> None:
    """Give a finished file its name, so that it is there with all its content whatever happens next."""
    files.sync(part)
    os.replace(part, path)
    files.sync(os.path.dirname(path))


__all__ = ("take",)
