# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The reports of a play's nodes, by host, read from what etcd_node_info returned on each of them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ...module_utils._core.records import Fields
from ...module_utils._node.report import MemberReport, NodeReport


@dataclass(frozen=True)
class Fleet:
    """Reports by host, sorted: those of a whole play, or of the peers of one cluster. `etcd_urls` are those that the
    API servers of the play's other hosts use, which have no etcd themselves."""

    reports: t.Mapping[str, NodeReport]
    etcd_urls: t.Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_results(cls, results: object) -> Fleet:
        """The reports among the results by host: nodes without etcd have none, and hosts that failed or could not be
        reached have no result. Raises ValueError that names the host if a result is anything else."""
        found = Fields(results, "the results of etcd_node_info")
        bodies = {host: found.record(host) for host in sorted(found.names())}
        reports = {host: _report(body) for host, body in bodies.items()}
        urls = {host: _etcd_urls(body) for host, body in bodies.items()}
        return cls(
            {host: report for host, report in reports.items() if report},
            {host: used for host, used in urls.items() if used},
        )

    def __getitem__(self, host: str) -> NodeReport:
        """The report of a host. Raises ValueError if it has none."""
        return self.only([host]).reports[host]

    def items(self) -> t.ItemsView[str, NodeReport]:
        return self.reports.items()

    def only(self, hosts: t.Collection[str]) -> Fleet:
        """The reports of these hosts. Raises ValueError if one of them has none."""
        missing = sorted(set(hosts) - set(self.reports))
        if missing:
            raise ValueError(f"There is no report of {', '.join(missing)}.")
        return Fleet({host: self.reports[host] for host in sorted(hosts)}, self.etcd_urls)

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(self.reports)

    @property
    def any_answers(self) -> bool:
        """Whether the member of any host answers."""
        return any(report.answers for report in self.reports.values())

    def host_of(self, member: MemberReport) -> str | None:
        """The host that this member runs on, None if it is not among them."""
        return next((host for host, report in self.items() if report.member_id == member.member_id), None)

    def asking_host_of(self, member: MemberReport) -> str | None:
        """The host that this member runs on, None if it is not among them or cannot ask its member."""
        asking = {host: report for host, report in self.items() if report.answers}
        return Fleet(asking).host_of(member)


def _report(result: Fields) -> NodeReport | None:
    absent = not result.names() or any(result.has(key) and result.flag(key) for key in ("failed", "unreachable"))
    return None if absent else NodeReport.read(result)


def _etcd_urls(result: Fields) -> tuple[str, ...]:
    return result.texts("apiserver_etcd_urls") if result.has("apiserver_etcd_urls") else ()


__all__ = ("Fleet",)
