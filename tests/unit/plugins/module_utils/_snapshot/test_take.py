# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Snapshots: the ways to one, what is checked, what is kept, and what is never left behind."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, VERSIONS, Reply, endpoint, recorded, recorded_snapshot, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command, files
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import TlsFiles
from ansible_collections.controlplane.etcd.plugins.module_utils._node import process
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import EtcdManifest
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import catalog, format, sources
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import take as snapshot
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.catalog import Snapshot
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.format import SnapshotError
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.sources import METHODS, Source

WHOLE = recorded_snapshot("3.6.16")
REVISION = 202
CLUSTER = 0xC1
OTHER_CLUSTER = 0xC1D
CA, OTHER_CA = "aa" * 32, "bb" * 32

Way = bytes | Exception


class FakeSource(Source):
    """Each way writes these bytes, or fails."""

    def __init__(self, ways: dict[str, Way]) -> None:
        self.ways = ways
        self.tried: list[str] = []
        self.leftovers: list[str] = []

    def write(self, method: str, path: str, revision: int) -> None:
        self.tried.append(method)
        way = self.ways[method]
        with open(path, "wb") as file:
            file.write(b"half" if isinstance(way, Exception) else way)
        os.chmod(path, 0o600)
        if isinstance(way, Exception):
            raise way


def take(source: Source, folder: Path, **changes: Any) -> tuple[Snapshot, list[str]]:
    options: dict[str, Any] = {
        "methods": METHODS,
        "cluster_id": CLUSTER,
        "ca_sha256": CA,
        "member": "cp1",
        "revision": REVISION,
        "size_bytes": len(WHOLE),
        "data_dir": None,
        "now": lambda: 1000.0,
    }
    return snapshot.take(source, str(folder), **{**options, **changes})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


NO = SnapshotError("it does not work")

WAYS: list[tuple[str, dict[str, Way], str, list[str]]] = [
    ("the first works", {"reflink": WHOLE}, "reflink", []),
    ("file", {"reflink": NO, "file": WHOLE}, "file", ["reflink: it does not work"]),
    (
        "etcdctl",
        {"reflink": NO, "file": NO, "etcdctl": WHOLE},
        "etcdctl",
        ["reflink: it does not work", "file: it does not work"],
    ),
    (
        "gateway, last",
        {"reflink": NO, "file": NO, "etcdctl": NO, "gateway": WHOLE},
        "gateway",
        ["reflink: it does not work", "file: it does not work", "etcdctl: it does not work"],
    ),
    (
        "cut off: the next way",
        {"reflink": WHOLE[:-512], "file": WHOLE},
        "file",
        ["is damaged or cut off: its SHA-256 does not match"],
    ),
    ("without its hash: the next way", {"reflink": WHOLE[:-32], "file": WHOLE}, "file", ["are not whole pages"]),
    (
        "a bit flipped: the next way",
        {"reflink": WHOLE[:9000] + bytes([WHOLE[9000] ^ 1]) + WHOLE[9001:], "file": WHOLE},
        "file",
        ["its SHA-256 does not match"],
    ),
    ("etcd's own error: the next way", {"reflink": errors.TimedOut("too slow"), "file": WHOLE}, "file", ["too slow"]),
    ("disk full: the next way", {"reflink": OSError(28, "No space left"), "file": WHOLE}, "file", ["No space left"]),
]


@pytest.mark.parametrize(("ways", "method", "reasons"), table(WAYS))
def test_ways(tmp_path: Path, ways: dict[str, Way], method: str, reasons: list[str]) -> None:
    source = FakeSource(ways)
    done, tried = take(source, tmp_path / "new")
    assert source.tried == list(ways)
    assert done == Snapshot(
        path=str(tmp_path / "new" / "etcd-c1-cp1-r202.db"),
        cluster_id="c1",
        ca_sha256=CA,
        member="cp1",
        revision=REVISION,
        size_bytes=len(WHOLE),
        sha256=WHOLE[-32:].hex(),
        method=method,
        created=1000.0,
    )
    assert len(tried) == len(reasons)
    assert all(reason in text for text, reason in zip(tried, reasons, strict=True))
    assert names(tmp_path / "new") == ["etcd-c1-cp1-r202.db"]
    assert Path(done.path).read_bytes() == WHOLE
    assert stat.S_IMODE(os.stat(done.path).st_mode) == 0o600
    assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o700


