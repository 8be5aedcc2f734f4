# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The run lock: a small file on each node that says whose run works there, and until when."""

from __future__ import annotations

import json
import os
import time
import typing as t
from contextlib import contextmanager

from . import files, run_id
from .failures import Refused

DEFAULT_PATH = "/run/etcd-maintenance.lock"


class Lock(t.NamedTuple):
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
            "Wait for it; a lock that is not renewed expires. If you are sure that nobody works there any more (see"
            f" what became of {lock.owner}, and whether a module of Ansible still runs on this node), take {path}"
            " over: -e recover_take_over_lock=true (harden_take_over_lock, or take_over of run_lock).",
        )
        self.lock = lock

    def details(self) -> dict[str, t.Any]:
        return {"lock": self.lock._asdict()}


def take(
    path: str,
    lock: Lock,
    *,
    ended: t.Container[str] = (),
    force: bool = False,
    now: float | None = None,
    check: bool = False,
) -> Lock | None:
    """Take or renew the lock, and return the one that was taken over, None if there was none. `ended` are runs that are
    known to have exited; with `force` a lock that still counts is taken over, too; with `check` nothing is written.
    Raises Locked, OSError."""

    def replaced(held: Lock | None) -> Lock | None:
        if held is None or held.run == lock.run:
            return None
        if counts(held, ended=ended, now=now) and not force:
            raise Locked(held, path)
        return held

    if check:
        return replaced(read(path))
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with _exclusively(path) as file:
        found = replaced(_content(file))
        _write(file, lock)
    return found


def renew(path: str, run: str, until: float) -> bool:
    """Let the lock count at least until that time if this run holds it, and return whether it does. Raises OSError."""
    try:
        with _exclusively(path, create=0) as file:
            held = _content(file)
            if held is None or held.run != run:
                return False
            _write(file, held._replace(until=max(held.until, until)))
    except FileNotFoundError:
        return False
    return True


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
        with files.reading(path) as file:
            files.lock(file, shared=True)  # not while it is written
            return parse(file.read().decode("utf-8", "replace"))
    except OSError:
        return None


def parse(text: str) -> Lock | None:
    """The lock in the file's text, None if it holds none that can be understood."""
    try:
        body = json.loads(text)
        return Lock(str(body["run"]), str(body["owner"]), float(body["until"]))
    except (KeyError, TypeError, ValueError):
        return None


def counts(held: Lock, *, ended: t.Container[str] = (), now: float | None = None) -> bool:
    """Whether the time of the lock is not over, and its run is none of those that are known to have exited."""
    return held.until > (time.time() if now is None else now) and held.run not in ended


def describe(held: Lock) -> str:
    """The owner of the lock, and until when it counts, as half a sentence."""
    return f"another run works on this node: {held.owner}; its lock counts until {until(held)}, unless it is renewed"


def until(held: Lock) -> str:
    """When the lock expires, for people."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC by this node's clock", time.gmtime(held.until))


def ended_here(held: Lock | None) -> list[str]:
    """The id of the run that holds the lock if it is one of this very machine that has exited; else nothing."""
    run = run_id.parse(held.run) if held else None
    return [held.run] if held and run and run_id.ended(run) else []


def _is_of(held: Lock | None, run: str) -> bool:
    return held is not None and held.run == run


def _content(file: t.BinaryIO) -> Lock | None:
    return parse(file.read().decode("utf-8", "replace"))


def _write(file: t.BinaryIO, lock: Lock) -> None:
    """Put the lock into the file. A process that is killed in the middle does not leave an empty one: blanks hide what
    is left of a longer lock until it is cut away."""
    content = json.dumps(lock._asdict()).encode()
    file.seek(0, os.SEEK_END)
    padded = content.ljust(file.tell())
    file.seek(0)
    file.write(padded)
    file.flush()
    file.truncate(len(content))


@contextmanager
def _exclusively(path: str, create: int = os.O_CREAT) -> t.Iterator[t.BinaryIO]:
    """The open file, locked; opened again if it was removed between opening and locking."""
    while True:
        with os.fdopen(files.descriptor_of(path, os.O_RDWR | create), "r+b") as file:
            files.lock(file)
            try:
                same = os.path.samestat(os.fstat(file.fileno()), os.stat(path))
            except FileNotFoundError:
                same = False
            if same:
                yield file
                return


__all__ = (
    "DEFAULT_PATH",
    "Lock",
    "Locked",
    "counts",
    "describe",
    "ended_here",
    "parse",
    "read",
    "release",
    "renew",
    "take",
    "until",
)
