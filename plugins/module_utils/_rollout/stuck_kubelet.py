# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A kubelet that does not start etcd from a changed manifest: it is restarted once.

Some end the old etcd and do not start the new one, some keep the old one; a restart helps both. Only while no API
server answers a kubelet ends nothing that it has not started itself: it waits for all sources of pods first
(HandlePodCleanups). Then the new etcd dies of the address that the old one has, and the old one has to be ended here.
"""

from __future__ import annotations

import time
import typing as t

from .._core import command
from .._core.failures import Failure, refuse, sentence
from .._node import kubelet, pod_log

# A changed manifest takes up to 50 s; a kubelet that starts, up to 30 s until it has tried to register its node.
RESTART_SECONDS = 60.0
_ASK_AGAIN_SECONDS = 5.0
_ENDS_BY_ITSELF_SECONDS = 20.0
_BACK_OFF_SECONDS = 60.0  # 10, 20 and 40 s, of which some are over


class StuckKubelet:
    """The kubelet that has to start one etcd. `note` says what was done about it, as a sentence, empty if nothing."""

    def __init__(self, unit: str, since: float, end_old: t.Callable[[int], bool]) -> None:
        """`since` is when the manifest was changed, in seconds since 1970; `end_old` asks a process to exit."""
        self._unit = unit
        self._since = since
        self._end_old = end_old
        self._missing_since: float | None = None
        self._tried_at: float | None = None
        self._restarted = self._ended = False
        self.note = ""

    def watch(self, *, old_pid: int | None, new: bool, giving_up: bool) -> float:
        """Act if the `new` etcd has not been there for too long, or the wait for it is `giving_up`. `old_pid` is the
        old one if that still runs. The seconds for which it is to be waited for from now on, 0 if nothing was done."""
        now = time.monotonic()
        if new:
            self._missing_since = None
            return 0.0
        if self._missing_since is None:
            self._missing_since = now
        if self._tried_at is None and (giving_up or now - self._missing_since >= RESTART_SECONDS):
            return self._restart(now, giving_up=giving_up)
        if old_pid and self._in_the_way(now) and self._end_old(old_pid):
            self._ended = True
            self.note += " The old etcd was ended: the kubelet did not, and the new one found its address in use."
            return _BACK_OFF_SECONDS
        return 0.0

    def _restart(self, now: float, *, giving_up: bool) -> float:
        try:
            unit = kubelet.unit(command.run, self._unit)
        except Failure:  # without systemd there is nothing to restart
            self._tried_at = now
            return 0.0
        problem = kubelet.start_refusal(unit, held=False)
        young = time.clock_gettime(time.CLOCK_MONOTONIC) - unit.started < RESTART_SECONDS
        if young and not problem and not giving_up:
            self._missing_since = now - RESTART_SECONDS + _ASK_AGAIN_SECONDS
            return 0.0  # it may not have come to its static pods yet
        self._tried_at = now
        try:
            refuse(problem)
            kubelet.restart(command.run, self._unit)
        except Failure as exc:
            self.note = f"The kubelet was not restarted: {sentence(exc.reason)}"
            return 0.0
        self._restarted = True
        self.note = f"{self._unit} was restarted, because it had not started etcd from the changed manifest."
        return RESTART_SECONDS + _BACK_OFF_SECONDS

    def _in_the_way(self, now: float) -> bool:
        """Whether the old etcd is all that stands against the new one."""
        if not self._restarted or self._ended or self._tried_at is None:
            return False
        return now - self._tried_at >= _ENDS_BY_ITSELF_SECONDS and pod_log.address_in_use(self._since)


__all__ = ("RESTART_SECONDS", "StuckKubelet")
