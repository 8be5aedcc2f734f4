# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from what was kept to the plan."""

from __future__ import annotations

from typing import Any

from unit.builders import Json, as_json, cluster_report, member_report, node_report, results_of

from ansible_collections.controlplane.etcd.plugins.filter._cluster_of import cluster_of
from ansible_collections.controlplane.etcd.plugins.filter._recovery_plan import FilterModule, recovery_plan

SEEN = cluster_report(member_report(1, "leader"))
RESULTS: Json = as_json(results_of({"host1": node_report(1, SEEN)}))
CLUSTER: Json = as_json(cluster_of(RESULTS, "host1"))
TIMES: dict[str, Any] = {
    "play_hosts": 1,
    "hold_seconds": 300,
    "release_seconds": 60,
    "wait_timeout": 120.0,
    "work_timeout": 600.0,
}


def test_plan() -> None:
    found = recovery_plan(CLUSTER, RESULTS, **TIMES)
    assert found["lines"] == ["It will now take a snapshot, compact, defragment cp1, disarm and prove: about 74 s."]
    assert (found["refusals"], found["raises"], found["hold_seconds"]) == ([], False, {"host1": 448})


def test_options() -> None:
    found = recovery_plan(CLUSTER, RESULTS, check=True, snapshot=False, quota="30GiB", **TIMES)
    assert found["lines"][-1].startswith("It would compact (without a snapshot), defragment cp1")
    assert [refusal["code"] for refusal in found["refusals"]] == ["quota_too_large"]
    assert found["refusals"][0]["text"].startswith("host1: A quota of 30.0 GiB is too large")


def test_filter() -> None:
    assert FilterModule().filters() == {"_recovery_plan": recovery_plan}
