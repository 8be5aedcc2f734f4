# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What has grown since an earlier look: a snapshot, or another database, beside one that was just read."""

from __future__ import annotations

import os
import time

from .._core.failures import Failure
from .._etcd.usage import look_at
from .._etcd.usage_count import Wanted
from .._etcd.usage_growth import Growth, Levels, growth
from .._node.database_users import is_locked
from . import catalog


def taken_at(path: str) -> float:
    """From when the content of a database is, in seconds since 1970: of one that etcd has open, from now; of a snapshot
    of ours, from when that was taken, also if the file was copied later; of any other, from its last change. Raises
    OSError."""
    if is_locked(path):
        return time.time()
    known = catalog.record_of(path)
    return known.created if known else os.stat(path).st_mtime


def grown_since(since: str, path: str, now: Levels, wanted: Wanted) -> Growth:
    """The growth from the file `since` to the one at `path`, which was read just now. Raises Failure, OSError."""
    before = look_at(since, Wanted(wanted.prefix, top=0)).levels
    try:
        return growth(before, now, taken_at(path) - taken_at(since), wanted.top)
    except ValueError as exc:
        raise Failure(
            "invalid_option",
            f"{since} cannot be an earlier look at {path}: {exc}.",
            "Give a snapshot of this cluster that was taken before.",
        ) from exc


__all__ = ("grown_since", "taken_at")
