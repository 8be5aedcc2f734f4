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

from .._core import files, units
from .._etcd import estimates
from .._etcd.errors import EtcdError
from .catalog import Snapshot
from .format import SnapshotError, verify
from .sources import REFLINK, Source

_WORKPLACE = ".etcd-snapshot-"


def take(
    source: Source,
    folder: str,
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
    """Write, verify and name a snapshot; also what the ways that did not work answered.

    The file appears under its name only when it is whole, verified and not below `revision`. Raises SnapshotError.
    """
    make_directory(folder)
    tried: list[str] = []
    with _workplace(folder) as aside:
        part = os.path.join(aside, "snapshot")
        for method in methods:
            try:
                _empty(aside)  # what the way before left would count as used
                if method != REFLINK:  # a clone shares its blocks
                    _refuse_small_disk(folder, size_bytes, data_dir)
                source.write(method, part, revision)
                found = verify(part)
                if found.revision < revision:
                    raise SnapshotError(f"it holds revision {found.revision}, below the {revision} read before")
            except (SnapshotError, EtcdError, OSError) as exc:
                tried.append(f"{method}: {exc}")
                continue
            path = os.path.join(folder, f"etcd-{cluster_id:x}-{_plain(member)}-r{found.revision}.db")
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
    raise SnapshotError(f"No snapshot of {member} could be written to {folder}. {'; '.join(tried)}.")


def _plain(name: str) -> str:
    """A member's name as part of a file's name: etcd takes any text as a name."""
    return re.sub(r"[^\w.-]", "_", name)


@contextmanager
def _workplace(folder: str) -> t.Iterator[str]:
    """A folder of our own to write in: nobody else can put a link there, and two snapshots never share a file.

    What a killed run left of such folders is removed; that of a run at work is locked.
    """
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if name.startswith(_WORKPLACE) and os.path.isdir(path) and not os.path.islink(path):
            with suppress(OSError), _locked(path):
                shutil.rmtree(path)
    path = tempfile.mkdtemp(prefix=_WORKPLACE, dir=folder)
    try:
        with _locked(path):
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _empty(folder: str) -> None:
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))


@contextmanager
def _locked(folder: str) -> t.Iterator[None]:
    """Raises BlockingIOError where somebody else has it locked."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def make_directory(folder: str) -> None:
    """Create a folder that only its owner may enter, where it is missing. Raises SnapshotError."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as exc:
        raise SnapshotError(f"The folder {folder} cannot be created: {exc.strerror}.") from exc


def _refuse_small_disk(folder: str, size_bytes: int, data_dir: str | None) -> None:
    shared = data_dir is not None and os.path.exists(data_dir) and os.stat(folder).st_dev == os.stat(data_dir).st_dev
    needed = size_bytes + (estimates.WAL_SEGMENT_BYTES if shared else 0)
    free = files.free_bytes(folder)
    if free < needed:
        reason = " (with room for etcd's next WAL segment, which is on the same disk)" if shared else ""
        raise SnapshotError(
            f"{units.mib(needed)} are needed in {folder}{reason}, {units.mib(free)} are free; make room there or name"
            " another folder"
        )


def _settle(part: str, path: str) -> None:
    """Give a finished file its name, so that it is there with all its content whatever happens next."""
    files.sync(part)
    os.replace(part, path)
    files.sync(os.path.dirname(path))


__all__ = (
    "make_directory",
    "take",
)
