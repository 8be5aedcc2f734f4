# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The status of all clusters of a run, from what the modules returned on its hosts."""

from __future__ import annotations

import math
import re
import typing as t

from ...module_utils._core.text import join
from .consumers import advice_on
from .coordination import coordinator_of
from .grouping import name_of
from .merged_view import merged_cluster
from .reports import Fleet
from .status_cluster_findings import cluster_findings, size_findings, usage_findings
from .status_members import members_of, moment
from .status_node_findings import node_findings, unknown_finding, usage_failure
from .status_record import (
    WARNING,
    ClusterStatus,
    Growth,
    MemberStatus,
    Status,
    StatusFinding,
    Usage,
    rank,
    verdict_of,
)
from .status_sources import NotInspected, failure_of, homes, read_inspected


def status_of(results: object, usage: object, *, now: float) -> Status:
    """The status. `results` are those of etcd_node_info by host, `usage` those of etcd_usage_info, of the hosts on
    which it ran; `now` is the controller's clock, in seconds since 1970. Raises nothing, whatever they hold."""
    inspected = read_inspected(results)
    groups = inspected.clusters
    home = homes(inspected.failed, groups)
    found = [
        _cluster(peers, [each for each in inspected.failed if home.get(each.host) == at], usage, now)
        for at, peers in enumerate(groups)
    ]
    homeless = [each for each in inspected.failed if each.host not in home]
    if homeless:
        found.append(_unknown(homeless))
    clusters = tuple(sorted(found, key=lambda cluster: cluster.sorts))
    return Status(moment(now) or "", clusters, tuple(inspected.without_etcd))


def _cluster(peers: Fleet, failed: t.Sequence[NotInspected], usage: object, now: float) -> ClusterStatus:
    coordinator = coordinator_of(peers)
    cluster = merged_cluster(peers, coordinator)
    read, problems = _usage(peers, usage)
    members = members_of(peers, cluster, failed, read)
    fullest = max(members, key=lambda member: (member.full_percent or -1.0, member.size_bytes or 0), default=None)
    size, quota = (fullest.size_bytes, fullest.quota_bytes) if fullest else (None, None)
    growth = _growth(read, size, quota, now)
    findings = (
        *cluster_findings(peers, cluster, members),
        *size_findings(members),
        *usage_findings(read, size, quota, growth),
        *problems,
        *node_findings(peers, cluster, coordinator, members, failed),
    )
    versions = sorted({member.version for member in members if member.version})
    leads = next((member for member in members if member.role == "leader"), None)
    hosts = tuple(sorted({*peers.hosts, *(each.host for each in failed)}))
    ids = {report.known_cluster_id for report in peers.reports.values() if report.known_cluster_id}
    return ClusterStatus(
        name=name_of(hosts, peers),
        hosts=hosts,
        cluster_id=(cluster.cluster_id if cluster else "") or min(ids, default=""),
        leader=(cluster.leader if cluster else "") or "",
        version=(leads.version if leads else "") or (versions[-1] if versions else ""),
        versions=tuple(versions),
        size_bytes=size,
        in_use_bytes=fullest.in_use_bytes if fullest else None,
        quota_bytes=quota,
        full_percent=fullest.full_percent if fullest else None,
        fragmentation_percent=fullest.fragmentation_percent if fullest else None,
        alarms=tuple(sorted({alarm.alarm for alarm in cluster.alarms})) if cluster else (),
        members=members,
        growth=growth,
        usage=read,
        **_judged(findings, members),
    )


def _unknown(failed: t.Sequence[NotInspected]) -> ClusterStatus:
    """Hosts that could not be inspected, and of which not even the cluster is known."""
    hosts = tuple(each.host for each in failed)
    return ClusterStatus(
        name=hosts[0],
        hosts=hosts,
        cluster_id="",
        leader="",
        version="",
        versions=(),
        size_bytes=None,
        in_use_bytes=None,
        quota_bytes=None,
        full_percent=None,
        fragmentation_percent=None,
        alarms=(),
        members=(),
        growth=None,
        usage=None,
        **_judged([unknown_finding(each) for each in failed], ()),
    )


