# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A snapshot that a program of the container writes: what it is given, and what is taken from it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import TlsFiles
from ansible_collections.controlplane.etcd.plugins.module_utils._node import container
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import etcdctl

URL = "https://192.0.2.1:2379"
DONE = CommandResult(0, "Snapshot saved")
Write = Callable[[Path], None]


@pytest.fixture(autouse=True)
def _running(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "path_beside", lambda _pid, name: f"/usr/local/bin/{name}")


@pytest.fixture
def tls(tmp_path: Path) -> TlsFiles:
    found = []
    for name in ("ca.crt", "client.crt", "client.key"):
        (tmp_path / name).write_text(f"the {name}", "utf-8")
        found.append(str(tmp_path / name))
    return TlsFiles(*found)


def write(path: Path) -> None:
    """Write as etcdctl does, which is another user than root."""
    path.write_bytes(b"the snapshot")
    os.chown(path, container.user(), -1)
    path.chmod(0o640)


def save(tmp_path: Path, tls: TlsFiles | None, written: Write = write, outcome: CommandResult = DONE) -> Path:
    """Save it by a program that writes so; the path of the snapshot."""
    path = tmp_path / "out"

    def run(pid: int, argv: Sequence[str], directory: str, timeout: float) -> CommandResult:
        assert (pid, timeout) == (4711, 5)
        assert Path(directory).stat().st_uid == container.user()
        written(Path(directory) / argv[-1])
        return outcome

    etcdctl.save(4711, URL, tls, str(path), timeout=5, run=run)
    return path


def test_what_it_is_given(tmp_path: Path, tls: TlsFiles) -> None:
    asked: list[list[str]] = []

    def run(_pid: int, argv: Sequence[str], directory: str, _timeout: float) -> CommandResult:
        asked.append(list(argv))
        room = Path(directory)
        assert stat.S_IMODE(room.stat().st_mode) == 0o700
        for name, text in (("cacert", "the ca.crt"), ("cert", "the client.crt"), ("key", "the client.key")):
            assert (room / name).read_text("utf-8") == text
            assert stat.S_IMODE((room / name).stat().st_mode) == 0o600
            assert (room / name).stat().st_uid == container.user()
        write(room / "snapshot")
        return DONE

    etcdctl.save(4711, URL, tls, str(tmp_path / "out"), timeout=5, run=run)
    files = ["--cacert", "cacert", "--cert", "cert", "--key", "key"]
    assert asked == [["/usr/local/bin/etcdctl", "--endpoints", URL, *files, "snapshot", "save", "snapshot"]]


@pytest.mark.parametrize("with_tls", [True, False], ids=["https", "http"])
def test_what_is_taken_from_it(tmp_path: Path, tls: TlsFiles, with_tls: bool) -> None:
    path = save(tmp_path, tls if with_tls else None)
    assert path.read_bytes() == b"the snapshot"
    assert (path.stat().st_uid, stat.S_IMODE(path.stat().st_mode)) == (os.geteuid(), 0o600)
    assert not (tmp_path / "out.etcdctl").exists()


def _link(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def _directory(path: Path) -> None:
    path.mkdir()


def _another_users(path: Path) -> None:
    write(path)
    os.chown(path, container.user() - 1, -1)


PLANTED: list[tuple[str, Write]] = [("a link", _link), ("a directory", _directory)]
if os.geteuid() == 0:
    PLANTED.append(("a file of somebody else", _another_users))


@pytest.mark.parametrize("plant", table(PLANTED))
def test_only_a_file_of_its_own_is_taken(tmp_path: Path, plant: Write) -> None:
    with pytest.raises(Failure, match="etcdctl has written something else than a file"):
        save(tmp_path, None, plant)
    assert os.listdir(tmp_path) == []


OUTCOMES: list[tuple[str, CommandResult, str]] = [
    ("last line", CommandResult(1, "a\nError: no space left"), r"save failed: Error: no space left$"),
    ("silent", CommandResult(2, ""), r"save failed: exit code 2$"),
    ("too slow", CommandResult(None, "timed out after 5 s"), r"save failed: timed out after 5 s$"),
    ("not there", CommandResult(127, "", "No such file"), r"there is no etcdctl beside its etcd \(No such file\)$"),
]


@pytest.mark.parametrize(("outcome", "message"), table(OUTCOMES))
def test_etcdctl_that_fails(tmp_path: Path, outcome: CommandResult, message: str) -> None:
    with pytest.raises(Failure, match=message):
        save(tmp_path, None, outcome=outcome)
    assert os.listdir(tmp_path) == []


def test_process_that_has_just_exited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "path_beside", lambda _pid, _name: None)
    with pytest.raises(Failure, match="its process has just exited"):
        save(tmp_path, None)


def test_nothing_stays_of_files_that_cannot_be_read(tmp_path: Path, tls: TlsFiles) -> None:
    Path(tls.client_key).unlink()
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(FileNotFoundError):
        save(tmp_path, tls)
    assert sorted(os.listdir(tmp_path)) == before
