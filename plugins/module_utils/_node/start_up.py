# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The start of a member: it reads its log and its database before it answers, for how long that takes, and whether it
still does.

etcd walks all keys of its database when it starts (mvcc, restore), and once more if it is to compare them with those of
the others first (etcdserver/corrupt.go, InitialCheck), as kubeadm has it.
"""

from __future__ import annotations

import os
import time

from .._core.units import MIB
from .._etcd.wal import wal_bytes
from . import process
from .probes import replay_seconds
from .settings import MemberSettings

# Half of what slower disks in clouds give (120 MB/s), which others use as well.
_DATABASE_BYTES_PER_SECOND = 60 * MIB

# Less than that, and for so long, is no reading: a member that waits for others ticks and hears their heartbeats.
_BYTES_PER_SECOND = 256 * 1024
_CPU_SHARE = 0.1
_IDLE_SECONDS = 15.0
_SAMPLE_SECONDS = 1.0


def start_seconds(wal_bytes: int, database_bytes: int, *, twice: bool = True) -> float:
    """The estimated seconds for which a member that starts reads its log and its database, the latter `twice` if it
    compares it with the others."""
    return replay_seconds(wal_bytes) + database_bytes * (2 if twice else 1) / _DATABASE_BYTES_PER_SECOND


def start_seconds_of(manifest: MemberSettings) -> float:
    """The same for the member of this manifest, with the files that it has now."""
    return start_seconds(wal_bytes(manifest.wal_dir), database_bytes(manifest), twice=checks_at_start(manifest))


def database_bytes(manifest: MemberSettings) -> int:
    """The size of the member's database, 0 if there is none."""
    try:
        return os.stat(manifest.database).st_size
    except OSError:
        return 0


def checks_at_start(manifest: MemberSettings) -> bool:
    """Whether the member compares its data with that of the others before it answers; a flag up to etcd 3.6, a feature
    gate from then on."""
    gates = manifest.setting("feature-gates").split(",")
    return manifest.setting("experimental-initial-corrupt-check") == "true" or "InitialCorruptCheck=true" in gates


class Reading:
    """Whether a process goes on reading or computing, as far as it is asked again and again."""

    def __init__(self) -> None:
        self._pid: int | None = None
        self._sample: process.Activity | None = None
        self._sampled = self._progress = float("-inf")

    def goes_on(self, pid: int | None) -> bool:
        """Whether this process has done so in the last seconds; a new one counts as if it had."""
        now = time.monotonic()
        if pid is None:
            self._pid = None
            return False
        if pid != self._pid:
            self._pid, self._sample, self._sampled, self._progress = pid, process.activity(pid), now, now
        elif now - self._sampled >= _SAMPLE_SECONDS:
            sample, seconds = process.activity(pid), now - self._sampled
            if _is_busy(self._sample, sample, seconds):
                self._progress = now
            self._sample, self._sampled = sample, now
        return self._sample is not None and now - self._progress < _IDLE_SECONDS


def _is_busy(before: process.Activity | None, after: process.Activity | None, seconds: float) -> bool:
    if before is None or after is None:
        return False
    read = after.read_bytes - before.read_bytes
    computed = after.cpu_seconds - before.cpu_seconds
    return read >= _BYTES_PER_SECOND * seconds or computed >= _CPU_SHARE * seconds


__all__ = ("Reading", "checks_at_start", "database_bytes", "start_seconds", "start_seconds_of")
