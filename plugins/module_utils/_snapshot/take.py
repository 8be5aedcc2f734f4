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
import hashlib
import json
import mmap
import os
import re
import shutil
import tempfile
import time
import typing as t
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from .._core import files
from .._etcd import checks
from .._etcd.api import Endpoint
from .._etcd.bolt import HEAD_BYTES, metas, newest_put, revision_of
from .._etcd.errors import EtcdError
from .._etcd.transport import TlsFiles
from .._node import process
from .._node.etcd_manifest import EtcdManifest

REFLINK, FILE, ETCDCTL, GATEWAY = "reflink", "file", "etcdctl", "gateway"
METHODS = (REFLINK, FILE, ETCDCTL, GATEWAY)

_HASH_BYTES = 32
_WORKPLACE = ".etcd-snapshot-"
_FICLONE = 0x40049409  # linux/fs.h
_CHUNK = checks.MIB
_COPY_ATTEMPTS = 3
_COMMIT_SECONDS = 2.0  # etcd commits at least every 100 ms
_SMALLEST = 4 * 4096  # two meta pages, a freelist, an empty leaf


class SnapshotError(Exception):
    """No snapshot could be made, or the file is none. The text is one sentence."""


@dataclass(frozen=True)
class Snapshot:
    """A verified file, and where it came from. `created` is in seconds since 1970."""

    path: str
    cluster_id: str
    ca_sha256: str
    member: str
    revision: int
    size_bytes: int
    sha256: str
    method: str
    created: float


@dataclass(frozen=True)
class Verified:
    revision: int
    size_bytes: int
    sha256: str


def verify(path: str) -> Verified:
    """Check the file's trailing SHA-256 and its database. Raises SnapshotError."""
    try:
        size = os.path.getsize(path)
        if size < _SMALLEST or size % 512 != _HASH_BYTES:
            raise SnapshotError(f"{path} is not a snapshot: {size} bytes are not whole pages and a SHA-256")
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            digest, body = hashlib.sha256(), size - _HASH_BYTES
            for start in range(0, body, _CHUNK):
                digest.update(data[start : min(start + _CHUNK, body)])
            if digest.digest() != data[body:]:
                raise SnapshotError(f"{path} is damaged or cut off: its SHA-256 does not match")
            revision = revision_of(data)
    except OSError as exc:
        raise SnapshotError(f"{path} cannot be read: {exc.strerror}") from exc
    except ValueError as exc:
        raise SnapshotError(f"{path} is not an etcd database: {exc}") from exc
    return Verified(revision, size, digest.hexdigest())


class Source:
    """A member on this host, and the ways to its data. Each one writes a whole snapshot to a path, or raises
    SnapshotError or EtcdError with what kept it from doing so."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        manifest: EtcdManifest | None,
        tls: TlsFiles | None,
        timeout: float,
        run: process.Run = process.run,
    ) -> None:
        """`manifest` is None where the member's own files are out of reach."""
        self._endpoint, self._manifest, self._tls, self._timeout, self._run = endpoint, manifest, tls, timeout, run

    def write(self, method: str, path: str, revision: int) -> None:
        {REFLINK: self._reflink, FILE: self._file, ETCDCTL: self._etcdctl, GATEWAY: self._gateway}[method](
            path, revision
        )

    def _database(self) -> str:
        if self._manifest is None:
            raise SnapshotError("its files are not on this host")
        return self._manifest.database

    def _reflink(self, path: str, revision: int) -> None:
        database = self._database()
        _await_revision(database, revision)
        try:
            with open(database, "rb") as source, _create(path) as target:
                fcntl.ioctl(target.fileno(), _FICLONE, source.fileno())
        except OSError as exc:
            raise SnapshotError(f"the filesystem does not support reflinks ({exc.strerror})") from exc
        _append_hash(path)

    def _file(self, path: str, revision: int) -> None:
        database = self._database()
        _await_revision(database, revision)
        for _attempt in range(_COPY_ATTEMPTS):
            before = _txids(database)
            try:
                with open(database, "rb") as source, _create(path) as target:
                    _copy(source, target)
            except OSError as exc:
                raise SnapshotError(f"{database} cannot be copied: {exc.strerror}") from exc
            if _txids(database) == before:
                _append_hash(path)
                return
        raise SnapshotError(f"the file changed under {_COPY_ATTEMPTS} copies (leases expire, or somebody writes)")

    def _etcdctl(self, path: str, _revision: int) -> None:
        pid = process.find(self._manifest) if self._manifest else None
        if pid is None:
            raise SnapshotError("its process is not running on this host")
        program = process.program_beside(pid, "etcdctl")
        if program is None:
            raise SnapshotError("there is no etcdctl beside its etcd")
        argv = [program, "--endpoints", self._endpoint.url]
        if self._tls:
            argv += ["--cacert", self._tls.ca_cert, "--cert", self._tls.client_cert, "--key", self._tls.client_key]
        outcome = self._run([*argv, "snapshot", "save", path], self._timeout)
        if outcome.code != 0:
            last = (outcome.output.splitlines() or [f"exit code {outcome.code}"])[-1]
            raise SnapshotError(f"etcdctl snapshot save failed: {last}")

    def _gateway(self, path: str, _revision: int) -> None:
        try:
            with _create(path) as target:
                for blob in self._endpoint.snapshot(self._timeout):
                    target.write(blob)
        except OSError as exc:
            raise SnapshotError(f"{path} cannot be written: {exc.strerror}") from exc


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
    make_folder(folder)
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


