# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The findings of a status about the nodes of a cluster: what could not be inspected, disks, kubelets, probes,
certificates, the schedule, and snapshots."""

from __future__ import annotations

import typing as t

from ...module_utils._core.failures import Refused
from ...module_utils._core.text import join
from ...module_utils._etcd.estimates import defrag_seconds
from ...module_utils._etcd.quota import DEFAULT_QUOTA_BYTES
from ...module_utils._node.probes import Outlook, threat
from ...module_utils._node.recoverable import full_disk_refusal
from ...module_utils._node.report import ClusterReport, NodeReport
from .coordination import unasked_findings
from .disks import small_disk_findings
from .grouping import further_etcds
from .kubelets import idle_kubelets, stray_refusals
from .merged_view import hidden_findings
from .reports import Fleet
from .status_cluster_findings import refused
from .status_record import CRITICAL, NOTE, WARNING, MemberStatus, StatusFinding
from .status_sources import NotInspected

WARNED_DAYS, CRITICAL_DAYS = 30.0, 7.0
# As the alert rules have it: two scheduled runs, and one to spare.
OVERDUE_SECONDS = 7 * 3600.0
OLD_SNAPSHOT_SECONDS = 7 * 86400.0


def node_findings(
    peers: Fleet,
    cluster: ClusterReport | None,
    coordinator: str,
    members: t.Sequence[MemberStatus],
    failed: t.Sequence[NotInspected],
) -> list[StatusFinding]:
    """All of them. `cluster` is None if no member answers."""
    silent = [*unasked_findings(peers, cluster), *hidden_findings(peers, coordinator)]
    disks = [(host, full_disk_refusal(host, report)) for host, report in peers.items()]
    small = small_disk_findings(cluster, peers) if not any(refusal for _host, refusal in disks) else []
    return [
        *(refused(each.reason, each.host) for each in failed),
        *(StatusFinding("disk_full", CRITICAL, refusal.text, (host,)) for host, refusal in disks if refusal),
        *(StatusFinding("disk_too_small", WARNING, text) for text in small),
        *(StatusFinding("member_not_asked", WARNING, text) for text in silent),
        *(refused(refusal) for refusal in (*stray_refusals(peers), *idle_kubelets(peers))),
        *_probes(peers, cluster, members),
        *(finding for host, report in peers.items() for finding in _certificates(host, report)),
        *_out_of_reach(members),
        *_schedule(peers),
        *_snapshots(peers),
        *_defaults(peers, members),
        *_further(peers),
    ]


def _probes(
    peers: Fleet, cluster: ClusterReport | None, members: t.Sequence[MemberStatus]
) -> t.Iterator[StatusFinding]:
    """The probes that would kill members once the alarm is there: worse if it is."""
    hosts_of: dict[str, list[str]] = {}
    sizes = {member.host: member.in_use_bytes or member.size_bytes or 0 for member in members}
    for host, report in peers.items():
        outlook = Outlook(armed=True, leaderless=False, defrag_seconds=defrag_seconds(sizes.get(host, 0)))
        reason = threat(report.probes, outlook)
        if reason:
            hosts_of.setdefault(reason, []).append(host)
    severity = WARNING if cluster and cluster.full_names else NOTE
    for reason, hosts in hosts_of.items():
        text = f"When etcd is full, its probes work against it on {join(hosts)}: {reason}. recover holds the kubelets."
        yield StatusFinding("probe_kills_early", severity, text, tuple(hosts))


def _further(peers: Fleet) -> t.Iterator[StatusFinding]:
    """The other etcds of Kubernetes on these hosts, which a status leaves out."""
    for name, hosts in further_etcds(peers).items():
        text = (
            f"{join(hosts)} also run the etcd of {name}, a cluster of its own that is not in this status:"
            f" -e status_manifest={name} shows it."
        )
        yield StatusFinding("further_etcd", NOTE, text, hosts)


def _certificates(host: str, report: NodeReport) -> t.Iterator[StatusFinding]:
    for each in report.upkeep.certificates if report.upkeep else ():
        if each.days_left <= 0:
            text = f"{each.path} on {host} expired {-each.days_left:.0f} days ago."
            yield StatusFinding("certificate_expired", CRITICAL, text, (host,))
        elif each.days_left < WARNED_DAYS:
            severity = CRITICAL if each.days_left < CRITICAL_DAYS else WARNING
            text = f"{each.path} on {host} expires in {each.days_left:.1f} days: renew it (kubeadm certs renew all)."
            yield StatusFinding("certificate_expires_soon", severity, text, (host,))


def _out_of_reach(members: t.Sequence[MemberStatus]) -> list[StatusFinding]:
    names = join(member.name for member in members if not member.host and member.role != "unstarted")
    if names == join(()):
        return []
    text = f"The nodes of {names} are not among the hosts of this run: what only their files tell is not known."
    return [StatusFinding("nodes_out_of_reach", NOTE, text)]


def _schedule(peers: Fleet) -> t.Iterator[StatusFinding]:
    known = {host: report.upkeep for host, report in peers.items() if report.upkeep}
    without = tuple(host for host, upkeep in known.items() if not upkeep.scheduled)
    if without:
        text = f"No defragmentation is scheduled on {join(without)}: controlplane.etcd.harden installs it."
        yield StatusFinding("no_schedule", NOTE if len(without) == len(known) else WARNING, text, without)
    for host, upkeep in known.items():
        if upkeep.scheduled and upkeep.last_run_success is False:
            text = f"The last scheduled run on {host} failed: journalctl -t etcd-maintenance there says why."
            yield StatusFinding("run_failed", WARNING, text, (host,))
        if upkeep.scheduled and (upkeep.last_run_seconds or 0.0) > OVERDUE_SECONDS:
            hours = (upkeep.last_run_seconds or 0.0) / 3600
            text = (
                f"The last scheduled run on {host} ended {hours:.0f} hours ago: see whether cron, or the timer, runs."
            )
            yield StatusFinding("run_overdue", WARNING, text, (host,))


def _snapshots(peers: Fleet) -> list[StatusFinding]:
    known = [report.upkeep.last_snapshot for report in peers.reports.values() if report.upkeep]
    found = [each for each in known if each]
    if not known:
        return []
    if not found:
        text = "None of its nodes has a snapshot of this collection; whether there are other backups is not known here."
        return [StatusFinding("no_snapshot", NOTE, text)]
    newest = min(found, key=lambda each: each.age_seconds)
    if newest.age_seconds < OLD_SNAPSHOT_SECONDS:
        return []
    days = newest.age_seconds / 86400
    return [StatusFinding("snapshot_old", NOTE, f"The newest snapshot, {newest.path}, is {days:.0f} days old.")]


def _defaults(peers: Fleet, members: t.Sequence[MemberStatus]) -> list[StatusFinding]:
    quotas = {member.host: member.quota_bytes for member in members}
    hosts = tuple(
        host
        for host, report in peers.items()
        if report.upkeep
        and not report.upkeep.auto_compaction
        and report.upkeep.quota_bytes is None
        and quotas.get(host) in (None, DEFAULT_QUOTA_BYTES)
    )
    if not hosts:
        return []
    text = (
        f"{join(hosts)}: etcd's default quota of 2 GiB, and no auto-compaction of its own."
        " controlplane.etcd.harden sets both."
    )
    return [StatusFinding("quota_default", NOTE, text, hosts)]


def unknown_finding(each: NotInspected) -> StatusFinding:
    """The finding on a host of which not even the cluster is known."""
    return StatusFinding(each.reason.code, CRITICAL, each.reason.text, (each.host,))


def usage_failure(host: str, reason: Refused) -> StatusFinding:
    """The finding on a database that could not be read."""
    return StatusFinding(reason.code, WARNING, f"What fills it could not be read: {reason.text}", (host,))


__all__ = (
    "CRITICAL_DAYS",
    "OLD_SNAPSHOT_SECONDS",
    "OVERDUE_SECONDS",
    "WARNED_DAYS",
    "node_findings",
    "unknown_finding",
    "usage_failure",
)
