# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clusters in one run: what becomes of one has no effect on the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from integration.support.ansible_commands import Playing, Run
from integration.support.clusters import await_true
from integration.support.recovery import (
    FOREVER,
    LOCAL,
    QUICK,
    QUOTA,
    UNREACHABLE,
    assert_full,
    assert_recovered,
    defragmented,
    full_cluster,
    inventory,
    locks,
    lost_once_there_is,
    snapshots,
    state,
    work,
)
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]


def test_two_full_clusters_among_hosts_of_all_kinds(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path
) -> None:
    one = full_cluster(make_cluster, prefix="one")
    two = full_cluster(make_cluster, prefix="two", members=1)
    healthy = make_cluster(prefix="healthy", members=1)
    more = {
        "plain": {**LOCAL, "recover_manifest": str(tmp_path / "no-such.yaml")},
        "gone": UNREACHABLE,
    }
    hosts = inventory(tmp_path / "hosts.yml", one, two, healthy, more=more)
    assert_full(one, two)
    leaders, untouched = [one.leader(), two.leader()], state(healthy)
    before = [leader.record().entries for leader in leaders]

    run = playbook(hosts, extra_vars=QUICK)

    assert run.rc == 4, run.out
    assert run.recap["gone"]["unreachable"] == 1
    assert not any(each["failed"] for each in run.recap.values())
    assert f"There is no {tmp_path / 'no-such.yaml'} here; this host is skipped." in run.flat
    assert [leader.record().entries for leader in leaders] == before
    assert_recovered(one, two)
    for cluster, leader in zip((one, two), leaders, strict=True):
        order = defragmented(cluster)
        assert sorted(order) == [node.name for node in cluster.nodes]
        assert order[-1] == leader.name
    # etcd writes through the healthy one, which checks it, but nothing was done to it.
    assert work(*healthy.nodes) == []
    assert state(healthy)["healthy1"]["files"] == untouched["healthy1"]["files"]
    assert run.recap["healthy1"]["changed"] == 0
    assert "The etcd of healthy1 is not out of space" in run.flat


def test_a_failure_ends_the_work_on_its_own_cluster_only(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path
) -> None:
    # Two sites with the same addresses: etcd gives unrelated clusters the same ids.
    site = {"members": 1, "advertise_peer_url": "https://10.0.0.1:2380", "quota_bytes": QUOTA}
    bad, good = make_cluster(prefix="cp", **site), make_cluster(prefix="cp", **site)
    for cluster, name in ((bad, "bad"), (good, "good")):
        # The names of the members are equal, too; only the hosts are named apart.
        cluster.nodes[0].name = name
        fill(cluster, event_ttl=FOREVER)
    with bad.nodes[0].client() as one, good.nodes[0].client() as other:
        assert one.status().cluster_id == other.status().cluster_id
        assert one.status().member_id == other.status().member_id
    assert_full(bad, good)
    hosts = inventory(tmp_path / "hosts.yml", bad, good)
    obstacle = bad.nodes[0].directory / "var/backups/etcd"
    obstacle.write_text("not a directory")
    before = state(bad)

    run = playbook(hosts, extra_vars=QUICK)

    assert run.rc == 2, run.out
    assert (run.recap["bad"]["failed"], run.recap["good"]["failed"]) == (1, 0)
    assert f"The folder {obstacle} cannot be created" in run.flat
    assert state(bad) == before
    assert_full(bad)
    assert locks(bad) == []
    assert_recovered(good)
    done = state(good)

    # Users may have set this for all their plays: the work on the other clusters goes on all the same.
    obstacle.unlink()
    other = full_cluster(make_cluster, prefix="other", members=1)
    hosts = inventory(tmp_path / "hosts.yml", bad, good, other)
    (other.nodes[0].directory / "var/backups/etcd").write_text("not a directory")
    run = playbook(hosts, extra_vars=QUICK, env={"ANSIBLE_ANY_ERRORS_FATAL": "true"})
    assert run.rc == 2, run.out
    assert run.recap["other1"]["failed"] == 1
    assert work(*other.nodes) == []
    assert_full(other)
    assert locks(other) == []
    assert_recovered(bad)
    # And what was done before is left alone.
    assert state(good)["good"]["work"] == done["good"]["work"]
    assert (run.recap["good"]["changed"], run.recap["good"]["failed"]) == (0, 0)


@pytest.mark.timeout(500)
def test_no_cluster_waits_for_a_member_of_another_one(
    make_cluster: MakeCluster, start_playbook: Callable[..., Playing], tmp_path: Path
) -> None:
    stuck = full_cluster(make_cluster, prefix="stuck", members=1)
    other = full_cluster(make_cluster, prefix="free", members=1)
    hosts = inventory(tmp_path / "hosts.yml", stuck, other)

    playing = start_playbook(hosts, "--forks=5", extra_vars={**QUICK, "recover_work_timeout": 240})
    await_true(lambda: snapshots(stuck), "the snapshot of the member that gets stuck", seconds=120)
    stuck.nodes[0].freeze()
    await_true(lambda: snapshots(other) and not locks(other), "the other one is done", seconds=200)

    assert_recovered(other)
    assert playing.process.poll() is None, playing.out
    stuck.nodes[0].thaw()
    run = playing.wait()
    assert run.recap["free1"]["failed"] == 0


def test_a_host_that_is_lost_in_the_middle(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    member = full_cluster(make_cluster, prefix="member")
    head = full_cluster(make_cluster, prefix="head", members=2)
    # Who coordinates is the first of the hosts that answer; the other cluster loses the one whose turn is the last.
    last = member["member3"] if member.leader() is member["member1"] else member.leader()
    with member.leader().client() as client, last.client() as other:
        if last is not member.leader():
            client.move_leader(other.status().member_id)
    await_true(lambda: member.leader() is last, "the other one leads")
    # Each is lost with the snapshot of its own cluster: before head1 compacts, and before the last turn of the other.
    lost = {
        name: lost_once_there_is(coordinator.directory / "var/backups/etcd/*.db", tmp_path / f"{name}.modules")
        for name, coordinator in (("head1", head["head1"]), (last.name, member["member1"]))
    }
    hosts = inventory(tmp_path / "hosts.yml", member, head, more=lost)
    assert_full(member, head)

    run = playbook(hosts, extra_vars=QUICK)

    assert snapshots(head)
    assert snapshots(member)
    assert run.rc != 0, run.out
    assert_full(member, head)
    # Only what a lost host holds stays there.
    assert set(locks(member, head)) == set(lost)
    assert f"{last.name} cannot be reached any more. Later members were not defragmented" in run.flat
    assert sorted([*defragmented(member), last.name]) == ["member1", "member2", "member3"]
    assert work(*head.nodes) == []

    again = playbook(inventory(tmp_path / "hosts.yml", member, head), extra_vars=QUICK)
    assert again.rc == 0, again.out
    assert_recovered(member, head)
    assert defragmented(member)[2:] == [last.name]