def remember(snapshot: Snapshot) -> None:
    """Write what is known of a snapshot beside it."""
    files.put(_record_path(snapshot.path), json.dumps(asdict(snapshot), indent=1).encode(), 0o600)


def reusable(folder: str, *, cluster_id: int, ca_sha256: t.Container[str], put: int, revision: int) -> Snapshot | None:
    """The newest snapshot of this cluster that holds every value there is, verified again; None where there is none.

    `put` is the revision of the newest value in the member's own database (`last_put`). What came after it can only
    be deletions - under NOSPACE leases go on expiring - and those the snapshot still holds. One that is ahead of the
    cluster's `revision` is of the time before a restore, which can keep the cluster's id.
    """
    for snapshot in _known(folder, cluster_id):
        if not put <= snapshot.revision <= revision or snapshot.ca_sha256 not in ca_sha256:
            continue
        try:
            if verify(snapshot.path).sha256 == snapshot.sha256:
                return snapshot
        except SnapshotError:
            continue
    return None


def last_put(database: str, revision: int) -> int:
    """The revision of the newest value in a running member's database, once that holds `revision`.

    Raises SnapshotError.
    """
    return _await(database, lambda data: (newest_put(data), revision_of(data) >= revision))


def prune(folder: str, *, spare: str, cluster_id: int, keep: int) -> list[str]:
    """Remove all but the newest `keep` snapshots of this cluster that were made here, never `spare`; their paths."""
    others = [snapshot.path for snapshot in _known(folder, cluster_id) if snapshot.path != spare]
    gone = others[max(keep - 1, 0) :]
    for path in gone:
        for each in (path, _record_path(path)):
            if os.path.exists(each):
                os.unlink(each)
    return gone


def _known(folder: str, cluster_id: int) -> list[Snapshot]:
    """The remembered snapshots of a cluster, newest first."""
    found = []
    prefix = f"etcd-{cluster_id:x}-"
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        if name.startswith(prefix) and name.endswith(".db.json"):
            path = os.path.join(folder, name)
            try:
                with open(path, encoding="utf-8") as file:
                    snapshot = Snapshot(**json.load(file))
            except (OSError, TypeError, ValueError):
                continue
            if _record_path(snapshot.path) == path and os.path.exists(snapshot.path):
                found.append(snapshot)
    # By revision first: clocks are set back, revisions are not.
    return sorted(found, key=lambda snapshot: (-snapshot.revision, -snapshot.created))


def _record_path(path: str) -> str:
    return path + ".json"


def make_folder(folder: str) -> None:
    """Create a folder that only its owner may enter, where it is missing. Raises SnapshotError."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as exc:
        raise SnapshotError(f"The folder {folder} cannot be created: {exc.strerror}.") from exc


def _refuse_small_disk(folder: str, size_bytes: int, data_dir: str | None) -> None:
    shared = data_dir is not None and os.path.exists(data_dir) and os.stat(folder).st_dev == os.stat(data_dir).st_dev
    needed = size_bytes + (checks.WAL_SEGMENT_BYTES if shared else 0)
    free = files.free_bytes(folder)
    if free < needed:
        reason = " (with room for etcd's next WAL segment, which is on the same disk)" if shared else ""
        raise SnapshotError(
            f"{checks.mib(needed)} are needed in {folder}{reason}, {checks.mib(free)} are free; make room there or name"
            " another folder"
        )


def _create(path: str) -> t.BinaryIO:
    """An empty file that only its owner may read."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w+b")


def _copy(source: t.BinaryIO, target: t.BinaryIO) -> None:
    for chunk in iter(lambda: source.read(_CHUNK), b""):
        target.write(chunk)


def _txids(database: str) -> tuple[int, ...]:
    """The transactions that both meta pages end with. Raises SnapshotError."""
    try:
        with open(database, "rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as exc:
        raise SnapshotError(f"{database} cannot be read: {exc.strerror}") from exc
    return tuple(meta.txid for meta in metas(head))


def _await_revision(database: str, revision: int) -> None:
    """Wait until what was read through the API is in the file, too. Raises SnapshotError."""
    _await(database, lambda data: (0, revision_of(data) >= revision))


def _await(database: str, look: t.Callable[[mmap.mmap], tuple[int, bool]]) -> int:
    """What `look` finds in a running member's database, once it says that it is there. Raises SnapshotError."""
    deadline = time.monotonic() + _COMMIT_SECONDS
    while True:
        try:
            with open(database, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                found, there = look(data)
        except OSError as exc:
            raise SnapshotError(f"{database} cannot be read: {exc.strerror}") from exc
        except ValueError:  # read in the middle of a commit
            found, there = 0, False
        if there:
            return found
        if time.monotonic() >= deadline:
            raise SnapshotError(f"{database} is older than what its member reports")
        time.sleep(0.05)


def _append_hash(path: str) -> None:
    digest = hashlib.sha256()
    with open(path, "r+b") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
        file.write(digest.digest())


def _settle(part: str, path: str) -> None:
    """Give a finished file its name, so that it is there with all its content whatever happens next."""
    files.sync(part)
    os.replace(part, path)
    files.sync(os.path.dirname(path))


__all__ = (
    "METHODS",
    "Snapshot",
    "SnapshotError",
    "Source",
    "Verified",
    "last_put",
    "make_folder",
    "prune",
    "remember",
    "reusable",
    "take",
    "verify",
)
