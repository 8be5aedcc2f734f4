# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd-maintenance status and run: who acts, on whom, in which order, and never two at once."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from integration.support.clusters import await_settled, await_true, compact
from integration.support.node_tool import SMALL, Tool, defragmentations, exited, overlaps
from integration.support.settings import JOIN_AT_ONCE, MIB, PATIENCE, SOME_VERSIONS
from integration.support.witness import Witness
from lab.client import Alarm
from lab.errors import EtcdError
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill
from lab.loopback.member import MemberProcess

LEASE_ID = 0x6574636465667261
ALWAYS = ("--min-free-mib=0", "--fragmented-percent=0")


def _fragment(cluster: Cluster, size_bytes: int = 24 * MIB, *, live_fraction: float = 0.3) -> None:
    fill(cluster, until="bytes", size_bytes=size_bytes, live_fraction=live_fraction)
    compact(cluster)


def _size(node: MemberProcess) -> int:
    with Witness(node) as witness:
        return witness.status().db_size


def _leases(node: MemberProcess) -> list[str]:
    with node.client() as client:
        return [lease["ID"] for lease in client.call("/v3/lease/leases", {}).get("leases", [])]


def _lead(cluster: Cluster, node: MemberProcess) -> None:
    with cluster.leader().client(timeout=5) as client:
        client.move_leader(next(each.id for each in client.members() if each.name == node.name))


def _arm(node: MemberProcess, kind: str) -> None:
    with node.client() as client:
        client.arm(Alarm(client.status().member_id, kind))


@pytest.mark.parametrize("version", SOME_VERSIONS, indirect=True)
def test_the_others_first_and_the_leader_by_the_next_one(make_cluster: Any, tools_of: Any, version: str) -> None:
    cluster = make_cluster(version=version, quota_bytes=None)
    _fragment(cluster)
    tools = tools_of(cluster)
    leader, (one, other) = cluster.leader(), cluster.followers()
    before = _size(leader)
    for node in (one, other):
        said = tools[node.name]("run", *SMALL)
        assert said == (0, f"{leader.name} leads: nothing to do on this node.\n")
        assert tools[node.name].metrics()["last_run_success"] == 1
    with leader.client() as client:
        revision, keys = client.status().revision, client.count()

    foretold = tools[leader.name]("run", "--check", *SMALL)
    assert foretold.code == 0
    assert f"It would defragment {one.name} (" in foretold.out
    assert f"It would hand the leadership over, since this node's own member is due, {leader.name} (" in foretold.out
    assert not tools[leader.name].state.exists()

    said = tools[leader.name]("run", *SMALL)
    assert said.code == 0, said.out
    first, second, third = said.out.splitlines()
    assert first.startswith(f"{one.name}: ")
    assert second.startswith(f"{other.name}: ")
    await_true(lambda: cluster.leader() is not leader, "another one leads")
    heir = cluster.leader()
    assert third == (
        f"The leadership moved from {leader.name}, which is due itself, to {heir.name}, whose next scheduled"
        " run defragments it."
    )
    assert _size(leader) == before
    assert max(_size(one), _size(other)) < before / 2
    metrics = tools[leader.name].metrics()
    assert metrics["is_leader"] == 0
    assert metrics["last_run_success"] == 1
    assert metrics["last_defrag_timestamp_seconds"] <= metrics["last_run_timestamp_seconds"] <= time.time()

    said = tools[heir.name]("run", *SMALL)
    assert said.code == 0, said.out
    assert said.out.startswith(f"{leader.name}: ")
    assert len(said.out.splitlines()) == 1
    assert _size(leader) < before / 2
    assert tools[heir.name]("run", *SMALL).out.startswith("Nothing is due: ")
    await_true(lambda: cluster.leader() is heir, "it still leads")
    # Neither a key nor a revision nor a lease of ours is left.
    with leader.client() as client:
        assert (client.status().revision, client.count()) == (revision, keys)
    if version != "3.4.23":  # it does not list leases through the gateway
        assert str(LEASE_ID) not in _leases(heir)
    assert not any(tool.lock.exists() for tool in tools.values())


