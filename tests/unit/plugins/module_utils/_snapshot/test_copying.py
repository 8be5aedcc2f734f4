# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copying a database under which transactions end."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, recorded_snapshot, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import bolt
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import copying, format
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.copying import Attempt, another, copy

WHOLE = recorded_snapshot("3.6.16")
PAGE = 4096
CHUNKS = len(WHOLE) // PAGE

Source = Callable[[set[int]], Path]


def end_transaction(path: Path) -> None:
    """Write the older one of both meta pages anew, as bbolt does."""
    data = path.read_bytes()
    pages = [bolt.parse_meta(data[at : at + PAGE]) for at in (0, PAGE)]
    first, second = (page.txid if page else 0 for page in pages)
    at, txid = (0, second + 1) if first < second else (PAGE, first + 1)
    body = data[at + 16 : at + 64] + struct.pack("<Q", txid)
    with path.open("r+b") as file:
        file.seek(at + 16)
        file.write(body + struct.pack("<Q", bolt._checksum(body)))


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    """``busy({2, 30})``: a database in which a transaction ends while the 2nd chunk is read, and while the 30th is,
    counted over all attempts; the chunk that would come after the end counts as one."""
    path = tmp_path / "db"
    path.write_bytes(WHOLE[:-32])
    monkeypatch.setattr(copying, "CHUNK_BYTES", PAGE)

    def make(moments: set[int]) -> Path:
        class Busy(io.FileIO):
            chunks = 0

            def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
                Busy.chunks += 1
                if Busy.chunks in moments:
                    end_transaction(path)
                return super().readinto(buffer) or 0

        usual = copying._open
        monkeypatch.setattr(copying, "_open", lambda path, *flags: usual(path, *flags) if flags else Busy(path))
        return path

    return make


def test_copy(busy: Source, tmp_path: Path) -> None:
    assert copy(str(busy(set())), str(tmp_path / "out")) == WHOLE[-32:].hex()
    assert (tmp_path / "out").read_bytes() == WHOLE
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


class Picky(io.FileIO):
    """A file on a filesystem that refuses to write past the page cache, but says so only when it is written to."""

    refused = 0

    def write(self, data: Any) -> int:
        if fcntl.fcntl(self, fcntl.F_GETFL) & os.O_DIRECT:
            Picky.refused += 1
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return super().write(data[:5000])  # and takes less than it is given


def test_a_filesystem_that_refuses_to_write_past_the_page_cache(
    busy: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = str(busy(set()))
    usual = copying._open
    monkeypatch.setattr(copying, "_open", lambda path, *flags: Picky(path, "w+") if flags else usual(path))
    monkeypatch.setattr(copying, "CHUNK_BYTES", 4 * PAGE)
    assert copy(database, str(tmp_path / "out")) == WHOLE[-32:].hex()
    assert (tmp_path / "out").read_bytes() == WHOLE
    assert Picky.refused <= 1  # none where the temporary directory is on such a filesystem itself


def test_a_disk_that_is_full_is_no_reason_to_try_again(
    busy: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    database = str(busy(set()))
    usual = copying._open
    monkeypatch.setattr(copying, "_open", lambda path, *flags: Full(path, "w+") if flags else usual(path))
    with pytest.raises(OSError, match="No space left"):
        copy(database, str(tmp_path / "out"))


MOMENTS: list[tuple[str, set[int]]] = [
    ("at once", {1}),
    ("in the middle", {3}),
    ("twice", {2, 5}),
    ("with the last chunk", {CHUNKS + 1}),
    ("before the second attempt counts", {CHUNKS // 4, CHUNKS // 4 + 1}),
]


@pytest.mark.parametrize("moments", table(MOMENTS))
def test_copy_once_more_if_a_transaction_ended(busy: Source, tmp_path: Path, moments: set[int]) -> None:
    database = busy(moments)
    sha256 = copy(str(database), str(tmp_path / "out"))
    content = (tmp_path / "out").read_bytes()
    assert content[:-32] == database.read_bytes() != WHOLE[:-32]
    assert format.verify(str(tmp_path / "out")).sha256 == content[-32:].hex() == sha256


def test_no_third_copy_after_two_that_were_nearly_whole(busy: Source, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="under each attempt to copy it, 2 in all"):
        copy(str(busy({CHUNKS + 1, 2 * CHUNKS + 2})), str(tmp_path / "out"))


def test_a_file_that_never_stands_still(busy: Source, tmp_path: Path) -> None:
    """Each attempt is given up with the chunk under which the file changed."""
    with pytest.raises(Failure, match=r"under each attempt to copy it, 3 in all .* after 0\.0 MiB of its"):
        copy(str(busy({2, 4, 6})), str(tmp_path / "out"))
    assert (tmp_path / "out").stat().st_size <= PAGE


def test_a_database_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        copy(str(tmp_path / "db"), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


ANOTHER: list[tuple[str, list[int], bool]] = [
    ("the first", [], True),
    ("after little", [10, 30], True),
    ("after a whole copy", [100], True),
    ("after two halves", [50, 50], True),
    ("after more than a whole copy", [51, 50], False),
    ("often enough", [0, 0, 0], False),
]


@pytest.mark.parametrize(("written", "expected"), table(ANOTHER))
def test_another(written: list[int], expected: bool) -> None:
    assert another([Attempt(mib * MIB, "") for mib in written], 100 * MIB) is expected
