# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The run lock: a small file on each node that says whose run works there, and until when."""

from __future__ import annotations

import fcntl
import json
import os
import time
import typing as t
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from . import run_id
from .failures import Refused

DEFAULT_PATH = "/run/etcd-maintenance.lock"


@dataclass(frozen=True)
class Lock:
    """The content of the file. `run` tells two runs apart, `owner` is for people; `until` is in seconds since 1970, by
    this node's clock."""

    run: str
    owner: str
    until: float


class Locked(Refused):
    """Another run holds the lock, and it has not expired."""

    def __init__(self, lock: Lock, path: str) -> None:
        said = describe(lock)
        super().__init__(
            "locked",
            f"{said[0].upper()}{said[1:]}.",
            f"Wait for it, or, if you know that it has ended, remove {path} on this node.",
        )
        self.lock = lock

    def details(self) -> dict[str, t.Any]:
        return {"lock": asdict(self.lock)}


def take(
    path: str, lock: Lock, *, ended: t.Container[str] = (), now: float | None = None, check: bool = False
) -> Lock | None:
    """Take or renew the lock, and return the one that was taken over, None if there was none. `ended` are runs that are
    known to have exited; with `check` nothing is written. Raises Locked, OSError."""
    now = time.time() if now is None else now
    if check:
        return _stale(path, read(path), lock.run, now, ended)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with _exclusively(path) as file:
        replaced = _stale(path, _content(file), lock.run, now, ended)
        file.seek(0)
        file.truncate()
        file.write(json.dumps(asdict(lock)).encode())
    return replaced


def release(path: str, run: str, *, check: bool = False) -> bool:
    """Give the lock back if this run holds it, and return whether it did; with `check` it stays. Raises OSError."""
    if check:
        return _is_of(read(path), run)
    try:
        with _exclusively(path, create=0) as file:
            if not _is_of(_content(file), run):
                return False
            os.unlink(path)
    except FileNotFoundError:
        return False
    return True


def read(path: str) -> Lock | None:
    """The lock that is there, expired or not; None if there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return parse(file.read())
    except OSError:
        return None


def parse(text: str) -> Lock | None:
    """The lock in the file's text, None if it holds none that can be understood."""
    try:
        body = json.loads(text)
        return Lock(str(body["run"]), str(body["owner"]), float(body["until"]))
    except (KeyError, TypeError, ValueError):
        return None


def describe(held: Lock) -> str:
    """The owner of the lock, and until when it counts, as half a sentence."""
    until = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(held.until))
    return f"another run works on this node: {held.owner}, at the latest until {until} by this node's clock"


def ended_here(held: Lock | None) -> list[str]:
    """The id of the run that holds the lock if it is one of this very machine that has exited; else nothing."""
    run = run_id.parse(held.run) if held else None
    return [held.run] if held and run and run_id.ended(run) else []


def _stale(path: str, held: Lock | None, run: str, now: float, ended: t.Container[str]) -> Lock | None:
    """The lock of another run that may be replaced, because its time is over or that run is known to have exited; None
    if there is nothing to replace. Raises Locked if it still counts."""
    if held is None or held.run == run:
        return None
    if held.until > now and held.run not in ended:
        raise Locked(held, path)
    return held


def _is_of(held: Lock | None, run: str) -> bool:
    return held is not None and held.run == run


def _content(file: t.BinaryIO) -> Lock | None:
    return parse(file.read().decode("utf-8", "replace"))


@contextmanager
def _exclusively(path: str, create: int = os.O_CREAT) -> t.Iterator[t.BinaryIO]:
    """The open file, locked; opened again if it was removed between opening and locking."""
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


__all__ = ("DEFAULT_PATH", "Lock", "Locked", "describe", "ended_here", "parse", "read", "release", "take")
