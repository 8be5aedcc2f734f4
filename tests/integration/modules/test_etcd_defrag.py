# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_defrag: one member, never a leader, never twice, and never if it could do harm."""

from __future__ import annotations

import os
import re
import time
from typing import Any

import pytest

from integration.support.clusters import Writer, await_settled, await_true, compact, marks
from integration.support.settings import JOIN_AT_ONCE, MIB, QUOTA
from integration.support.witness import Witness
from lab.client import Alarm
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill
from lab.loopback.member import MemberProcess

# Far below the seven seconds after which a server without a leader gives up by itself.
AT_ONCE = 4.0


def _history(cluster: Cluster, size_bytes: int = 24 * MIB, *, live_fraction: float = 0.3) -> None:
    """Write history and compact it on every member, so that there is something to gain and nothing is refused."""
    fill(cluster, until="bytes", size_bytes=size_bytes, live_fraction=live_fraction)
    compact(cluster)


def _size(node: MemberProcess) -> int:
    with Witness(node) as witness:
        return witness.status().db_size


def _defragmentations(node: MemberProcess) -> int:
    """How many of them etcd's own log tells of."""
    return len(re.findall("finished defragmenting directory", node.log.read_text("utf-8", "replace")))


def test_a_leader_hands_over_and_writes_go_on(make_cluster: Any, module: Any, version: str) -> None:
    cluster = make_cluster(version=version, quota_bytes=None)
    _history(cluster)
    leader, followers = cluster.leader(), cluster.followers()
    with leader.client() as client:
        term = client.status().raft_term
    before = _size(leader)
    with Writer(followers) as writer:
        result = module("etcd_defrag", leader)
    # etcd may drop the one write that is under way in the moment of the handover, whoever asks for it.
    assert len(writer.failures) <= 1, writer.failures
    assert writer.done > 1
    assert not result["failed"], result["msg"]
    assert result["changed"] is True
    assert result["moved_leader_to"] == cluster.leader().name != leader.name
    assert f", leadership moved to {result['moved_leader_to']}" in result["line"]
    assert result["before_bytes"] == before > 20 * MIB
    # What the writer wrote meanwhile is far less than what was gained.
    assert result["after_bytes"] < before / 2
    assert _size(leader) < before / 2
    with leader.client() as client:
        assert client.status().raft_term == term + 1