def test_what_a_way_left_takes_no_room_from_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(WHOLE)

    def free(folder: str | Path) -> int:
        return size * 3 // 2 - sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())

    monkeypatch.setattr(files, "free_bytes", free)
    source = FakeSource({"file": WHOLE[:-512], "gateway": WHOLE})
    done, tried = take(source, tmp_path, methods=("file", "gateway"))
    assert done.method == "gateway"
    assert len(tried) == 1


def test_no_way_works(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError) as caught:
        take(FakeSource({"file": NO, "gateway": errors.NoLeader("no leader")}), tmp_path, methods=("file", "gateway"))
    assert str(caught.value) == (
        f"No snapshot of cp1 could be written to {tmp_path}. file: it does not work; gateway: no leader."
    )
    assert names(tmp_path) == []


def test_nothing_is_left_behind_where_it_is_interrupted(tmp_path: Path) -> None:
    class Interrupted(FakeSource):
        def write(self, method: str, path: str, revision: int) -> None:
            Path(path).write_bytes(b"half")
            Path(f"{path}.part").write_bytes(b"etcdctl's half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(Interrupted({}), tmp_path)
    assert names(tmp_path) == []


class Looking(FakeSource):
    """Keeps what the folder is like while it writes."""

    def __init__(self, folder: Path) -> None:
        super().__init__({"file": WHOLE})
        self.folder = folder
        self.seen: list[tuple[list[str], str, int]] = []

    def write(self, method: str, path: str, revision: int) -> None:
        aside = Path(path).parent
        self.seen.append((names(self.folder), aside.name, stat.S_IMODE(aside.stat().st_mode)))
        super().write(method, path, revision)


def test_written_where_nobody_else_can_put_anything(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    source = Looking(tmp_path)
    take(source, tmp_path, methods=("file",))
    ((there, aside, mode),) = source.seen
    assert there == [aside]
    assert aside.startswith(".etcd-snapshot-")
    assert mode == 0o700


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".etcd-snapshot-killed").mkdir()
    (tmp_path / ".etcd-snapshot-killed/snapshot.part").write_bytes(b"half")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (tmp_path / ".etcd-snapshot-link").symlink_to(elsewhere)
    (tmp_path / ".etcd-snapshot-file").touch()
    (tmp_path / ".etcd-other").mkdir()
    take(FakeSource({"reflink": WHOLE}), tmp_path)
    left = [".etcd-other", ".etcd-snapshot-file", ".etcd-snapshot-link", "elsewhere", "etcd-c1-cp1-r202.db"]
    assert names(tmp_path) == left
    assert names(elsewhere) == ["precious"]


def test_what_a_run_at_work_has_there_is_left_alone(tmp_path: Path) -> None:
    class Outer(FakeSource):
        def write(self, method: str, path: str, revision: int) -> None:
            Path(path).write_bytes(b"half")
            take(FakeSource({"reflink": WHOLE}), tmp_path, member="cp2")
            assert Path(path).read_bytes() == b"half"
            super().write(method, path, revision)

    assert Path(take(Outer({"reflink": WHOLE}), tmp_path)[0].path).read_bytes() == WHOLE
    assert names(tmp_path) == ["etcd-c1-cp1-r202.db", "etcd-c1-cp2-r202.db"]


NAMES: list[tuple[str, str, str]] = [
    ("plain", "cp-1.example_x", "cp-1.example_x"),
    ("a path", "../../etc/x", ".._.._etc_x"),
    ("blanks", "my member", "my_member"),
]


@pytest.mark.parametrize(("name", "expected"), table(NAMES))
def test_member_of_any_name(tmp_path: Path, name: str, expected: str) -> None:
    done, _tried = take(FakeSource({"reflink": WHOLE}), tmp_path, member=name)
    assert done.member == name
    assert names(tmp_path) == [f"etcd-c1-{expected}-r202.db"]


def test_too_old_is_refused(tmp_path: Path) -> None:
    ways: dict[str, Way] = {"file": WHOLE}
    with pytest.raises(SnapshotError, match="it holds revision 202, below the 203 read before"):
        take(FakeSource(ways), tmp_path, methods=("file",), revision=203)
    assert names(tmp_path) == []


DISKS: list[tuple[str, int, bool, str, str | None]] = [
    ("room", 100, False, "file", None),
    ("a byte too small", 99, False, "file", "are needed in"),
    ("clones share their blocks", 0, False, "reflink", None),
    ("the disk of etcd: room for its log, too", 100 + 64 * MIB, True, "file", None),
    ("the disk of etcd: a byte too small", 99 + 64 * MIB, True, "file", "room for etcd's next WAL segment"),
]


@pytest.mark.parametrize(("free", "shared", "method", "message"), table(DISKS))
def test_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, shared: bool, method: str, message: str | None
) -> None:
    monkeypatch.setattr(files, "free_bytes", lambda _path: free)
    source = FakeSource({method: WHOLE})
    options = {"methods": (method,), "size_bytes": 100, "data_dir": str(tmp_path) if shared else None}
    if message is None:
        assert take(source, tmp_path, **options)[0].method == method
    else:
        with pytest.raises(SnapshotError, match=message):
            take(source, tmp_path, **options)
        assert source.tried == []


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SnapshotError, match="cannot be created"):
        take(FakeSource({}), tmp_path / "file" / "below")


