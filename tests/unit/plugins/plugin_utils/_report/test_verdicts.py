# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from unit.status_documents import cluster, full_cluster, healthy_cluster, unknown_cluster

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.reading import Part
from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.verdicts import (
    findings,
    verdict_of,
    worst_first,
)


def test_the_worst_comes_first_then_the_fullest() -> None:
    fuller = cluster("fuller", full_percent=80.0)
    clusters = [healthy_cluster("edge"), fuller, unknown_cluster(), full_cluster("cp")]
    assert [each.text("name") for each in worst_first(map(Part, clusters))] == ["cp", "lost", "fuller", "edge"]


def test_a_verdict_that_is_not_known_is_not_ok() -> None:
    assert verdict_of(Part({"verdict": None})) == "unknown"
    assert verdict_of(Part({"verdict": "splendid"})) == "unknown"
    odd, good = Part({"name": "odd"}), Part({"name": "good", "verdict": "ok"})
    assert worst_first([good, odd]) == [odd, good]


def test_findings_are_sorted_and_never_without_words() -> None:
    body = {
        "findings": [
            {"code": "a", "severity": "note", "text": None},
            {"severity": "critical", "text": "It is full.", "hosts": ["cp1", "cp2"], "anchor": "https://example.org"},
        ]
    }
    first, second = findings(Part(body))
    assert (first.severity, first.text, first.hosts, first.href) == ("critical", "It is full.", "cp1, cp2", "")
    assert (second.severity, second.text) == ("note", "a")
