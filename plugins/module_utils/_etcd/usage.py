# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What fills a database of etcd: who has how much in it, live and history, read from the file alone."""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass, replace

from .._core.failures import Failure
from .._core.files import reading
from .bolt import Buffer
from .bolt_tree import newest_meta
from .usage_count import USUAL, Look, Usage, Wanted, look

_ATTEMPTS = 3


@dataclass(frozen=True)
class Damage:
    """Why a file cannot be read; `consistent` as that of `Usage`."""

    problem: str
    consistent: bool


def look_at(path: str, wanted: Wanted = USUAL) -> Look:
    """What fills a snapshot, or the database of a member, which may be running: if that writes at every attempt, the
    last result is not `consistent`. Raises Failure if the file is no whole database, OSError."""
    last: Look | None = None
    found = _attempt_at(path, wanted)
    for _attempt in range(_ATTEMPTS - 1):
        if found.consistent:
            break
        last = found if isinstance(found, Look) else last
        found = _attempt_at(path, wanted)
    if isinstance(found, Look):
        return found
    if last and not found.consistent:
        return last
    why = "" if found.consistent else ", to which etcd is writing,"
    raise Failure(
        "database_damaged",
        f"{path}{why} cannot be read as a database of etcd: {found.problem}.",
        "Give the path of a snapshot that is whole (etcd_snapshot takes one).",
    )


def usage_of(path: str, wanted: Wanted = USUAL) -> Usage:
    """As `look_at`, without what only a growth needs."""
    return look_at(path, wanted).usage


def _attempt_at(path: str, wanted: Wanted) -> Look | Damage:
    """The usage of the file as it is now. Raises OSError."""
    with reading(path) as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            return Damage("it is empty", consistent=True)
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
            before = _txid(data)
            try:
                found = look(data, wanted)
            except ValueError as exc:
                grown = os.fstat(file.fileno()).st_size != size
                return Damage(str(exc), consistent=not grown and _txid(data) == before)
            return replace(found, usage=replace(found.usage, consistent=_txid(data) == before))


def _txid(data: Buffer) -> int:
    """The newest transaction, -1 if there is none."""
    try:
        return newest_meta(data).txid
    except ValueError:
        return -1


__all__ = ("Damage", "look_at", "usage_of")
