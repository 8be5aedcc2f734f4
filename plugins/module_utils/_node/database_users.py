# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The processes that have a database of etcd open for writing, whoever started them: found in `/proc`."""

from __future__ import annotations

import fcntl
import os
import re

from .._core import files
from . import process
from .installation import DatabaseUser

_DATABASE = "/snap/db"  # `member` above it may be a link to another disk
_WRITABLE = re.compile(r"(?m)^flags:\s*[0-7]*[12]$")  # O_WRONLY or O_RDWR, in octal


def database_users(proc: str = "/proc") -> list[DatabaseUser]:
    """The users of all databases on this node; without root's rights those of one's own processes."""
    pids = sorted(map(int, filter(str.isdigit, os.listdir(proc))))
    return [user for user in (_user(pid, proc) for pid in pids) if user]


def users_of(database: str, proc: str = "/proc") -> list[DatabaseUser]:
    """Those of this very file, by whatever path they have opened it."""
    return [user for user in database_users(proc) if process.holds(user.pid, database, proc)]


def is_locked(database: str) -> bool:
    """Whether somebody has locked a database, as bbolt does for as long as it has one open for writing: true also if
    that process cannot be seen. Raises PermissionError."""
    try:
        with files.reading(database) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _user(pid: int, proc: str) -> DatabaseUser | None:
    directory = os.path.join(proc, str(pid))
    try:
        descriptors = sorted(os.listdir(os.path.join(directory, "fd")))
        database = next(filter(None, (_written(directory, descriptor) for descriptor in descriptors)), "")
        if not database:
            return None
        words = files.content(os.path.join(directory, "cmdline")).decode("utf-8", "replace").rstrip("\0").split("\0")
        cgroup = files.text(os.path.join(directory, "cgroup"), errors="replace")
    except OSError:  # it has exited meanwhile, or is another user's
        return None
    return DatabaseUser(pid, tuple(words), cgroup, database)


def _written(directory: str, descriptor: str) -> str:
    """The path of a database behind a descriptor that may write, else empty. Raises OSError."""
    try:
        path = os.readlink(f"{directory}/fd/{descriptor}")  # of thousands, so nothing is joined
        if not path.endswith(_DATABASE):
            return ""
        info = files.text(os.path.join(directory, "fdinfo", descriptor), encoding="ascii", errors="replace")
    except FileNotFoundError:  # closed meanwhile
        return ""
    return path if _WRITABLE.search(info) else ""


__all__ = ("database_users", "is_locked", "users_of")
