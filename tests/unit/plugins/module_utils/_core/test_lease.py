# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease of the lock: who gets it, that it is renewed while there is work, and that nothing is brought back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import lease, run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._core.lease import LEASE_SECONDS, LockLost
from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_lock import Lock

FOREVER = 32503680000.0
MINE, OTHERS = Lock("me", "root@a, recover", FOREVER), Lock("them", "root@b, recover", FOREVER)


def await_true(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


KEPT: list[tuple[str, Lock | None, str]] = [
    ("my own", MINE._replace(until=1.0), "root@a, recover"),
    ("none", None, "the run me"),
    ("another's, expired", OTHERS._replace(until=1.0), "the run me"),
]


@pytest.mark.parametrize(("held", "owner"), table(KEPT))
def test_kept(tmp_path: Path, held: Lock | None, owner: str) -> None:
    path = str(tmp_path / "run/x.lock")
    if held:
        run_lock.take(path, held)
    earliest = time.time() + LEASE_SECONDS
    with lease.kept(path, "me"):
        found = run_lock.read(path)
    assert found
    assert (found.run, found.owner) == ("me", owner)
    assert earliest <= found.until <= time.time() + LEASE_SECONDS
    assert run_lock.read(path) == found


def test_one_that_lasts_longer_is_not_shortened(tmp_path: Path) -> None:
    path = str(tmp_path / "x.lock")
    run_lock.take(path, MINE)
    with lease.kept(path, "me"):
        assert run_lock.read(path) == MINE


def test_lost(tmp_path: Path) -> None:
    path = str(tmp_path / "x.lock")
    run_lock.take(path, OTHERS)
    with pytest.raises(LockLost) as caught, lease.kept(path, "me"):
        pytest.fail("nothing may be done")
    assert caught.value.code == "lock_lost"
    assert caught.value.text == (
        "This node's lock has gone to another run, root@b, recover, and counts until 3000-01-01 00:00:00 UTC by this"
        " node's clock. Find out what that run does here, and run this again when it is over."
    )
    assert caught.value.details() == {"lock": {"run": "them", "owner": "root@b, recover", "until": FOREVER}}
    assert run_lock.read(path) == OTHERS


def test_renewed_again_and_again_until_the_work_is_over(tmp_path: Path) -> None:
    path, threads = str(tmp_path / "x.lock"), threading.active_count()
    run_lock.take(path, MINE._replace(until=1.0))

    def until() -> float:
        found = run_lock.read(path)
        assert found
        return found.until

    with lease.renewed(path, "me", every=0.01):
        await_true(lambda: until() > 1.0)
        first = until()
        await_true(lambda: until() > first)
    assert threading.active_count() == threads


def test_work_that_fails_is_not_renewed_any_more(tmp_path: Path) -> None:
    threads = threading.active_count()
    with pytest.raises(ZeroDivisionError), lease.kept(str(tmp_path / "x.lock"), "me"):
        raise ZeroDivisionError
    assert threading.active_count() == threads


GONE: list[tuple[str, Callable[[str], object], Lock | None]] = [
    ("released", lambda path: run_lock.release(path, "me"), None),
    ("taken over", lambda path: run_lock.take(path, OTHERS, force=True), OTHERS),
]


@pytest.mark.parametrize(("how", "left"), table(GONE))
def test_what_is_gone_is_not_brought_back(tmp_path: Path, how: Callable[[str], object], left: Lock | None) -> None:
    path, threads = str(tmp_path / "x.lock"), threading.active_count()
    run_lock.take(path, MINE)
    with lease.renewed(path, "me", every=0.01):
        how(path)
        await_true(lambda: threading.active_count() == threads)
        assert run_lock.read(path) == left


def test_a_renewal_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def renew(path: str, _run: str, _until: float) -> bool:
        asked.append(path)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_lock, "renew", renew)
    with lease.renewed("/run/x.lock", "me", every=0.01):
        await_true(lambda: len(asked) >= 3)


def test_work_that_is_over_at_once_waits_for_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "x.lock")
    threads = threading.active_count()
    with lease.kept(path, "me"):
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads
