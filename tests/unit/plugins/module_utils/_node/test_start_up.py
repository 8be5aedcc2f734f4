# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For how long a member reads when it starts, and whether it still does."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from unit.builders import MIB, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node import start_up
from ansible_collections.controlplane.etcd.plugins.module_utils._node.process import Activity
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.module_utils._node.start_up import (
    Reading,
    checks_at_start,
    database_bytes,
    start_seconds,
    start_seconds_of,
)

GIB = 1024 * MIB
WAL = 320 * MIB  # five segments

SECONDS: list[tuple[str, int, int, bool, float]] = [
    ("nothing", 0, 0, True, 0.0),
    ("log alone", 250 * MIB, 0, True, 10.0),
    ("database", 0, 600 * MIB, False, 10.0),
    ("database, read twice", 0, 600 * MIB, True, 20.0),
    ("both", 250 * MIB, 600 * MIB, True, 30.0),
]


@pytest.mark.parametrize(("wal", "database", "twice", "expected"), table(SECONDS))
def test_start_seconds(wal: int, database: int, twice: bool, expected: float) -> None:
    assert start_seconds(wal, database, twice=twice) == expected


def test_8_gib_on_a_slow_disk() -> None:
    """120 MB/s read it twice in 143 s."""
    assert start_seconds(WAL, 8 * GIB) > 12 + 2 * 8 * GIB / 120e6


CHECKS: list[tuple[str, dict[str, str], dict[str, str], bool]] = [
    ("not said", {}, {}, False),
    ("kubeadm up to 1.33", {"experimental-initial-corrupt-check": "true"}, {}, True),
    ("switched off", {"experimental-initial-corrupt-check": "false"}, {}, False),
    ("newer kubeadms", {"feature-gates": "InitialCorruptCheck=true"}, {}, True),
    ("beside another gate", {"feature-gates": "LeaseCheckpoint=true,InitialCorruptCheck=true"}, {}, True),
    ("gate off", {"feature-gates": "InitialCorruptCheck=false"}, {}, False),
    ("by a variable", {}, {"ETCD_EXPERIMENTAL_INITIAL_CORRUPT_CHECK": "true"}, True),
]


@pytest.mark.parametrize(("flags", "env", "expected"), table(CHECKS))
def test_checks_at_start(flags: dict[str, str], env: dict[str, str], expected: bool) -> None:
    assert checks_at_start(MemberSettings("etcd.yaml", "", flags, env, ())) is expected


def test_sizes_of_a_member(tmp_path: Path) -> None:
    manifest = MemberSettings("etcd.yaml", "", {"data-dir": str(tmp_path)}, {}, ())
    assert (database_bytes(manifest), start_seconds_of(manifest)) == (0, 0.0)
    for path, size in ((manifest.database, 600 * MIB), (f"{manifest.wal_dir}/0.wal", 250 * MIB)):
        Path(path).parent.mkdir(parents=True)
        with Path(path).open("wb") as file:
            file.truncate(size)
    assert (database_bytes(manifest), start_seconds_of(manifest)) == (600 * MIB, 20.0)


class Process:
    """A process that is told what it does, second by second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.done: Activity | None = Activity(0, 0.0)
        self.reading = Reading()
        monkeypatch.setattr(start_up.process, "activity", lambda _pid: self.done)
        monkeypatch.setattr(start_up, "time", SimpleNamespace(monotonic=lambda: self.now))

    def goes_on(self, seconds: int, *, bytes_per_second: int = 0, cpu: float = 0.0, pid: int | None = 7) -> bool:
        """Whether it is still at work after so many seconds of this."""
        found = self.reading.goes_on(pid)
        for _second in range(5 * seconds):
            self.now += 0.2
            if self.done:
                read, computed = self.done
                self.done = Activity(read + bytes_per_second // 5, computed + cpu / 5)
            found = self.reading.goes_on(pid)
        return found


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    return Process(monkeypatch)


WORK: list[tuple[str, int, int, float, bool]] = [
    ("just started", 1, 0, 0.0, True),
    ("waits", 20, 0, 0.0, False),
    ("reads a slow disk", 300, MIB, 0.0, True),
    ("computes what is cached", 300, 0, 0.9, True),
    ("hears heartbeats and ticks", 20, 20000, 0.02, False),
]


@pytest.mark.parametrize(("seconds", "bytes_per_second", "cpu", "expected"), table(WORK))
def test_goes_on(process: Process, seconds: int, bytes_per_second: int, cpu: float, expected: bool) -> None:
    assert process.goes_on(seconds, bytes_per_second=bytes_per_second, cpu=cpu) is expected


def test_pause_of_a_disk(process: Process) -> None:
    assert process.goes_on(30, bytes_per_second=MIB)
    assert process.goes_on(10)
    assert process.goes_on(10, bytes_per_second=MIB)
    assert not process.goes_on(20)


def test_another_process_begins_anew(process: Process) -> None:
    assert not process.goes_on(20)
    assert process.goes_on(1, pid=8)
    assert not process.goes_on(1, pid=None)


def test_one_that_cannot_be_seen(process: Process) -> None:
    process.done = None
    assert not process.goes_on(1)
