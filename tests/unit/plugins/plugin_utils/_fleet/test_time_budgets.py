# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For how long holds and tasks last."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.builders import cluster_report, member_report, node_report, table

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.assessment import cluster_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.cluster import Cluster
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.time_budgets import (
    RecoveryTimes,
    hardening_times,
    recovery_times,
)

MEMBERS = [member_report(1, "leader"), member_report(2), member_report(3)]
THREE = cluster_of(
    Fleet({f"host{number}": node_report(number, cluster_report(*MEMBERS)) for number in (1, 2, 3)}), "host1"
)
DOWN = cluster_of(Fleet({f"host{number}": node_report(number) for number in (1, 2)}), "host1")

# As the role's defaults.
DEFAULTS: dict[str, Any] = {
    "play_hosts": 5,
    "raises": False,
    "deletes": False,
    "start_seconds": 10.5,
    "hold_seconds": 300,
    "release_seconds": 60,
    "wait_timeout": 120.0,
    "work_timeout": 600.0,
}


def times(cluster: Cluster, **options: Any) -> RecoveryTimes:
    return recovery_times(cluster, **{**DEFAULTS, **options})


def test_recovery() -> None:
    """The cluster is expected to take 74 s."""
    assert times(THREE) == RecoveryTimes(
        step_seconds=2100,
        raise_seconds=723,
        revive_seconds=30.0,
        revive_patiently=False,
        revive_limit_seconds=160,
        hold_seconds={"host1": 448, "host2": 508, "host3": 568},
        release_seconds={"host1": 0, "host2": 60, "host3": 120},
        expected_seconds={"snapshot": 2.0, "compact": 3.3, "defragment": 0.8},
    )


def test_recovery_that_deletes() -> None:
    usual, deleting = times(THREE), times(THREE, deletes=True)
    assert {host: seconds - usual.hold_seconds[host] for host, seconds in deleting.hold_seconds.items()} == {
        "host1": 300,
        "host2": 300,
        "host3": 300,
    }


def test_recovery_that_raises_the_quota() -> None:
    """Every member once more, and for holds all hosts of the play: no cluster is ahead of another."""
    found = times(THREE, raises=True)
    assert found.hold_seconds == {"host1": 748, "host2": 808, "host3": 868}


WAITS: list[tuple[str, Cluster, float]] = [
    ("a leader that no probe threatens", THREE, 30.0),
    ("a leader, but kubelets are held", replace(THREE, hold={"host1": "its probe fails"}), 120.0),
    ("no leader", replace(THREE, has_quorum=False), 120.0),
    ("nobody answers", DOWN, 120.0),
]


@pytest.mark.parametrize(("cluster", "expected"), table(WAITS))
def test_wait_for_members_that_come_back(cluster: Cluster, expected: float) -> None:
    found = times(cluster)
    assert found.revive_seconds == expected
    # Only one that the work depends on may read for three times as long as it is expected to.
    assert (found.revive_patiently, found.revive_limit_seconds) == ((True, 271) if expected == 120 else (False, 160))


def test_hardening() -> None:
    assert hardening_times(start_seconds=0, wait_timeout=120).step_seconds == 660
    assert hardening_times(start_seconds=0, wait_timeout=120.5).step_seconds == 661


def test_hardening_of_members_that_read_for_long() -> None:
    """Each of two starts may take three times as long as expected."""
    assert hardening_times(start_seconds=100, wait_timeout=120).step_seconds == 1260
