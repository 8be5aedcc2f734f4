# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Severities, verdicts, and the order of clusters."""

from __future__ import annotations

import pytest

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_record import (
    ClusterStatus,
    Status,
    StatusFinding,
    verdict_of,
)


def cluster(name: str, verdict: str, full: float | None = None) -> ClusterStatus:
    finding = StatusFinding("nospace_alarm", verdict, "It is full.", ("h",))
    return ClusterStatus(
        name, ("h",), "", verdict, "", (), "", None, None, None, full, None, (), "", (), None, None, (finding,)
    )


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        ([], "ok"),
        (["note"], "ok"),
        (["note", "warning"], "warning"),
        (["critical", "warning", "note"], "critical"),
    ],
)
def test_verdict(severities: list[str], expected: str) -> None:
    assert verdict_of(severities) == expected


def test_the_worst_come_first_then_the_fullest() -> None:
    clusters = [
        cluster("d", "ok", 99.0),
        cluster("c", "warning"),
        cluster("b", "warning", 50.0),
        cluster("a", "critical"),
    ]
    assert [each.name for each in sorted(clusters, key=lambda each: each.sorts)] == ["a", "b", "c", "d"]


def test_document() -> None:
    found = Status("2026-11-30T01:02:03Z", (cluster("a", "warning"),), ("w1",)).as_result()
    (written,) = found.pop("clusters")
    assert found == {
        "schema": 1,
        "taken_at": "2026-11-30T01:02:03Z",
        "verdict": "warning",
        "without_etcd": ["w1"],
    }
    assert written["findings"] == [
        {
            "code": "nospace_alarm",
            "severity": "warning",
            "text": "It is full.",
            "hosts": ["h"],
            "anchor": "docs/runbook.md#nospace_alarm",
        }
    ]