def test_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    take(FakeSource({"reflink": WHOLE}), tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750


@pytest.mark.parametrize("version", VERSIONS)
def test_verify(tmp_path: Path, version: str) -> None:
    whole = recorded_snapshot(version)
    (tmp_path / "db").write_bytes(whole)
    found = format.verify(str(tmp_path / "db"))
    assert (found.revision, found.size_bytes, found.sha256) == (REVISION, len(whole), whole[-32:].hex())


def with_hash(data: bytes) -> bytes:
    return data + hashlib.sha256(data).digest()


UNFIT: list[tuple[str, bytes, str]] = [
    ("empty", b"", "0 bytes are not whole pages and a SHA-256"),
    ("database without a hash", WHOLE[:-32], "are not whole pages and a SHA-256"),
    ("hash of something else", WHOLE[:-32] + bytes(32), "its SHA-256 does not match"),
    ("no database", with_hash(bytes(16384)), "is not an etcd database"),
    ("half a database", with_hash(WHOLE[:16384]), "is not an etcd database: cut off"),
]


@pytest.mark.parametrize(("content", "message"), table(UNFIT))
def test_unfit(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "db").write_bytes(content)
    with pytest.raises(SnapshotError, match=message):
        format.verify(str(tmp_path / "db"))


def test_verify_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="No such file or directory"):
        format.verify(str(tmp_path / "db"))


def keep(folder: Path, revision: int, *, cluster: int = CLUSTER, **changes: Any) -> Snapshot:
    """A snapshot with its record, as if it had been taken at the second of that revision."""
    path = folder / f"etcd-{cluster:x}-cp1-r{revision}.db"
    path.write_bytes(WHOLE)
    made = Snapshot(
        str(path),
        f"{cluster:x}",
        CA,
        "cp1",
        revision,
        len(WHOLE),
        WHOLE[-32:].hex(),
        "file",
        float(revision),
    )
    made = replace(made, **changes)
    catalog.remember(made)
    return made


def interrupt(*_arguments: object) -> None:
    raise KeyboardInterrupt


def test_remember(tmp_path: Path) -> None:
    made = keep(tmp_path, 7)
    record = Path(made.path + ".json")
    assert Snapshot(**json.loads(record.read_text("utf-8"))) == made
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert names(tmp_path) == ["etcd-c1-cp1-r7.db", "etcd-c1-cp1-r7.db.json"]


