# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The lease of the run lock: it counts for ten minutes, and whoever works renews it, before each step and meanwhile."""

from __future__ import annotations

import threading
import time
import typing as t
from contextlib import contextmanager, suppress

from . import run_lock
from .failures import Refused
from .run_lock import Lock, Locked

LEASE_SECONDS = 600
# Often enough that a renewal may fail, or a busy node be late, some times in a row.
_RENEW_SECONDS = 60.0


class LockLost(Refused):
    """The lock of this node has become that of another run, and it counts."""

    def __init__(self, lock: Lock) -> None:
        super().__init__(
            "lock_lost",
            f"This node's lock has gone to another run, {lock.owner}, and counts until {run_lock.until(lock)}.",
            "Find out what that run does here, and run this again when it is over.",
            unchanged="This step was not begun; what was done before it stays done.",
        )
        self.lock = lock

    def details(self) -> dict[str, t.Any]:
        return {"lock": self.lock._asdict()}


@contextmanager
def kept(path: str, run: str) -> t.Iterator[None]:
    """Take or renew the lock of this run, and go on renewing it for as long as the body works; it is not given back.
    Raises LockLost, OSError."""
    if not run_lock.renew(path, run, _until()):
        try:
            taken = Lock(run, f"the run {run}", _until())
            run_lock.take(path, taken, ended=run_lock.ended_here(run_lock.read(path)))
        except Locked as exc:
            raise LockLost(exc.lock) from exc
    with renewed(path, run):
        yield


@contextmanager
def renewed(path: str, run: str, *, every: float = _RENEW_SECONDS) -> t.Iterator[None]:
    """Renew the lock that this run holds for as long as the body works. One that is released or taken over meanwhile
    stays so."""
    done = threading.Event()
    renewing = threading.Thread(target=_renew, args=(path, run, every, done), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        done.set()
        renewing.join()  # so that the process does not exit in the middle of a line


def _renew(path: str, run: str, every: float, done: threading.Event) -> None:
    while not done.wait(every):
        with suppress(OSError):  # the next time, perhaps
            if not run_lock.renew(path, run, _until()):
                return


def _until() -> float:
    return time.time() + LEASE_SECONDS


__all__ = ("LEASE_SECONDS", "LockLost", "kept", "renewed")
