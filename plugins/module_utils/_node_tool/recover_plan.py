# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The plan of a recovery from one node: what it does itself, what it cannot do from here, and what stands against it.
All of it follows from the report of this node."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.failures import Refused
from .._core.text import join
from .._core.units import mib
from .._etcd.estimates import defrag_needed_bytes
from .._node.disks import DATA, WAL
from .._node.recoverable import RESTART, WAIT, full_disk_refusal, may_come, stray_refusal, work_threat
from .._node.report import ClusterReport, MemberReport, NodeReport

# A kubelet is held for so long and twice what the work is expected to take; the hold is renewed before each step.
_HOLD_SECONDS = 300.0
_ELSEWHERE = (
    "From one node, only its own kubelet can be restarted: run this on the nodes of the silent members at the same"
    " time, or the playbook controlplane.etcd.recover, which restarts all of them."
)
_HEAD = ("member", "role", "before", "after", "in use", "quota")


@dataclass(frozen=True)
class NodePlan:
    """The plan. `full` says that the alarm is armed, is about to be raised, or that nobody can tell; `revive` is
    restart, wait, or empty; `hold` is why the kubelet of this node is held, empty if it is not."""

    full: bool
    revive: str
    hold: str
    hold_seconds: float
    refusals: tuple[Refused, ...]
    findings: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def has_work(self) -> bool:
        return self.full or bool(self.revive)


def plan(report: NodeReport, *, check: bool, snapshot: bool, may_hold: bool, may_revive: bool = True) -> NodePlan:
    """The plan for the node that this is the report of."""
    cluster, diagnosis = report.cluster, report.diagnosis
    full = diagnosis.needs_recovery if diagnosis else True
    revive = _revival(report) if may_revive else ""
    has_work = full or bool(revive)
    hold = _hold(report, cluster, revive) if has_work and may_hold else ""
    expected = diagnosis.expected_seconds if diagnosis else 0
    refusals = tuple(_refusals(report, has_work=has_work, later=bool(revive)))
    lines = tuple(_lines(report, full=full, revive=revive, hold=hold, check=check, snapshot=snapshot))
    return NodePlan(
        full=full,
        revive=revive,
        hold=hold,
        hold_seconds=_HOLD_SECONDS + 2 * expected + report.start_seconds,
        refusals=refusals,
        findings=(*(diagnosis.findings if diagnosis else ()), *(_findings(report, hold) if has_work else ())),
        lines=() if refusals else lines,
    )


def _revival(report: NodeReport) -> str:
    if report.answers or not may_come(report):
        return ""
    return WAIT if report.process else RESTART


def _hold(report: NodeReport, cluster: ClusterReport | None, revive: str) -> str:
    """The reason to hold the kubelet of this node, empty if it is not held."""
    if report.unit or report.kubelet.refusal or not (report.answers or revive):
        return ""
    threat = work_threat(report, cluster)
    return threat or ("an earlier run holds it" if report.kubelet.held else "")


def _refusals(report: NodeReport, *, has_work: bool, later: bool) -> t.Iterator[Refused]:
    """The reasons why nothing may be done, the worst first. With `later`, the state of the cluster is known only when
    the member of this node is back."""
    for refusal in report.refusals:
        yield Refused(refusal.code, f"{report.name}: {refusal.text}")
    stray = stray_refusal(report.name, report) if has_work else None
    if stray:
        yield stray
    if not later:
        for refusal in report.diagnosis.refusals if report.diagnosis else ():
            leaderless = refusal.code == "no_leader"
            yield Refused(refusal.code, refusal.text, _ELSEWHERE if leaderless else "")
        if not report.answers:
            why = f"The member of this node does not answer: {report.error.rstrip('.')}."
            held_up = report.start_refusal
            logs = "journalctl -u kubelet, /var/log/pods/kube-system_etcd-*"
            if report.unit:
                logs = f"journalctl -u {report.unit.unit}"
            advice = f"See why etcd exits ({logs}), and start it first."
            yield Refused("no_member_answers", f"{why} {held_up}".rstrip(), advice)
    disk = full_disk_refusal(report.name, report) if has_work else None
    if disk:
        yield disk