def test_remember_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was known before is still known where it is interrupted."""
    made = keep(tmp_path, 7)
    monkeypatch.setattr(os, "rename", interrupt)
    with pytest.raises(KeyboardInterrupt):
        catalog.remember(replace(made, member="cp2"))
    assert Snapshot(**json.loads(Path(made.path + ".json").read_text("utf-8"))) == made
    assert names(tmp_path) == ["etcd-c1-cp1-r7.db", "etcd-c1-cp1-r7.db.json"]


def test_remember_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine", "utf-8")
    (tmp_path / "etcd-c1-cp1-r7.db.json").symlink_to(tmp_path / "precious")
    keep(tmp_path, 7)
    assert (tmp_path / "precious").read_text("utf-8") == "mine"


def prune(folder: Path, keep: int, spare: str = "etcd-c1-cp1-r30.db") -> list[str]:
    return catalog.prune(str(folder), spare=str(folder / spare), cluster_id=CLUSTER, keep=keep)


def test_prune_keeps_the_newest_and_touches_nothing_else(tmp_path: Path) -> None:
    for revision in (10, 30, 20):
        keep(tmp_path, revision)
    keep(tmp_path, 1, cluster=OTHER_CLUSTER)
    (tmp_path / "etcd-c1-cp1-r5.db").write_bytes(b"by hand")
    (tmp_path / "etcd-c1-cp1-r6.db.json").write_text("{", "utf-8")
    (tmp_path / "etcd-c1-cp1-r8.db.json").write_text("[]", "utf-8")
    stolen = json.dumps(vars(keep(tmp_path, 40)) | {"path": "/etc/passwd"})
    (tmp_path / "etcd-c1-cp1-r40.db.json").write_text(stolen, "utf-8")
    foreign = ["etcd-c1-cp1-r5.db", "etcd-c1-cp1-r6.db.json", "etcd-c1-cp1-r8.db.json"]
    foreign += ["etcd-c1-cp1-r40.db", "etcd-c1-cp1-r40.db.json", "etcd-c1d-cp1-r1.db", "etcd-c1d-cp1-r1.db.json"]

    assert prune(tmp_path, 2) == [str(tmp_path / "etcd-c1-cp1-r10.db")]
    kept = [f"etcd-c1-cp1-r{revision}.db{end}" for revision in (20, 30) for end in ("", ".json")]
    assert names(tmp_path) == sorted(foreign + kept)
    assert prune(tmp_path, 2) == []


def test_prune_does_not_count_what_is_gone(tmp_path: Path) -> None:
    for revision in (10, 20, 30):
        keep(tmp_path, revision)
    (tmp_path / "etcd-c1-cp1-r30.db").unlink()
    assert prune(tmp_path, 2, "etcd-c1-cp1-r20.db") == []


# Of snapshots at the revisions 10, 20, 30 and 40: which one was written just now, how many to keep, which are left.
PRUNES: list[tuple[str, int, int, list[int]]] = [
    ("the newest was written just now", 40, 2, [30, 40]),
    ("an older one was: of a member that is behind", 10, 2, [10, 40]),
    ("only that one", 10, 1, [10]),
    ("in the middle", 20, 3, [20, 30, 40]),
    ("as many as there are", 40, 4, [10, 20, 30, 40]),
    ("more than there are", 40, 9, [10, 20, 30, 40]),
]


@pytest.mark.parametrize(("spare", "kept", "expected"), table(PRUNES))
def test_prune(tmp_path: Path, spare: int, kept: int, expected: list[int]) -> None:
    for revision in (10, 40, 20, 30):
        keep(tmp_path, revision)
    gone = prune(tmp_path, kept, f"etcd-c1-cp1-r{spare}.db")
    assert sorted(gone) == [
        str(tmp_path / f"etcd-c1-cp1-r{each}.db") for each in (10, 20, 30, 40) if each not in expected
    ]
    assert names(tmp_path) == [f"etcd-c1-cp1-r{each}.db{end}" for each in expected for end in ("", ".json")]


def test_prune_goes_by_revision_whatever_the_clock_said(tmp_path: Path) -> None:
    keep(tmp_path, 10, created=9e9)
    for revision in (20, 30):
        keep(tmp_path, revision)
    assert prune(tmp_path, 2) == [str(tmp_path / "etcd-c1-cp1-r10.db")]


def test_prune_where_there_is_no_folder(tmp_path: Path) -> None:
    assert prune(tmp_path / "missing", 1) == []


# The member's newest value, against a snapshot at revision 50.
REUSE: list[tuple[str, dict[str, Any], int, bool]] = [
    ("nothing happened", {}, 50, True),
    ("only deletions since", {}, 49, True),
    ("a write since", {}, 51, False),
    ("a cluster of another CA", {"ca_sha256": OTHER_CA}, 50, False),
    ("made where etcd speaks plain http", {"ca_sha256": ""}, 50, False),
    ("another hash than written down", {"sha256": "00" * 32}, 50, False),
]


def reusable(folder: Path, put: int, ca_sha256: Sequence[str] = (CA,), revision: int = 60) -> Snapshot | None:
    return catalog.reusable(str(folder), cluster_id=CLUSTER, ca_sha256=ca_sha256, put=put, revision=revision)


@pytest.mark.parametrize(("changes", "put", "expected"), table(REUSE))
def test_reusable(tmp_path: Path, changes: dict[str, Any], put: int, expected: bool) -> None:
    made = keep(tmp_path, 50, **changes)
    assert reusable(tmp_path, put) == (made if expected else None)


def test_not_reusable_after_a_restore(tmp_path: Path) -> None:
    """The cluster may have kept its id, and the snapshot holds what was written after the one it was restored from."""
    made = keep(tmp_path, 50)
    assert reusable(tmp_path, 40, revision=49) is None
    assert reusable(tmp_path, 40, revision=50) == made


CAS: list[tuple[str, list[str], bool]] = [
    ("its own", [CA], True),
    ("a new one beside it", [OTHER_CA, CA], True),
    ("replaced", [OTHER_CA], False),
    ("none", [], False),
]


@pytest.mark.parametrize(("fingerprints", "expected"), table(CAS))
def test_reusable_while_the_ca_is_replaced(tmp_path: Path, fingerprints: list[str], expected: bool) -> None:
    made = keep(tmp_path, 50)
    assert reusable(tmp_path, 50, fingerprints) == (made if expected else None)


def test_reusable_takes_the_newest_that_is_whole(tmp_path: Path) -> None:
    good = keep(tmp_path, 50, created=9e9)  # the clock was set back after it
    newer = keep(tmp_path, 51)
    assert reusable(tmp_path, 50) == newer
    Path(newer.path).write_bytes(WHOLE[:-1])
    assert reusable(tmp_path, 50) == good
    Path(good.path).unlink()
    assert reusable(tmp_path, 50) is None


def test_reusable_is_of_the_same_cluster(tmp_path: Path) -> None:
    keep(tmp_path, 50, cluster=OTHER_CLUSTER)
    assert reusable(tmp_path, 50) is None


def test_record_of_an_earlier_version_is_not_taken(tmp_path: Path) -> None:
    """It had other fields, and does not say of which CA it was."""
    made = keep(tmp_path, 50)
    record = vars(made) | {"keys": 100, "keys_revision": 50}
    del record["ca_sha256"]
    Path(made.path + ".json").write_text(json.dumps(record), "utf-8")
    assert reusable(tmp_path, 50) is None


# The real ways.


@pytest.fixture
def node(tmp_path: Path) -> EtcdManifest:
    """A member whose database is a recorded one."""
    database = tmp_path / "data" / "member" / "snap" / "db"
    database.parent.mkdir(parents=True)
    database.write_bytes(WHOLE[:-32])
    return EtcdManifest("etcd.yaml", "", {"data-dir": str(tmp_path / "data"), "name": "cp1"}, {}, ())


def real(
    manifest: EtcdManifest | None,
    *,
    lines: Reply | None = None,
    run: command.RunCommand = command.run,
    tls: bool = True,
) -> Source:
    asked, _transport = endpoint({"/v3/maintenance/snapshot": lines or {"lines": []}})
    files = TlsFiles("/pki/ca.crt", "/pki/client.crt", "/pki/client.key") if tls else None
    return Source(asked, manifest=manifest, tls=files, timeout=5, run=run)


def test_copy_of_the_file(tmp_path: Path, node: EtcdManifest) -> None:
    real(node).write("file", str(tmp_path / "out"), REVISION)
    assert (tmp_path / "out").read_bytes() == WHOLE
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


def test_copy_that_never_stands_still(tmp_path: Path, node: EtcdManifest, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(99))
    monkeypatch.setattr(sources, "_txids", lambda _database: (next(moments), 0))
    with pytest.raises(SnapshotError, match="the file changed under 3 copies"):
        real(node).write("file", str(tmp_path / "out"), REVISION)
    assert next(moments) == 6


def test_copy_once_more_where_a_transaction_ended(
    tmp_path: Path, node: EtcdManifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = iter([(1, 2), (3, 2), (3, 2), (3, 2)])
    monkeypatch.setattr(sources, "_txids", lambda _database: next(seen))
    real(node).write("file", str(tmp_path / "out"), REVISION)
    assert (tmp_path / "out").read_bytes() == WHOLE


@pytest.mark.parametrize("method", ["reflink", "file"])
def test_file_that_is_behind(tmp_path: Path, node: EtcdManifest, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setattr(sources, "_COMMIT_SECONDS", 0.1)
    with pytest.raises(SnapshotError, match="is older than what its member reports"):
        real(node).write(method, str(tmp_path / "out"), REVISION + 1)


def test_last_put(node: EtcdManifest) -> None:
    assert sources.last_put(node.database, REVISION) == REVISION


def test_last_put_ignores_deletions(node: EtcdManifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "newest_put", lambda _data: 150)
    assert sources.last_put(node.database, REVISION) == 150


def test_last_put_waits_for_the_commit(node: EtcdManifest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the member has answered is not in its file yet, and that is read in the middle of a commit."""
    answers: list[int | ValueError] = [REVISION, ValueError("torn"), REVISION + 1]

    def revision_of(_data: object) -> int:
        answer = answers.pop(0)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    monkeypatch.setattr(sources, "revision_of", revision_of)
    assert sources.last_put(node.database, REVISION + 1) == REVISION
    assert answers == []


