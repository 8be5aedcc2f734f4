# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What a status is made of: the reports of the nodes that could be inspected, why the others could not, and what fills
the databases that were read. Whatever is missing or of another form is said, and never ends the run."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...module_utils._core.failures import Refused, sentence
from ...module_utils._core.records import Fields
from ...module_utils._core.text import sentences
from ...module_utils._node.report import MemberReport, NodeReport
from .grouping import peers_of
from .merged_view import view_of
from .reports import Fleet


@dataclass(frozen=True)
class NotInspected:
    """A host that could not be inspected, and why."""

    host: str
    reason: Refused


@dataclass(frozen=True)
class Inspected:
    """The hosts of a play: those with etcd, those that could not be inspected, and those without etcd, each with what
    was found instead."""

    fleet: Fleet
    failed: tuple[NotInspected, ...]
    without_etcd: t.Mapping[str, str]

    @property
    def clusters(self) -> tuple[Fleet, ...]:
        """The hosts of each cluster, in the order of their names."""
        found: dict[str, Fleet] = {}
        for host in self.fleet.hosts:
            if not any(host in each.hosts for each in found.values()):
                found[host] = peers_of(self.fleet, host)
        return tuple(found.values())


def read_inspected(results: object) -> Inspected:
    """The hosts by what etcd_node_info returned on them, nothing of a host that was not asked."""
    found: t.Mapping[str, object] = results if isinstance(results, t.Mapping) else {}
    reports: dict[str, NodeReport] = {}
    failed: list[NotInspected] = []
    without: dict[str, str] = {}
    for host in sorted(found):
        result = found[host]
        reason = failure_of(host, result)
        if reason:
            failed.append(NotInspected(host, reason))
            continue
        try:
            report = NodeReport.from_result(result)
            if report and report.cluster:
                view_of(report.cluster)  # ids that are none would be found out much later
        except ValueError as exc:
            failed.append(NotInspected(host, Refused("not_inspected", f"{host} could not be inspected: {exc}")))
            continue
        if report:
            reports[host] = report
        else:
            without[host] = sentences(*_texts(result, "other_etcd"))
    return Inspected(Fleet(reports), tuple(failed), without)


def failure_of(host: str, result: object) -> Refused | None:
    """The reason why a module failed on a host, None if it has not."""
    if not isinstance(result, t.Mapping) or not result:
        return Refused("not_inspected", f"{host} was not inspected.")
    said = sentence(sentences(str(result.get("msg") or "No reason was given")))
    if result.get("unreachable"):
        return Refused("host_unreachable", f"{host} cannot be reached: {said}")
    if result.get("failed"):
        named = result.get("code")
        return Refused(named if isinstance(named, str) and named else "not_inspected", f"{host}: {said}")
    return None


def _texts(result: object, key: str) -> t.Sequence[str]:
    try:
        return Fields(result, "a result").texts(key)
    except ValueError:
        return ()


def homes(failed: t.Iterable[NotInspected], clusters: t.Sequence[Fleet]) -> dict[str, int]:
    """The cluster, by its place, that a host which could not be inspected is of: the only one there is, or the one that
    has a member of that name or address. The others belong to none that is known."""
    found: dict[str, int] = {}
    for each in failed:
        at = [number for number, peers in enumerate(clusters) if len(clusters) == 1 or member_at(each.host, peers)]
        if len(at) == 1:
            found[each.host] = at[0]
    return found


def member_at(host: str, peers: Fleet) -> MemberReport | None:
    """The member of that name or address, whose node is none of these hosts; None if there is none."""
    for report in peers.reports.values():
        for member in report.cluster.members if report.cluster else ():
            urls = (*member.client_urls, *member.peer_urls)
            if host in (member.name, *map(_host_of, urls)) and peers.host_of(member) is None:
                return member
    return None


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def usage_host(peers: Fleet) -> str | None:
    """The one host of a cluster whose database is read: of a follower that is up, else of a learner, else of whoever
    is up, else of one that has a database file, the largest; None if there is none."""

    def rank(host: str) -> tuple[int, int, str]:
        report = peers[host]
        member = report.cluster.member(report.member_id) if report.cluster else None
        size = report.upkeep.db_size_bytes if report.upkeep else None
        up = member is not None and member.up
        order = ("follower", "learner", "leader")
        place = order.index(member.role) if member and up and member.role in order else len(order)
        return (place if up or size else len(order) + 1, -(size or 0), host)

    best = min(peers.hosts, key=rank, default=None)
    return best if best is not None and rank(best)[0] <= 3 else None


__all__ = ("Inspected", "NotInspected", "failure_of", "homes", "member_at", "read_inspected", "usage_host")
