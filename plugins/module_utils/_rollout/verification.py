# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Verification that the etcd of a changed manifest runs with its flags and has caught up."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._core.failures import Failure
from .._core.text import join
from .._etcd.api import Status
from .._etcd.quota import member_quota
from .._etcd.view import ClusterView, InspectCluster
from .._node import pod_log, process
from .._node.etcd_manifest import parse_manifest
from .._node.settings import MemberSettings
from .._node.start_up import Reading
from .rollout import Restart, Rollout
from .stuck_kubelet import StuckKubelet

_POLL_SECONDS = 0.2


def drift(wanted: t.Mapping[str, str], running: t.Mapping[str, str]) -> list[str]:
    """The flags in which a process differs from a manifest."""
    return sorted(f"--{name}" for name in {*wanted, *running} if wanted.get(name) != running.get(name))


@dataclass(frozen=True)
class VerificationResult:
    """`problem` is empty if all is verified, else what is not, as half a sentence. `away_seconds` is how long the
    member did not answer, as far as it was watched; `pid` is the process that runs at the end, after `seconds`.
    `reading` says that it is the wanted one, and was still at work; `note` what was done about the kubelet."""

    problem: str
    away_seconds: float
    pid: int | None
    seconds: float
    reading: bool = False
    note: str = ""


class Starter(t.Protocol):
    """What starts etcd. `note` says what was done about it."""

    note: str

    def watch(self, *, old_pid: int | None, new: bool, giving_up: bool) -> float:
        """Help if it does not start the new etcd; for how many seconds more that is to be waited for."""


class Verification:
    """A wait for the etcd of these settings."""

    def __init__(
        self,
        manifest: MemberSettings,
        starter: Starter,
        *,
        status: t.Callable[[], Status],
        inspect_cluster: InspectCluster,
        quota: t.Callable[[Status], int | None],
        old_pid: int | None = None,
        refused_flag: t.Callable[[], str | None] = lambda: None,
        start_seconds: float = 0.0,
        differing: t.Callable[[int], list[str]] | None = None,
    ) -> None:
        """`old_pid` is the process that was running before, and must not be the one that runs: equal flags say
        nothing if something else in the manifest has changed. `quota` is the one that the member enforces, None if
        it does not tell; `refused_flag` is what etcd has logged of a flag that it does not start with: then nothing
        is waited for. `start_seconds` is about how long it reads when it starts. `differing` names the flags in which a
        process is another one than wanted, by default by its command line."""
        self._manifest = manifest
        self._status = status
        self._inspect_cluster = inspect_cluster
        self._quota = quota
        self._old_pid = old_pid
        self._refused_flag = refused_flag
        self._starter = starter
        self._differing = differing or self._by_command_line
        self._start_seconds = start_seconds
        self._reading = Reading()
        self._is_new = False
        self._pid: int | None = None
        self._answers = False
        self._index_to_reach: int | None = None

    def until_verified(self, seconds: float) -> VerificationResult:
        """Wait until the running etcd has the manifest's flags, answers, knows a leader and has caught up. After
        `seconds` only one that still reads is waited for, three times as long as it was expected to."""
        started = last = time.monotonic()
        deadline = started + seconds
        away, answering = 0.0, None
        while True:
            problem = self.obstacle()
            now = time.monotonic()
            if not self._answers or self._pid != answering:  # it may have been away between two polls
                away = max(away, now - last)
            if self._answers:
                last, answering = now, self._pid
            refused = self._refused_flag() if self._pid is None else None
            if refused:
                return self._result(f"etcd does not start ({refused})", away, now - started)
            reading = self._reading.goes_on(self._pid) and self._is_new
            old_pid = None if self._is_new else self._pid
            more = self._starter.watch(old_pid=old_pid, new=self._is_new, giving_up=now > deadline)
            if more:
                deadline = max(deadline, now + more + self._start_seconds)
            if not problem or now > deadline + (2 * self._start_seconds if reading else 0):
                return self._result(problem, away, now - started, reading=reading)
            time.sleep(_POLL_SECONDS)

    def _result(self, problem: str, away: float, seconds: float, *, reading: bool = False) -> VerificationResult:
        note = self._starter.note.strip()
        return VerificationResult(problem, round(away, 1), self._pid, seconds, reading and bool(problem), note)

    def obstacle(self) -> str:
        """The condition that is not met at this moment, as half a sentence; empty if all are. It raises nothing:
        whoever has changed a manifest has to finish."""
        self._answers = self._is_new = False
        self._pid = process.find(self._manifest)
        if self._pid is None:
            return "etcd is not running"
        others = self._differing(self._pid)
        self._is_new = not others and self._pid != self._old_pid
        try:
            status = self._status()
            self._answers = True
            return self._mismatch(status, self._pid, others)
        except (Failure, OSError) as exc:
            return f"etcd is running (process {self._pid}) but does not answer ({exc})"

    def _by_command_line(self, pid: int) -> list[str]:
        return drift(self._manifest.flags, process.flags(pid) or {})

    def _mismatch(self, status: Status, pid: int, others: list[str]) -> str:
        if others:
            return f"the running etcd (process {pid}) was started with other flags ({join(others)})"
        if pid == self._old_pid:
            return f"the running etcd (process {pid}) is still the old one"
        if not status.leader_id:
            return f"etcd is running (process {pid}) but knows no leader"
        wanted, quota = self._manifest.quota_bytes, self._quota(status)
        if wanted is not None and quota is not None and wanted != quota:
            return f"etcd is running (process {pid}) with a quota of {quota} bytes"
        if self._index_to_reach is None:
            self._index_to_reach = self._inspect_cluster().applied_index
        missing = self._index_to_reach - self._status().raft_applied_index
        if missing > 0:
            return f"etcd is running (process {pid}) but still has {missing} entries of its log to apply"
        return ""


def verification_by_asking(
    restart: Restart,
    settings: MemberSettings,
    starter: Starter,
    *,
    old_pid: int | None,
    refused_flag: t.Callable[[], str | None],
    differing: t.Callable[[int], list[str]] | None = None,
) -> Verification:
    """The verification that the member of this restart runs with these settings, which asks it anew each time."""

    def status() -> Status:
        return restart.member().endpoint.status()

    def inspect_cluster() -> ClusterView:
        return restart.member().inspect_cluster()

    def quota(status: Status) -> int | None:
        enforced = member_quota(status, restart.member().endpoint, None)
        return enforced.bytes if enforced.source in ("status", "metrics") else None

    return Verification(
        settings,
        starter,
        status=status,
        inspect_cluster=inspect_cluster,
        quota=quota,
        old_pid=old_pid,
        refused_flag=refused_flag,
        start_seconds=restart.start_seconds,
        differing=differing,
    )


def verification_of(
    rollout: Rollout, text: str, *, old_pid: int | None = None, since: float = float("inf")
) -> Verification:
    """The verification that the member of this roll-out runs from a manifest of this text. A flag that etcd has refused
    counts only if its log was written to after `since`."""
    manifest = parse_manifest(text, rollout.path)
    changed_at = time.time() if since == float("inf") else since
    return verification_by_asking(
        rollout,
        manifest,
        StuckKubelet(rollout.options.kubelet_unit, changed_at, lambda pid: process.end(pid, manifest)),
        old_pid=old_pid,
        refused_flag=lambda: pod_log.refused_flag(since),
    )


__all__ = ("Verification", "VerificationResult", "drift", "verification_by_asking", "verification_of")
