# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from what was registered to what is kept."""

from __future__ import annotations

import pytest
from unit.builders import Json, as_json, cluster_report, held_by, kubelet_report, member_report, node_report, results_of

from ansible_collections.controlplane.etcd.plugins.filter._cluster_of import FilterModule, cluster_of

SEEN = cluster_report(member_report(1, "leader"), member_report(2))
KUBELET = kubelet_report(held=held_by("r1"))
RESULTS: Json = {
    **as_json(results_of({"host1": node_report(1, SEEN, kubelet=KUBELET), "host2": node_report(2, SEEN)})),
    "lost": {"unreachable": True, "msg": "Connection refused"},
    "worker": {"present": False, "changed": False, "failed": False},
}


def test_cluster() -> None:
    found = cluster_of(RESULTS, "host2", run="r1")
    assert as_json(found) == found
    assert (found["hosts"], found["coordinator"], found["has_work"]) == (["host1", "host2"], "host1", True)
    assert [place["host"] for place in found["order"]] == ["host2", "host1"]
    assert found["hold"] == {"host1": "this run holds it"}


def test_members_that_can_be_brought_back() -> None:
    results = as_json(results_of({"host1": node_report(1)}))
    assert cluster_of(results, "host1")["revive"] == {}
    assert cluster_of(results, "host1", revive=True)["revive"] == {"host1": "restart"}


def test_what_is_not_understood_fails() -> None:
    with pytest.raises(ValueError, match=r"^the results of etcd_node_info\.host2\.answers is missing\.$"):
        cluster_of({**RESULTS, "host2": {"present": True}}, "host1")


def test_filter() -> None:
    assert FilterModule().filters() == {"_cluster_of": cluster_of}
