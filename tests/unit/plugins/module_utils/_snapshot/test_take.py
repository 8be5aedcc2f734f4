# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking a snapshot: which way is used, that it is verified, and what is never left behind."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, Union

import pytest
from unit.builders import MIB, recorded_snapshot, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import files
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import take as snapshot
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.catalog import Snapshot
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.sources import METHODS, Source

WHOLE = recorded_snapshot("3.6.16")
REVISION = 202
CLUSTER = 0xC1
CA = "aa" * 32

Way = Union[bytes, Exception]  # evaluated, also on Python 3.8


class FakeSource(Source):
    """Each way writes these bytes, or fails."""

    def __init__(self, ways: dict[str, Way]) -> None:
        self.ways = ways
        self.tried: list[str] = []
        self.leftovers: list[str] = []

    def write(self, method: str, path: str, revision: int) -> str | None:
        self.tried.append(method)
        way = self.ways[method]
        with open(path, "wb") as file:
            file.write(b"half" if isinstance(way, Exception) else way)
        os.chmod(path, 0o600)
        if isinstance(way, Exception):
            raise way
        return None


def take(source: Source, directory: Path, **changes: Any) -> tuple[Snapshot, list[str]]:
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
    return snapshot.take(source, str(directory), **{**options, **changes})


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


NO = Failure("snapshot_failed", "it does not work")

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

    def free(directory: str | Path) -> int:
        return size * 3 // 2 - sum(path.stat().st_size for path in Path(directory).rglob("*") if path.is_file())

    monkeypatch.setattr(files, "free_bytes", free)
    source = FakeSource({"file": WHOLE[:-512], "gateway": WHOLE})
    done, tried = take(source, tmp_path, methods=("file", "gateway"))
    assert done.method == "gateway"
    assert len(tried) == 1


def test_no_way_works(tmp_path: Path) -> None:
    with pytest.raises(Failure) as caught:
        take(FakeSource({"file": NO, "gateway": errors.NoLeader("no leader")}), tmp_path, methods=("file", "gateway"))
    assert caught.value.code == "snapshot_failed"
    assert str(caught.value) == (
        f"No snapshot of cp1 could be written to {tmp_path}. file: it does not work; gateway: no leader."
    )
    assert names(tmp_path) == []


def test_nothing_is_left_behind_if_it_is_interrupted(tmp_path: Path) -> None:
    class Interrupted(FakeSource):
        def write(self, method: str, path: str, revision: int) -> str | None:
            Path(path).write_bytes(b"half")
            Path(f"{path}.part").write_bytes(b"etcdctl's half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(Interrupted({}), tmp_path)
    assert names(tmp_path) == []


class Observing(FakeSource):
    """It records the content of the directory while it writes."""

    def __init__(self, directory: Path) -> None:
        super().__init__({"file": WHOLE})
        self.directory = directory
        self.seen: list[tuple[list[str], str, int]] = []

    def write(self, method: str, path: str, revision: int) -> str | None:
        aside = Path(path).parent
        self.seen.append((names(self.directory), aside.name, stat.S_IMODE(aside.stat().st_mode)))
        return super().write(method, path, revision)


def test_written_where_nobody_else_can_put_anything(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    source = Observing(tmp_path)
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
        def write(self, method: str, path: str, revision: int) -> str | None:
            Path(path).write_bytes(b"half")
            take(FakeSource({"reflink": WHOLE}), tmp_path, member="cp2")
            assert Path(path).read_bytes() == b"half"
            return super().write(method, path, revision)

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
    with pytest.raises(Failure, match="it holds revision 202, below the 203 read before"):
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
        with pytest.raises(Failure, match=message):
            take(source, tmp_path, **options)
        assert source.tried == []


def test_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match="cannot be created"):
        take(FakeSource({}), tmp_path / "file" / "below")


def test_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    take(FakeSource({"reflink": WHOLE}), tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o750
