# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Estimates: how long a step takes, and how much free disk space it needs. Pure functions of sizes."""

from __future__ import annotations

import typing as t

from .._core.units import MIB
from .view import ClusterView

WORK_SECONDS = 600.0  # how long one member may take for each part of its work

# bbolt grows the copy by up to this much beyond what it holds (backend.go, AllocSize).
_DEFRAG_EXTRA_BYTES = 16 * MIB

# etcd preallocates each WAL segment (server/storage/wal): that much of its disk has to stay free, or it exits.
WAL_SEGMENT_BYTES = 64 * MIB

# Bytes per second, slower than what was measured on two shared cores: they serve an estimate only.
_COPY, _COMPACT, _DEFRAG = 250 * MIB, 150 * MIB, 120 * MIB
_MEASURABLE_BYTES = 64 * MIB  # of less, most of the time is that of asking and waiting
_FIXED_SECONDS = 30.0
_SECONDS_PER_SILENT = 30.0


def expected_seconds(view: ClusterView) -> int:
    """The duration of a recovery, from the sizes alone. What is in use before the compaction bounds what a
    defragmentation will write."""
    voters = view.connected_voters
    largest = max((member.size_bytes for member in voters), default=0)
    work = snapshot_seconds(largest) + compact_seconds(largest)
    work += sum(defrag_seconds(member.in_use_bytes) for member in voters)
    silent = sum(member.role in ("silent", "leaderless") for member in view.members)
    return round(_FIXED_SECONDS + _SECONDS_PER_SILENT * silent + work)


def snapshot_seconds(size_bytes: int) -> float:
    """The duration of a snapshot."""
    return size_bytes / _COPY


def compact_seconds(size_bytes: int) -> float:
    """The duration of a compaction on a member, while it serves."""
    return size_bytes / _COMPACT


def defrag_seconds(in_use_bytes: int, bytes_per_second: float | None = None) -> float:
    """The duration of a defragmentation of a member, which serves nothing meanwhile; at its own speed if that was
    measured."""
    return in_use_bytes / (bytes_per_second or _DEFRAG)


def defrag_speed(written_bytes: int, seconds: float) -> float | None:
    """The bytes per second of a defragmentation that was carried out, None if it was over too soon to tell."""
    return written_bytes / seconds if written_bytes >= _MEASURABLE_BYTES and seconds > 0 else None


class DiskRoom(t.NamedTuple):
    """The free space on the disk of a member's data, and whether its log lies there as well."""

    free_bytes: int
    with_log: bool = True


def defrag_needed_bytes(in_use_bytes: int, *, with_log: bool = True) -> int:
    """The free space that a defragmentation needs on a member's data disk: for its copy, and for etcd's next WAL
    segment, unless the log is elsewhere."""
    return in_use_bytes + _DEFRAG_EXTRA_BYTES + (WAL_SEGMENT_BYTES if with_log else 0)


def minutes_to_full(size_bytes: int, quota_bytes: int, growth_per_minute: float) -> float | None:
    """The minutes until a database fills its quota, None if it does not grow or there is no quota."""
    if growth_per_minute <= 0 or quota_bytes <= 0:
        return None
    return max(quota_bytes - size_bytes, 0) / growth_per_minute


__all__ = (
    "WAL_SEGMENT_BYTES",
    "WORK_SECONDS",
    "DiskRoom",
    "compact_seconds",
    "defrag_needed_bytes",
    "defrag_seconds",
    "defrag_speed",
    "expected_seconds",
    "minutes_to_full",
    "snapshot_seconds",
)
