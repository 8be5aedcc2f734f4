# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members and their nodes, as a status has them."""

from __future__ import annotations

import pytest
from unit.builders import MIB, held_by, kubelet_report, member_report, probes_of, upkeep
from unit.fleet_reports import MEMBERS, Reports, silent, up

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node.probes import Probe
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import KubeletReport
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.merged_view import merged_cluster
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_members import (
    kubelet_in_words,
    members_of,
    moment,
    probes_in_words,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_record import (
    LastSnapshot,
    MemberStatus,
    Usage,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_sources import NotInspected


def members(reports: Reports, *lost: str, usage: Usage | None = None) -> dict[str, MemberStatus]:
    peers = Fleet(reports)
    failed = [NotInspected(host, Refused("host_unreachable", f"{host} cannot be reached.")) for host in lost]
    cluster = merged_cluster(peers, min(reports, key=lambda host: not reports[host].answers))
    return {member.name: member for member in members_of(peers, cluster, failed, usage)}


def test_a_member_that_answers() -> None:
    node = up(1, alarms=["NOSPACE"])._replace(upkeep=upkeep())
    assert members({"host1": node, "host2": up(2)})["cp1"] == MemberStatus(
        name="cp1",
        host="host1",
        role="leader",
        version="3.6.16",
        size_bytes=500 * MIB,
        in_use_bytes=100 * MIB,
        quota_bytes=1000 * MIB,
        quota_source="status",
        full_percent=50.0,
        fragmentation_percent=80.0,
        lag=0,
        alarms=("NOSPACE",),
        cause="",
        certificate_days_left=200.0,
        probes="kubeadm 1.31 or newer (kills after 80 s)",
        kubelet="running",
        schedule="installed",
        last_maintenance_at="2026-11-23T10:00:00Z",
        last_snapshot=LastSnapshot("/x.db", "2026-11-22T10:00:00Z", 3600.0),
    )


def test_a_member_that_lags_behind_and_one_without_a_quota() -> None:
    behind = (member_report(1, "leader", applied=5000), member_report(2, applied=100, quota=-1))
    found = members({"host1": up(1, behind)})
    assert (found["cp1"].lag, found["cp2"].lag) == (0, 4900)
    assert (found["cp2"].quota_bytes, found["cp2"].quota_source, found["cp2"].full_percent) == (None, "off", None)


def test_a_member_that_is_down_and_its_node_is_not() -> None:
    seen = (member_report(1, "leader"), member_report(2, "silent", error="timed out"))
    down = silent(2)._replace(upkeep=upkeep(db_size_bytes=900 * MIB))
    usage = Usage("host2", {"file": {"size_bytes": 950 * MIB, "free_bytes": 150 * MIB}})
    found = members({"host1": up(1, seen), "host2": down}, usage=usage)["cp2"]
    assert (found.role, found.cause, found.version, found.up) == ("down", "timed out", "3.6.16", False)
    assert (found.size_bytes, found.in_use_bytes, found.full_percent) == (900 * MIB, 800 * MIB, 90.0)
    assert (found.lag, found.quota_source) == (None, "manifest")


def test_a_member_whose_node_is_lost_and_one_whose_node_is_none_of_the_run() -> None:
    seen = (member_report(1, "leader"), member_report(2, "silent", error=""), member_report(3))
    found = members({"host1": up(1, seen)}, "cp2")
    assert (found["cp2"].host, found["cp2"].cause) == ("cp2", "cp2 cannot be reached.")
    assert (found["cp2"].size_bytes, found["cp2"].quota_bytes, found["cp2"].probes) == (None, None, "")
    assert (found["cp3"].host, found["cp3"].role, found["cp3"].kubelet) == ("", "follower", "")


def test_nodes_stand_for_members_that_nobody_can_be_asked_about() -> None:
    found = members({"host1": silent(1)._replace(upkeep=upkeep(quota_bytes=None)), "host2": silent(2)})
    assert [(each.name, each.role, each.cause) for each in found.values()] == [
        ("cp1", "down", "host1 is down"),
        ("cp2", "down", "host2 is down"),
    ]
    assert (found["cp1"].quota_bytes, found["cp1"].quota_source) == (2048 * MIB, "default")


def test_a_node_whose_member_is_not_in_the_list() -> None:
    found = members({"host1": up(1, MEMBERS), "host9": up(9, (member_report(9, "leader"),))})
    assert (found["cp9"].role, found["cp9"].cause) == ("down", "it is not in the list of the members")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.22", "kubeadm before 1.25 (kills after 80 s)"),
        ("1.30", "kubeadm 1.25 to 1.30 (kills after 80 s)"),
        ("1.31", "kubeadm 1.31 or newer (kills after 80 s)"),
        ("1.37", "kubeadm 1.31 or newer (kills after 80 s)"),
    ],
)
def test_probes(version: str, expected: str) -> None:
    assert probes_in_words(probes_of(version)) == expected


def test_other_probes() -> None:
    assert probes_in_words(()) == "none that kills"
    assert probes_in_words((Probe("readiness", "/readyz", 2381),)) == "none that kills"
    assert probes_in_words((Probe("liveness", "/health?serializable=true", 2381),)) == "own (kills after 30 s)"


@pytest.mark.parametrize(
    ("kubelet", "expected"),
    [
        (kubelet_report(), "running"),
        (kubelet_report(held=held_by("r1")), "held until 10:05:00"),
        (kubelet_report(held=held_by("r1"), running=True), "running"),
        (kubelet_report(refusal="kubelet was stopped by someone else"), "stopped"),
        (kubelet_report(refusal="There is no unit kubelet on this node."), "absent"),
    ],
)
def test_kubelet(kubelet: KubeletReport, expected: str) -> None:
    assert kubelet_in_words(kubelet) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, "1970-01-01T00:00:00Z"), (None, None), (1e300, None), (float("nan"), None)]
)
def test_moment(seconds: float | None, expected: str | None) -> None:
    assert moment(seconds) == expected