def _behind(_database: Path) -> None:
    """It stays as it is."""


def _damaged(database: Path) -> None:
    database.write_bytes(bytes(20000))


NO_PUTS: list[tuple[str, Callable[[Path], None], str]] = [
    ("behind", _behind, "is older than what its member reports"),
    ("damaged", _damaged, "is older than what its member reports"),
    ("empty", lambda database: os.truncate(database, 0), "is older than what its member reports"),
    ("missing", Path.unlink, "cannot be read: No such file or directory"),
]


@pytest.mark.parametrize(("change", "message"), table(NO_PUTS))
def test_no_last_put(
    node: EtcdManifest, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None], message: str
) -> None:
    monkeypatch.setattr(sources, "_COMMIT_SECONDS", 0.1)
    change(Path(node.database))
    with pytest.raises(SnapshotError, match=message):
        sources.last_put(node.database, REVISION + 1)


@pytest.mark.parametrize(("method", "reason"), [("reflink", "not on this host"), ("file", "not on this host")])
def test_files_of_another_host(tmp_path: Path, method: str, reason: str) -> None:
    with pytest.raises(SnapshotError, match=reason):
        real(None).write(method, str(tmp_path / "out"), REVISION)


@pytest.mark.parametrize("method", ["reflink", "file"])
def test_no_database(tmp_path: Path, node: EtcdManifest, method: str) -> None:
    Path(node.database).unlink()
    with pytest.raises(SnapshotError, match="cannot be read: No such file or directory"):
        real(node).write(method, str(tmp_path / "out"), REVISION)


