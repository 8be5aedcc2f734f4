# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""A cluster as the roles keep it, as one typed record."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ...module_utils._core.failures import Refused
from ...module_utils._core.records import Fields, Json, plain
from ...module_utils._node.report import MemberReport, Refusal
from .coordination import Place


@dataclass(frozen=True)
class Cluster:
    """One cluster; each field is a key of the dictionary that the roles keep of it. `name` tells it from the others of
    a run; `unit_of_events` is its unit if it is the second etcd of its hosts, which has the events, else empty. `full`
    says that the alarm is armed, is about to be raised, or that nobody can tell; `has_work` that there is anything to
    do; `hidden_hosts` can ask their member, and the coordinator cannot. `units` are those of systemd that run its
    members, by host; `apiserver_hosts` have no etcd, but an API server that uses this one."""

    name: str
    unit_of_events: str
    hosts: tuple[str, ...]
    coordinator: str
    snapshot_host: str
    order: tuple[Place, ...]
    members: tuple[MemberReport, ...]
    has_quorum: bool
    has_work: bool
    full: bool
    refusals: tuple[Refused, ...]
    findings: tuple[str, ...]
    expected_seconds: int
    lock_runs: tuple[str, ...]
    revive: t.Mapping[str, str]
    hold: t.Mapping[str, str]
    hidden_hosts: tuple[str, ...]
    units: t.Mapping[str, str] = field(default_factory=dict)
    apiserver_hosts: tuple[str, ...] = ()

    def as_result(self) -> Json:
        return {**plain(self), "refusals": [refused.as_result() for refused in self.refusals]}

    @classmethod
    def from_result(cls, body: object) -> Cluster:
        """The cluster of such a dictionary. Raises ValueError if it is none."""
        found = Fields(body, "the cluster")
        return cls(
            name=found.text("name"),
            unit_of_events=found.text("unit_of_events"),
            hosts=found.texts("hosts"),
            coordinator=found.text("coordinator"),
            snapshot_host=found.text("snapshot_host"),
            order=tuple(map(Place.read, found.records("order"))),
            members=tuple(map(MemberReport.read, found.records("members"))),
            has_quorum=found.flag("has_quorum"),
            has_work=found.flag("has_work"),
            full=found.flag("full"),
            refusals=tuple(Refusal.read(each).refused() for each in found.records("refusals")),
            findings=found.texts("findings"),
            expected_seconds=found.whole("expected_seconds"),
            lock_runs=found.texts("lock_runs"),
            revive=found.texts_by_key("revive"),
            hold=found.texts_by_key("hold"),
            hidden_hosts=found.texts("hidden_hosts"),
            units=found.texts_by_key("units"),
            apiserver_hosts=found.texts("apiserver_hosts"),
        )


__all__ = ("Cluster",)
