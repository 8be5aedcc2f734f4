# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster as the roles keep it, and the way to a result and back."""

from __future__ import annotations

import pytest
from unit.builders import as_json, held_by, kubelet_report, table
from unit.builders import member_report as entry
from unit.fleet_reports import Reports, cluster_of, silent, up

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.cluster import Cluster

THREE = {f"host{number}": up(number) for number in (3, 1, 2)}


ALL_DOWN = {f"host{number}": silent(number) for number in (1, 2, 3)}
ONE_DOWN = {
    **THREE,
    "host1": up(1, [entry(1, "leader"), entry(2, "silent"), entry(3)]),
    "host2": silent(2),
}


KEPT: list[tuple[str, Reports]] = [
    ("healthy", THREE),
    ("one down", ONE_DOWN),
    ("all down", ALL_DOWN),
    ("held", {**THREE, "host1": up(1, kubelet=kubelet_report(held=held_by("r1")))}),
    ("refused", {**THREE, "host1": up(1, refusals=["It is corrupt."], run="r7")}),
]


@pytest.mark.parametrize("reports", table(KEPT))
def test_what_the_roles_keep_is_read_back(reports: Reports) -> None:
    found = cluster_of(reports, "host1", revive=True)
    assert Cluster.from_result(as_json(found)).as_result() == found


def test_what_is_no_cluster_is_refused() -> None:
    body = cluster_of(THREE, "host1")
    with pytest.raises(ValueError, match=r"^the cluster\.order is missing\.$"):
        Cluster.from_result({key: value for key, value in body.items() if key != "order"})
    with pytest.raises(ValueError, match=r"^the cluster\.order\[0\]\.host is not text, but int 5\.$"):
        Cluster.from_result({**body, "order": [{"name": "cp1", "host": 5, "endpoint": ""}]})