def test_reflink_or_the_reason(tmp_path: Path, node: EtcdManifest) -> None:
    try:
        real(node).write("reflink", str(tmp_path / "out"), REVISION)
    except SnapshotError as exc:
        assert "the filesystem does not support reflinks (" in str(exc)  # noqa: PT017  # both outcomes are right
    else:
        assert (tmp_path / "out").read_bytes() == WHOLE


def test_gateway(tmp_path: Path) -> None:
    lines = [json.loads(line)["result"] for line in recorded("3.5.35", "snapshot").splitlines()]
    real(None, lines={"lines": lines}).write("gateway", str(tmp_path / "out"), REVISION)
    assert (tmp_path / "out").read_bytes() == recorded_snapshot("3.5.35")


def test_gateway_that_ends_early(tmp_path: Path) -> None:
    """Nothing tells but the hash."""
    lines = [json.loads(line)["result"] for line in recorded("3.5.35", "snapshot").splitlines()]
    with pytest.raises(SnapshotError, match=r"gateway: .*are not whole pages and a SHA-256"):
        take(real(None, lines={"lines": lines[:-1]}), tmp_path, methods=("gateway",))
    assert names(tmp_path) == []


def test_gateway_to_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match="cannot be written: No such file or directory"):
        real(None).write("gateway", str(tmp_path / "missing" / "out"), REVISION)


