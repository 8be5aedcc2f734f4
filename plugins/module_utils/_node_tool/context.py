# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""The node that the tool runs on: its member, its run lock, its metrics, and how it speaks."""

from __future__ import annotations

import os
import sys
import time
import typing as t
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from .._core import run_id, run_lock
from .._core.files import put
from .._core.run_lock import Lock
from .._etcd.defragmentation import Defragmentation, summary
from .._etcd.errors import EtcdError
from .._etcd.quota import member_quota
from .._node.etcd_manifest import ManifestError
from .._node.member import DEFAULTS, LocalMember
from . import metrics
from . import state as memory
from .state import State

OK, FAILED, REFUSED = 0, 1, 3  # 2 is what argparse ends with


# A run renews its lock before each step, and no step takes longer unless a member hangs. What a killed run leaves is
# known to be left on its own node, and expires for all others.
LOCK_SECONDS = 3600


@dataclass(frozen=True)
class Places:
    """Files and folders; `textfile_dir` is empty for the first of the usual ones that is there."""

    manifest: str
    lock: str
    state: str
    textfile_dir: str
    timeout: float


def say(text: str) -> None:
    """One line for the journal or a terminal. That nobody reads it any more must not end the work."""
    write(" ".join(text.split()))


def write(text: str) -> None:
    """Print it as it is."""
    with suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


class Context:
    def __init__(self, places: Places) -> None:
        self.places = places
        self._run = str(run_id.current(os.getpid()))
        # This very file, where it is one.
        self._tool = os.path.abspath(sys.argv[0]) if os.path.isfile(sys.argv[0]) else ""

    def _removed(self) -> bool:
        """Whether the tool was removed while it was at work: what it wrote now nobody would take away any more."""
        return bool(self._tool) and not os.path.exists(self._tool)

    def member(self) -> LocalMember:
        """The member of this node. Raises ManifestError, EtcdError where its files cannot be used."""
        if not os.path.lexists(self.places.manifest):
            raise ManifestError(f"there is no {self.places.manifest} on this node")
        return LocalMember({**DEFAULTS, "manifest": self.places.manifest, "timeout": self.places.timeout})

    def lock(self, verb: str) -> None:
        """Take or renew the run lock. Raises Locked, OSError."""
        owner = f"etcd-maintenance {verb} on {os.uname().nodename} (process {os.getpid()})"
        wanted = Lock(self._run, owner, time.time() + LOCK_SECONDS)
        run_lock.take(self.places.lock, wanted, ended=run_lock.ended_here(run_lock.read(self.places.lock)))

    @contextmanager
    def locked(self, verb: str) -> t.Iterator[None]:
        """Hold the run lock. Raises Locked, OSError."""
        self.lock(verb)
        try:
            yield
        finally:
            run_lock.release(self.places.lock, self._run)

    def remember(self, change: t.Callable[[State], State]) -> State:
        """Raises OSError."""
        if self._removed():
            return change(self.remembered())
        return memory.update(self.places.state, change)

    def done(self, what: Defragmentation) -> None:
        """Say it, and remember when it was. Raises OSError."""
        say(summary(what))
        if what.changed:
            moment, seconds = time.time(), round(what.seconds, 3)
            self.remember(lambda known: replace(known, last_defrag=moment, last_defrag_seconds=seconds))

    def remembered(self) -> State:
        return memory.load(self.places.state)

    def publish(self, look: metrics.Observation | None) -> None:
        """Write the metrics, where there is a folder for them. Raises OSError."""
        if self._removed():
            return
        folder = self._textfile_dir()
        wanted = folder or self.places.textfile_dir or metrics.DIRECTORIES[0]
        missing = "" if folder else wanted
        before = self.remembered().no_textfile
        if missing and missing != before:
            say(f"There is no folder {wanted}: no metrics are written (this is said once).")
        now = self.remember(lambda known: replace(known, no_textfile=missing))
        if folder:
            put(os.path.join(folder, metrics.FILE), metrics.text(look, now, time.time()).encode(), 0o644)

    def _textfile_dir(self) -> str:
        folders = (self.places.textfile_dir,) if self.places.textfile_dir else metrics.DIRECTORIES
        return next((folder for folder in folders if os.path.isdir(folder)), "")


def observe(member: LocalMember) -> metrics.Observation:
    """What the member of this node says of itself: nothing goes to any other. Raises EtcdError."""
    status = member.endpoint.status()
    manifest = member.manifest
    free = None
    with suppress(OSError):
        free = member.free_disk_bytes()
    return metrics.Observation(
        has_leader=status.leader_id != 0,
        is_leader=status.leader_id == status.member_id,
        term=status.raft_term,
        version=status.version,
        db_size_bytes=status.db_size_bytes,
        db_in_use_bytes=status.db_size_in_use_bytes,
        quota_bytes=member_quota(status, member.endpoint, manifest.quota_bytes if manifest else None).bytes,
        disk_free_bytes=free,
        alarms=status.alarms,
    )


def reason(exc: Exception) -> str:
    """The text of an error as the end of a sentence, with the member that gave it."""
    where = f" ({exc.endpoint})" if isinstance(exc, EtcdError) and exc.endpoint else ""
    return f"{str(exc).rstrip('.')}{where}"


__all__ = (
    "FAILED",
    "LOCK_SECONDS",
    "OK",
    "REFUSED",
    "Context",
    "Places",
    "observe",
    "reason",
    "say",
    "write",
)
