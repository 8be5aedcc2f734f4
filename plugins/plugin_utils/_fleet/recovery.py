# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The plan and the report of a recovery: what is done to one cluster, why it may not be, and what came of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from ...module_utils._core.records import Json, plain
from ...module_utils._etcd.deletable import deletable
from . import wording
from .cluster import Cluster
from .deletions import delete_refusals, deletion_lines, unused_note
from .disks import snapshot_findings, snapshot_refusal
from .quota_raises import raise_notes, raise_refusals
from .reports import Fleet
from .results import ApiServerCheck, DeletedKeys, TakenSnapshot, WriteCheck
from .time_budgets import RecoveryTimes, recovery_times


@dataclass(frozen=True)
class RecoveryPlan:
    """The plan for one cluster: `lines` are for people; `raises` says whether a larger quota was asked for; `delete`
    are the directories of keys that are deleted."""

    lines: tuple[str, ...]
    refusals: tuple[Refused, ...]
    raises: bool
    delete: tuple[str, ...]
    times: RecoveryTimes

    def as_result(self) -> Json:
        """The result of the filter, in which the budgets are keys like the rest."""
        refusals = [refused.as_result() for refused in self.refusals]
        return {
            "lines": list(self.lines),
            "refusals": refusals,
            "raises": self.raises,
            "delete": list(self.delete),
            **plain(self.times),
        }


def plan_recovery(
    cluster: Cluster,
    fleet: Fleet,
    *,
    quota: str,
    delete: t.Sequence[str],
    delete_anything: bool,
    check: bool,
    hold: bool,
    snapshot: bool,
    play_hosts: int,
    hold_seconds: int,
    release_seconds: int,
    wait_timeout: float,
    work_timeout: float,
) -> RecoveryPlan:
    """The plan for one cluster; `quota` is the larger one that was asked for, empty if none was; `delete` are the
    directories whose keys are to be deleted, `delete_anything` allows what is not safe to lose."""
    raises = bool(quota)
    refusals = [
        *recovery_refusals(cluster, fleet, quota, snapshot=snapshot),
        *delete_refusals(delete, anything=delete_anything, snapshot=snapshot),
    ]
    notes = [] if refusals else _notes(cluster, fleet.only(cluster.hosts), quota, snapshot=snapshot)
    if delete and not cluster.full and not refusals:
        notes.append(unused_note(delete))
    plan = wording.recovery_plan(cluster, check=check, snapshot=snapshot, hold=hold, delete=delete)
    return RecoveryPlan(
        lines=(*wording.heading(cluster), *plan, *notes),
        refusals=tuple(refusals),
        raises=raises,
        delete=tuple(delete) if refusals else deletable(delete, anything=delete_anything),
        times=recovery_times(
            cluster,
            play_hosts=play_hosts,
            raises=raises,
            deletes=bool(delete),
            start_seconds=max(fleet[host].start_seconds for host in cluster.hosts),
            hold_seconds=hold_seconds,
            release_seconds=release_seconds,
            wait_timeout=wait_timeout,
            work_timeout=work_timeout,
        ),
    )


def has_work_to_do(*, full: bool, revive: t.Mapping[str, str]) -> bool:
    """Whether there is anything to do for a recovery: a cluster that is full, or will be soon, or members to revive."""
    return full or bool(revive)


def recovery_refusals(cluster: Cluster, fleet: Fleet, quota: str, *, snapshot: bool) -> list[Refused]:
    """The reasons why the work would lose data or cannot succeed. A quota that is not needed is ignored."""
    peers = fleet.only(cluster.hosts)
    raising = raise_refusals(cluster, peers, quota) if quota and cluster.full else []
    taking = snapshot_refusal(peers[cluster.coordinator].cluster, peers, cluster.snapshot_host)
    takes = snapshot and cluster.full and cluster.has_quorum and not cluster.refusals
    return [*cluster.refusals, *([taking] if taking and takes else []), *raising]


def _notes(cluster: Cluster, peers: Fleet, quota: str, *, snapshot: bool) -> list[str]:
    """What is worth knowing about work that is not refused."""
    if not cluster.full:
        return []
    seen = peers[cluster.coordinator].cluster
    return [
        *(snapshot_findings(seen, peers, cluster.snapshot_host) if snapshot and cluster.has_quorum else []),
        *(raise_notes(cluster, peers, quota) if quota else []),
    ]


def report_recovery(
    write_check: WriteCheck,
    before: Cluster,
    *,
    seconds: float,
    snapshot: TakenSnapshot | None,
    snapshot_wanted: bool,
    deleted: DeletedKeys | None,
    api_servers: t.Mapping[str, ApiServerCheck],
    check_mode: bool,
) -> list[str]:
    """The lines that a recovery ends with."""
    head, gone = wording.heading(before), deletion_lines(deleted, check=check_mode)
    if check_mode:
        return [*head, *wording.check_mode_report(write_check, before.members, api_servers), *gone]
    line = wording.snapshot_line(snapshot, before.snapshot_host, wanted=snapshot_wanted)
    report = wording.recovery_report(
        write_check, before.members, seconds=seconds, snapshot=line, api_servers=api_servers
    )
    return [*head, *report, *gone]


__all__ = ("RecoveryPlan", "has_work_to_do", "plan_recovery", "recovery_refusals", "report_recovery")
