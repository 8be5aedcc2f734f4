# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The node that the tool runs on: its member, its run lock, its state, its metrics, and what the tool prints."""

from __future__ import annotations

import io
import os
import sys
import time
import typing as t
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from .._core import files, lease, run_id, run_lock
from .._core.failures import Failure
from .._core.records import Json
from .._core.run_lock import Lock
from .._core.text import printable
from .._etcd.defragmentation import Defragmentation, summary
from .._etcd.errors import EtcdError
from .._etcd.estimates import defrag_speed
from .._etcd.quota import member_quota
from .._node.member import DEFAULTS, LocalMember
from .._node.probes import Probe
from .._node.settings import is_unit
from . import metrics, state
from .state import State
from .tool_files import recent_speeds

DATA_DIR = "/var/lib/etcd"  # of a node of which nothing is remembered
OK, FAILED, REFUSED = 0, 1, 3  # 2 is what argparse exits with


@dataclass(frozen=True)
class Paths:
    """Files and directories; `manifest` may be the name of a systemd unit, and `textfile_dir` is empty for the first of
    the usual ones that exists."""

    manifest: str
    lock: str
    state: str
    textfile_dir: str


def say(text: str) -> None:
    """Print one line for the journal or a terminal. That nobody reads it any more must not stop the work."""
    write(" ".join(text.split()))


