# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from what the last steps returned to lines."""

from __future__ import annotations

from unit.builders import Json, as_json, cluster_report, member_report, node_report, results_of

from ansible_collections.controlplane.etcd.plugins.filter._cluster_of import cluster_of
from ansible_collections.controlplane.etcd.plugins.filter._recovery_report import FilterModule, recovery_report
from ansible_collections.controlplane.etcd.plugins.module_utils._core.records import plain

SEEN = cluster_report(member_report(1, "leader"))
BEFORE: Json = as_json(cluster_of(results_of({"host1": node_report(1, SEEN)}), "host1"))
CHECK: Json = as_json(
    {
        "cluster": plain(SEEN),
        "writes": ["cp1"],
        "hashes_agree": True,
        "hashes_reason": "",
        "growth_bytes_per_minute": 0.0,
        "minutes_to_full": None,
        "findings": [],
    }
)
SNAPSHOT: Json = {"path": "/x.db", "revision": 77, "reused": False}


def snapshot_line(snapshot: Json | None) -> str:
    return recovery_report(CHECK, BEFORE, seconds=21.44, snapshot=snapshot)[3]


def test_lines() -> None:
    api_servers = {"host1": {"outcome": "accepted", "reason": "", "seconds": 0.4}, "host2": {}}
    found = recovery_report(CHECK, BEFORE, 21.44, snapshot=SNAPSHOT, api_servers=api_servers)
    assert found[2:5] == [
        "Recovered in 21.4 s. Writes are accepted through cp1; the followers hold the same data.",
        "The API servers of host1 accept writes.",
        "Snapshot from before the compaction: /x.db on host1 (revision 77).",
    ]


def test_snapshot() -> None:
    assert snapshot_line(SNAPSHOT) == "Snapshot from before the compaction: /x.db on host1 (revision 77)."
    assert snapshot_line({}) == "No snapshot was taken: nothing was compacted."
    assert snapshot_line(None) == "No snapshot was taken (recover_snapshot=false)."


def test_check_mode() -> None:
    assert recovery_report(CHECK, BEFORE, 1.0, check=True)[-1].startswith("Check mode: nothing was changed.")


def test_filter() -> None:
    assert FilterModule().filters() == {"_recovery_report": recovery_report}
