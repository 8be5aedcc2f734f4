# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run lock: whose it is, who may take it over, and that of many exactly one gets it."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import stat
import subprocess
import sys
import threading
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_id, run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_lock import Lock, Locked

MINE, OTHERS = Lock("me", "root@a, recover", 2000.0), Lock("them", "root@b, recover", 2000.0)
NOW = 1000.0

# Held, moment, runs that have ended; whether it raises; what was taken over.
TAKEN: list[tuple[str, Lock | None, float, list[str], bool, Lock | None]] = [
    ("free", None, NOW, [], False, None),
    ("my own", MINE, NOW, [], False, None),
    ("my own, expired", MINE, 3000.0, [], False, None),
    ("another's", OTHERS, NOW, [], True, None),
    ("another's, its last moment", OTHERS, 1999.9, [], True, None),
    ("another's, expired right now", OTHERS, 2000.0, [], False, OTHERS),
    ("another's, expired", OTHERS, 3000.0, [], False, OTHERS),
    ("another's, ended", OTHERS, NOW, ["them"], False, OTHERS),
    ("another's, a third has ended", OTHERS, NOW, ["me", "third"], True, None),
]


@pytest.mark.parametrize("check", [False, True], ids=["run", "check"])
@pytest.mark.parametrize(("held", "now", "ended", "refused", "expected"), table(TAKEN))
def test_take(
    tmp_path: Path, held: Lock | None, now: float, ended: list[str], refused: bool, expected: Lock | None, check: bool
) -> None:
    path = tmp_path / "run" / "x.lock"
    if held:
        run_lock.take(str(path), held, now=NOW)
    wanted = Lock("me", "root@a, again", 5000.0)
    if refused:
        with pytest.raises(Locked) as caught:
            run_lock.take(str(path), wanted, ended=ended, now=now, check=check)
        assert caught.value.lock == held
        assert run_lock.read(str(path)) == held
    else:
        assert run_lock.take(str(path), wanted, ended=ended, now=now, check=check) == expected
        assert run_lock.read(str(path)) == (held if check else wanted)
        assert path.exists() is bool(held or not check)
        assert check or stat.S_IMODE(path.stat().st_mode) == 0o600


def test_take_by_force(tmp_path: Path) -> None:
    path = str(tmp_path / "x.lock")
    run_lock.take(path, OTHERS)
    assert run_lock.take(path, MINE, force=True, now=NOW, check=True) == OTHERS
    assert run_lock.read(path) == OTHERS
    assert run_lock.take(path, MINE, force=True, now=NOW) == OTHERS
    assert run_lock.read(path) == MINE


RENEWED: list[tuple[str, Lock | None, float, Lock | None]] = [
    ("my own", MINE, 5000.0, MINE._replace(until=5000.0)),
    ("my own, which lasts longer anyway", MINE, 1500.0, MINE),
    ("another's", OTHERS, 5000.0, None),
    ("none", None, 5000.0, None),
]


@pytest.mark.parametrize(("held", "until", "expected"), table(RENEWED))
def test_renew(tmp_path: Path, held: Lock | None, until: float, expected: Lock | None) -> None:
    path = str(tmp_path / "x.lock")
    if held:
        run_lock.take(path, held)
    assert run_lock.renew(path, "me", until) is (expected is not None)
    assert run_lock.read(path) == (expected or held)


COUNTS: list[tuple[str, float, list[str], bool]] = [
    ("its last moment", 1999.9, [], True),
    ("expired right now", 2000.0, [], False),
    ("a third has ended", NOW, ["me", "third"], True),
    ("its run has ended", NOW, ["them"], False),
]


@pytest.mark.parametrize(("now", "ended", "expected"), table(COUNTS))
def test_counts(now: float, ended: list[str], expected: bool) -> None:
    assert run_lock.counts(OTHERS, ended=ended, now=now) is expected


def test_failure_of_who_finds_it_locked() -> None:
    found = Locked(Lock("r", "root@admin, recover", 1795428000.0), "/run/x.lock")
    assert found.code == "locked"
    assert found.text == (
        "Another run works on this node: root@admin, recover; its lock counts until 2026-11-23 10:00:00 UTC by this"
        " node's clock, unless it is renewed. Wait for it; a lock that is not renewed expires. If you are sure that"
        " nobody works there any more (see what became of root@admin, recover, and whether a module of Ansible still"
        " runs on this node), take /run/x.lock over: -e recover_take_over_lock=true (harden_take_over_lock, or"
        " take_over of run_lock)."
    )
    assert found.details() == {"lock": {"run": "r", "owner": "root@admin, recover", "until": 1795428000.0}}


TEXTS: list[tuple[str, str, Lock | None]] = [
    ("whole", '{"run": "me", "owner": "root@a, recover", "until": 2000.0}', MINE),
    ("whole number", '{"run": "me", "owner": "root@a, recover", "until": 2000}', MINE),
    ("empty", "", None),
    ("cut off", '{"run": "me"', None),
    ("null", "null", None),
    ("a list", "[1]", None),
    ("without an end", '{"run": "me", "owner": "root@a, recover"}', None),
    ("no number", '{"run": "me", "owner": "root@a, recover", "until": "soon"}', None),
]


@pytest.mark.parametrize(("text", "expected"), table(TEXTS))
def test_parse(text: str, expected: Lock | None) -> None:
    assert run_lock.parse(text) == expected


