# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from what was kept to the plan."""

from __future__ import annotations

import pytest
from unit.builders import Json, as_json, cluster_report, diagnosis, member_report, node_report, results_of, table

from ansible_collections.controlplane.etcd.plugins.filter._cluster_of import cluster_of
from ansible_collections.controlplane.etcd.plugins.filter._hardening_plan import FilterModule, hardening_plan

SEEN = cluster_report(*(member_report(number, "leader" if number == 1 else "follower") for number in (1, 2, 3)))
WELL = diagnosis(full=False)
RESULTS: Json = as_json(
    results_of({f"host{number}": node_report(number, SEEN, diagnosis=WELL) for number in (1, 2, 3)})
)
CLUSTER: Json = as_json(cluster_of(RESULTS, "host1"))

QUOTAS: list[tuple[str, object, str]] = [
    ("with a unit", "4GiB", "4294967296"),
    ("bytes as text", "4294967296", "4294967296"),
    ("bytes as a number", 4294967296, "4294967296"),
    ("auto", "auto", "2147483648"),
]


@pytest.mark.parametrize(("quota", "expected"), table(QUOTAS))
def test_quota(quota: object, expected: str) -> None:
    found = hardening_plan(CLUSTER, RESULTS, quota, wait_timeout=120)
    assert as_json(found) == found
    assert (found["refusals"], found["order"]) == ([], ["host2", "host3", "host1"])
    assert found["extra_args"]["quota-backend-bytes"] == expected


def test_options() -> None:
    found = hardening_plan(CLUSTER, RESULTS, "4GiB", 120.0, extra_args={"max-wals": 9}, allow_downtime=True)
    assert found["extra_args"]["max-wals"] == "9"
    assert found["step_seconds"] > 660


def test_arguments_as_text() -> None:
    found = hardening_plan(CLUSTER, RESULTS, "4GiB", 60, 120.0, extra_args='{"snapshot-count": "5000"}')
    assert (found["refusals"], found["extra_args"]["snapshot-count"]) == ([], "5000")
    found = hardening_plan(CLUSTER, RESULTS, "4GiB", 60, 120.0, extra_args="snapshot-count=5000")
    assert [refusal["code"] for refusal in found["refusals"]] == ["invalid_option"]


def test_filter() -> None:
    assert FilterModule().filters() == {"_hardening_plan": hardening_plan}
