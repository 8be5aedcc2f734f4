# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Deletion of all keys in a directory, in batches. etcd takes deletes also while it refuses writes for lack of space.

One request for all of it would be small in the log, and keep every member from everything else while it is carried out.
So the keys are listed, a batch at a time, and each batch is deleted up to the last key that was listed. The next
listing begins behind it: until the next compaction etcd's index keeps what was deleted, and walks through it.
"""

from __future__ import annotations

import time
import typing as t
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from .._core.failures import Failure
from .api import Endpoint
from .errors import EtcdError, NoLeader, TimedOut, Unreachable

BATCH_KEYS = 500  # etcd reads their values to list them, so with large ones this bounds its memory
_PASSING = (NoLeader, TimedOut, Unreachable)
_ATTEMPTS = 10
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Deletion:
    """How many keys of a directory were deleted, or would be."""

    directory: str
    key_count: int


def count(endpoint: Endpoint, directory: str) -> Deletion:
    """How many keys are in a directory now. Raises EtcdError."""
    return Deletion(directory, endpoint.count_keys(*_range(directory)))


def delete(endpoint: Endpoint, directory: str, *, deadline: float, batch_keys: int = BATCH_KEYS) -> Deletion:
    """Delete the keys in a directory. What is written there meanwhile, behind the place that was reached, goes too, and
    what comes before it stays. `deadline` is of the monotonic clock. Raises EtcdError, and Failure at the deadline."""
    start, end = _range(directory)
    deleted = 0
    while True:
        if time.monotonic() >= deadline:
            raise _unfinished(endpoint, directory, deleted)
        found = _patiently(partial(endpoint.list_keys, start, end, batch_keys))
        if not found:
            return Deletion(directory, deleted)
        behind = found[-1] + b"\0"
        deleted += _patiently(partial(endpoint.delete_keys, start, behind))
        start = behind


def _range(directory: str) -> tuple[bytes, bytes]:
    """The first key that may be in a directory, and the first behind it."""
    key = directory.encode()
    return key, key[:-1] + bytes([key[-1] + 1])


Answer = t.TypeVar("Answer")


def _patiently(call: t.Callable[[], Answer]) -> Answer:
    """The answer of a call that may be made again: an election, or a slow disk, ends no deletion."""
    for _attempt in range(_ATTEMPTS - 1):
        with suppress(*_PASSING):
            return call()
        time.sleep(_PAUSE_SECONDS)
    return call()


def _unfinished(endpoint: Endpoint, directory: str, deleted: int) -> Failure:
    try:
        left = f"{count(endpoint, directory).key_count} are left"
    except EtcdError as exc:
        left = f"how many are left is not known ({exc})"
    return Failure(
        "deletion_unfinished",
        f"The time for it was over when {deleted} keys below {directory} were deleted; {left}.",
        "Run this again: it goes on with what is left. Give it more time if that is not enough (work_timeout,"
        " recover_work_timeout).",
        unchanged="No other keys were touched.",
    )


__all__ = ("BATCH_KEYS", "Deletion", "count", "delete")