def others_of(report: NodeReport) -> list[MemberReport]:
    """The members of the other nodes that answer and vote."""
    return [each for each in (report.cluster.voters if report.cluster else ()) if each.member_id != report.member_id]


def _findings(report: NodeReport, hold: str) -> t.Iterator[str]:
    """What is worth knowing about this node, and what this node cannot do for the others."""
    others = join(each.name for each in others_of(report))
    threat = work_threat(report, report.cluster)
    if threat and not hold:
        why = f" ({report.kubelet.refusal.rstrip('.')})" if report.kubelet.refusal else ""
        yield f"The kubelet of {report.name} is not held{why}, although {threat}."
    if others_of(report):
        yield (
            f"All of it is done from {report.name}: the disks of {others} are not checked, their kubelets are not held,"
            " and a run on one of their nodes alone would not see this one."
        )
        if threat:
            yield (
                f"If the probes of {others} are like those of {report.name}, etcd may be killed there in the middle,"
                " and started again: then run this once more. To be safe, stop their kubelets meanwhile (systemctl"
                " stop kubelet), or run the playbook controlplane.etcd.recover, which does."
            )
    me = report.cluster.member(report.member_id) if report.cluster else None
    disk = report.disk_of(DATA)
    needed = defrag_needed_bytes(me.db_size_in_use_bytes, with_log=WAL in disk.uses) if me and disk else 0
    if disk and disk.free_bytes < needed:
        yield (
            f"The data disk of {report.name} has {mib(disk.free_bytes)} free; a defragmentation may need up to"
            f" {mib(needed)} there, less once the history is gone."
        )


def _lines(report: NodeReport, *, full: bool, revive: str, hold: str, check: bool, snapshot: bool) -> t.Iterator[str]:
    """What will be done, for people."""
    cluster, verb, name = report.cluster, "would be" if check else "is", report.name
    if revive == RESTART:
        yield f"The member of {name} does not answer: its kubelet {verb} restarted first, which ends its back-off."
    elif revive == WAIT:
        yield (
            f"etcd on {name} is running but does not answer. A starting member reads its log first: it {verb} waited"
            " for, not restarted."
        )
    if hold:
        yield f"The kubelet of {name} {verb} held (stopped, with a timer that starts it again) during the work: {hold}."
    if cluster is None:
        yield "The next steps can be planned once the member of this node answers."
    elif full:
        first = "take a snapshot, compact" if snapshot else "compact (without a snapshot)"
        order = ", then ".join(each.name for each in cluster.voters_leader_last)
        seconds = report.diagnosis.expected_seconds if report.diagnosis else 0
        will = "It would" if check else "It will now"
        yield f"{will} {first}, defragment {order}, disarm and prove: about {seconds} s."
    else:
        fullest = max((each.quota_used for each in cluster.members), default=0.0)
        yield (
            f"The etcd of {join(each.name for each in cluster.members)} is not out of space: no alarm is armed, and the"
            f" fullest member uses {fullest * 100:.1f} % of its quota."
        )


def member_rows(before: t.Iterable[MemberReport], after: ClusterReport) -> list[tuple[str, ...]]:
    """The rows of the table that a recovery ends with, its head first; a dash stands for what is not known."""
    sizes = {each.member_id: each.db_size_bytes for each in before}

    def size(size_bytes: int) -> str:
        return mib(size_bytes) if size_bytes else "-"

    rows = [
        (
            each.name,
            each.role,
            size(sizes.get(each.member_id, 0)),
            size(each.db_size_bytes),
            size(each.db_size_in_use_bytes),
            "off" if each.quota_bytes < 0 else size(each.quota_bytes),
        )
        for each in after.members
    ]
    return [_HEAD, *rows]


__all__ = ("NodePlan", "member_rows", "others_of", "plan")