def _judged(findings: t.Iterable[StatusFinding], members: t.Sequence[MemberStatus]) -> dict[str, t.Any]:
    """The findings, worst first and those of one kind as one, and what follows from them."""
    ordered = tuple(sorted(_joined(findings), key=lambda finding: -rank(finding.severity)))
    return {
        "findings": ordered,
        "verdict": verdict_of(finding.severity for finding in ordered),
        "headline": headline(ordered, members),
    }


def headline(findings: t.Sequence[StatusFinding], members: t.Sequence[MemberStatus]) -> str:
    """One sentence: that of the worst finding, or that all is well."""
    if findings and rank(findings[0].severity) >= rank(WARNING):
        return _first_clause(findings[0].text)
    fullest = max((member.full_percent or 0.0 for member in members), default=0.0)
    return f"All {len(members)} members answer, and the fullest uses {fullest:.1f} % of its quota."


def _first_clause(text: str) -> str:
    """The beginning of a text as a sentence: up to where it begins to explain, which is not within brackets."""
    ends = (match for match in re.finditer(r"[.:;](?=\s|$)", text))
    end = next((match.start() for match in ends if _balanced(text[: match.start()])), len(text))
    return f"{text[:end]}."


def _balanced(text: str) -> bool:
    return text.count("(") <= text.count(")")


def _joined(findings: t.Iterable[StatusFinding]) -> list[StatusFinding]:
    """Those with one code and severity as one, with all of their sentences and hosts."""
    kinds: dict[tuple[str, str], list[StatusFinding]] = {}
    for each in findings:
        kinds.setdefault((each.code, each.severity), []).append(each)
    return [
        StatusFinding(
            code,
            severity,
            " ".join(dict.fromkeys(each.text for each in same)),
            tuple(dict.fromkeys(host for each in same for host in each.hosts)),
        )
        for (code, severity), same in kinds.items()
    ]


def _usage(peers: Fleet, results: object) -> tuple[Usage | None, list[StatusFinding]]:
    """What fills the database, and why that is not known, if it was asked for."""
    found: t.Mapping[str, t.Any] = results if isinstance(results, t.Mapping) else {}
    for host in peers.hosts:
        result = found.get(host)
        if not isinstance(result, t.Mapping) or not result or result.get("skipped"):
            continue
        reason = failure_of(host, result)
        if reason:
            return None, [usage_failure(host, reason)]
        if isinstance(result.get("file"), t.Mapping):
            record = {key: value for key, value in result.items() if key not in _OF_ANSIBLE}
            return Usage(host, record, _advice(record)), []
    return None, []


def _advice(record: t.Mapping[str, t.Any]) -> tuple[t.Mapping[str, t.Any], ...]:
    """The advice on a record, none on one of another form."""
    try:
        return tuple(advice_on(record))
    except (AttributeError, KeyError, TypeError, ValueError):
        return ()


# What a registered result has beside that of the module.
_OF_ANSIBLE = (
    *("ansible_facts", "changed", "deprecations", "failed", "invocation", "skipped", "warnings"),
    *("gid", "group", "mode", "owner", "secontext", "size", "state", "uid"),  # of the file at `path`
)


def _growth(usage: Usage | None, size: int | None, quota: int | None, now: float) -> Growth | None:
    """The growth between two looks, if the result has one."""
    found = usage.record.get("growth") if usage else None
    rate, seconds = (_number(found, key) for key in ("size_bytes_per_hour", "seconds"))
    if rate is None or seconds is None:
        return None
    left = max(quota - size, 0) * 3600.0 / rate if quota and size is not None and rate > 0 else None
    return Growth(int(rate), left, moment(now - seconds) or "")


def _number(found: object, key: str) -> float | None:
    value = found.get(key) if isinstance(found, t.Mapping) else None
    return value if isinstance(value, (int, float)) and math.isfinite(value) else None


def reached(status: Status, severity: str) -> tuple[str, ...]:
    """The names of the clusters that are at least that bad; none if no severity is named."""
    return tuple(cluster.name for cluster in status.clusters if severity and rank(cluster.verdict) >= rank(severity))


def failure_line(status: Status, severity: str) -> str:
    """The words with which a run fails, empty if no cluster is that bad."""
    bad = reached(status, severity)
    return f"status_fail={severity}: {len(bad)} of {len(status.clusters)} clusters: {join(bad)}." if bad else ""


__all__ = ("failure_line", "headline", "reached", "status_of")
