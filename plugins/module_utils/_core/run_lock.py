# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""The run lock: a small file on each node that says who works there, and until when it may be believed."""

from __future__ import annotations

import fcntl
import json
import os
import time
import typing as t
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from . import run_id

DEFAULT_PATH = "/run/etcd-maintenance.lock"


@dataclass(frozen=True)
class Lock:
    """`run` tells two runs apart, `owner` is for people; `until` is in seconds since 1970, by this node's clock."""

    run: str
    owner: str
    until: float


class Locked(Exception):
    """Another run holds the lock, and it has not expired."""

    def __init__(self, lock: Lock) -> None:
        super().__init__(f"held by {lock.owner}")
        self.lock = lock


def parse(text: str) -> Lock | None:
    """The lock in the file's text, None where it holds none that can be understood."""
    try:
        body = json.loads(text)
        return Lock(str(body["run"]), str(body["owner"]), float(body["until"]))
    except (KeyError, TypeError, ValueError):
        return None


def stale_lock(held: Lock | None, run: str, now: float, ended: t.Container[str]) -> Lock | None:
    """The lock of another run that may be replaced, because its time is over or that run is known to have ended.

    None where there is nothing to replace. Raises Locked where it still counts.
    """
    if held is None or held.run == run:
        return None
    if held.until > now and held.run not in ended:
        raise Locked(held)
    return held


@contextmanager
def _exclusively(path: str, create: int = os.O_CREAT) -> t.Iterator[t.BinaryIO]:
    """The file, locked; opened again where it was removed between opening and locking."""
    while True:
        with os.fdopen(os.open(path, os.O_RDWR | create, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                same = os.path.samestat(os.fstat(file.fileno()), os.stat(path))
            except FileNotFoundError:
                same = False
            if same:
                yield file
                return


def read(path: str) -> Lock | None:
    """Who holds the lock, expired or not. None where nobody does."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return parse(file.read())
    except OSError:
        return None


def describe(held: Lock) -> str:
    """Whose lock it is, and until when, as half a sentence."""
    until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(held.until))
    return f"another run works on this node: {held.owner}, at the latest until {until} by this node's clock"


def ended_here(held: Lock | None) -> list[str]:
    """The run of the lock, where it is one of this very machine that has ended; else nothing."""
    run = run_id.parse(held.run) if held else None
    return [held.run] if held and run and run_id.ended(run) else []


def take(path: str, lock: Lock, *, ended: t.Container[str] = (), now: float | None = None) -> Lock | None:
    """Take or renew the lock; what was taken over. Raises Locked, OSError."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with _exclusively(path) as file:
        replaced = stale_lock(parse(file.read().decode("utf-8", "replace")), lock.run, now or time.time(), ended)
        file.seek(0)
        file.truncate()
        file.write(json.dumps(asdict(lock)).encode())
    return replaced


def release(path: str, run: str) -> bool:
    """Give the lock back where this run holds it; whether it did. Raises OSError."""
    try:
        with _exclusively(path, create=0) as file:
            held = parse(file.read().decode("utf-8", "replace"))
            if held is None or held.run != run:
                return False
            os.unlink(path)
    except FileNotFoundError:
        return False
    return True


__all__ = (
    "DEFAULT_PATH",
    "Lock",
    "Locked",
    "describe",
    "ended_here",
    "parse",
    "read",
    "release",
    "stale_lock",
    "take",
)
