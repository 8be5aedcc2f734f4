# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fills a file: some that are none, or damaged, or move meanwhile."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from unit.bolt_files import PAGE, Change, database, meta_page
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import usage
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage import usage_of
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage_count import Look, look, measure


def write(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


SOME = [Change(b"/registry/pods/a/%d" % (n % 7), b"x" * n) for n in range(50)]
WHOLE = database(SOME)

BROKEN: list[tuple[str, bytes, str]] = [
    ("empty", b"", "it is empty"),
    ("text", b"SQLite format 3\0" * 1000, "no valid meta page"),
    ("a part of a page", WHOLE[:100], "cut off"),
    ("half", WHOLE[: len(WHOLE) // 2], "cut off"),
    ("wrong magic", WHOLE.replace(struct.pack("<I", 0xED0CDAED), bytes(4)), "no valid meta page"),
    ("wrong checksums", WHOLE[:70] + b"\xff" + WHOLE[71 : PAGE + 70] + b"\xff" + WHOLE[PAGE + 71 :], "no valid meta"),
    ("no bucket of keys", WHOLE.replace(b"key", b"kex"), "it has no bucket key: not a database of etcd"),
    ("out of order", WHOLE.replace(struct.pack(">Q", 5) + b"_", struct.pack(">Q", 40) + b"_"), "are out of order"),
    ("a revision without a key", WHOLE.replace(b"\x0a\x12/reg", b"\x12\x12/reg"), "does not begin with its key"),
]


@pytest.mark.parametrize(("data", "message"), table(BROKEN))
def test_broken(data: bytes, message: str, tmp_path: Path) -> None:
    path = write(tmp_path / "db", data)
    with pytest.raises(Failure, match=message) as caught:
        usage_of(path)
    assert (caught.value.code, caught.value.reason.startswith(f"{path} cannot be read")) == ("database_damaged", True)


def test_one_meta_page_is_enough(tmp_path: Path) -> None:
    for damaged in (bytes(PAGE) + WHOLE[PAGE:], WHOLE[:PAGE] + bytes(PAGE) + WHOLE[2 * PAGE :]):
        assert usage_of(write(tmp_path / "db", damaged)) == measure(WHOLE)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        usage_of(str(tmp_path / "db"))


def moving(path: Path, times: int, monkeypatch: pytest.MonkeyPatch, *, broken: bool = False) -> list[int]:
    """Let a transaction be committed while the file is walked, so many times."""
    calls: list[int] = []

    def looked(data: bytes, _wanted: object) -> Look:
        calls.append(1)
        if len(calls) <= times:
            root, pages = struct.unpack_from("<Q24xQ", WHOLE, 32)[0], len(WHOLE) // PAGE
            with path.open("r+b") as file:
                file.write(meta_page(0, root=root, pages=pages, txid=100 + len(calls)))
            if broken:
                raise ValueError("page 7 is in two places")
        return look(data)

    monkeypatch.setattr(usage, "look", looked)
    return calls


MOVES: list[tuple[str, int, int, bool]] = [
    ("never", 0, 1, True),
    ("once", 1, 2, True),
    ("twice", 2, 3, True),
    ("always", 9, 3, False),
]


@pytest.mark.parametrize(("times", "attempts", "consistent"), table(MOVES))
def test_moves(times: int, attempts: int, consistent: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "db", WHOLE)
    calls = moving(tmp_path / "db", times, monkeypatch)
    found = usage_of(path)
    assert (len(calls), found.consistent) == (attempts, consistent)
    assert found.total == measure(WHOLE).total


def test_moves_and_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "db", WHOLE)
    calls = moving(tmp_path / "db", 1, monkeypatch, broken=True)
    assert (usage_of(path).consistent, len(calls)) == (True, 2)
    write(tmp_path / "db", WHOLE)
    calls = moving(tmp_path / "db", 9, monkeypatch, broken=True)
    with pytest.raises(Failure, match=r"db, to which etcd is writing, cannot .*: page 7 is in two places\.$"):
        usage_of(path)
    assert len(calls) == 3
