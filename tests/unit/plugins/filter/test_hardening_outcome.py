# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from what modules returned to a record."""

from __future__ import annotations

from unit.builders import Json, as_json, cluster_report, member_report, node_report
from unit.fleet_reports import cluster_of

from ansible_collections.controlplane.etcd.plugins.filter._hardening_outcome import FilterModule, outcome

CLUSTER: Json = as_json(cluster_of({"host1": node_report(1, cluster_report(member_report(1, "leader")))}, "host1"))
ROLLED: Json = {
    "changed": True,
    "method": "patch",
    "reason": "",
    "seconds": 13.2,
    "differences": [],
    "flags": {"before": {}, "after": {"snapshot-count": "5000"}},
}


def test_hardened() -> None:
    found = outcome(CLUSTER, 60.0, rolled={"host1": ROLLED}, recorded=[{}, {"changed": True}], done=True)
    assert (found["outcome"], found["recorded"], found["scheduled"]) == ("hardened", True, [])
    assert [member["flags_after"] for member in found["members"]] == [{"snapshot-count": "5000"}]


def test_the_rest() -> None:
    failed: Json = {"failed": True, "msg": "It failed.", "code": "etcd_not_up", "changed": False}
    assert outcome(CLUSTER, 1.0, over=False)["outcome"] == "unfinished"
    assert outcome(CLUSTER, 1.0, scheduled={"host1": {"changed": False}}, done=True)["outcome"] == "unchanged"
    found = outcome(CLUSTER, 1.0, rolled={"host1": failed}, failures={"host1": [failed]})
    assert (found["outcome"], found["members"]) == ("failed", [])


def test_filter() -> None:
    assert FilterModule().filters() == {"_hardening_outcome": outcome}
