# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Decisions over what starts the members of a cluster, kubelets or units of systemd: which one is restarted, which
kubelet is held, and what is said about them."""

from __future__ import annotations

import time
import typing as t

from ...module_utils._core.failures import Refused
from ...module_utils._node.kubelet import quoted
from ...module_utils._node.recoverable import RESTART, WAIT, may_come, stray_refusal, work_threat
from ...module_utils._node.report import ClusterReport, NodeReport, UnitReport
from .reports import Fleet


def revivals(peers: Fleet, cluster: ClusterReport | None, *, full: bool) -> dict[str, str]:
    """The way to revive each host: `restart` its kubelet, or the unit of its member, or `wait` for its etcd, which runs
    and may be reading its log. `cluster` is what the coordinator's member says, None if it is down.

    With a leader only members that do not answer are brought back, and only if there is work to do. Without one all
    kubelets are restarted in the same moment: two members that are down for minutes at different times never meet. A
    unit is restarted only if its etcd does not run, which it would end.
    """
    has_quorum = cluster is not None and cluster.has_quorum
    answering = {member.member_id for member in (cluster.members if cluster else ()) if member.answers}
    down = {
        host: report
        for host, report in peers.items()
        if not report.answers and report.member_id not in answering and may_come(report)
    }
    if not down or (has_quorum and not full):
        return {}
    waiting = {host: WAIT for host, report in down.items() if report.process}
    candidates = down if has_quorum else peers.reports
    restarted = {
        host: RESTART
        for host, report in candidates.items()
        if host not in waiting
        and not report.start_refusal
        and (report.answers or may_come(report))
        and not (report.unit and report.process)
    }
    return dict(sorted({**waiting, **restarted}.items()))


def held_by(peers: Fleet, run: str) -> dict[str, str]:
    """Kubelets that this run holds already, by host: it is to release them whatever the cluster needs by now."""
    kubelets = ((host, report.kubelet.held) for host, report in peers.items())
    return {host: "this run holds it" for host, held in kubelets if held and held.owner == run}


def holds(peers: Fleet, cluster: ClusterReport | None, to_revive: t.Collection[str]) -> dict[str, str]:
    """The reason to hold a kubelet, by host. `cluster` is what the coordinator's member says, None if it is down.

    If nobody can be asked about alarms, one is assumed: holding a kubelet for a while does no harm.
    """
    found = {}
    for host, report in peers.items():
        # While some are brought back, all are held: one that answered a moment ago may be next.
        comes = report.answers or (to_revive and not (report.process and not report.waiting_may_help))
        if report.unit or report.kubelet.refusal or not comes:
            continue
        reason = work_threat(report, cluster)
        if reason or report.kubelet.held:
            found[host] = reason or "an earlier run holds it"
    return found


def kubelet_findings(peers: Fleet, cluster: ClusterReport | None, run: str) -> list[str]:
    """Kubelets that another run left stopped, that somebody else stopped, and that cannot be held though they ought to.

    `cluster` is None if there is nothing to do, which no probe can disturb.
    """
    found = []
    for host, report in peers.items():
        if report.unit:
            found += _unit_findings(host, report, report.unit, working=cluster is not None)
            continue
        kubelet = report.kubelet
        if kubelet.refusal and not report.answers:
            found.append(f"{host}: {kubelet.refusal}{quoted('Its last lines', kubelet.last_lines)}")
        elif kubelet.refusal and not kubelet.stopped and cluster:
            reason = work_threat(report, cluster)
            if reason:
                found.append(
                    f"The kubelet of {host} cannot be held ({kubelet.refusal.rstrip('.')}), although {reason}."
                )
        held = kubelet.held
        if held and held.owner != run and not kubelet.running:
            until = time.strftime("%H:%M:%S UTC", time.gmtime(held.until))
            found.append(
                f"The kubelet of {host} is held (stopped) by an earlier run; its timer starts it at {until} by that"
                " node's clock."
            )
    return found


def _unit_findings(host: str, report: NodeReport, unit: UnitReport, *, working: bool) -> list[str]:
    """What is to be known about the unit of a member: why it is not started, what may kill it, and how it ended."""
    found = [f"{host}: {note}" for note in unit.notes] if working or not report.answers else []
    lines = quoted("Its last lines", unit.last_lines)
    if not report.answers and unit.refusal:
        found.append(f"{host}: {unit.refusal}{lines}")
    elif not report.answers and not report.process:
        found.append(f"The etcd of {host} does not run ({unit.unit}).{lines}")
    return found


def idle_kubelets(peers: Fleet) -> list[Refused]:
    """Kubelets that would not start etcd from a changed manifest; a unit is started by systemd."""
    reports = {host: report for host, report in peers.items() if not report.unit}
    held = [f"{host} (by {report.kubelet.held.owner})" for host, report in reports.items() if report.kubelet.held]
    stopped = [host for host, report in reports.items() if report.kubelet.stopped and not report.kubelet.held]
    found = []
    if held:
        found.append(
            Refused(
                "kubelet_held",
                f"The kubelet of {', '.join(held)} is held: wait until it is released, then run this again.",
            )
        )
    if stopped:
        found.append(
            Refused(
                "kubelet_stopped",
                f"The kubelet of {', '.join(stopped)} is not running: start it, then run this again.",
            )
        )
    return found


def stray_refusals(peers: Fleet) -> list[Refused]:
    """The refusals of copies beside the manifest, of every host that has one."""
    return [refusal for host, report in peers.items() for refusal in [stray_refusal(host, report)] if refusal]


__all__ = (
    "held_by",
    "holds",
    "idle_kubelets",
    "kubelet_findings",
    "revivals",
    "stray_refusals",
)