def test_a_leaders_node_without_the_tool_is_named(make_cluster: Any, tools_of: Any) -> None:
    """The followers cannot do it themselves; what stays due is no success."""
    cluster = make_cluster(quota_bytes=None)
    _fragment(cluster)
    leader, node = cluster.leader(), cluster.followers()[0]
    tool = tools_of(cluster)[node.name]
    quiet = (0, f"{leader.name} leads: nothing to do on this node.\n")
    assert [tool("run", *SMALL), tool("run", *SMALL)] == [quiet] * 2
    said = tool("run", *SMALL)
    assert said.code == 1
    assert f"Failed: {leader.name} leads, so its node defragments what is due" in said.out
    assert "If the tool is not installed there, nobody defragments" in said.out
    assert tool.metrics()["last_run_success"] == 0
    assert defragmentations(cluster.nodes) == []


def test_status_with_etcd_up_and_down(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(members=1, quota_bytes=None)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    with node.client() as client:
        for number in range(30):
            client.put(b"/registry/events/shop/web.%d" % (number % 20), b"x" * 10000)
    await_true(lambda: "/registry/events/shop/web.9" in tool("usage").out, "etcd has committed what was written")
    assert tool("run", *SMALL).code == 0
    events = '{group="",resource="events"}'
    assert tool.metrics()[f"resource_live_bytes{events}"] > 200000 > tool.metrics()[f"resource_history_bytes{events}"]
    said = tool("status")
    assert said.code == 0
    table = said.out.splitlines()
    assert table[0].split() == ["member", "role", "version", "size", "in", "use", "fragmented", "quota", "used"]
    assert table[1].split()[:3] == [node.name, "leader", node.version]
    assert {"alarms: none", f"leader: {node.name}"} <= set(table)
    assert any(line.startswith("last run: 20") for line in table)
    shown = json.loads(tool("status", "--json").out)
    assert shown["cluster"]["leader"] == node.name
    assert shown["cluster"]["members"][0]["db_size_bytes"] == _size(node)
    node.stop()
    said = tool("status")
    assert said.code == 1
    assert said.out.startswith("The etcd member of this node does not answer: Connection refused (https://")
    assert "last run: 20" in said.out
    assert json.loads(tool("status", "--json").out)["answers"] is False
    said = tool("usage")
    assert said.code == 0
    (events,) = [line.split() for line in said.out.splitlines() if line.startswith("events ") and " in " not in line]
    assert (events[1], events[-1]) == ("20", "30")
    shown = json.loads(tool("usage", "--json", "--top=1").out)
    assert (shown["consistent"], shown["resources"][0]["live_keys"]) == (True, 20)
    none = tool("usage", "/nowhere/db")
    assert (none.code, "No such file" in none.out) == (1, True)
    said = tool("run")
    assert said.code == 1
    assert said.out.startswith("Failed: Connection refused (https://")
    metrics = tool.metrics()
    assert (metrics["member_up"], metrics["last_run_success"]) == (0, 0)
    assert "db_size_bytes" not in metrics


def test_a_run_of_others_is_honoured(make_cluster: Any, tools_of: Any) -> None:
    """The lock of a playbook, and the lease of another node's tool."""
    cluster = make_cluster(quota_bytes=None)
    _fragment(cluster)
    leader = cluster.leader()
    tool = tools_of(cluster)[leader.name]
    tool.lock.write_text(json.dumps({"run": "admin:1:2", "owner": "root@admin, recover", "until": time.time() + 99}))
    said = tool("run", *SMALL)
    assert said.code == 3
    assert said.out.startswith(
        "Nothing further was done: another run works on this node: root@admin, recover; its lock counts"
    )
    # Neither a success nor a failure: it has not run.
    assert "last_run_timestamp_seconds" not in tool.metrics()
    assert "root@admin" in tool.lock.read_text("utf-8")
    tool.lock.unlink()

    with leader.client() as client:
        client.call("/v3/lease/grant", {"ID": str(LEASE_ID), "TTL": "600"})
        said = tool("run", *SMALL)
        assert (said.code, said.out[:60]) == (
            0,
            "Nothing was done: the node tool of another node is working on this "[:60],
        )
        assert str(LEASE_ID) in _leases(leader)
        assert defragmentations(cluster.nodes) == []
        client.call("/v3/lease/revoke", {"ID": str(LEASE_ID)})
    assert not tool.lock.exists()
    assert tool("run", *SMALL).code == 0
    assert len(defragmentations(cluster.nodes)) == 2


def test_what_a_killed_run_left_is_known_on_its_own_node(make_cluster: Any, tools_of: Any, module: Any) -> None:
    cluster = make_cluster(quota_bytes=None)
    _fragment(cluster, 160 * MIB, live_fraction=0.8)
    leader = cluster.leader()
    tool = tools_of(cluster)[leader.name]
    process = tool.start("run", *ALWAYS)
    await_true(tool.lock.exists, "it works")
    process.kill()
    exited(process)
    assert "etcd-maintenance run on" in tool.lock.read_text("utf-8")
    # Neither the next run nor a recovery waits for an hour.
    taken = module("run_lock", None, lock_path=str(tool.lock), run="a:1:2", owner="root@admin")
    assert not taken["failed"], taken["msg"]
    assert "etcd-maintenance run on" in taken["taken_over"]["owner"]
    module("run_lock", None, lock_path=str(tool.lock), run="a:1:2", state="released")


def test_learners_are_not_touched(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(members=1, quota_bytes=None, flags=JOIN_AT_ONCE)
    learner = cluster.add_member(learner=True)
    _fragment(cluster)
    tools = tools_of(cluster)
    said = tools[cluster.nodes[0].name]("run", *SMALL)
    assert said.code == 0, said.out
    assert [each.member for each in defragmentations(cluster.nodes)] == [cluster.nodes[0].name]
    assert tools[learner.name]("run", *SMALL).code == 0
    assert tools[learner.name].metrics()["is_leader"] == 0
    assert defragmentations([learner]) == []


def test_the_only_member(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(members=1, quota_bytes=None)
    _fragment(cluster)
    tool = tools_of(cluster)[cluster.nodes[0].name]
    said = tool("run", "--leave-single-member", *SMALL)
    assert (said.code, "is due but left alone: it is the only member" in said.out) == (0, True)
    assert defragmentations(cluster.nodes) == []
    said = tool("run", *SMALL)
    assert said.code == 0, said.out
    assert len(defragmentations(cluster.nodes)) == 1


@pytest.mark.parametrize(
    ("kind", "why"), [("NOSPACE", "Run the playbook controlplane.etcd.recover"), ("CORRUPT", "do not hold the same")]
)
def test_an_alarm_is_no_case_for_a_schedule(make_cluster: Any, tools_of: Any, kind: str, why: str) -> None:
    cluster = make_cluster(quota_bytes=None)
    _fragment(cluster)
    leader = cluster.leader()
    _arm(leader, kind)
    tool = tools_of(cluster)[leader.name]
    said = tool("run", *ALWAYS)
    assert said.code == 3
    assert why in said.out
    assert tool.metrics()["last_run_success"] == 0
    assert defragmentations(cluster.nodes) == []


def test_a_version_that_could_lose_data(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(version="3.5.1", quota_bytes=None)
    _fragment(cluster)
    tool = tools_of(cluster)[cluster.leader().name]
    said = tool("run", *SMALL)
    assert said.code == 3
    assert "etcd 3.5.1 can come back with different data from the other members" in said.out
    assert tool.metrics()["version_unsafe"] == 1
    assert defragmentations(cluster.nodes) == []
    assert tool("run", "--allow-unsafe-version", *SMALL).code == 0
    assert len(defragmentations(cluster.nodes)) == 2


def test_with_a_voter_down_only_what_is_full(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(quota_bytes=None)
    _fragment(cluster)
    leader, (down, other) = cluster.leader(), cluster.followers()
    down.kill()
    tool = tools_of(cluster)[leader.name]
    said = tool("run", *SMALL)
    assert said.code == 3, said.out
    assert f"{other.name} is due but left alone: {down.name} does not answer, and" in said.out
    assert defragmentations(cluster.nodes) == []
    assert tool.metrics()["last_run_success"] == 0
    said = tool("run", *SMALL, "--full-percent=0")
    assert said.code == 0, said.out
    assert said.out.splitlines()[0].startswith(f"{other.name}: ")
    assert f"to {other.name}, whose next scheduled run" in said.out


def test_never_two_at_once(make_cluster: Any, tools_of: Any) -> None:
    """Every node's tool again and again, while the leadership goes round: clocks that differ, and worse."""
    cluster = make_cluster(quota_bytes=None)
    # So large that each one takes a good while.
    fill(cluster, until="bytes", size_bytes=160 * MIB, live_fraction=0.8)
    await_settled(cluster)
    tools, chance, done = tools_of(cluster), random.Random(5), threading.Event()
    said: list[str] = []

    def work(tool: Tool, moments: random.Random) -> None:
        while not done.is_set():
            outcome = tool("run", *ALWAYS)
            said.append(f"{tool.node.name}: {outcome}")
            done.wait(moments.random() / 4)

    def move() -> None:
        for node in itertools.cycle(cluster.nodes):
            if done.wait(chance.random()):
                return
            # It may be in the middle of an election.
            with contextlib.suppress(EtcdError, requests.RequestException):
                _lead(cluster, node)

    threads = [threading.Thread(target=work, args=(tool, random.Random(name))) for name, tool in tools.items()]
    threads.append(threading.Thread(target=move))
    for thread in threads:
        thread.start()

    def enough() -> bool:
        """It means something only if several nodes have acted, and some were stopped or sent away."""
        acted = {line.partition(":")[0] for line in said if "MiB -> " in line}
        stopped = any("leads now" in line or "working on this cluster" in line for line in said)
        return len(defragmentations(cluster.nodes)) >= 12 and len(acted) > 1 and stopped

    try:
        await_true(enough, "a dozen defragmentations by several nodes", seconds=PATIENCE)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert overlaps(defragmentations(cluster.nodes)) == [], said


def test_one_that_hangs_in_the_middle_keeps_others_away(make_cluster: Any, tools_of: Any) -> None:
    """Its node loses the leadership meanwhile. The new leader's node must not begin, and it must not go on itself."""
    cluster = make_cluster(quota_bytes=None)
    fill(cluster, until="bytes", size_bytes=160 * MIB, live_fraction=0.8)
    await_settled(cluster)
    tools, leader, heir = tools_of(cluster), cluster.leader(), cluster.followers()[0]
    process = tools[leader.name].start("run", *ALWAYS)
    await_true(lambda: str(LEASE_ID) in _leases(leader), "it is at work")
    process.send_signal(signal.SIGSTOP)
    _lead(cluster, heir)
    # What was sent before it hung comes to its end.
    await_true(lambda: all(each.end.year < 9999 for each in defragmentations(cluster.nodes)), "nothing is under way")
    before = defragmentations(cluster.nodes)
    said = tools[heir.name]("run", *ALWAYS)
    assert (said.code, "the node tool of another node is working on this cluster" in said.out) == (0, True)
    assert "last_run_timestamp_seconds" not in tools[heir.name].metrics()  # put off is neither done nor failed
    assert defragmentations(cluster.nodes) == before
    process.send_signal(signal.SIGCONT)
    said = exited(process)
    assert said.code == 0, said.out
    assert f"{heir.name} leads now. " in said.out.splitlines()[-1]
    # At most the one that was past the last question when it hung.
    assert len(defragmentations(cluster.nodes)) <= 1
    assert tools[heir.name]("run", *ALWAYS).code == 0


def test_two_at_once_would_be_seen(make_cluster: Any) -> None:
    cluster = make_cluster(quota_bytes=None)
    fill(cluster, until="bytes", size_bytes=160 * MIB, live_fraction=0.8)
    await_settled(cluster)

    def defragment(node: MemberProcess) -> None:
        with node.client() as client:
            client.defragment()

    with ThreadPoolExecutor() as pool:
        list(pool.map(defragment, cluster.followers()))
    found = defragmentations(cluster.nodes)
    assert overlaps(found) == [(found[0], found[1])]


def test_it_needs_nothing_but_python(built: bytes, tmp_path: Any) -> None:
    path = tmp_path / "copied"
    path.write_bytes(built)
    path.chmod(0o755)
    for arguments, code in ((["--help"], 0), ([], 2), (["run", "--nonsense"], 2), (["status"], 1)):
        for head in ([sys.executable, "-I", "-S", str(path)], [str(path)]):
            done = subprocess.run(
                [*head, *arguments, *(["--manifest=/nowhere"] if code == 1 else [])],
                capture_output=True,
                text=True,
                cwd="/",
                env={"PATH": "/usr/bin:/bin"},
                check=False,
            )
            assert done.returncode == code, done.stderr
            assert "Traceback" not in done.stderr
    assert "there is no /nowhere on this node" in done.stdout
