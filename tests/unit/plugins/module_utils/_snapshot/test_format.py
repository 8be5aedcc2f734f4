# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The format of a snapshot file: which files are whole, and which are not."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from unit.builders import VERSIONS, recorded_snapshot, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import format

WHOLE = recorded_snapshot("3.6.16")
REVISION = 202


@pytest.mark.parametrize("version", VERSIONS)
def test_verify(tmp_path: Path, version: str) -> None:
    whole = recorded_snapshot(version)
    (tmp_path / "db").write_bytes(whole)
    found = format.verify(str(tmp_path / "db"))
    assert (found.revision, found.size_bytes, found.sha256) == (REVISION, len(whole), whole[-32:].hex())


def with_hash(data: bytes) -> bytes:
    return data + hashlib.sha256(data).digest()


DAMAGED: list[tuple[str, bytes, str]] = [
    ("empty", b"", "0 bytes are not whole pages and a SHA-256"),
    ("database without a hash", WHOLE[:-32], "are not whole pages and a SHA-256"),
    ("hash of something else", WHOLE[:-32] + bytes(32), "its SHA-256 does not match"),
    ("no database", with_hash(bytes(16384)), "is not an etcd database"),
    ("half a database", with_hash(WHOLE[:16384]), "is not an etcd database: cut off"),
]


@pytest.mark.parametrize(("content", "message"), table(DAMAGED))
def test_unfit(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "db").write_bytes(content)
    with pytest.raises(Failure, match=message) as caught:
        format.verify(str(tmp_path / "db"))
    assert caught.value.code == "snapshot_failed"


def test_verify_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="No such file or directory"):
        format.verify(str(tmp_path / "db"))


def test_verify_what_was_hashed_as_it_was_written(tmp_path: Path) -> None:
    """The data is not read again; its end and its tree are."""
    path = tmp_path / "db"
    path.write_bytes(WHOLE)
    assert format.verify(str(path), WHOLE[-32:].hex()) == format.verify(str(path))
    with pytest.raises(Failure, match="its SHA-256 does not match"):
        format.verify(str(path), bytes(32).hex())
    half = with_hash(WHOLE[:16384])
    path.write_bytes(half)
    with pytest.raises(Failure, match="is not an etcd database: cut off"):
        format.verify(str(path), half[-32:].hex())


@pytest.mark.parametrize("chunk_bytes", [512, 5000, 1 << 22])
def test_append_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk_bytes: int) -> None:
    monkeypatch.setattr(format, "CHUNK_BYTES", chunk_bytes)
    (tmp_path / "db").write_bytes(WHOLE[:-32])
    assert format.append_hash(str(tmp_path / "db")) == WHOLE[-32:].hex()
    assert (tmp_path / "db").read_bytes() == WHOLE
    assert format.verify(str(tmp_path / "db")).sha256 == WHOLE[-32:].hex()
