# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from what modules returned to a record."""

from __future__ import annotations

from unit.builders import Json, as_json, cluster_report, member_report, node_report
from unit.fleet_reports import cluster_of

from ansible_collections.controlplane.etcd.plugins.filter._recovery_outcome import FilterModule, outcome
from ansible_collections.controlplane.etcd.plugins.module_utils._core.records import plain

SEEN = cluster_report(member_report(1, "leader"), alarms=["NOSPACE"])
CLUSTER: Json = as_json(cluster_of({"host1": node_report(1, SEEN)}, "host1"))
CHECK: Json = {
    "cluster": plain(SEEN),
    "writes": ["cp1"],
    "hashes_reason": "",
    "growth_bytes_per_minute": 0.0,
    "minutes_to_full": None,
    "findings": [],
}
SNAPSHOT: Json = {"path": "/x.db", "revision": 9, "reused": True, "changed": False}


def test_recovered() -> None:
    found = outcome(CLUSTER, 1.0, write_check=CHECK, snapshot=SNAPSHOT, check=True)
    assert (found["outcome"], found["check"], found["snapshot"]["path"]) == ("recovered", True, "/x.db")


def test_the_rest() -> None:
    failed: Json = {"failed": True, "msg": "It failed.", "code": "write_refused"}
    assert outcome(CLUSTER, 1.0, over=False)["outcome"] == "unfinished"
    assert outcome(CLUSTER, 1.0, refusals=[{"code": "disk_full", "text": "It is full."}])["outcome"] == "refused"
    found = outcome(CLUSTER, 1.0, write_check=failed, failures={"host1": [failed, {}]})
    assert (found["outcome"], [each["code"] for each in found["failures"]]) == ("failed", ["write_refused"])


def test_filter() -> None:
    assert FilterModule().filters() == {"_recovery_outcome": outcome}
