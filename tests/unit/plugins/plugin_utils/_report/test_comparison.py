# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from unit.status_documents import cluster, full_cluster, recovered_cluster, unknown_cluster

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.comparison import comparison, same_cluster
from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.reading import Part


def test_before_and_after() -> None:
    table = comparison(Part(full_cluster()), Part(recovered_cluster()))
    rows = {
        row[0].text: [each.verdict or " ".join(filter(None, (each.text, each.note))) for each in row[1:]]
        for row in table.rows
    }
    assert rows == {
        "Verdict": ["critical", "ok"],
        "Alarms": ["NOSPACE", "none"],
        "Size of the database": ["2332.6 MiB", "1190.0 MiB \u22121142.6 MiB"],
        "In use": ["2292.6 MiB", "1184.0 MiB \u22121108.6 MiB"],
        "Quota": ["2048.0 MiB", "2048.0 MiB"],
        "Full": ["114 %", "58 %"],
        "Fragmented": ["2 %", "< 1 %"],
    }


def test_what_is_known_of_neither_is_left_out() -> None:
    table = comparison(Part(unknown_cluster()), Part(unknown_cluster()))
    assert [row[0].text for row in table.rows] == ["Verdict", "Alarms"]


def test_what_was_not_known_before() -> None:
    table = comparison(Part(unknown_cluster()), Part(cluster("lost")))
    rows = {row[0].text: [each.text for each in row[1:]] for row in table.rows}
    assert rows["Quota"] == ["unknown", "2048.0 MiB"]


def test_the_same_cluster_has_the_same_name() -> None:
    clusters = [Part(cluster("cp")), Part(cluster("edge"))]
    assert same_cluster(Part(cluster("edge")), clusters) is clusters[1]
    assert not same_cluster(Part(cluster("other")), clusters)
    assert not same_cluster(Part({"name": None}), [Part({"name": None})])
