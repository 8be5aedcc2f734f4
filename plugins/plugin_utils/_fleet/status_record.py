# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The status of clusters, as plain data: what machines read, and what tables and reports are drawn from. All fields
are always there; None is what is not known. Text of etcd's own, such as names, is as etcd has it: whoever prints it,
escapes it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._core.records import Json, plain

_SCHEMA = 1
OK, NOTE, WARNING, CRITICAL = "ok", "note", "warning", "critical"
_RANKS = (OK, NOTE, WARNING, CRITICAL)


def rank(severity: str) -> int:
    """The rank of a severity or verdict, the worst the largest."""
    return _RANKS.index(severity)


def verdict_of(severities: t.Iterable[str]) -> str:
    """The verdict that follows: a note makes nothing worse than ok."""
    worst = max(severities, key=rank, default=OK)
    return OK if worst == NOTE else worst


@dataclass(frozen=True)
class LastSnapshot:
    """The newest snapshot of this collection on a node."""

    path: str
    taken_at: str
    age_seconds: float


@dataclass(frozen=True)
class MemberStatus:
    """One member and its node. `host` is empty if its node is none of the run's; `role` is down for one that does not
    answer, and then `cause` says why, and the sizes are those of its file. `quota_source` is off if the quota is
    switched off."""

    name: str
    host: str
    role: str
    version: str
    size_bytes: int | None
    in_use_bytes: int | None
    quota_bytes: int | None
    quota_source: str
    full_percent: float | None
    fragmentation_percent: float | None
    lag: int | None
    alarms: tuple[str, ...]
    cause: str
    certificate_days_left: float | None
    probes: str
    kubelet: str
    schedule: str
    last_maintenance_at: str | None
    last_snapshot: LastSnapshot | None

    @property
    def up(self) -> bool:
        return self.role in ("leader", "follower", "learner")


@dataclass(frozen=True)
class Growth:
    """How fast the database grows, between an earlier look and this one. `seconds_to_full` is None if it does not."""

    bytes_per_hour: int
    seconds_to_full: float | None
    since: str


@dataclass(frozen=True)
class Usage:
    """What fills the database, read on one host: the result of etcd_usage_info, and advice on its consumers."""

    host: str
    record: t.Mapping[str, t.Any]
    advice: tuple[t.Mapping[str, t.Any], ...] = ()


@dataclass(frozen=True)
class StatusFinding:
    """What is worth knowing, in words; `hosts` are those it is about, none if it is the whole cluster."""

    code: str
    severity: str
    text: str
    hosts: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        return f"docs/runbook.md#{self.code}"


@dataclass(frozen=True)
class ClusterStatus:
    """One cluster; the sizes are those of its fullest member."""

    name: str
    hosts: tuple[str, ...]
    cluster_id: str
    verdict: str
    version: str
    versions: tuple[str, ...]
    leader: str
    size_bytes: int | None
    in_use_bytes: int | None
    quota_bytes: int | None
    full_percent: float | None
    fragmentation_percent: float | None
    alarms: tuple[str, ...]
    headline: str
    members: tuple[MemberStatus, ...]
    growth: Growth | None
    usage: Usage | None
    findings: tuple[StatusFinding, ...]

    @property
    def sorts(self) -> tuple[int, float, str]:
        """The worst first, then the fullest."""
        return (-rank(self.verdict), -(self.full_percent or 0.0), self.name)

    def as_result(self) -> Json:
        findings = [{**plain(finding), "anchor": finding.anchor} for finding in self.findings]
        return {**plain(self), "findings": findings}


@dataclass(frozen=True)
class Status:
    """The status of all clusters of a run, the worst first; `without_etcd` are hosts on which there is none."""

    taken_at: str
    clusters: tuple[ClusterStatus, ...]
    without_etcd: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        return verdict_of(cluster.verdict for cluster in self.clusters)

    def as_result(self) -> Json:
        return {
            "schema": _SCHEMA,
            "taken_at": self.taken_at,
            "verdict": self.verdict,
            "clusters": [cluster.as_result() for cluster in self.clusters],
            "without_etcd": list(self.without_etcd),
        }


__all__ = (
    "CRITICAL",
    "NOTE",
    "OK",
    "WARNING",
    "ClusterStatus",
    "Growth",
    "LastSnapshot",
    "MemberStatus",
    "Status",
    "StatusFinding",
    "Usage",
    "rank",
    "verdict_of",
)
