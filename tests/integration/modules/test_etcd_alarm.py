# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_alarm: every listed NOSPACE alarm goes, whoever raised it, and none goes if it would come back at once."""

from __future__ import annotations

from typing import Any

import pytest

from integration.support.clusters import await_settled, await_true, compact, marks
from integration.support.settings import JOIN_AT_ONCE, QUOTA
from lab.client import Alarm
from lab.errors import EtcdError
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill


def _shrink(cluster: Cluster, *, but: tuple[Any, ...] = ()) -> None:
    """Compact and defragment by the lab's own client."""
    compact(cluster)
    for node in cluster.nodes:
        if node not in but:
            with node.client() as client:
                client.defragment()
    await_settled(cluster)


def _id(cluster: Cluster, name: str) -> int:
    with cluster.leader().client() as client:
        return next(member.id for member in client.members() if member.name == name)


def test_alarms_of_members_that_are_down_or_gone(make_cluster: Any, module: Any, version: str) -> None:
    cluster = make_cluster(members=4, version=version, flags=JOIN_AT_ONCE)
    leader, (gone, down, other) = cluster.leader(), cluster.followers()
    ids = {node.name: _id(cluster, node.name) for node in cluster.nodes}
    with leader.client() as client:
        for node in (gone, down, other):
            client.arm(Alarm(ids[node.name], "NOSPACE"))
        client.remove_member(ids[gone.name])
        await_true(lambda: not gone.running, "the removed member exits")
        down.kill()
        assert len(client.alarms()) == 3
        with pytest.raises(EtcdError, match="database space exceeded"):
            client.put(b"a", b"1")

        findings = "\n".join(module("etcd_info", other)["diagnosis"]["findings"])
        assert f"{ids[gone.name]:x} (no longer a member)" in findings
        result = module("etcd_alarm", other)
        assert not result["failed"], result["msg"]
        assert result["changed"] is True
        assert result["disarmed"] == sorted([down.name, other.name, f"{ids[gone.name]:x} (no longer a member)"])
        assert client.alarms() == ()
        client.put(b"a", b"1")


def test_nothing_armed_is_no_change(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1)
    before = marks(cluster)
    for check in (True, False):
        result = module("etcd_alarm", cluster.nodes[0], check=check)
        assert not result["failed"]
        assert (result["changed"], result["disarmed"]) == (False, [])
    assert marks(cluster) == before


def test_members_that_were_not_defragmented_are_named(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(full=True)
    leader, (fat, _thin) = cluster.leader(), cluster.followers()
    _shrink(cluster, but=(fat,))
    before = marks(cluster)
    result = module("etcd_alarm", leader)
    assert result["failed"]
    assert "The next writes would raise the alarm again: " in result["msg"]
    assert f"{fat.name} uses " in result["msg"]
    assert "of its quota of 32.0 MiB (1" in result["msg"]
    assert f"{leader.name} uses" not in result["msg"]
    assert "Defragment every one of them first" in result["msg"]
    assert "No data was changed" in result["msg"]
    assert marks(cluster) == before


def test_live_data_that_does_not_fit(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(full=True, live_fraction=0.97)
    _shrink(cluster)
    before = marks(cluster)
    assert before.sizes
    assert min(before.sizes) >= 0.95 * QUOTA
    result = module("etcd_alarm", cluster.nodes[0])
    assert result["failed"]
    for size, node in zip(before.sizes, cluster.nodes, strict=True):
        assert f"{node.name} uses {size / (1 << 20):.1f} MiB (" in result["msg"]
    assert "The live data itself does not fit. Raise --quota-backend-bytes on every member" in result["msg"]
    assert marks(cluster) == before


def test_live_data_that_barely_fits_is_warned_about(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(full=True, live_fraction=0.9)
    _shrink(cluster)
    result = module("etcd_alarm", cluster.nodes[0])
    assert not result["failed"], result["msg"]
    assert result["changed"] is True
    assert len(result["warnings"]) == 3
    for warning, node in zip(result["warnings"], cluster.nodes, strict=True):
        assert warning.startswith(f"{node.name} uses ")
        assert "of its quota of 32.0 MiB (" in warning
        assert "writes will be refused again soon" in warning
    with cluster.leader().client() as client:
        assert client.alarms() == ()
        client.put(b"a", b"1")


def test_a_learner_over_its_quota_is_named_with_the_ways_out(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1, flags=JOIN_AT_ONCE)
    learner = cluster.add_member(learner=True)
    fill(cluster)
    voter = cluster.leader()
    _shrink(cluster, but=(learner,))
    before = marks(cluster)
    result = module("etcd_alarm", voter)
    assert result["failed"]
    assert f"{learner.name} uses " in result["msg"]
    assert f"{voter.name} uses " not in result["msg"]
    assert f"The learner {learner.name} holds the full history" in result["msg"]
    for way in (
        "etcdctl member promote",
        "etcdutl defrag",
        "--bootstrap-defrag-threshold-megabytes=1",
        "member remove",
    ):
        assert way in result["msg"]
    assert marks(cluster) == before
    # One of them.
    with voter.client() as client:
        client.remove_member(_id(cluster, learner.name))
    assert module("etcd_alarm", voter)["changed"] is True
    with voter.client() as client:
        client.put(b"a", b"1")
