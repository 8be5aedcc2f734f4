# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A changed manifest and the etcd that the kubelet starts from it: whether one member may go for that moment, and the
proof that it is back, with the flags that it should have."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._etcd import checks
from .._etcd.api import Status
from .._etcd.defragmentation import Look
from .._etcd.errors import EtcdError
from .._etcd.view import ClusterView, MemberView
from .._node import process
from .._node.etcd_manifest import EtcdManifest, ManifestError

# How long a member is away when its manifest changes, with kubelets 1.30 to 1.37: 11 to 17 s, because the new pod waits
# for the next retry; 50 s where the kubelet asks the API server of its own node, as newer kubeadms have it. That one
# hangs for 34 s without its etcd, when it is to delete the mirror pod.
AWAY_SECONDS = 50
_POLL_SECONDS = 0.2


def alarm_refusal(view: ClusterView, *, during_recovery: bool) -> str | None:
    """Why no member is restarted now. A recovery raises quotas while NOSPACE is armed; CORRUPT stops that as well."""
    if view.corrupt:
        return checks.corrupt_refusal(view)
    if not view.full_alarms or during_recovery:
        return None
    names = checks.join(view.full_names)
    return (
        f"The NOSPACE alarm is armed (by {names}), and a member that is restarted under it may be killed by its probes"
        " again and again: recover the cluster first (ansible-playbook controlplane.etcd.recover)."
    )


def restart_refusal(view: ClusterView, own: MemberView, *, allow_downtime: bool, seconds: float) -> str | None:
    """Why this member must not go away now. `seconds` is how long it is expected to be away."""
    if not view.has_quorum:
        return checks.quorum_refusal(view)
    if own.member.learner:
        return checks.learner_warning(own.name)
    behind = checks.lag_refusal(view)
    if behind:
        return behind
    others = [member for member in view.answering_voters if member.id != own.id]
    if len(others) >= view.majority:
        return None
    if len(view.voters) > 2:
        return (
            f"Without {own.name} the cluster would have no quorum: {len(others)} of {len(view.voters)} voters would"
            f" answer, {view.majority} are needed; not answering: {checks.silent_voters(view)}. Bring them back first."
        )
    if allow_downtime:
        return None
    who = "the only member" if len(view.voters) == 1 else "one of only two members"
    return (
        f"{own.name} is {who}: the whole cluster would be down for about {seconds:.0f} s while it is restarted. To"
        " accept that, set the module option allow_downtime (variable harden_allow_downtime of the role)."
    )


def drift(wanted: t.Mapping[str, str], running: t.Mapping[str, str]) -> list[str]:
    """The flags in which a process differs from a manifest."""
    return sorted(f"--{name}" for name in {*wanted, *running} if wanted.get(name) != running.get(name))


@dataclass(frozen=True)
class Outcome:
    """`problem` is empty where all is proved, else why it is not, as half a sentence. `away_seconds` is how long the
    member answered nobody, as far as it was watched; `pid` is the process that runs at the end, after `seconds`."""

    problem: str
    away_seconds: float
    pid: int | None
    seconds: float


class Watch:
    """Waits for the etcd of a manifest."""

    def __init__(
        self,
        manifest: EtcdManifest,
        *,
        status: t.Callable[[], Status],
        look: Look,
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

    def until_proved(self, seconds: float) -> Outcome:
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
                return Outcome(f"etcd does not start ({refused})", round(away, 1), None, now - started)
            if not problem or now - started > seconds:
                return Outcome(problem, round(away, 1), self._pid, now - started)
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
            return f"the running etcd (process {pid}) was started with other flags ({checks.join(others)})"
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


__all__ = ("AWAY_SECONDS", "Outcome", "Watch", "alarm_refusal", "drift", "restart_refusal")
