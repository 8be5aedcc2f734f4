# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_write_check: it fails if writes only seem to be accepted, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

from integration.support.clusters import Writer, await_settled, compact, marks
from integration.support.settings import OVER_GATEWAY
from lab.loopback.cluster import Cluster


def _leases(cluster: Cluster) -> list[Any]:
    with cluster.leader().client() as client:
        return list(client.call("/v3/lease/leases", {}).get("leases", []))


def test_a_member_over_its_quota_raises_the_alarm_when_it_applies(make_cluster: Any, module: Any, version: str) -> None:
    cluster = make_cluster(version=version, full=True)
    fat, *others = cluster.nodes
    compact(cluster)
    for node in others:
        with node.client() as client:
            client.defragment()
    await_settled(cluster)
    with others[0].client() as client:
        for alarm in client.alarms():
            client.disarm(alarm)
        assert client.alarms() == ()
        result = module("etcd_write_check", others[0], settle_seconds=0)
        assert result["failed"]
        # Through which member it shows first is a matter of chance, that it shows is not.
        assert "a write through " in result["msg"] or "these alarms are armed" in result["msg"]
        assert f"NOSPACE of {fat.name}" in result["msg"]
        assert [alarm.name for alarm in client.alarms()] == ["NOSPACE"]


def test_it_leaves_nothing_behind(make_cluster: Any, module: Any, version: str) -> None:
    cluster = make_cluster(version=version)
    with cluster.leader().client() as client:
        client.put(b"a", b"1")
    before = marks(cluster)
    result = module("etcd_write_check", cluster.nodes[0], settle_seconds=0.2)
    assert not result["failed"], result["msg"]
    assert (result["changed"], result["writes"]) == (False, ["cp1", "cp2", "cp3"])
    without = version.startswith("3.4.") and OVER_GATEWAY  # it serves its hash over gRPC alone
    assert result["hashes_agree"] is (None if without else True)
    assert ("does not serve its hash" in result["hashes_reason"]) is without
    assert {member["role"] for member in result["cluster"]["members"]} == {"leader", "follower"}
    after = marks(cluster)
    assert (after.revision, after.alarms, after.files) == (before.revision, before.alarms, before.files)
    assert _leases(cluster) == []


def test_check_mode_writes_nothing(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(full=True)
    before, leases = marks(cluster), _leases(cluster)
    # A write would be refused, so a result without a failure is one without a write.
    result = module("etcd_write_check", cluster.nodes[0], check=True)
    assert not result["failed"], result["msg"]
    assert (result["changed"], result["writes"], result["hashes_agree"]) == (False, [], None)
    assert len(result["cluster"]["alarms"]) == len(before.alarms) > 0
    assert marks(cluster) == before
    assert _leases(cluster) == leases

    real = module("etcd_write_check", cluster.nodes[0], settle_seconds=0)
    assert real["failed"]
    assert "a write through cp1 was refused" in real["msg"]
    assert "database space exceeded" in real["msg"]


def test_a_member_that_is_down_is_left_out(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster()
    down, other = cluster.followers()
    down.kill()
    result = module("etcd_write_check", other, settle_seconds=0.1)
    assert not result["failed"], result["msg"]
    assert result["writes"] == sorted({"cp1", "cp2", "cp3"} - {down.name})
    # The leader would stop all writes for its hash, so there is nothing to compare the other one with.
    assert result["hashes_agree"] is None
    assert result["hashes_reason"].startswith(f"only one follower answers, {other.name}")


def test_growth_is_measured_between_the_rounds(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1)
    quiet = module("etcd_write_check", cluster.nodes[0], settle_seconds=0.3)
    assert (quiet["growth_bytes_per_minute"], quiet["minutes_to_full"]) == (0.0, None)
    with Writer(cluster.nodes):
        busy = module("etcd_write_check", cluster.nodes[0], settle_seconds=1)
    assert busy["growth_bytes_per_minute"] > 0
    assert busy["minutes_to_full"] > 0
