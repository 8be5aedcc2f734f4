# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write-ahead logs of real etcds, and what is left of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import VERSIONS, recorded, recorded_json, table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.wal import WalIds, parse_ids, read_ids, wal_bytes

HEADS = {version: recorded(version, "wal") for version in VERSIONS}


def ids_of(version: str) -> WalIds:
    """The ids of the follower whose log was recorded, as it said them itself."""
    header = recorded_json(version, "status-follower")["header"]
    return WalIds(int(header["cluster_id"]), int(header["member_id"]))


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded(version: str) -> None:
    assert parse_ids(HEADS[version]) == ids_of(version)


def frame(record: bytes, padding: int = 0) -> bytes:
    head = len(record) | (0x80 | padding) << 56 if padding else len(record)
    return head.to_bytes(8, "little") + record + bytes(padding)


METADATA = b"\x08\x07\x10\x09"  # NodeID 7, ClusterID 9
CRC = frame(b"\x08\x04\x10\x00")
ENTRY = frame(b"\x08\x02\x10\x00\x1a\x00")

HEADS_OF_BYTES: list[tuple[str, bytes, WalIds | None]] = [
    ("metadata", CRC + frame(b"\x08\x01\x1a\x04" + METADATA), WalIds(9, 7)),
    ("padding is skipped", frame(b"\x08\x04\x10\x00", 4) + frame(b"\x08\x01\x1a\x04" + METADATA), WalIds(9, 7)),
    ("after an entry", CRC + ENTRY + frame(b"\x08\x01\x1a\x04" + METADATA), WalIds(9, 7)),
    ("preallocated zeros", bytes(4096), None),
    ("only a CRC", CRC + bytes(64), None),
    ("empty", b"", None),
    ("cut in a frame's head", CRC[:7], None),
    ("cut in the metadata", (CRC + frame(b"\x08\x01\x1a\x04" + METADATA))[:-1], None),
    ("metadata without a cluster", frame(b"\x08\x01\x1a\x02\x08\x07"), None),
    ("record without metadata", frame(b"\x08\x01\x10\x00"), None),
    ("id that is text", frame(b"\x08\x01\x1a\x05\x0a\x01a\x10\x09"), None),
    ("id above 64 bits", frame(b"\x08\x01\x1a\x0e\x08" + b"\xff" * 10 + b"\x7f\x10\x09"), None),
    ("fixed64 field", frame(b"\x09" + bytes(8)), None),
]


@pytest.mark.parametrize(("head", "expected"), table(HEADS_OF_BYTES))
def test_head(head: bytes, expected: WalIds | None) -> None:
    assert parse_ids(head) == expected


def sound(found: WalIds | None) -> bool:
    """None, or ids that can be shown in hexadecimal."""
    return found is None or all(0 <= each < 2**64 for each in found)


@given(st.sampled_from(VERSIONS), st.integers(0, 4095), st.integers(1, 255))
def test_flipped_bits(version: str, at: int, bits: int) -> None:
    damaged = bytearray(HEADS[version])
    damaged[at % 200] ^= bits
    assert sound(parse_ids(bytes(damaged)))


@given(st.sampled_from(VERSIONS), st.integers(0, 300))
def test_cut_off(version: str, length: int) -> None:
    found = parse_ids(HEADS[version][:length])
    assert found in (None, ids_of(version))


@given(st.binary(max_size=200))
def test_garbage(data: bytes) -> None:
    assert sound(parse_ids(data))
    assert sound(parse_ids(frame(b"\x08\x01\x1a" + bytes([len(data) & 0x7F]) + data)))


def test_newest_file_counts(tmp_path: Path) -> None:
    (tmp_path / "0000000000000000-0000000000000000.wal").write_bytes(frame(b"\x08\x01\x1a\x04\x08\x01\x10\x01"))
    (tmp_path / "0000000000000001-00000000000003e8.wal").write_bytes(HEADS["3.6.16"])
    (tmp_path / "1.tmp").write_bytes(b"")
    assert read_ids(str(tmp_path)) == ids_of("3.6.16")


def test_nothing_to_read(tmp_path: Path) -> None:
    assert read_ids(str(tmp_path)) is None
    assert read_ids(str(tmp_path / "missing")) is None
    (tmp_path / "0.wal").mkdir()
    assert read_ids(str(tmp_path)) is None


def test_wal_bytes(tmp_path: Path) -> None:
    """Allocated in full beforehand, so by their size and not by what is in them."""
    assert wal_bytes(str(tmp_path)) == 0
    for number, size in enumerate((64_000_000, 64_000_000, 7)):
        with (tmp_path / f"{number}.wal").open("wb") as file:
            file.truncate(size)
    (tmp_path / "0.tmp").write_bytes(b"the next one")
    (tmp_path / "0000000000000000-0000000000000000.wal.broken").write_bytes(b"repaired")
    assert wal_bytes(str(tmp_path)) == 128_000_007
    assert wal_bytes(str(tmp_path / "missing")) == 0
