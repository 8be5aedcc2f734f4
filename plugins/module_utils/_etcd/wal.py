# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A member's write-ahead log: its size, and the ids at its start, which are known even with etcd down.

A file is a row of frames: a little-endian int64 whose low 56 bits are the record's length and whose top byte tells the
padding, then the record (walpb.Record: type = 1, crc = 2, data = 3). Every file begins with a CRC record and then the
metadata (etcdserverpb.Metadata: NodeID = 1, ClusterID = 2); source: server/storage/wal in etcd.
"""

from __future__ import annotations

import os
import typing as t

from .._core.files import reading

_METADATA = 1
_LENGTH_MASK = (1 << 56) - 1
_HEAD_BYTES = 4096


class WalIds(t.NamedTuple):
    cluster_id: int
    member_id: int


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _fields(data: bytes) -> dict[int, t.Any]:
    """Varint and length-delimited fields of a protobuf message, by number; the last one of a number counts."""
    found: dict[int, t.Any] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            found[tag >> 3], at = _varint(data, at)
        elif tag & 7 == 2:
            length, at = _varint(data, at)
            found[tag >> 3], at = data[at : at + length], at + length
        else:
            raise ValueError("no field of that kind is expected")
    return found


def parse_ids(head: bytes) -> WalIds | None:
    """The ids from the first bytes of a WAL file, None if there are none."""
    at = 0
    try:
        while at + 8 <= len(head):
            frame = int.from_bytes(head[at : at + 8], "little")
            length, padding = frame & _LENGTH_MASK, (frame >> 56) & 0x7 if frame >> 63 else 0
            if not length:
                return None
            record = _fields(head[at + 8 : at + 8 + length])
            if record.get(1) == _METADATA:
                metadata = _fields(record[3])
                cluster_id, member_id = metadata[2], metadata[1]
                # A damaged log may hold text there, which raises TypeError here, or more than 64 bits.
                return None if (cluster_id | member_id) >> 64 else WalIds(cluster_id, member_id)
            at += 8 + length + padding
    except (IndexError, KeyError, TypeError, ValueError):
        pass
    return None


def read_ids(wal_dir: str) -> WalIds | None:
    """The ids from the newest file in `wal_dir`, None if there is none to read."""
    try:
        newest = max(name for name in os.listdir(wal_dir) if name.endswith(".wal"))
        with reading(os.path.join(wal_dir, newest)) as file:
            return parse_ids(file.read(_HEAD_BYTES))
    except (OSError, ValueError):
        return None


def wal_bytes(wal_dir: str) -> int:
    """The size of all files in `wal_dir`: a member reads at most that much when it starts. Each is allocated in full
    beforehand."""
    total = 0
    try:
        with os.scandir(wal_dir) as entries:
            for entry in entries:
                if entry.name.endswith(".wal"):
                    total += entry.stat().st_size
    except OSError:
        pass
    return total


__all__ = ("WalIds", "parse_ids", "read_ids", "wal_bytes")
