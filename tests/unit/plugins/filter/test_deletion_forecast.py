# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from results to the forecast."""

from __future__ import annotations

from unit.builders import MIB, Json, as_json, cluster_report, member_report, node_report, results_of

from ansible_collections.controlplane.etcd.plugins.filter._cluster_of import cluster_of
from ansible_collections.controlplane.etcd.plugins.filter._deletion_forecast import FilterModule, deletion_forecast

CLUSTER: Json = as_json(cluster_of(results_of({"host1": node_report(1, cluster_report(member_report(1)))}), "host1"))


def test_forecast() -> None:
    pods = {"group": "", "resource": "pods", "namespace": "*", "live_keys": 5, "live_bytes": 999 * MIB}
    found: Json = {"resources": [pods], "consumers": [], "total": {"live_keys": 5, "live_bytes": 999 * MIB}}
    (refusal,) = deletion_forecast(found, CLUSTER, ["/registry/events/"])["refusals"]
    assert refusal["code"] == "live_data_too_large"
    assert deletion_forecast(found, CLUSTER, ["/registry/events/"], raises=True)["refusals"] == []


def test_filter() -> None:
    assert FilterModule().filters() == {"_deletion_forecast": deletion_forecast}
