# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery ends with, sentence by sentence."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import MIB, Json, table

from ansible_collections.controlplane.etcd.plugins.filter.member_table import member_table
from ansible_collections.controlplane.etcd.plugins.filter.recovery_report import FilterModule, recovery_report


def entry(size: int) -> Json:
    return {
        "member_id": "1",
        "name": "cp1",
        "role": "leader",
        "db_size_bytes": size,
        "db_size_in_use_bytes": size,
        "quota_bytes": 2048 * MIB,
    }


BEFORE, AFTER = [entry(2048 * MIB)], [entry(297 * MIB)]
CLUSTER: Json = {"members": AFTER, "alarms": []}
PROOF: Json = {
    "cluster": CLUSTER,
    "writes": ["cp1", "cp2"],
    "hashes_agree": True,
    "growth_bytes_per_minute": 0.0,
    "minutes_to_full": None,
    "findings": [],
}
SNAPSHOT: Json = {"path": "/var/backups/etcd/x.db", "revision": 77, "reused": False}
WRITES = "Recovered in 21.4 s. Writes are accepted through cp1, cp2; all members hold the same data."
NO_SNAPSHOT = "No snapshot was taken (recover_snapshot=false)."
SNAPSHOT_LINE = "Snapshot from before the compaction: /var/backups/etcd/x.db on host1"
STANDS = "The database grows by 0.0 MiB per minute."

REPORTS: list[tuple[str, Json, Json, list[str]]] = [
    ("plain", {}, {}, [WRITES, NO_SNAPSHOT, STANDS]),
    (
        "data not compared",
        {"hashes_agree": None},
        {},
        ["Recovered in 21.4 s. Writes are accepted through cp1, cp2.", NO_SNAPSHOT, STANDS],
    ),
    ("none, as told", {}, {"snapshot": None, "snapshot_host": "host1"}, [WRITES, NO_SNAPSHOT, STANDS]),
    (
        "none: nobody came as far",
        {},
        {"snapshot": {}, "snapshot_host": "host1"},
        [WRITES, "No snapshot was taken: nothing was compacted.", STANDS],
    ),
    (
        "snapshot",
        {},
        {"snapshot": SNAPSHOT, "snapshot_host": "host1"},
        [WRITES, f"{SNAPSHOT_LINE} (revision 77).", STANDS],
    ),
    (
        "snapshot of an earlier attempt",
        {},
        {"snapshot": {**SNAPSHOT, "reused": True}, "snapshot_host": "host1"},
        [
            WRITES,
            f"{SNAPSHOT_LINE} (revision 77, reused from an earlier attempt).",
            STANDS,
        ],
    ),
    (
        "grows",
        {"growth_bytes_per_minute": 1.5 * MIB, "minutes_to_full": 83.3},
        {},
        [WRITES, NO_SNAPSHOT, "The database grows by 1.5 MiB per minute: at that rate it is full in 83 minutes."],
    ),
    (
        "grows fast",
        {"growth_bytes_per_minute": 900.0 * MIB, "minutes_to_full": 0.9},
        {},
        [
            WRITES,
            NO_SNAPSHOT,
            "The database grows by 900.0 MiB per minute: at that rate it is full in less than a minute.",
        ],
    ),
    (
        "exactly a minute",
        {"growth_bytes_per_minute": 900.0 * MIB, "minutes_to_full": 1.0},
        {},
        [WRITES, NO_SNAPSHOT, "The database grows by 900.0 MiB per minute: at that rate it is full in 1 minutes."],
    ),
    (
        "grows without a quota",
        {"growth_bytes_per_minute": 1.5 * MIB},
        {},
        [WRITES, NO_SNAPSHOT, "The database grows by 1.5 MiB per minute."],
    ),
    (
        "API servers",
        {},
        {"nodes": {"a": {"outcome": "accepted"}, "b": {"outcome": "absent"}, "c": {"outcome": "accepted"}}},
        [WRITES, "The API servers of a, c accept writes.", NO_SNAPSHOT, STANDS],
    ),
    (
        "API servers that did not take it",
        {},
        {
            "nodes": {
                "a": {"outcome": "refused", "reason": "HTTP 500: failed calling webhook"},
                "b": {"outcome": "not ready", "reason": "it does not answer", "seconds": 120.4},
                "c": {"skipped": True},
            }
        },
        [
            WRITES,
            "The API server of a did not take the write, but not because of etcd: HTTP 500: failed calling webhook.",
            "The API server of b is still not up after 120 s: it does not answer.",
            NO_SNAPSHOT,
            STANDS,
        ],
    ),
    ("no API servers", {}, {"nodes": None}, [WRITES, NO_SNAPSHOT, STANDS]),
    (
        "findings come last",
        {"findings": ["cp3 does not answer (down).", "And more."]},
        {},
        [WRITES, NO_SNAPSHOT, STANDS, "cp3 does not answer (down).", "And more."],
    ),
    (
        "check mode",
        {"writes": [], "hashes_agree": None},
        {"check": True, "snapshot": SNAPSHOT},
        ["Check mode: nothing was changed. The sizes are the current ones."],
    ),
]


@pytest.mark.parametrize(("proof", "options", "expected"), table(REPORTS))
def test_report(proof: Json, options: dict[str, Any], expected: list[str]) -> None:
    lines = recovery_report({**PROOF, **proof}, before=BEFORE, seconds=21.44, **options)
    members = member_table(CLUSTER, BEFORE)
    assert lines[: len(members)] == members
    assert "2048.0 MiB  297.0 MiB" in lines[1]
    assert lines[len(members) :] == expected


def test_filter() -> None:
    assert FilterModule().filters() == {"recovery_report": recovery_report}
