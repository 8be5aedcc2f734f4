# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed in the middle and started again, and runs that meet each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from integration.support.ansible_commands import Playing, Run
from integration.support.clusters import await_true
from integration.support.recovery import (
    FOREVER,
    QUICK,
    QUOTA,
    assert_full,
    assert_recovered,
    defragmented,
    full_cluster,
    hold_lock,
    inventory,
    lock_path,
    locks,
    snapshots,
    state,
    work,
)
from lab.interrupt import kill
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]
StartPlaybook = Callable[..., Playing]


def test_a_run_that_is_killed_and_started_again(
    make_cluster: MakeCluster, playbook: Playbook, start_playbook: StartPlaybook, tmp_path: Path
) -> None:
    cluster = make_cluster(quota_bytes=QUOTA)
    fill(cluster, event_ttl=FOREVER)
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    # A directory that all nodes share, since each attempt takes the member that is furthest ahead at its moment.
    directory = tmp_path / "backups"
    quickly = {**QUICK, "recover_snapshot_dir": str(directory)}
    # Time enough to be killed in it, after the disarm.
    slowly = {**quickly, "recover_settle_seconds": 60}
    before = cluster.leader().record().entries

    first = start_playbook(hosts, extra_vars=slowly)
    await_true(lambda: list(directory.glob("*.db")), "the snapshot", seconds=120)
    kill(first.process)
    assert defragmented(cluster) == []
    assert len(locks(cluster)) == 3
    (snapshot,) = directory.glob("*.db")
    written = snapshot.stat()

    second = start_playbook(hosts, extra_vars=slowly)
    await_true(lambda: _has_shrunk(cluster), "the first member shrank", seconds=120)
    kill(second.process)
    assert "was taken over: that run has ended or its time is over" in " ".join(second.out.split())
    done = defragmented(cluster)
    assert 1 <= len(done) < 3
    assert_full(cluster)

    third = start_playbook(hosts, extra_vars=slowly)
    await_true(lambda: not _alarms(cluster), "the disarm", seconds=120)
    kill(third.process)
    assert "left alone (only " in third.out
    assert len(locks(cluster)) == 3

    last = playbook(hosts, extra_vars=quickly)

    assert last.rc == 0, last.out
    # Nobody was done twice, and the copy of before is still the one of before.
    order = defragmented(cluster)
    assert sorted(order) == ["cp1", "cp2", "cp3"]
    assert list(directory.glob("*.db")) == [snapshot]
    assert (snapshot.stat().st_mtime, snapshot.stat().st_ino) == (written.st_mtime, written.st_ino)
    assert {key: entry for key, entry in cluster.leader().record().entries.items() if key in before} == before
    assert_recovered(cluster)


def test_two_runs_that_start_in_the_same_second(
    make_cluster: MakeCluster, start_playbook: StartPlaybook, tmp_path: Path
) -> None:
    cluster = full_cluster(make_cluster)
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    # The first is still at work when the second comes, however busy the machine is.
    pair = [start_playbook(hosts, extra_vars={"recover_settle_seconds": 8}) for _round in range(2)]

    runs = sorted((playing.wait() for playing in pair), key=lambda run: run.rc)

    assert [run.rc for run in runs] == [0, 2], runs[0].out + runs[1].out
    assert "Another run works on this node: " in runs[1].flat
    assert ", recover; its lock counts until 20" in runs[1].flat
    assert "Nothing was changed." in runs[1].flat
    assert "changed: [" not in runs[1].out
    assert len(defragmented(cluster)) == 3
    assert len(snapshots(cluster)) == 1
    assert_recovered(cluster)


def test_locks_of_another_controller(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    held = full_cluster(make_cluster, prefix="held", members=2)
    follower = full_cluster(make_cluster, prefix="follower")
    expired = full_cluster(make_cluster, prefix="expired", members=1)
    hold_lock(held.nodes[0], owner="alice@elsewhere, recover", seconds=3600)
    # Not on the node of the one that coordinates, which is the first.
    hold_lock(follower["follower3"], owner="bob@elsewhere, harden", seconds=3600)
    hold_lock(expired.nodes[0], owner="carol@elsewhere, recover", seconds=-1)
    hosts = inventory(tmp_path / "hosts.yml", held, follower, expired)
    before, others = state(held, follower), [lock_path(held.nodes[0]), lock_path(follower["follower3"])]
    texts = [path.read_text() for path in others]

    run = playbook(hosts, extra_vars=QUICK)

    assert run.rc == 2, run.out
    assert "Another run works on this node: alice@elsewhere, recover; its lock counts until " in run.flat
    assert "Another run works on this node: bob@elsewhere, harden; its lock counts until " in run.flat
    assert state(held, follower) == before
    # No other one was taken beside the one that was refused, not even for a moment.
    assert "(item=held2)" in run.out
    assert "ok: [held1 -> held2]" not in run.out.split("unlock | Release")[0]
    # Ours are gone, and theirs are as they were.
    assert locks(held, follower) == ["held1", "follower3"]
    assert [path.read_text() for path in others] == texts
    assert_full(held, follower)
    assert "The lock of carol@elsewhere, recover was taken over" in run.flat
    assert_recovered(expired)


def test_a_live_lock_is_taken_over_by_force(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    cluster = full_cluster(make_cluster, members=1)
    hold_lock(cluster.nodes[0], owner="alice@elsewhere, recover", seconds=3600)
    hosts = inventory(tmp_path / "hosts.yml", cluster)

    run = playbook(hosts, extra_vars={**QUICK, "recover_take_over_lock": True})

    assert run.rc == 0, run.out
    assert "The lock of alice@elsewhere, recover was taken over by force. It would have counted until 20" in run.flat
    assert_recovered(cluster)


def _has_shrunk(cluster: Cluster) -> bool:
    return any(each.what == "defragmented" for each in work(*cluster.nodes))


def _alarms(cluster: Cluster) -> int:
    with cluster.nodes[0].client() as client:
        return len(client.alarms())
