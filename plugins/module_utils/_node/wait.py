# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Waiting for the etcd of this node, while its kubelet is held or restarted if that is asked for; or its own unit is
started again."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._core import command
from .._core.failures import Failure
from .._core.records import Json
from .._core.units import mib
from .._etcd.api import Status
from .._etcd.errors import LASTING, EtcdError
from .._etcd.wal import wal_bytes
from . import kubelet, kubelet_hold, pod_log, process
from .probes import ELECTION_SECONDS, replay_seconds
from .settings import MemberSettings
from .start_up import Reading, database_bytes, start_seconds_of

_POLL_SECONDS = 0.2
# A kubelet that starts tries at once, but only when it has tried to register its node, which takes 10 s and more if
# the API servers hang for want of etcd. Restarted before that, it would never come to it.
_REVIVE_SECONDS = 60.0


@dataclass(frozen=True)
class WaitOptions:
    """The options of the module `etcd_wait`, by their names there."""

    hold_kubelet: bool
    hold_seconds: float
    kubelet_unit: str
    owner: str | None
    revive: bool
    wait_timeout: float
    while_reading: bool


@dataclass(frozen=True)
class EtcdState:
    """The etcd of this node at one moment. `leader_id` is 0 if it knows no leader, None if it does not answer; `new` is
    whether it was started after the kubelet's own last start; `seconds` is how long it was waited for."""

    pid: int | None
    leader_id: int | None
    new: bool
    seconds: float = 0.0

    def as_result(self) -> Json:
        return {
            "pid": self.pid,
            "answers": self.leader_id is not None,
            "knows_leader": bool(self.leader_id),
            "new": self.new,
            "seconds": round(self.seconds, 1),
        }


class Waiting:
    """One wait for the etcd of this node."""

    def __init__(self, manifest: MemberSettings, options: WaitOptions, status: t.Callable[[], Status]) -> None:
        """`status` asks the member, and raises EtcdError if it does not answer."""
        self._manifest = manifest
        self._options = options
        self._status = status
        self._unit = manifest.unit or options.kubelet_unit
        self._reading = Reading()
        # RKE2 reads a copy of the data before it writes the pod of etcd.
        reads = start_seconds_of(manifest) if self._unit == kubelet.RKE2_UNIT else 0.0
        self._revive_seconds = _REVIVE_SECONDS + reads
        self._holds = options.hold_kubelet and not manifest.unit  # systemd kills nothing for what a probe says
        self._held_at = self._restarted_at = float("-inf")

    def inspect(self) -> EtcdState:
        """The state now, without waiting. Raises Failure."""
        pid = process.find(self._manifest)
        return EtcdState(pid, self._leader() if pid else None, self._is_new(pid))

    def until_it_answers(self) -> tuple[EtcdState, bool]:
        """The state when it answers, and whether a kubelet was stopped or started. Raises Failure, OSError."""
        start, changed = time.monotonic(), False
        seconds, more = self._patience()
        deadline = start + seconds
        answered = None
        while True:
            pid = process.find(self._manifest)
            if self._holds:
                changed = self._hold_or_start(pid) or changed
            if self._options.revive and not pid:
                changed = self._revive() or changed
            leader = self._leader() if pid else None
            reading = self._reading.goes_on(pid)
            now = time.monotonic()
            if leader is not None:
                answered = now if answered is None else answered
                # One that answers with no leader waits for the others; without them there will be none.
                if leader or now > min(answered + ELECTION_SECONDS, deadline):
                    break
            elif now > deadline + (more if reading else 0.0):
                raise Failure("etcd_not_up", self._why_not_up(pid, now - start))
            time.sleep(_POLL_SECONDS)
        if self._holds and time.monotonic() - self._held_at > _POLL_SECONDS * 2:
            self._hold()  # its time begins again
        return EtcdState(pid, leader, self._is_new(pid), now - start), changed

    def _patience(self) -> tuple[float, float]:
        """The seconds for which etcd is waited for, and those after that for which it is only while it reads."""
        if self._options.while_reading:
            reads = start_seconds_of(self._manifest)
            return self._options.wait_timeout + reads, 2 * reads
        return self._options.wait_timeout + replay_seconds(wal_bytes(self._manifest.wal_dir)), 0.0

    def _hold_or_start(self, pid: int | None) -> bool:
        """Stop the kubelet while etcd runs, start it while it does not; whether the kubelet's state was changed."""
        running = kubelet.unit(command.run, self._unit).running
        if pid and running:
            self._hold()
            # Killed in that very moment, there would be nobody to start it.
            return process.find(self._manifest) == pid or self._hold_or_start(None)
        if not pid and not running:
            kubelet.start(command.run, self._unit)
            return True
        return False

    def _hold(self) -> None:
        owner = self._options.owner or "somebody"
        kubelet_hold.hold(command.run, self._unit, owner=owner, seconds=self._options.hold_seconds)
        self._held_at = time.monotonic()

    def _revive(self) -> bool:
        """Restart a kubelet that has had no etcd for too long, or a unit that has failed; whether it was restarted."""
        if self._manifest.unit:
            return self._start_unit()
        try:
            unit = kubelet.unit(command.run, self._unit)
        except Failure:  # without systemd there is nothing to restart
            return False
        # What was not waited for may be to begin yet.
        last = max(unit.started, self._restarted_at)
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        if kubelet.start_refusal(unit, held=False) or now - last < self._revive_seconds:
            return False
        kubelet.restart(command.run, self._unit)
        self._restarted_at = now
        return True

    def _start_unit(self) -> bool:
        from . import systemd_unit  # here, since each start of a module would have to read it

        unit = systemd_unit.read_unit(command.run, self._unit)
        if unit.active != "failed" or unit.refusal() or time.monotonic() - self._restarted_at < _REVIVE_SECONDS:
            return False
        systemd_unit.restart(command.run, self._unit)
        self._restarted_at = time.monotonic()
        return True

    def _leader(self) -> int | None:
        """The leader it knows, 0 if it knows none, None if it does not answer (yet). Raises Failure if it
        never will."""
        try:
            return self._status().leader_id
        except LASTING as exc:
            raise Failure(exc.code, f"etcd runs, but it will not answer this node: {exc}") from exc
        except EtcdError:
            return None

    def _is_new(self, pid: int | None) -> bool:
        age = process.age(pid) if pid else None
        try:
            started = kubelet.unit(command.run, self._unit).started
        except Failure:  # waiting needs no systemd
            return False
        return age is not None and started > 0 and time.clock_gettime(time.CLOCK_MONOTONIC) - age > started

    def _why_not_up(self, pid: int | None, waited: float) -> str:
        lines = [] if self._manifest.unit else pod_log.last_words()
        if pid:
            log, database = mib(wal_bytes(self._manifest.wal_dir)), mib(database_bytes(self._manifest))
            what = (
                f"its process {pid} is running but does not answer: a starting member reads its log first, which is"
                f" {log} here, and its database, which is {database}"
            )
        else:
            what = "it is not running"
            lines += kubelet.last_lines(command.run, self._unit)
        return f"etcd did not come up within {waited:.0f} s: {what}." + kubelet.quoted("Last lines", lines)


__all__ = ("EtcdState", "WaitOptions", "Waiting")
