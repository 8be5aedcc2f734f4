# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A snapshot by the `etcdctl` of the container that etcd runs in: it gets a directory of its own to write to, with
copies of the files that it needs, and nothing else of the node."""

from __future__ import annotations

import os
import shutil
import stat
import typing as t

from .._core.command import NOT_STARTED, CommandResult
from .._core.failures import Failure
from .._etcd.transport import TlsFiles
from .._node import container
from .._node.etcdctl import copy_tls

RunInside = t.Callable[[int, t.Sequence[str], str, float], CommandResult]

_SNAPSHOT = "snapshot"


def save(pid: int, url: str, tls: TlsFiles | None, path: str, *, timeout: float, run: RunInside) -> None:
    """Let the `etcdctl` beside the etcd of this process write a snapshot to `path`, whose directory only its owner may
    enter. Raises Failure, OSError."""
    program = container.path_beside(pid, "etcdctl")
    if program is None:
        raise Failure("snapshot_failed", "its process has just exited")
    room = f"{path}.etcdctl"
    os.mkdir(room, 0o700)
    try:
        argv = [program, "--endpoints", url, *copy_tls(tls, room), "snapshot", "save", _SNAPSHOT]
        os.chown(room, container.user(), -1)
        outcome = run(pid, argv, room, timeout)
        os.chown(room, os.geteuid(), -1)  # now nobody can put anything else there
        if outcome.code == NOT_STARTED:
            raise Failure("snapshot_failed", f"there is no etcdctl beside its etcd ({outcome.output})")
        if outcome.code != 0:
            last = (outcome.output.splitlines() or [f"exit code {outcome.code}"])[-1]
            raise Failure("snapshot_failed", f"etcdctl snapshot save failed: {last}")
        _take(os.path.join(room, _SNAPSHOT), path)
    finally:
        shutil.rmtree(room)


def _take(found: str, path: str) -> None:
    """Give a file that etcdctl has written to root, and its name. Raises Failure, OSError."""
    status = os.lstat(found)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != container.user():
        raise Failure("snapshot_failed", "etcdctl has written something else than a file")
    os.chown(found, os.geteuid(), os.getegid())
    os.chmod(found, 0o600)
    os.rename(found, path)


__all__ = ("RunInside", "save")
