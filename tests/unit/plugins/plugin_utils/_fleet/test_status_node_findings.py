# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a status finds on the nodes of a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from unit.architecture.test_failure_codes import codes_of
from unit.builders import MIB, held_by, kubelet_report, member_report, table, upkeep
from unit.fleet_reports import MEMBERS, Reports, silent, up

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import NodeReport
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.coordination import coordinator_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.merged_view import merged_cluster
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_members import members_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_node_findings import (
    CRITICAL_DAYS,
    OLD_SNAPSHOT_SECONDS,
    OVERDUE_SECONDS,
    WARNED_DAYS,
    node_findings,
    unknown_finding,
    usage_failure,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_record import StatusFinding
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_sources import NotInspected

ROOT = Path(__file__).resolve().parents[5]
LOST = NotInspected("host9", Refused("node_hangs", "host9 hangs."))


def found_in(reports: Reports, *failed: NotInspected) -> list[StatusFinding]:
    peers = Fleet(reports)
    coordinator = coordinator_of(peers)
    cluster = merged_cluster(peers, coordinator)
    return node_findings(peers, cluster, coordinator, members_of(peers, cluster, failed, None), failed)


def well(number: int, **changes: object) -> NodeReport:
    """A node with nothing to find."""
    node = up(number)._replace(upkeep=upkeep())
    return node._replace(**changes)  # type: ignore[arg-type]


def three(**first: object) -> Reports:
    return {"host1": well(1, **first), "host2": well(2), "host3": well(3)}


CASES: list[tuple[str, Reports, set[tuple[str, str]]]] = [
    ("well", three(), set()),
    ("nothing known", {"host1": up(1), "host2": up(2), "host3": up(3)}, set()),
    ("a disk that is full", three(disks=up(1, free=MIB).disks), {("critical", "disk_full")}),
    ("a disk that is small", three(disks=up(1, free=150 * MIB).disks), {("warning", "disk_too_small")}),
    ("copies beside the manifest", three(stray_files=("/x.bak",)), {("warning", "stray_manifests")}),
    ("held", three(kubelet=kubelet_report(held=held_by("r"))), {("warning", "kubelet_held")}),
    ("stopped", three(kubelet=kubelet_report(refusal="x was stopped by y")), {("warning", "kubelet_stopped")}),
    ("a second etcd", three(further=("etcd-events.service",)), {("note", "further_etcd")}),
    ("old probes", three(probes=up(1, probes="1.22").probes), {("note", "probe_kills_early")}),
    (
        "old probes while it is full",
        {
            host: up(n, alarms=["NOSPACE"], probes="1.22")._replace(upkeep=upkeep())
            for n, host in ((1, "h1"), (2, "h2"), (3, "h3"))
        },
        {("warning", "probe_kills_early")},
    ),
    ("a month left", three(upkeep=upkeep(days_left=WARNED_DAYS)), set()),
    ("days left", three(upkeep=upkeep(days_left=WARNED_DAYS - 0.1)), {("warning", "certificate_expires_soon")}),
    ("a week left", three(upkeep=upkeep(days_left=CRITICAL_DAYS)), {("warning", "certificate_expires_soon")}),
    ("less", three(upkeep=upkeep(days_left=CRITICAL_DAYS - 0.1)), {("critical", "certificate_expires_soon")}),
    ("none left", three(upkeep=upkeep(days_left=0.0)), {("critical", "certificate_expired")}),
    ("one without a schedule", three(upkeep=upkeep(scheduled=False)), {("warning", "no_schedule")}),
    ("a run that failed", three(upkeep=upkeep(last_run_success=False)), {("warning", "run_failed")}),
    ("no run for long", three(upkeep=upkeep(last_run_seconds=OVERDUE_SECONDS + 1)), {("warning", "run_overdue")}),
    ("no run yet", three(upkeep=upkeep(last_run=None, last_run_seconds=None, last_run_success=None)), set()),
    ("one with a snapshot", three(upkeep=upkeep(snapshot_age=None)), set()),
    (
        "no schedule at all",
        {"h": up(1, [MEMBERS[0]])._replace(upkeep=upkeep(scheduled=False))},
        {("note", "no_schedule")},
    ),
    (
        "no snapshot at all",
        {"h": up(1, [MEMBERS[0]])._replace(upkeep=upkeep(snapshot_age=None))},
        {("note", "no_snapshot")},
    ),
    (
        "an old snapshot",
        {"h": up(1, [MEMBERS[0]])._replace(upkeep=upkeep(snapshot_age=OLD_SNAPSHOT_SECONDS))},
        {("note", "snapshot_old")},
    ),
    (
        "as kubeadm leaves it",
        {
            "h": up(1, [member_report(1, "leader", quota=2048 * MIB)])._replace(
                upkeep=upkeep(quota_bytes=None, auto_compaction=False),
            )
        },
        {("note", "quota_default")},
    ),
    ("the other nodes left out", {"host1": well(1)}, {("note", "nodes_out_of_reach")}),
    (
        "a node that cannot ask its member",
        {**three(), "host3": silent(3)._replace(upkeep=upkeep())},
        {("warning", "member_not_asked")},
    ),
]


@pytest.mark.parametrize(("reports", "expected"), table(CASES))
def test_findings(reports: Reports, expected: set[tuple[str, str]]) -> None:
    assert {(each.severity, each.code) for each in found_in(reports)} == expected


def test_a_host_that_could_not_be_inspected() -> None:
    found = found_in(three(), LOST)
    assert found == [StatusFinding("node_hangs", "warning", "host9 hangs.", ("host9",))]
    assert unknown_finding(LOST) == StatusFinding("node_hangs", "critical", "host9 hangs.", ("host9",))


def test_a_database_that_could_not_be_read() -> None:
    found = usage_failure("host1", Refused("database_damaged", "host1: It is cut off."))
    assert (found.code, found.severity) == ("database_damaged", "warning")
    assert found.text == "What fills it could not be read: host1: It is cut off."


def test_what_is_found_on_several_nodes_names_them() -> None:
    reports = {host: well(n, probes=up(1, probes="1.22").probes) for n, host in ((1, "h1"), (2, "h2"), (3, "h3"))}
    (found,) = found_in(reports)
    assert found.hosts == ("h1", "h2", "h3")
    assert "(/health) fails under the alarm, and etcd is killed after 80 s of it. recover holds" in found.text


def test_the_time_between_runs_is_that_of_the_alert_rules() -> None:
    rules = yaml.safe_load((ROOT / "roles/harden/files/etcd-maintenance.rules.yml").read_text("utf-8"))
    (expr,) = [r["expr"] for g in rules["groups"] for r in g["rules"] if r["alert"] == "EtcdMaintenanceNotRun"]
    assert expr.endswith(f"> {OVERDUE_SECONDS / 3600:.0f} * 3600")


# Where findings and failures of an inspection come from: the anchor of each leads to the runbook.
SOURCES = [
    *(f"plugin_utils/_fleet/{name}" for name in ("grouping", "kubelets", "status_cluster_findings", "wording")),
    *(f"plugin_utils/_fleet/{name}" for name in ("status_node_findings", "status_sources")),
    *(f"module_utils/_etcd/{name}" for name in ("checks", "usage")),
    *(f"module_utils/_node/{name}" for name in ("etcd_manifest", "foreign_etcd", "inspection", "recoverable")),
    "plugin_utils/_module_action",
    "module_utils/_core/time_limit",
]


def test_every_anchor_is_there() -> None:
    rows = (ROOT / "docs/runbook.md").read_text("utf-8")
    codes = set().union(*map(codes_of, SOURCES))
    assert {"nospace_alarm", "no_schedule", "not_inspected"} <= codes
    for code in sorted(codes):
        page, _hash, anchor = StatusFinding(code, "note", "").anchor.partition("#")
        assert (page, anchor) == ("docs/runbook.md", code)
        assert f'<a id="{anchor}"></a>' in rows, code