@given(st.binary())
def test_any_file_is_a_lock_or_none(content: bytes) -> None:
    assert run_lock.parse(content.decode("utf-8", "replace")) is None


def test_file_of_garbage_is_free(tmp_path: Path) -> None:
    path = tmp_path / "x.lock"
    path.write_bytes(b"\xff\xfe garbage that is longer than any lock " * 9)
    assert run_lock.read(str(path)) is None
    assert run_lock.take(str(path), MINE) is None
    assert run_lock.read(str(path)) == MINE


def test_shorter_lock_replaces_a_longer_one(tmp_path: Path) -> None:
    path = str(tmp_path / "x.lock")
    run_lock.take(path, Lock("me", "o" * 500, 2000.0))
    run_lock.take(path, MINE)
    assert run_lock.read(path) == MINE


def test_who_reads_while_it_is_written_finds_a_lock(tmp_path: Path) -> None:
    """Of one that is longer, then shorter, then longer again: never an empty file, and never half a line."""
    path, over = str(tmp_path / "x.lock"), threading.Event()
    locks = [Lock("me", "o" * length, 2000.0) for length in (500, 1, 300)]
    run_lock.take(path, locks[0])
    seen: list[Lock | None] = []

    def read() -> None:
        while not over.is_set():
            seen.append(run_lock.read(path))

    reading = threading.Thread(target=read)
    reading.start()
    for turn in range(1000):
        run_lock.take(path, locks[turn % 3])
    over.set()
    reading.join(20)
    assert seen
    assert set(seen) <= set(locks)


def test_a_run_of_this_machine_that_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        gone = str(run_id.current(child.pid, "t"))
        assert run_lock.ended_here(Lock(gone, "", NOW)) == []
    assert run_lock.ended_here(Lock(gone, "", NOW)) == [gone]
    for run in (str(run_id.current(os.getpid(), "t")), "admin:4711:8812345", "by hand"):
        assert run_lock.ended_here(Lock(run, "", NOW)) == []
    assert run_lock.ended_here(None) == []


def test_read_without_a_file(tmp_path: Path) -> None:
    assert run_lock.read(str(tmp_path / "x.lock")) is None


RELEASES: list[tuple[str, Lock | None, bool]] = [
    ("my own", MINE, True),
    ("another's", OTHERS, False),
    ("none", None, False),
]


@pytest.mark.parametrize(("held", "released"), table(RELEASES))
def test_release(tmp_path: Path, held: Lock | None, released: bool) -> None:
    path = str(tmp_path / "x.lock")
    if held:
        run_lock.take(path, held)
    assert run_lock.release(path, "me", check=True) is released
    assert run_lock.read(path) == held
    assert run_lock.release(path, "me") is released
    assert run_lock.read(path) == (None if released else held)
    assert Path(path).exists() is (held is not None and not released)


RUNS = 20


def _race(path: str, number: int, start: Barrier, rounds: int, results: multiprocessing.Queue[tuple[int, int]]) -> None:
    """In each round all wait for each other and take the lock; the winner gives it back when all have tried."""
    for turn in range(rounds):
        start.wait(20)
        try:
            run_lock.take(path, Lock(str(number), f"run {number}", 9e12))
            results.put((turn, number))
        except Locked:
            pass
        start.wait(20)
        run_lock.release(path, str(number))


def test_of_many_exactly_one_wins(tmp_path: Path) -> None:
    rounds = 5
    context = multiprocessing.get_context("fork")
    start = context.Barrier(RUNS)
    results: multiprocessing.Queue[tuple[int, int]] = context.Queue()
    path = str(tmp_path / "x.lock")
    racers = [context.Process(target=_race, args=(path, n, start, rounds, results), daemon=True) for n in range(RUNS)]
    for racer in racers:
        racer.start()
    winners = [results.get(timeout=20) for _turn in range(rounds)]
    for racer in racers:
        racer.join(20)
        assert racer.exitcode == 0
    assert sorted(turn for turn, _run in winners) == list(range(rounds))
    assert results.empty()
    assert not Path(path).exists()


def test_lock_that_is_removed_while_another_waits_for_it(tmp_path: Path) -> None:
    """What it waited for is a file without a name then, in which nobody would find its lock."""
    path = tmp_path / "x.lock"
    with path.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Thread(target=run_lock.take, args=(str(path), MINE))
        waiting.start()
        time.sleep(0.2)
        path.unlink()
    waiting.join(20)
    assert run_lock.read(str(path)) == MINE


def _churn(path: str, number: int, start: Barrier, failures: multiprocessing.Queue[str]) -> None:
    """Take and give back as fast as possible; whoever holds it must find itself in the file."""
    start.wait(20)
    run = str(number)
    for _turn in range(50):
        try:
            run_lock.take(path, Lock(run, run, 9e12))
        except Locked:
            continue
        held = run_lock.read(path)
        if held is None or held.run != run or not run_lock.release(path, run):
            failures.put(f"{run} held it and found {held}")


def test_of_many_none_loses_its_lock(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    start = context.Barrier(RUNS)
    failures: multiprocessing.Queue[str] = context.Queue()
    path = str(tmp_path / "x.lock")
    racers = [context.Process(target=_churn, args=(path, n, start, failures), daemon=True) for n in range(RUNS)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(20)
        assert racer.exitcode == 0
    assert failures.empty()