@pytest.fixture
def _running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "find", lambda _manifest: 4711)
    monkeypatch.setattr(process, "program_beside", lambda pid, name: f"/proc/{pid}/root/{name}")


@pytest.mark.usefixtures("_running")
@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
def test_etcdctl(tmp_path: Path, node: EtcdManifest, tls: bool) -> None:
    asked: list[list[str]] = []

    def run(argv: Sequence[str], timeout: float) -> command.CommandResult:
        asked.append(list(argv))
        return command.CommandResult(0, "")

    real(node, run=run, tls=tls).write("etcdctl", "/x.part", REVISION)
    files = ["--cacert", "/pki/ca.crt", "--cert", "/pki/client.crt", "--key", "/pki/client.key"] if tls else []
    endpoints = ["--endpoints", "https://192.0.2.1:2379"]
    assert asked == [["/proc/4711/root/etcdctl", *endpoints, *files, "snapshot", "save", "/x.part"]]


OUTCOMES: list[tuple[str, command.CommandResult, str]] = [
    ("last line", command.CommandResult(1, "a\nError: no space left"), r"failed: Error: no space left$"),
    ("silent", command.CommandResult(2, ""), r"failed: exit code 2$"),
    ("too slow", command.CommandResult(None, "timed out after 5 s"), r"failed: timed out after 5 s$"),
]


@pytest.mark.usefixtures("_running")
@pytest.mark.parametrize(("outcome", "message"), table(OUTCOMES))
def test_etcdctl_that_fails(node: EtcdManifest, outcome: command.CommandResult, message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        real(node, run=lambda argv, timeout: outcome).write("etcdctl", "/x.part", REVISION)


def test_etcdctl_that_is_not_there(node: EtcdManifest, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SnapshotError, match="its process is not running on this host"):
        real(None).write("etcdctl", "/x.part", REVISION)
    monkeypatch.setattr(process, "find", lambda _manifest: None)
    with pytest.raises(SnapshotError, match="its process is not running on this host"):
        real(node).write("etcdctl", "/x.part", REVISION)
    monkeypatch.setattr(process, "find", lambda _manifest: 1)
    monkeypatch.setattr(process, "program_beside", lambda _pid, _name: None)
    with pytest.raises(SnapshotError, match="there is no etcdctl beside its etcd"):
        real(node).write("etcdctl", "/x.part", REVISION)