def test_a_follower_changes_nothing_for_the_others(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(quota_bytes=None)
    _history(cluster)
    leader, (follower, other) = cluster.leader(), cluster.followers()
    with leader.client() as client:
        term = client.status().raft_term
    with Writer((leader, other)) as writer:
        result = module("etcd_defrag", follower)
    assert writer.failures == []
    assert writer.done > 1
    assert (result["changed"], result["moved_leader_to"], result["skipped"]) == (True, "", "")
    assert result["after_bytes"] < result["before_bytes"] / 2
    assert _size(follower) < result["before_bytes"] / 2
    for node in (leader, other):
        assert _defragmentations(node) == 0
    with leader.client() as client:
        assert client.status().raft_term == term
    assert cluster.leader() is leader


def test_a_single_member_has_nobody_to_hand_over_to(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1, quota_bytes=None)
    _history(cluster)
    result = module("etcd_defrag", cluster.nodes[0])
    assert not result["failed"], result["msg"]
    assert (result["changed"], result["moved_leader_to"]) == (True, "")
    assert result["after_bytes"] == _size(cluster.nodes[0]) < result["before_bytes"] / 2


def test_little_to_gain_is_left_alone(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1, quota_bytes=None)
    _history(cluster)
    (node,) = cluster.nodes
    before = marks(cluster)
    for rule in (
        {"min_free_bytes": 100 * MIB},
        {"min_free_share": 0.99},
        {"min_free_bytes": 1, "min_free_share": 0.99},
    ):
        for check in (True, False):
            result = module("etcd_defrag", node, check=check, **rule)
            assert not result["failed"], result["msg"]
            assert result["changed"] is False
            assert re.fullmatch(r"only \d+\.\d MiB could be gained", result["skipped"])
            assert result["before_bytes"] == result["after_bytes"] == before.sizes[0]
    assert marks(cluster) == before
    assert _defragmentations(node) == 0
    assert module("etcd_defrag", node, min_free_bytes=MIB, min_free_share=0.4)["changed"] is True


def test_a_learner_is_refused_with_the_ways_out(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1, flags=JOIN_AT_ONCE)
    learner = cluster.add_member(learner=True)
    result = module("etcd_defrag", learner)
    assert result["failed"]
    assert "was refused. The learner " in result["msg"]
    for way in (
        "etcdctl member promote",
        "etcdutl defrag",
        "--bootstrap-defrag-threshold-megabytes=1",
        "member remove",
    ):
        assert way in result["msg"]
    assert _defragmentations(learner) == 0


def test_without_a_leader_all_is_refused_at_once(make_cluster: Any, module: Any, version: str) -> None:
    cluster = make_cluster(version=version)
    survivor, (one, two) = cluster.leader(), cluster.followers()
    with survivor.client() as client:
        client.put(b"a", b"1")
        client.arm(Alarm(client.status().member_id, "NOSPACE"))
        one.kill()
        two.kill()
        await_true(lambda: client.status().leader == 0, "the survivor knows that it lost the others")
    for name in ("etcd_defrag", "etcd_compact", "etcd_alarm"):
        start = time.monotonic()
        result = module(name, survivor)
        assert time.monotonic() - start < AT_ONCE
        assert result["failed"]
        assert f"The cluster has no leader: 1 of 3 voters answer ({survivor.name}), 2 are needed" in result["msg"]
        assert f"{one.name} (Connection refused)" in result["msg"]
        assert f"{two.name} (" in result["msg"]
    start = time.monotonic()
    check = module("etcd_write_check", survivor, settle_seconds=0)
    assert time.monotonic() - start < AT_ONCE
    assert check["failed"]
    assert "there is no leader" in check["msg"]
    info = module("etcd_info", survivor)
    assert info["cluster"]["has_quorum"] is False
    assert info["cluster"]["leader"] is None
    # Under NOSPACE the survivor still knows of the alarm.
    assert len(info["cluster"]["alarms"]) == 1
    assert "The cluster has no leader" in info["diagnosis"]["refusals"][0]["text"]
    # A snapshot of what is left is still to be had.
    snapshot = module("etcd_snapshot", survivor, directory=str(cluster.directory / "backups"))
    assert not snapshot["failed"], snapshot["msg"]


@pytest.mark.parametrize("full", [False, True], ids=["alone", "beside-nospace"])
def test_corrupt_stops_everything(make_cluster: Any, module: Any, version: str, full: bool) -> None:
    cluster = make_cluster(version=version, members=2)
    leader, (follower,) = cluster.leader(), cluster.followers()
    with leader.client() as client:
        client.put(b"a", b"1")
        ids = {member.name: member.id for member in client.members()}
        if full:
            client.arm(Alarm(ids[leader.name], "NOSPACE"))
        client.arm(Alarm(ids[follower.name], "CORRUPT"))
    before = marks(cluster)
    assert len(before.alarms) == 1 + full
    for name in ("etcd_defrag", "etcd_compact", "etcd_alarm"):
        result = module(name, leader)
        assert result["failed"]
        assert f"A CORRUPT alarm is armed (by {follower.name})" in result["msg"]
        assert "disarm CORRUPT by hand" in result["msg"]
        assert module(name, leader, check=True)["failed"]
    assert module("etcd_write_check", leader, settle_seconds=0)["failed"]
    assert marks(cluster) == before
    assert _defragmentations(leader) == 0
    info = module("etcd_info", leader)
    assert f"A CORRUPT alarm is armed (by {follower.name})" in info["diagnosis"]["refusals"][0]["text"]
    # What is there can still be saved.
    assert module("etcd_snapshot", leader, directory=str(cluster.directory / "backups"))["changed"] is True


def test_a_client_that_gave_up_does_not_send_it_again(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(quota_bytes=None)
    fill(cluster, until="bytes", size_bytes=64 * MIB, live_fraction=0.8)
    await_settled(cluster)
    follower = cluster.followers()[0]
    before = _size(follower)
    result = module("etcd_defrag", follower, work_timeout=0.05)
    assert not result["failed"], result["msg"]
    assert result["changed"] is True
    assert result["before_bytes"] == before
    assert result["after_bytes"] == _size(follower) > 32 * MIB
    assert _defragmentations(follower) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_disk_too_small_for_the_copy(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1, quota_bytes=None, tmpfs_mib=512)
    (node,) = cluster.nodes
    _history(cluster, live_fraction=0.8)
    disk = os.statvfs(node.data_dir)
    with (node.data_dir / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, disk.f_bavail * disk.f_frsize - 20 * MIB)
    left = node.data_dir / "member/snap/db.tmp.1"
    left.write_bytes(bytes(2 * MIB))
    before = _size(node)
    # A compaction, which check mode does not do, could yet change what is needed.
    assert not module("etcd_defrag", node, check=True)["failed"]
    result = module("etcd_defrag", node)
    assert result["failed"]
    assert f"are needed on the data disk of {node.name}, 18.0 MiB are free" in result["msg"]
    assert "Make room there" in result["msg"]
    assert f"What may go there, once nobody needs it: {left} (2.0 MiB)." in result["msg"]
    assert left.exists()
    assert _size(node) == before
    assert _defragmentations(node) == 0
    (node.data_dir / "ballast").unlink()
    assert module("etcd_defrag", node)["changed"] is True


def test_a_version_that_could_lose_data(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(version="3.5.1", members=1, quota_bytes=None)
    (node,) = cluster.nodes
    _history(cluster)
    before = marks(cluster)
    for check in (True, False):
        result = module("etcd_defrag", node, check=check)
        assert result["failed"]
        assert "etcd 3.5.1 can come back with different data from the other members" in result["msg"]
        assert "(fixed in 3.5.6)" in result["msg"]
    assert marks(cluster) == before
    assert _defragmentations(node) == 0
    # The version alone is nothing to complain about, with an alarm it stands in the way.
    assert module("etcd_info", node)["diagnosis"]["refusals"] == []
    with node.client() as client:
        alarm = Alarm(client.status().member_id, "NOSPACE")
        client.arm(alarm)
        assert "etcd 3.5.1" in module("etcd_info", node)["diagnosis"]["refusals"][0]["text"]
        assert module("etcd_info", node, allow_unsafe_version=True)["diagnosis"]["refusals"] == []
        client.disarm(alarm)
    allowed = module("etcd_defrag", node, allow_unsafe_version=True)
    assert not allowed["failed"], allowed["msg"]
    assert allowed["changed"] is True
    assert allowed["after_bytes"] < allowed["before_bytes"] / 2


def test_a_member_that_was_removed(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(flags=JOIN_AT_ONCE)
    leader, (gone, other) = cluster.leader(), cluster.followers()
    with leader.client() as client:
        client.remove_member(next(member.id for member in client.members() if member.name == gone.name))
    await_true(lambda: not gone.running, "the removed member exits")
    result = module("etcd_defrag", gone)
    assert result["failed"]
    assert f"through {gone.client_url} failed: Connection refused" in result["msg"]
    assert module("etcd_defrag", other)["changed"] is True


def test_others_that_are_down_are_no_reason_to_wait(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(quota_bytes=None)
    _history(cluster)
    leader, (down, other) = cluster.leader(), cluster.followers()
    down.kill()
    done = module("etcd_defrag", other)
    assert not done["failed"], done["msg"]
    assert done["after_bytes"] == _size(other) < done["before_bytes"] / 2
    moved = module("etcd_defrag", leader)
    assert not moved["failed"], moved["msg"]
    assert moved["moved_leader_to"] == other.name


def test_a_leader_whose_only_fellow_is_frozen(make_cluster: Any, module: Any) -> None:
    """Nobody takes over, whoever is asked: better refused than a stalled cluster."""
    cluster = make_cluster(members=3)
    leader, (learner_like, other) = cluster.leader(), cluster.followers()
    learner_like.freeze()
    other.freeze()
    result = module("etcd_defrag", leader, timeout=1)
    assert result["failed"]
    assert f"{leader.name} still leads 10 s after" in result["msg"] or "The cluster has no leader" in result["msg"]
    assert _defragmentations(leader) == 0


def test_it_waits_for_its_own_compaction(make_cluster: Any, module: Any) -> None:
    """A follower was frozen while the others compacted. Defragmented at once when it goes on, it would gain nothing."""
    cluster = make_cluster(quota_bytes=None)
    fill(cluster, until="bytes", size_bytes=64 * MIB, live_fraction=0.1, keys_per_txn=32)
    frozen, other = cluster.followers()
    await_settled(cluster)
    before = _size(frozen)
    frozen.freeze()
    result = module("etcd_compact", other, timeout=2)
    assert not result["failed"], result["msg"]
    assert result["changed"] is True
    frozen.thaw()
    done = module("etcd_defrag", frozen)
    assert not done["failed"], done["msg"]
    assert before > QUOTA
    assert done["after_bytes"] == _size(frozen) < before / 3