def write(text: str, *, raw: bool = False) -> None:
    """Print the lines of a text, without control characters unless it is `raw`."""
    shown = text if raw else "\n".join(map(printable, text.split("\n")))
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        sys.stdout.write(f"{shown.encode(encoding, 'backslashreplace').decode(encoding)}\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        # The reader is gone. What is left unwritten would give Python another exit code than ours.
        sys.stdout = io.StringIO()


class Context:
    """The node as the commands of the tool work with it; `timeout` is how many seconds etcd has for one answer."""

    def __init__(self, paths: Paths, timeout: float, given: t.Mapping[str, str] | None = None) -> None:
        """`given` are the options of `CONNECTION_OPTIONS` that somebody gave."""
        self.paths = paths
        self.connection: Json = {**DEFAULTS, **(given or {}), "manifest": paths.manifest, "timeout": timeout}
        self._timeout = timeout
        self._run = str(run_id.current(os.getpid(), uuid.uuid4().hex))
        # This very file, if it is one.
        self._tool = os.path.abspath(sys.argv[0]) if os.path.isfile(sys.argv[0]) else ""

    def _removed(self) -> bool:
        """Whether the tool was removed while it was at work: nobody would remove what it wrote now."""
        return bool(self._tool) and not os.path.exists(self._tool)

    def member(self) -> LocalMember:
        """The member of this node. Raises Failure."""
        if not self.has_manifest:
            raise Failure("manifest_missing", f"there is no {self.paths.manifest} on this node")
        return LocalMember(self.connection)

    @property
    def has_manifest(self) -> bool:
        """Whether what names the member is there; of a systemd unit only its name is known, which is enough."""
        return is_unit(self.paths.manifest) or os.path.lexists(self.paths.manifest)

    @property
    def run(self) -> str:
        """The id of this run."""
        return self._run

    @property
    def timeout(self) -> float:
        """Seconds that etcd has for one answer."""
        return self._timeout

    def lock(self, verb: str, *, force: bool = False) -> None:
        """Take or renew the run lock, with `force` also one that still counts. Raises Locked, OSError."""
        owner = f"etcd-maintenance {verb} on {os.uname().nodename} (process {os.getpid()})"
        wanted = Lock(self._run, owner, time.time() + lease.LEASE_SECONDS)
        run_lock.take(self.paths.lock, wanted, ended=run_lock.ended_here(run_lock.read(self.paths.lock)), force=force)

    @contextmanager
    def locked(self, verb: str, *, force: bool = False) -> t.Iterator[None]:
        """Hold the run lock, and renew it. Raises Locked, OSError."""
        self.lock(verb, force=force)
        try:
            with lease.renewed(self.paths.lock, self._run):
                yield
        finally:
            run_lock.release(self.paths.lock, self._run)

    @property
    def _runtime(self) -> str:
        """The directory beside the run lock, in memory like that."""
        return os.path.join(os.path.dirname(self.paths.lock), os.path.basename(state.RUNTIME_DIRECTORY))

    def remember(self, change: t.Callable[[State], State]) -> State:
        """Change the state, and return what it is then; in memory if its directory cannot be written, which must stop
        neither metrics nor healing. Raises OSError if neither can be."""
        if self._removed():
            return change(self.remembered())
        try:
            return state.update(self.paths.state, change, self._runtime)
        except OSError as exc:
            first = not state.is_in(self._runtime)
            try:
                after = state.update(self._runtime, lambda _nothing: change(self.remembered()))
            except OSError:
                raise exc from None
            if first:
                say(
                    f"What this tool remembers cannot be written: {exc}. Until it can, it is kept in {self._runtime},"
                    " which a reboot empties (this is said once)."
                )
            return after

    def remembered(self) -> State:
        return state.load(self.paths.state, self._runtime)

    @contextmanager
    def alone(self) -> t.Iterator[bool]:
        """Keep other per-minute checks of this node out; whether none was at work. Where no lock can be had, it goes on
        without."""
        try:
            os.makedirs(self._runtime, mode=0o700, exist_ok=True)
            path = os.path.join(self._runtime, state.WATCH_LOCK)
            file = os.fdopen(files.descriptor_of(path, os.O_WRONLY | os.O_CREAT), "wb")
        except OSError:
            yield True
            return
        with file:
            try:
                files.lock(file, 0.0)
            except OSError:
                yield False
                return
            yield True

    def has_no_member(self) -> bool:
        """Whether this node has no member of etcd, after a "kubeadm reset", for example; that is said once. One whose
        data are still there is only down. Raises OSError."""
        known_dir = self.remembered().data_dir
        data_dir = known_dir or DATA_DIR
        # A unit stays when its member has gone, and its data may be anywhere.
        named = self.has_manifest and not (is_unit(self.paths.manifest) and known_dir)
        there = named or os.path.isdir(os.path.join(data_dir, "member"))
        before = self.remembered().no_member
        if before != (not there):
            self.remember(lambda known: replace(known, no_member=not there))
        if not there and not before:
            say(
                f"This node has no member of etcd: there is neither {self.paths.manifest} nor data in {data_dir}. There"
                " is nothing to do here until it has one (this is said once)."
            )
        return not there

    def done(self, what: Defragmentation) -> None:
        """Say what was done, and remember when it was. Raises OSError."""
        say(summary(what))
        if what.changed:
            moment, seconds = time.time(), round(what.seconds, 3)
            speed = defrag_speed(what.after_bytes, what.seconds)
            measured = {what.member: (speed, moment)} if speed else {}
            self.remember(
                lambda known: replace(
                    known,
                    last_defrag=moment,
                    last_defrag_seconds=seconds,
                    defrag_speeds={**known.defrag_speeds, **measured},
                )
            )

    def defrag_speeds(self) -> dict[str, float]:
        """The bytes per second at which members were defragmented when this tool last did, by their names."""
        return recent_speeds(self.remembered().defrag_speeds, time.time())

    def publish(self, observation: metrics.Observation | None) -> None:
        """Write the metrics, if there is a directory for them. Raises OSError."""
        if self._removed():
            return
        directory = self._textfile_dir()
        wanted = directory or self.paths.textfile_dir or metrics.DIRECTORIES[0]
        missing = "" if directory else wanted
        now = self.remembered()
        if missing and missing != now.no_textfile:
            say(f"There is no folder {wanted}: no metrics are written (this is said once).")
        if missing != now.no_textfile:
            with suppress(OSError):  # then it is said again
                now = self.remember(lambda known: replace(known, no_textfile=missing))
        if directory:
            text = metrics.text(observation, now, time.time())
            files.put(os.path.join(directory, metrics.FILE), text.encode(), 0o644)

    def _textfile_dir(self) -> str:
        directories = (self.paths.textfile_dir,) if self.paths.textfile_dir else metrics.DIRECTORIES
        return next((directory for directory in directories if os.path.isdir(directory)), "")


def probes_of(member: LocalMember) -> tuple[Probe, ...]:
    """The probes of the member of this node, none if its manifest is not known."""
    return member.manifest.probes if member.manifest else ()


def observe(member: LocalMember) -> metrics.Observation:
    """The observation of the member of this node: nothing goes to any other. Raises EtcdError."""
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
    said = exc.text if isinstance(exc, Failure) else str(exc)
    where = f" ({exc.endpoint})" if isinstance(exc, EtcdError) and exc.endpoint else ""
    return f"{said.rstrip('.')}{where}"


__all__ = (
    "DATA_DIR",
    "FAILED",
    "OK",
    "REFUSED",
    "Context",
    "Paths",
    "observe",
    "probes_of",
    "reason",
    "say",
    "write",
)
