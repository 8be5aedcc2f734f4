# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a status finds in what the members say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from unit.builders import MIB, member_report, table, upkeep
from unit.fleet_reports import MEMBERS, Reports, silent, up

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.checks import BEHIND_ENTRIES
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.defragmentation import FRAGMENTED
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.quota import LOW_SHARE, WARNED_SHARE
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.coordination import coordinator_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.merged_view import merged_cluster
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_cluster_findings import (
    GROWTH_SECONDS,
    cluster_findings,
    size_findings,
    usage_findings,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_members import members_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_record import (
    Growth,
    StatusFinding,
    Usage,
)

ROOT = Path(__file__).resolve().parents[5]
RULES = yaml.safe_load((ROOT / "roles/harden/files/etcd-maintenance.rules.yml").read_text("utf-8"))


def rules(alert: str, severity: str) -> str:
    """The expression of an alert."""
    found = [rule for group in RULES["groups"] for rule in group["rules"] if rule["alert"] == alert]
    return str(next(rule["expr"] for rule in found if rule["labels"]["severity"] == severity))


def found_in(reports: Reports) -> list[StatusFinding]:
    peers = Fleet(reports)
    cluster = merged_cluster(peers, coordinator_of(peers))
    members = members_of(peers, cluster, (), None)
    return [*cluster_findings(peers, cluster, members), *size_findings(members)]


def codes(reports: Reports) -> set[tuple[str, str]]:
    return {(each.severity, each.code) for each in found_in(reports)}


def sized(*sizes: int) -> Reports:
    """A cluster of members of such sizes in MiB, of a quota of 1000, little of them free."""
    members = [
        member_report(number, "follower" if number > 1 else "leader", size=size * MIB, in_use=(size - 20) * MIB)
        for number, size in enumerate(sizes, 1)
    ]
    return {f"host{number}": up(number, members) for number in range(1, len(sizes) + 1)}


ONE_LEFT = (member_report(1, "leaderless"), member_report(2, "silent"), member_report(3, "silent"))
CASES: list[tuple[str, Reports, set[tuple[str, str]]]] = [
    ("well", sized(500, 500, 500), set()),
    ("below the first level", sized(749, 100, 100), set()),
    ("low", sized(750, 100, 100), {("warning", "quota_low")}),
    ("nearly full", sized(850, 100, 100), {("critical", "quota_nearly_full")}),
    ("both", sized(850, 760, 100), {("critical", "quota_nearly_full"), ("warning", "quota_low")}),
    (
        "armed",
        {"host1": up(1, [member_report(1, "leader", in_use=490 * MIB)], alarms=["NOSPACE"])},
        {("critical", "nospace_alarm")},
    ),
    (
        "corrupt",
        {"host1": up(1, [member_report(1, "leader", in_use=490 * MIB)], alarms=["CORRUPT"])},
        {("critical", "corrupt_alarm")},
    ),
    ("fragmented", {"host1": up(1, [member_report(1, "leader")])}, {("warning", "fragmented")}),
    ("fragmented, but small", {"host1": up(1, [member_report(1, "leader", size=90 * MIB, in_use=MIB)])}, set()),
    (
        "one down",
        {"host1": up(1, [member_report(1, "leader", in_use=490 * MIB), member_report(2, "silent", error="x")])},
        {("warning", "member_silent")},
    ),
    (
        "no leader",
        {"host1": up(1, [each._replace(db_size_in_use_bytes=each.db_size_bytes) for each in ONE_LEFT], quorum=False)},
        {("critical", "no_leader"), ("warning", "member_silent")},
    ),
    (
        "cut off from one another",
        {"host1": up(1, [member_report(n, "leaderless", in_use=490 * MIB) for n in (1, 2)], quorum=False)},
        {("critical", "members_cut_off")},
    ),
    (
        "one that lags",
        {
            "host1": up(
                1,
                [
                    member_report(1, "leader", in_use=490 * MIB, applied=BEHIND_ENTRIES + 101),
                    member_report(2, in_use=490 * MIB),
                ],
            )
        },
        {("warning", "member_lagging")},
    ),
    (
        "different quotas",
        {
            "host1": up(
                1, [member_report(1, "leader", in_use=490 * MIB), member_report(2, in_use=490 * MIB, quota=2000 * MIB)]
            )
        },
        {("warning", "quotas_differ")},
    ),
    (
        "an unsafe version",
        {"host1": up(1, [member_report(1, "leader", in_use=490 * MIB, version="3.5.4")])},
        {("warning", "unsafe_etcd_version")},
    ),
    ("nobody answers", {"host1": silent(1), "host2": silent(2)}, {("critical", "no_member_answers")}),
    (
        "nobody answers, and the file is full",
        {"host1": silent(1)._replace(upkeep=upkeep(db_size_bytes=990 * MIB))},
        {("critical", "no_member_answers"), ("critical", "quota_nearly_full")},
    ),
    (
        "two clusters with one CA",
        {
            "host1": up(1, [member_report(1, "leader", in_use=490 * MIB)]),
            "host9": up(9, [member_report(9, "leader", in_use=490 * MIB)], cluster_id="c9"),
        },
        {("critical", "different_clusters")},
    ),
]


@pytest.mark.parametrize(("reports", "expected"), table(CASES))
def test_findings(reports: Reports, expected: set[tuple[str, str]]) -> None:
    assert codes(reports) == expected


def test_a_finding_of_one_member_names_its_host() -> None:
    seen = [MEMBERS[0], member_report(2, "silent", error="timed out")]
    found = next(each for each in found_in({"host1": up(1, seen), "host2": silent(2)}) if each.code == "member_silent")
    assert (found.text, found.hosts) == ("cp2 does not answer (timed out).", ("host2",))


def test_no_word_of_a_disarm_that_nobody_has_in_mind() -> None:
    seen = [MEMBERS[0], member_report(2, "silent", error="timed out")]
    texts = " ".join(each.text for each in found_in({"host1": up(1, seen, alarms=["NOSPACE"])}))
    assert "NOSPACE" in texts
    assert "disarmed" not in texts


@pytest.mark.parametrize(
    ("live", "seconds", "expected"),
    [
        (949, None, []),
        (950, None, ["live_data_too_large"]),
        (1, GROWTH_SECONDS, []),
        (1, GROWTH_SECONDS - 1, ["fills_up_soon"]),
    ],
)
def test_what_follows_from_the_usage(live: int, seconds: float | None, expected: list[str]) -> None:
    usage = Usage("h", {"file": {"live_bytes": live * MIB}})
    found = usage_findings(usage, 500 * MIB, 1000 * MIB, Growth(MIB, seconds, "x"))
    assert [each.code for each in found] == expected


@pytest.mark.parametrize("record", [{}, {"file": None}, {"file": {"live_bytes": None}}, {"file": {"live_bytes": "x"}}])
def test_a_record_of_another_form(record: dict[str, object]) -> None:
    assert usage_findings(Usage("h", record), 1, 1, None) == []
    assert usage_findings(None, None, None, Growth(1, 1.0, "")) == []


def test_the_levels_are_those_of_the_alert_rules() -> None:
    low = rules("EtcdMaintenanceQuotaLowSpace", "warning")
    assert list(map(float, re.findall(r"(?:>=|<) (0\.\d+)", low))) == [LOW_SHARE, WARNED_SHARE]
    assert f">= {WARNED_SHARE}" in rules("EtcdMaintenanceQuotaLowSpace", "critical")
    assert f"< {GROWTH_SECONDS / 3600:.0f} * 3600" in rules("EtcdMaintenanceExcessiveGrowth", "warning")
    fragmented = rules("EtcdMaintenanceHighFragmentation", "warning")
    assert f">= {FRAGMENTED.min_free_share}" in fragmented
    assert f">= {FRAGMENTED.min_free_bytes // MIB} * 1024 * 1024" in fragmented
