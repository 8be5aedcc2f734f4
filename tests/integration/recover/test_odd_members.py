# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters in odd states: too much live data, uneven files, members that are down, absent, or only learning."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.support.ansible_commands import Run
from integration.support.clusters import await_settled, await_true
from integration.support.recovery import (
    FOREVER,
    QUICK,
    QUOTA,
    assert_full,
    assert_recovered,
    defragmented,
    full_cluster,
    inventory,
    locks,
    refusal,
    snapshots,
    state,
    work,
)
from integration.support.settings import MIB
from lab.client import Alarm, Client
from lab.errors import EtcdError
from lab.loopback import kubelet
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill
from lab.loopback.kubelet import Kubelet
from lab.loopback.member import MemberProcess
from lab.pki import SERVER_AND_CLIENT

# Members that advertise an address at which nobody listens: each node reaches its own alone, as where a firewall closes
# the client ports between the nodes.
CLOSED = {"advertise-client-urls": "https://127.255.255.254:9"}
MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]


def test_live_data_gets_a_larger_quota(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    """Also if the client ports between the nodes are closed, as here."""
    cluster = make_cluster(flags=CLOSED)
    fill(cluster, live_fraction=0.97, keys_per_txn=8, event_ttl=FOREVER)
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    with contextlib.ExitStack() as stack:
        for node in cluster.nodes:
            stack.enter_context(Kubelet(node))
        unit = {**QUICK, "recover_kubelet_unit": kubelet.PROGRAM}
        refused = playbook(hosts, extra_vars={**unit, "recover_quota_backend_bytes": "16MiB"})
        assert refused.rc == 2, refused.out
        assert "and a recovery lowers none. Name a larger one. Nothing was changed." in refused.flat
        assert not snapshots(cluster)

        run = playbook(hosts, extra_vars={**unit, "recover_quota_backend_bytes": "64MiB"})
        assert run.rc == 0, run.out
        for node in cluster.nodes:
            with node.client() as client:
                assert client.quota() == 64 * MIB
            assert refusal(node) == ""
            assert len(list((node.directory / "etc/kubernetes/etcd-backup").glob("etcd.yaml.*"))) == 1
        # There is no API server here that could keep it.
        assert "The quota of members was raised, but that is not recorded" in run.flat
        assert locks(cluster) == []


def test_live_data_that_does_not_fit(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    over, close = make_cluster(prefix="over", members=1), make_cluster(prefix="close", members=1)
    for cluster, share in ((over, 0.97), (close, 0.9)):
        fill(cluster, live_fraction=share, keys_per_txn=8, event_ttl=FOREVER)
    pupil = make_cluster(prefix="pupil", members=1, quota_bytes=QUOTA)
    learner = pupil.add_member(learner=True)
    fill(pupil, event_ttl=FOREVER)
    await_true(lambda: _size(learner) >= QUOTA, "the learner is full, too")
    raised = _alarms(pupil)
    hosts = inventory(tmp_path / "hosts.yml", over, close, pupil)
    before = over.leader().record()

    with _filling(close.nodes[0]):
        # Longer than a second: what is written in between tells when it will be full again.
        run = playbook(hosts, extra_vars={"recover_settle_seconds": 3})

    assert run.rc == 2, run.out
    # All was done but the disarm, and the data is there.
    sizes = re.search(
        r"The next writes would raise the alarm again: over1 uses (\S+) MiB \((\S+) MiB live\) of its quota of"
        r" 32\.0 MiB \((9\d) %\)\. The live data itself does not fit\. Raise --quota-backend-bytes",
        run.flat,
    )
    assert sizes, run.out
    # What to delete, from the member's own file as it is then, and of the other cluster from its snapshot.
    consumers = r"What fills it \(\S+ MiB live, \S+ MiB history\): policyreports\.wgpolicyk8s\.io \S+ MiB in \d+ keys"
    assert len(re.findall(consumers, run.flat)) == 2, run.out
    assert "kubectl delete policyreports.wgpolicyk8s.io --all --all-namespaces --wait=false" in run.flat
    assert float(sizes[1]) >= float(sizes[2]) >= 0.95 * 32
    assert [alarm.name for alarm in _alarms(over)] == ["NOSPACE"]
    assert_full(over)
    assert "database space exceeded" in refusal(pupil["pupil1"])
    assert over.leader().record() == before
    assert defragmented(over) == ["over1"]
    assert snapshots(over)

    assert "The learner pupil2 holds the full history and raises NOSPACE again after every disarm" in run.flat
    assert "The next writes would raise the alarm again: pupil2 uses " in run.flat
    assert _alarms(pupil) == raised
    assert defragmented(pupil) == ["pupil1"]
    assert locks(over, close, pupil) == []

    assert run.recap["close1"]["failed"] == 0
    assert "writes will be refused again soon. Raise the quota or delete what fills it." in run.flat
    found = re.search(
        r"The database grows by (\S+) MiB per minute: at that rate it is full in (\d+|less than a) minute", run.flat
    )
    assert found
    assert float(found[1]) > 0
    assert refusal(close.nodes[0]) == ""


def test_files_that_differ(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    uneven = full_cluster(make_cluster, prefix="uneven")
    early = full_cluster(make_cluster, prefix="early", members=1)
    former = full_cluster(make_cluster, prefix="former", members=2)
    unstarted = full_cluster(make_cluster, prefix="unstarted", members=2)
    hidden = full_cluster(make_cluster, prefix="hidden", members=2)

    # Somebody has done one of three by hand ...
    small = uneven.followers()[0]
    with small.client() as client:
        client.compact(client.status().revision)
        client.defragment()
    # ... or disarmed first, so that there is no alarm until the next write ...
    with early.leader().client() as client:
        for alarm in client.alarms():
            client.disarm(alarm)
    # ... or removed a member, whose alarm stays ...
    stays, leaves = former.leader(), former.followers()[0]
    with stays.client() as client, leaves.client() as other:
        gone = other.status().member_id
        client.arm(Alarm(gone, "NOSPACE"))
        # etcd removes nobody in the first seconds after a start.
        await_true(lambda: _remove(client, gone), "the member is removed")
        for alarm in client.alarms():
            if alarm.member_id != gone:
                client.disarm(alarm)
        assert [alarm.member_id for alarm in client.alarms()] == [gone]
    leaves.kill()
    former.nodes.remove(leaves)
    # ... or added one that never came.
    absent = unstarted.add_member(start=False)
    # And one is in no inventory.
    outside = hidden.followers()[0].name
    hosts = inventory(tmp_path / "hosts.yml", uneven, early, former, unstarted, hidden, without=[absent.name, outside])
    assert_full(uneven, unstarted, hidden)
    assert _alarms(early) == []
    assert _size(early.nodes[0]) >= QUOTA

    run = playbook(hosts, "--forks=10", extra_vars=QUICK)

    assert run.rc == 0, run.out
    assert_recovered(uneven, early, former, unstarted, hidden)
    assert re.search(rf"item={small.name}: \S+ MiB, left alone \(only \S+ MiB could be gained\)", run.out)
    assert defragmented(uneven).count(small.name) == 1
    assert len(defragmented(uneven)) == 3
    assert "early1 uses " in run.flat
    assert "although no alarm is armed: the next writes raise it." in run.flat
    assert defragmented(early) == ["early1"]
    assert f"{gone:x}" in run.flat
    assert "no longer a member" in run.flat
    assert f"The member {absent.peer_url} was added and has never started; it counts for the quorum." in run.flat
    assert len(defragmented(unstarted)) == 2
    assert sorted(defragmented(hidden)) == ["hidden1", "hidden2"]
    assert f"(item={outside}: " in run.out


@pytest.mark.long  # the scenario recover-one-node-down has it, too
def test_a_member_that_is_down_and_comes_back(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    cluster = full_cluster(make_cluster)
    down = cluster.followers()[0]
    with down.client() as client, cluster.leader().client() as leader:
        # By chance it may not have raised its own yet.
        leader.arm(Alarm(client.status().member_id, "NOSPACE"))
    await_settled(cluster)
    down.kill()
    hosts = inventory(tmp_path / "hosts.yml", cluster)

    run = playbook(hosts, extra_vars=QUICK)

    assert run.rc == 0, run.out
    assert_recovered(cluster)
    assert f"{down.name} does not answer (" in run.flat
    assert "its alarm is disarmed too, but it raises it again when it comes back with its full file" in run.flat
    assert down.name not in defragmented(cluster)
    assert len(defragmented(cluster)) == 2

    down.start()
    with cluster.leader().client() as client, contextlib.suppress(EtcdError):
        client.put(b"/registry/probe", b"2")
    await_true(lambda: _alarms(cluster), "it raises its alarm again")
    assert_full(cluster)

    again = playbook(hosts, extra_vars=QUICK)
    assert again.rc == 0, again.out
    assert_recovered(cluster)
    assert defragmented(cluster)[2:] == [down.name]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_client_ports_that_are_closed_between_the_nodes(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path
) -> None:
    """Each node reaches its own member at the address of its manifest."""
    cluster = full_cluster(make_cluster, flags=CLOSED)
    leader = cluster.leader()
    hosts = inventory(tmp_path / "hosts.yml", cluster)

    run = playbook(hosts, extra_vars=QUICK)

    assert run.rc == 0, run.out
    assert "cannot ask cp2 at https://127.255.255.254:9 (Connection refused), but its own node can" in run.flat
    assert "does not answer" not in run.flat
    order = defragmented(cluster)
    assert sorted(order) == ["cp1", "cp2", "cp3"]
    assert order[-1] == leader.name
    assert "Writes are accepted through cp1, cp2, cp3" in run.flat
    assert_recovered(cluster)


def test_a_member_that_is_cut_off(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    """It answers on, with what it knew when its peer certificate expired."""
    cluster = full_cluster(make_cluster)
    cut, *others = [*cluster.followers()[::-1], cluster.leader()]
    good = {path: path.read_bytes() for path in (cut.pki / "etcd").glob("peer.*")}
    stem = cut.pki / "etcd" / "peer"
    cluster.authority.issue(stem, cut.name, SERVER_AND_CLIENT, addresses=(cut.address,), expired=True)
    for node in others:  # their connections to it are gone then, and it gets no new ones
        node.restart(wait=False)
    for node in others:
        node.await_ready()
    await_true(lambda: not _knows_leader(cut), "it knows no leader any more")
    hosts = inventory(tmp_path / "hosts.yml", cluster)

    run = playbook(hosts, extra_vars=QUICK)

    assert run.rc == 0, run.out
    assert f"{cut.name} is cut off: it answers, but does not reach the other members" in run.flat
    assert sorted(defragmented(cluster)) == sorted(node.name for node in others)
    assert not any(map(refusal, others))
    assert locks(cluster) == []

    for path, content in good.items():
        path.write_bytes(content)
    await_true(lambda: _knows_leader(cut), "it is back")
    # It has its full file still, and so it raises the alarm when it is written through: as one that was down.
    assert refusal(cut)


def _knows_leader(node: MemberProcess) -> bool:
    with node.client() as client:
        return bool(client.status().leader)


def test_disks_that_are_too_small(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    copy = full_cluster(make_cluster, prefix="copy", members=1)
    data = full_cluster(make_cluster, prefix="data", members=1, tmpfs_mib=400)
    backups = copy.nodes[0].directory / "var/backups"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "etcd-lab", str(backups)], check=True)
    try:
        directory = data.nodes[0].data_dir
        (directory / "filler").write_bytes(bytes(shutil.disk_usage(directory).free - 10 * MIB))
        hosts = inventory(tmp_path / "hosts.yml", copy, data)
        before = state(copy)

        run = playbook(hosts, extra_vars=QUICK)

        assert run.rc == 2, run.out
        assert state(copy) == before
        assert list(backups.rglob("*.db*")) == []
        needed = (
            rf"MiB are needed in {re.escape(str(backups))}/etcd, 8\.0 MiB are free; make room there or name another"
        )
        assert re.search(needed, run.flat), run.out
        assert re.search(
            r"The data disk of data1 has only (\d|10)\.\d MiB free: etcd exits when it cannot write its log\.", run.flat
        ), run.out
        assert work(*data.nodes) == []
        assert_full(copy, data)
        assert locks(copy, data) == []

        (directory / "filler").unlink()
        run = playbook(hosts, extra_vars={**QUICK, "recover_snapshot_dir": str(tmp_path / "elsewhere")})
        assert run.rc == 0, run.out
        assert_recovered(copy, data)
    finally:
        subprocess.run(["umount", str(backups)], check=True)


@pytest.mark.long  # more of what test_disks_that_are_too_small shows
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_room_for_the_snapshot_and_a_member_down_for_its_full_disk(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path
) -> None:
    cluster = full_cluster(make_cluster, tmpfs_mib=400)
    first = cluster.nodes[0]  # takes the snapshot
    down = next(node for node in cluster.followers() if node is not first)
    down.kill()
    for node, free in ((down, 10), (first, 104)):
        with (node.data_dir / "filler").open("wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, shutil.disk_usage(node.data_dir).free - free * MIB)
    left = down.data_dir / "member/snap/db.tmp.1"
    left.write_bytes(bytes(MIB))
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    said = rf"The data disk of {down.name} has only (\d|10)\.\d MiB free: its etcd, which is down, exits when it cannot"

    same = first.data_dir / "snapshots"
    refused = playbook(hosts, extra_vars={**QUICK, "recover_snapshot_dir": str(same)})
    assert refused.rc == 2, refused.out
    assert re.search(said, refused.flat), refused.out
    assert f"The snapshot is written to the same disk as the data of {first.name}: it takes " in refused.flat
    assert "Name another disk for the snapshot (recover_snapshot_dir)" in refused.flat
    assert not same.exists()
    assert work(*(node for node in cluster.nodes if node is not down)) == []

    run = playbook(hosts, extra_vars=QUICK)
    assert run.rc == 0, run.out
    assert re.search(said, run.flat), run.out
    assert f"{left} (1.0 MiB)" in run.flat
    assert left.exists()
    assert_recovered(cluster)
    assert len(defragmented(cluster)) == 2
    assert locks(cluster) == []


def _alarms(cluster: Cluster) -> list[Alarm]:
    """In one order: etcd lists them in any."""
    with cluster.leader().client() as client:
        return sorted(client.alarms(), key=lambda alarm: alarm.member_id)


def _size(node: MemberProcess) -> int:
    with node.client() as client:
        return client.status().db_size


def _remove(client: Client, member_id: int) -> bool:
    client.remove_member(member_id)
    return True


@contextlib.contextmanager
def _filling(node: MemberProcess) -> Iterator[None]:
    """Somebody goes on writing new keys through this member, whether they are accepted or not."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        with node.client() as client:
            while not stop.wait(0.1):
                with contextlib.suppress(EtcdError):
                    client.put(b"/registry/growing/%d" % number, b"x" * 8000)
                    number += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
