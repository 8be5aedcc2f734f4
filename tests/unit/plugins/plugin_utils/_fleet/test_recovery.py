# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan and the report of a recovery, put together."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import MIB, Json, as_json, cluster_report, diagnosis, disks_of, member_report, node_report, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import NodeReport
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet import wording
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.assessment import cluster_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.recovery import (
    RecoveryPlan,
    has_work_to_do,
    plan_recovery,
    report_recovery,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.results import (
    DeletedKeys,
    TakenSnapshot,
    WriteCheck,
)

SEEN = cluster_report(member_report(1, "leader"), member_report(2), alarms=["NOSPACE"])
DEFAULTS: dict[str, Any] = {
    "quota": "",
    "delete": (),
    "delete_anything": False,
    "check": False,
    "hold": True,
    "snapshot": True,
    "play_hosts": 2,
    "hold_seconds": 300,
    "release_seconds": 60,
    "wait_timeout": 120.0,
    "work_timeout": 600.0,
}


def reports(*, full: bool = True, refusals: tuple[str, ...] = (), hosts: int = 2) -> dict[str, NodeReport]:
    found = diagnosis(full=full, refusals=refusals, findings=["It is full."] if full else [])
    return {f"host{number}": node_report(number, SEEN, diagnosis=found) for number in range(1, hosts + 1)}


def plan(found: dict[str, NodeReport], **options: Any) -> RecoveryPlan:
    fleet = Fleet({**found, "other": node_report(9, ca="other")})
    return plan_recovery(cluster_of(fleet, "host1"), fleet, **{**DEFAULTS, **options})


def test_plan() -> None:
    found = plan(reports()).as_result()
    assert as_json(found) == found
    assert found == {
        "lines": [
            "It is full.",
            "It will now take a snapshot, compact, defragment cp2, then cp1, disarm and prove: about 74 s.",
        ],
        "refusals": [],
        "raises": False,
        "delete": [],
        "step_seconds": 2100,
        "raise_seconds": 736,
        "revive_seconds": 30.0,
        "revive_patiently": False,
        "revive_limit_seconds": 162,
        "hold_seconds": {"host1": 448, "host2": 508},
        "release_seconds": {"host1": 0, "host2": 60},
        "expected_seconds": {"snapshot": 2.0, "compact": 3.3, "defragment": 0.8},
    }


def test_room_for_a_snapshot_is_asked_for_before_the_first_change() -> None:
    small = {
        host: report._replace(disks=disks_of(150 * MIB, reflinks=False, eviction_bytes=100 * MIB))
        for host, report in reports().items()
    }
    refused = plan(small)
    assert [refusal.code for refusal in refused.refusals] == ["disk_too_small"]
    without = plan(small, snapshot=False)
    assert without.refusals == ()
    assert "evicts pods" not in " ".join(without.lines)
    # It goes on where the blocks may be shared, and says so.
    shared = {host: report._replace(disks=disks_of(150 * MIB)) for host, report in reports().items()}
    assert plan(shared).refusals == ()
    assert "the file system may share its blocks" in " ".join(plan(shared).lines)
    healthy = {host: report._replace(disks=small["host1"].disks) for host, report in reports(full=False).items()}
    assert plan(healthy).refusals == ()


def test_plan_that_raises_the_quota() -> None:
    found = plan(reports(), quota="4GiB")
    assert (found.raises, found.refusals) == (True, ())


TOO_LARGE = "quota_too_large"

REFUSALS: list[tuple[str, dict[str, NodeReport], str, list[str]]] = [
    ("none", reports(), "", []),
    ("of the cluster", reports(refusals=("It is corrupt.",)), "", ["corrupt_alarm"]),
    ("of the quota", reports(), "30GiB", [TOO_LARGE, TOO_LARGE]),
    ("of the quota, which is no size", reports(), "much", ["invalid_quota"]),
    ("of both", reports(refusals=("It is corrupt.",)), "30GiB", ["corrupt_alarm", TOO_LARGE, TOO_LARGE]),
    ("a node is not among the hosts", reports(hosts=1), "4GiB", ["nodes_out_of_reach"]),
    ("a quota that is not needed is ignored", reports(full=False), "30GiB", []),
]


@pytest.mark.parametrize(("found", "quota", "codes"), table(REFUSALS))
def test_refusals(found: dict[str, NodeReport], quota: str, codes: list[str]) -> None:
    assert [refused["code"] for refused in plan(found, quota=quota).as_result()["refusals"]] == codes


CHECK = WriteCheck(SEEN, ("cp1", "cp2"), True, "", 1.5 * MIB, 83.3, ("cp3 does not answer (down).",))
TABLE = wording.member_table(SEEN, SEEN.members)
SNAPSHOT = TakenSnapshot("/x.db", 77, False)

REPORTS: list[tuple[str, Json, list[str]]] = [
    (
        "all",
        {},
        [
            "Recovered in 21.4 s. Writes are accepted through cp1, cp2; the followers hold the same data.",
            "Snapshot from before the compaction: /x.db on host1 (revision 77).",
            "The database grows by 1.5 MiB per minute: at that rate it is full in 83 minutes.",
            "cp3 does not answer (down).",
        ],
    ),
    (
        "check mode: no snapshot is spoken of",
        {"check_mode": True},
        ["Check mode: nothing was changed. The sizes are the current ones."],
    ),
]


@pytest.mark.parametrize(("options", "expected"), table(REPORTS))
def test_report(options: Json, expected: list[str]) -> None:
    before = cluster_of(Fleet(reports()), "host1")
    usual: Json = {
        "seconds": 21.44,
        "snapshot": SNAPSHOT,
        "snapshot_wanted": True,
        "deleted": None,
        "api_servers": {},
        "check_mode": False,
    }
    assert report_recovery(CHECK, before, **{**usual, **options}) == [*TABLE, *expected]


def test_plan_that_deletes() -> None:
    events = "/registry/events/"
    found = plan(reports(), delete=(events, f"{events}shop/"))
    assert (found.delete, found.refusals) == ((events,), ())
    assert "It will now take a snapshot, delete the keys below /registry/events/" in found.lines[-1]
    assert found.times.hold_seconds["host1"] == 748
    # A wrong name is wrong also where there is nothing to do.
    for full in (True, False):
        refused = plan(reports(full=full), delete=(events, "/registry/pods/"))
        assert [refusal.code for refusal in refused.refusals] == ["not_safe_to_delete"]
        assert plan(reports(full=full), delete=("/registry/pods/",), delete_anything=True).refusals == ()
        without = plan(reports(full=full), delete=(events,), snapshot=False)
        assert [refusal.code for refusal in without.refusals] == ["delete_without_snapshot"]
    assert "Nothing is deleted below /registry/events/" in plan(reports(full=False), delete=(events,)).lines[-1]


def test_report_of_a_deletion() -> None:
    before = cluster_of(Fleet(reports()), "host1")
    options: Json = {"seconds": 1.0, "snapshot": SNAPSHOT, "snapshot_wanted": True, "api_servers": {}}
    deleted = DeletedKeys({"/registry/events/": 7})
    for check, said in ((False, "Deleted"), (True, "Would delete")):
        lines = report_recovery(CHECK, before, **options, deleted=deleted, check_mode=check)
        assert lines[-1] == f"{said} 7 keys below /registry/events/."


@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("revive", [{}, {"host2": "restart"}], ids=["all are up", "one is down"])
def test_has_work_to_do(full: bool, revive: dict[str, str]) -> None:
    assert has_work_to_do(full=full, revive=revive) is (full or bool(revive))
