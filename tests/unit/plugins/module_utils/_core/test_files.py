# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are opened only if they are files, and written whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
import threading
from pathlib import Path

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core import files
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """Whoever opens it as usual waits for ever."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_file_is_refused_at_once(pipe: Path, tmp_path: Path, linked: bool) -> None:
    path = pipe
    if linked:
        path = tmp_path / "link"
        path.symlink_to(pipe)
    for read in (files.reading, files.content, files.text):
        with pytest.raises(OSError, match=rf"Not a regular file but a pipe or a device: '{path}'"):
            read(str(path))
    with pytest.raises(OSError, match="Not a regular file"):
        os.close(files.descriptor_of(str(path), os.O_RDWR | os.O_CREAT))


def test_what_else_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        files.content(str(tmp_path))
    with pytest.raises(OSError, match="Not a regular file"):
        files.content("/dev/null")
    with pytest.raises(FileNotFoundError):
        files.content(str(tmp_path / "missing"))
    assert os.listdir(tmp_path) == []


def test_reading(tmp_path: Path) -> None:
    path, link = tmp_path / "x", tmp_path / "link"
    path.write_bytes(b"caf\xc3\xa9\r\nx\xff\n")
    link.symlink_to(path)
    assert files.content(str(link)) == path.read_bytes()
    assert files.text(str(path), errors="replace") == "caf\xe9\nx\ufffd\n"
    with pytest.raises(UnicodeDecodeError):
        files.text(str(path))
    assert files.text("/proc/self/stat").startswith(f"{os.getpid()} ")


def test_put(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    files.put(str(path), b"one", 0o640)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"one", 0o640)
    files.put(str(path), b"two", 0o600)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"two", 0o600)
    assert os.listdir(tmp_path) == ["x.conf"]


def test_put_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "x.conf"
    files.put(str(path), b"old", 0o600)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        files.put(str(path), b"new", 0o600)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x.conf"]


def test_put_replaces_what_lies_aside(tmp_path: Path) -> None:
    """A link that somebody else has put there is not followed."""
    (tmp_path / "precious").write_text("mine", "utf-8")
    (tmp_path / f".x.conf.{os.getpid()}.part").symlink_to(tmp_path / "precious")
    files.put(str(tmp_path / "x.conf"), b"new", 0o600)
    assert (tmp_path / "precious").read_text("utf-8") == "mine"
    assert (tmp_path / "x.conf").read_bytes() == b"new"
    assert not (tmp_path / "x.conf").is_symlink()


def test_put_into_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.put(str(tmp_path / "missing/x.conf"), b"new", 0o600)


OLD = b"what was there"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "kubeadm-config.yaml"
    found.write_bytes(OLD)
    return found


def test_replace_checks_what_it_wrote(path: Path) -> None:
    def no(data: bytes) -> None:
        assert data == b"new"
        raise OSError("not what was meant")

    with pytest.raises(OSError, match="not what was meant"):
        files.replace(str(path), OLD, b"new", no)
    assert path.read_bytes() == OLD
    assert list(path.parent.iterdir()) == [path]


def test_replace_notices_another_hand(path: Path) -> None:
    def other(_data: bytes) -> None:
        path.write_bytes(b"theirs")

    with pytest.raises(Refused, match="Somebody else changed") as caught:
        files.replace(str(path), OLD, b"new", other)
    assert (caught.value.code, caught.value.advice) == ("changed_meanwhile", "Run this again.")
    assert path.read_bytes() == b"theirs"
    assert list(path.parent.iterdir()) == [path]


def test_replace_follows_no_link_of_its_own_name(path: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"dear")
    (tmp_path / f".{path.name}.{os.getpid()}.part").symlink_to(victim)
    files.replace(str(path), OLD, b"new", lambda data: None)
    assert victim.read_bytes() == b"dear"
    assert path.read_bytes() == b"new"
    assert not path.is_symlink()


def test_replaced_from_the_directory_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kubelet sees one new file with its final name, and nothing else."""
    path = tmp_path / "manifests/etcd.yaml"
    path.parent.mkdir()
    path.write_bytes(b"old")
    path.chmod(0o640)
    renamed: list[tuple[str, str]] = []
    real = os.rename
    monkeypatch.setattr(files.os, "rename", lambda old, new: (renamed.append((old, new)), real(old, new)))
    files.replace(str(path), b"old", b"new", lambda data: None, above=True)
    assert renamed == [(str(tmp_path / f".etcd.yaml.{os.getpid()}.part"), str(path))]
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["etcd.yaml", "manifests"]


def test_replace_keeps_mode_and_owner(path: Path) -> None:
    path.chmod(0o640)
    before = path.stat()
    files.replace(str(path), OLD, b"new", lambda data: None)
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_create_overwrites_nothing(path: Path, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        files.create(str(path), b"new")
    assert path.read_bytes() == OLD
    files.create(str(tmp_path / "copy"), b"new")
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600


def test_replace_leaves_nothing_beside_on_a_full_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        files.replace(str(path), OLD, b"new", lambda data: None)
    assert path.read_bytes() == OLD
    assert list(path.parent.iterdir()) == [path]


def test_sync(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    files.sync(str(tmp_path / "x"))
    files.sync(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        files.sync(str(tmp_path / "missing"))


def test_free_bytes(tmp_path: Path) -> None:
    assert 0 <= files.free_bytes(str(tmp_path)) <= shutil.disk_usage(tmp_path).total
    with pytest.raises(FileNotFoundError):
        files.free_bytes(str(tmp_path / "missing"))


def test_a_lock_that_somebody_else_keeps(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as held, path.open() as reader, path.open() as another, path.open() as waiting:
        files.lock(held)
        with pytest.raises(BlockingIOError, match="Another process has held the lock of this file for 0 s"):
            files.lock(waiting, 0.0)
        releasing = threading.Timer(0.1, held.close)
        releasing.start()
        files.lock(reader, 60.0, shared=True)
        files.lock(another, 0.0, shared=True)
        releasing.join()
