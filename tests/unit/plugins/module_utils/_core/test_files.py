# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core import (
    files,
)


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
