# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Severities, verdicts, and the order of clusters; the documents that other tests draw pages from."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from unit.builders import Json
from unit.status_documents import full_cluster, healthy_cluster, recovered_cluster, unknown_cluster

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_record import (
    ClusterStatus,
    MemberStatus,
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


RUNBOOK = Path(__file__).resolve().parents[5] / "docs/runbook.md"


@pytest.mark.parametrize("document", [full_cluster(), recovered_cluster(), healthy_cluster(), unknown_cluster()])
def test_documents_of_tests_are_such_records(document: Json) -> None:
    assert set(document) == {field.name for field in fields(ClusterStatus)}
    assert all(set(member) == {field.name for field in fields(MemberStatus)} for member in document["members"])
    text = RUNBOOK.read_text("utf-8")
    for finding in document["findings"] or ():
        assert finding["anchor"] == StatusFinding(finding["code"], finding["severity"], "").anchor
        assert f'<a id="{finding["code"]}">' in text
