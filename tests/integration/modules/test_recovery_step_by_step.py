# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A full cluster brought back by the modules alone, on every version: each step in check mode and for real, twice."""

from __future__ import annotations

from typing import Any

import pytest

from integration.support.clusters import await_settled, marks
from integration.support.settings import MIB, OVER_GATEWAY, QUOTA, SOME_VERSIONS, VERSIONS, Result
from integration.support.witness import Witness
from lab.errors import EtcdError
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess

# What the role asks of a defragmentation: else one that gains nothing would be done all the same.
WORTH_IT = {"min_free_bytes": MIB, "min_free_share": 0.02}


class Steps:
    """Runs one module on one cluster and holds it to what every module promises."""

    def __init__(self, module: Any, cluster: Cluster) -> None:
        self._module, self._cluster = module, cluster

    def four_times(self, name: str, node: MemberProcess, **options: Any) -> tuple[Result, Result]:
        """Run it in check mode, for real, in check mode, for real; return the first two results."""
        before = marks(self._cluster)
        planned = self._module(name, node, check=True, **options)
        assert not planned["failed"], planned["msg"]
        assert planned["changed"] is True
        assert marks(self._cluster) == before

        done = self._module(name, node, **options)
        assert not done["failed"], done["msg"]
        assert done["changed"] is True
        # Ansible adds mode and owner of a path that is there.
        assert planned.keys() <= done.keys()

        after = marks(self._cluster)
        for check in (True, False):
            again = self._module(name, node, check=check, **options)
            assert not again["failed"], again["msg"]
            assert again["changed"] is False
        assert marks(self._cluster) == after
        return planned, done


@pytest.mark.parametrize("version", [*SOME_VERSIONS, VERSIONS[-1]], indirect=True)
def test_a_full_cluster_is_brought_back_step_by_step(make_cluster: Any, module: Any, version: str) -> None:
    cluster: Cluster = make_cluster(version=version, full=True, live_fraction=0.3)
    steps, leader, followers = Steps(module, cluster), cluster.leader(), cluster.followers()
    await_settled(cluster)
    keys = cluster.record()
    with leader.client() as client:
        revision, alarms = client.status().revision, client.alarms()

    directory = str(cluster.directory / "backups")
    planned, snapshot = steps.four_times("etcd_snapshot", followers[0], directory=directory, reuse=True)
    assert snapshot["revision"] == planned["revision"] == revision

    planned, compacted = steps.four_times("etcd_compact", followers[0])
    assert planned["revision"] == compacted["revision"] == revision - 1
    assert compacted["pending"] == {}

    for node in (*followers, leader):
        planned, done = steps.four_times("etcd_defrag", node, **WORTH_IT)
        with Witness(node) as witness:
            size = witness.status().db_size
        assert done["member"] == planned["member"] == node.name
        assert QUOTA <= done["before_bytes"] == planned["before_bytes"]
        assert done["after_bytes"] == size < QUOTA / 2
        assert bool(done["moved_leader_to"]) is (node is leader)

    # Defragmenting alone makes nothing writable.
    with leader.client() as client, pytest.raises(EtcdError, match="database space exceeded"):
        client.put(b"/registry/again", b"1")
    names = sorted(
        {member.name for alarm in alarms for member in client_members(leader) if member.id == alarm.member_id}
    )
    planned, disarmed = steps.four_times("etcd_alarm", followers[0])
    assert set(names) <= set(disarmed["disarmed"])
    assert planned["disarmed"] == disarmed["disarmed"]
    assert disarmed["warnings"] == []

    before = marks(cluster)
    assert module("etcd_write_check", followers[0], check=True)["writes"] == []
    check = module("etcd_write_check", followers[0], settle_seconds=0.1)
    assert not check["failed"], check["msg"]
    assert check["changed"] is False
    assert check["writes"] == ["cp1", "cp2", "cp3"]
    # 3.4 serves no hash over its gateway.
    served = not (version.startswith("3.4") and OVER_GATEWAY)
    assert check["hashes_agree"] is (True if served else None), check["hashes_reason"]
    assert marks(cluster) == before

    assert cluster.record() == keys
    diagnosis = module("etcd_info", leader)["diagnosis"]
    assert (diagnosis["needs_recovery"], diagnosis["findings"]) == (False, [])
    for node in cluster.nodes:
        with node.client() as client:
            client.put(b"/registry/again", node.name.encode())


def client_members(node: MemberProcess) -> Any:
    with node.client() as client:
        return client.members()
