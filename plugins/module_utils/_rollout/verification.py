# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Verification that the etcd of a changed manifest runs with its flags and has caught up."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._core import text
from .._etcd.api import Status
from .._etcd.errors import EtcdError
from .._etcd.view import InspectCluster
from .._node import process
from .._node.etcd_manifest import EtcdManifest, ManifestError

_POLL_SECONDS = 0.2


def drift(wanted: t.Mapping[str, str], running: t.Mapping[str, str]) -> list[str]:
    """The flags in which a process differs from a manifest."""
    return sorted(f"--{name}" for name in {*wanted, *running} if wanted.get(name) != running.get(name))


@dataclass(frozen=True)
class VerificationResult:
    """`problem` is empty where all is proved, else why it is not, as half a sentence. `away_seconds` is how long the
    member answered nobody, as far as it was watched; `pid` is the process that runs at the end, after `seconds`."""

    problem: str
    away_seconds: float
    pid: int | None
    seconds: float


class Verification:
    """Waits for the etcd of a manifest."""

    def __init__(
        self,
        manifest: EtcdManifest,
        *,
        status: t.Callable[[], Status],
        look: InspectCluster,
        quota: t.Callable[[Status], int | None],
        gone: int | None = None,
        refused: t.Callable[[], str | None] = lambda: None,
    ) -> None:
        """`gone` is the process that was running before, and must not be the one that runs: equal flags prove nothing
        where something else in the manifest has changed. `quota` asks the member for the quota that it keeps to,
        `refused` for a flag that etcd has said it does not start with: then nothing is waited for."""
        self._manifest = manifest
        self._status = status
        self._look = look
        self._quota = quota
        self._gone = gone
        self._refused = refused
        self._pid: int | None = None
        self._answers = False
        self._target: int | None = None

    def until_proved(self, seconds: float) -> VerificationResult:
        """Wait until the running etcd has the manifest's flags, answers, knows a leader and has caught up."""
        started = last = time.monotonic()
        away, answering = 0.0, None
        while True:
            problem = self.obstacle()
            now = time.monotonic()
            if not self._answers or self._pid != answering:  # it may have been away between two looks
                away = max(away, now - last)
            if self._answers:
                last, answering = now, self._pid
            refused = self._refused() if self._pid is None else None
            if refused:
                return VerificationResult(f"etcd does not start ({refused})", round(away, 1), None, now - started)
            if not problem or now - started > seconds:
                return VerificationResult(problem, round(away, 1), self._pid, now - started)
            time.sleep(_POLL_SECONDS)

    def obstacle(self) -> str:
        """What is missing at this moment, as half a sentence; empty where nothing is. It raises nothing: whoever has
        changed a manifest has to come to an end."""
        self._answers = False
        self._pid = process.find(self._manifest)
        if self._pid is None:
            return "etcd is not running"
        try:
            status = self._status()
            self._answers = True
            return self._not_in_step(status, self._pid)
        except (EtcdError, ManifestError, OSError) as exc:
            return f"etcd is running (process {self._pid}) but does not answer ({exc})"

    def _not_in_step(self, status: Status, pid: int) -> str:
        others = drift(self._manifest.flags, process.flags(pid) or {})
        if others:
            return f"the running etcd (process {pid}) was started with other flags ({text.join(others)})"
        if pid == self._gone:
            return f"the running etcd (process {pid}) is still the old one"
        if not status.leader_id:
            return f"etcd is running (process {pid}) but knows no leader"
        wanted, kept = self._manifest.quota_bytes, self._quota(status)
        if wanted is not None and kept is not None and wanted != kept:
            return f"etcd is running (process {pid}) with a quota of {kept} bytes"
        if self._target is None:
            self._target = self._look().applied_index
        missing = self._target - self._status().raft_applied_index
        return (
            f"etcd is running (process {pid}) but still has {missing} entries of its log to apply"
            if missing > 0
            else ""
        )


__all__ = (
    "Verification",
    "VerificationResult",
    "drift",
)
