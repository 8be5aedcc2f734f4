# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from an order and who leads now to what is left of it."""

from __future__ import annotations

from unit.builders import Json, cluster_report, member_report

from ansible_collections.controlplane.etcd.plugins.filter._leader_last import FilterModule, leader_last
from ansible_collections.controlplane.etcd.plugins.module_utils._core.records import plain

ORDER: list[Json] = [
    {"name": "cp2", "host": "host2", "endpoint": ""},
    {"name": "cp3", "host": "host1", "endpoint": "https://192.0.2.3:2379"},
    {"name": "cp1", "host": "host1", "endpoint": ""},
]
NOW: Json = {"cluster": plain(cluster_report(member_report(1), member_report(2, "leader")))}


def test_order() -> None:
    assert leader_last(ORDER, NOW) == [ORDER[1], ORDER[2], ORDER[0]]
    assert leader_last(ORDER, {"failed": True, "msg": "It failed."}) == ORDER


def test_hosts() -> None:
    assert leader_last(ORDER, NOW, hosts=["host1", "host2"]) == [ORDER[2], ORDER[0]]
    assert leader_last(ORDER, {}, hosts=["host2"]) == [ORDER[0]]
    assert leader_last(ORDER, NOW, hosts=[]) == []


def test_filter() -> None:
    assert FilterModule().filters() == {"_leader_last": leader_last}
