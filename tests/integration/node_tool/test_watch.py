# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd-maintenance watch: the metrics of every minute, and the healing of a full cluster."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import signal
import stat
import time
from typing import Any

import pytest

from integration.support.clusters import await_settled, await_true, marks
from integration.support.node_tool import Tool, defragmentations, exited, overlaps
from integration.support.settings import MIB, QUOTA, SOME_VERSIONS
from integration.support.witness import Witness
from lab.client import Alarm
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess


def _leading(cluster: Cluster, tools: dict[str, Tool]) -> Tool:
    return tools[cluster.leader().name]


def _alarms(node: MemberProcess) -> set[tuple[int, str]]:
    with Witness(node) as witness:
        return witness.alarms()


def _long_ago(tool: Tool) -> None:
    """A check in which it sees that it leads; then that was a while ago."""
    assert tool("watch").code == 0
    tool.pass_time(60)


def test_metrics_are_what_the_witness_sees(make_cluster: Any, tools_of: Any, version: str) -> None:
    cluster = make_cluster(version=version)
    tools = tools_of(cluster)
    await_settled(cluster)
    for name, tool in tools.items():
        assert tool("watch") == (0, "")
        with Witness(cluster[name]) as witness:
            truth = witness.status()
        metrics = tool.metrics()
        assert abs(metrics.pop("last_look_timestamp_seconds") - time.time()) < 60
        # Others write on that disk, too.
        free = metrics["disk_free_bytes"]
        assert abs(free - shutil.disk_usage(cluster[name].directory).free) < 1024 * MIB
        assert metrics == {
            "member_up": 1,
            "has_leader": 1,
            "is_leader": truth.leader == truth.member_id,
            "db_size_bytes": truth.db_size,
            "db_in_use_bytes": truth.db_size_in_use,
            "quota_bytes": QUOTA,
            "disk_free_bytes": free,
            'alarm{type="NOSPACE"}': 0,
            'alarm{type="CORRUPT"}': 0,
            f'version_info{{version="{version}"}}': 1,
            "version_unsafe": 0,
            "heals_today": 0,
            "heal_failed": 0,
        }
        (path,) = tool.textfiles.iterdir()
        # The exporter is another user.
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_member_that_is_down_has_no_sizes(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(members=1)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    assert tool("watch").code == 0
    assert "db_size_bytes" in tool.metrics()
    node.stop()
    said = tool("watch", "--heal")
    assert said.code == 0
    assert said.out.startswith("The member of this node does not answer: Connection refused (https://")
    metrics = tool.metrics()
    assert set(metrics) == {"last_look_timestamp_seconds", "member_up", "heals_today", "heal_failed"}
    assert metrics["member_up"] == 0


def test_a_node_that_was_reset_is_no_member_any_more(make_cluster: Any, tools_of: Any) -> None:
    """As "kubeadm reset" leaves it: neither a manifest nor data."""
    cluster = make_cluster(members=1)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    assert tool("watch").code == 0
    node.stop()
    node.manifest.unlink()
    said = tool("watch")
    assert said.code == 0
    assert said.out.startswith("The member of this node does not answer: there is no ")
    assert tool.metrics()["member_up"] == 0
    shutil.rmtree(node.data_dir)
    said = tool("watch", "--heal")
    assert said.code == 0
    assert said.out.startswith("This node has no member of etcd: there is neither ")
    assert "member_up" not in tool.metrics()
    assert [tool("watch"), tool("run"), tool("watch", "--heal")] == [(0, "")] * 3
    assert tool.metrics()["last_run_success"] == 1
    assert tool("status").code == 0
    said = tool("recover", "--kubelet-unit=no-such-kubelet")
    assert said.code == 3


def test_checks_do_not_pile_up_behind_one_that_hangs(make_cluster: Any, tools_of: Any) -> None:
    """One is stopped where it works alone; those of the next minutes exit at once."""
    cluster = make_cluster(members=1)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    assert tool("watch").code == 0
    with (tool.lock.parent / "etcd-maintenance/watch.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        before = tool.metrics()["last_look_timestamp_seconds"]
        running = [tool.start("watch") for _minute in range(3)]
        for said in map(exited, running):
            assert said == (0, "The check of an earlier minute is still at work on this node: this one does nothing.\n")
        assert tool.metrics()["last_look_timestamp_seconds"] == before
    assert tool("watch") == (0, "")


def test_a_state_that_hangs_or_cannot_be_written_stops_nothing(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(members=1, quota_bytes=QUOTA, full=True)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    tool.state.parent.mkdir(parents=True, exist_ok=True)
    tool.state.write_text("This is no directory.")
    said = tool("watch", "--heal")
    assert "What this tool remembers cannot be written: " in said.out
    assert tool.metrics()["member_up"] == 1
    aside = tool.lock.parent / "etcd-maintenance/state.json"
    body = json.loads(aside.read_text("utf-8"))
    aside.write_text(json.dumps({**body, "led_since": body["led_since"] - 60, "alarms": []}), "utf-8")
    said = tool("watch", "--heal")
    assert said.code == 0, said.out
    assert "Disarmed, and writes are accepted: " in said.out
    assert not _alarms(node)
    tool.state.unlink()
    assert tool("watch", "--heal") == (0, "")
    assert len(json.loads((tool.state / "state.json").read_text("utf-8"))["heals"]) == 1
    assert not aside.exists()


def test_without_a_directory_it_says_so_once(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(members=1)
    tool = tools_of(cluster)[cluster.nodes[0].name]
    tool.textfiles.rmdir()
    said = tool("watch")
    assert said == (0, f"There is no folder {tool.textfiles}: no metrics are written (this is said once).\n")
    assert tool("watch") == (0, "")
    assert not tool.textfiles.exists()
    tool.textfiles.mkdir()
    assert tool("watch") == (0, "")
    assert tool.metrics()["member_up"] == 1
    shutil.rmtree(tool.textfiles)
    assert "this is said once" in tool("watch").out


def test_without_leave_a_full_cluster_is_only_named(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(full=True)
    tools = tools_of(cluster)
    tool = _leading(cluster, tools)
    _long_ago(tool)
    said = tool("watch")
    assert said.code == 0
    assert said.out.startswith("The NOSPACE alarm is armed: the cluster refuses writes. Run the playbook")
    assert tool.metrics()['alarm{type="NOSPACE"}'] == 1
    assert defragmentations(cluster.nodes) == []


@pytest.mark.parametrize("version", SOME_VERSIONS, indirect=True)
def test_a_full_cluster_is_healed_by_the_leaders_node(make_cluster: Any, tools_of: Any, version: str) -> None:
    cluster = make_cluster(version=version, full=True)
    tools = tools_of(cluster)
    leader = cluster.leader()
    # What kubeadm wrote for etcd 3.4 fails under the alarm, which is another test.
    manifest = leader.manifest.read_text("utf-8")
    leader.manifest.write_text(manifest.replace("path: /health\n", "path: /livez\n"), "utf-8")
    for node in cluster.followers():
        assert tools[node.name]("watch", "--heal") == (
            0,
            "The NOSPACE alarm is armed; healing it is up to the leader's node.\n",
        )
    tool = tools[leader.name]
    said = tool("watch", "--heal")
    assert (said.code, "this node has not led for long enough" in said.out) == (0, True)
    assert defragmentations(cluster.nodes) == []
    tool.pass_time(60)
    said = tool("watch", "--heal")
    assert said.code == 0, said.out
    assert "Disarmed, and writes are accepted: " in said.out
    assert _alarms(leader) == set()
    with leader.client() as client:
        client.put(b"after", b"1")
    for node in cluster.nodes:
        with Witness(node) as witness:
            assert witness.status().db_size < QUOTA / 2
    metrics = tool.metrics()
    assert (metrics["heals_today"], metrics["heal_failed"], metrics['alarm{type="NOSPACE"}']) == (1, 0, 0)
    if version != "3.4.23":  # its log tells less
        assert len(defragmentations(cluster.nodes)) == 3
    assert not tool.lock.exists()


def test_at_most_three_times_a_day(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(full=True)
    tool = _leading(cluster, tools_of(cluster))
    _long_ago(tool)
    state = tool.state / "state.json"
    body = json.loads(state.read_text("utf-8"))
    now = time.time()
    state.write_text(json.dumps({**body, "heals": [now - 9000, now - 6000, now - 3000]}))
    before = marks(cluster).alarms
    said = tool("watch", "--heal")
    assert said.code == 3
    assert "this node tried to heal 3 times" in said.out
    assert "look for what fills it" in said.out
    assert (tool.metrics()["heals_today"], tool.metrics()["heal_failed"]) == (3, 1)
    assert marks(cluster).alarms == before
    assert defragmentations(cluster.nodes) == []
    # A day later one more is allowed.
    tool.pass_time(86400)
    assert tool("watch", "--heal").code == 0
    assert (tool.metrics()["heals_today"], tool.metrics()["heal_failed"]) == (1, 0)


def test_a_leadership_that_moves_brings_no_new_attempt(make_cluster: Any, tools_of: Any) -> None:
    """Who leads now cannot know what the one before has tried."""
    cluster = make_cluster(full=True)
    tools, leader, heir = tools_of(cluster), cluster.leader(), cluster.followers()[0]
    tool = tools[heir.name]
    assert "healing it is up to the leader's node" in tool("watch", "--heal").out
    with leader.client() as client:
        client.move_leader(next(each.id for each in client.members() if each.name == heir.name))
    await_true(lambda: cluster.leader() is heir, "the other one leads")
    assert "this node has not led for long enough" in tool("watch", "--heal").out
    tool.pass_time(60)
    said = tool("watch", "--heal")
    assert (said.code, "whoever led before may have tried" in said.out) == (0, True)
    assert defragmentations(cluster.nodes) == []
    tool.pass_time(900)
    said = tool("watch", "--heal")
    assert "Disarmed, and writes are accepted: " in said.out


def test_a_lock_is_honoured(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(full=True)
    tool = _leading(cluster, tools_of(cluster))
    _long_ago(tool)
    tool.lock.write_text(json.dumps({"run": "admin:1:2", "owner": "root@admin, recover", "until": time.time() + 99}))
    said = tool("watch", "--heal")
    assert (said.code, "another run works on this node: root@admin, recover" in said.out) == (0, True)
    assert tool.metrics()["heals_today"] == 0
    assert defragmentations(cluster.nodes) == []


def test_corrupt_is_never_touched(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(full=True)
    leader, follower = cluster.leader(), cluster.followers()[0]
    with leader.client() as client:
        client.arm(Alarm(next(each.id for each in client.members() if each.name == follower.name), "CORRUPT"))
    before = marks(cluster)
    tool = tools_of(cluster)[leader.name]
    _long_ago(tool)
    said = tool("watch", "--heal")
    assert "nothing is healed under CORRUPT" in said.out
    assert marks(cluster).alarms == before.alarms
    assert marks(cluster).sizes == before.sizes
    assert defragmentations(cluster.nodes) == []
    assert tool.metrics()['alarm{type="CORRUPT"}'] == 1


def test_a_member_that_a_probe_could_kill_is_for_people(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(full=True)
    leader = cluster.leader()
    text = leader.manifest.read_text("utf-8")
    assert "path: /livez" in text
    leader.manifest.write_text(text.replace("path: /livez", "path: /health?serializable=true"), "utf-8")
    before = marks(cluster).alarms
    tool = tools_of(cluster)[leader.name]
    _long_ago(tool)
    said = tool("watch", "--heal")
    assert said.code == 3
    assert "A member could be killed in the middle of it: its liveness probe" in said.out
    assert "Run the playbook controlplane.etcd.recover." in said.out
    assert tool.metrics()["heal_failed"] == 1
    assert marks(cluster).alarms == before
    assert defragmentations(cluster.nodes) == []


def test_a_startup_probe_that_was_passed_is_no_reason(make_cluster: Any, tools_of: Any) -> None:
    """The probes of kubeadm 1.25 to 1.30: the startup probe alone fails under the alarm."""
    cluster = make_cluster(full=True)
    leader = cluster.leader()
    text = leader.manifest.read_text("utf-8")
    for line, old in (("livez", "health?exclude=NOSPACE&serializable=true"), ("readyz", "health?serializable=false")):
        assert f"path: /{line}\n" in text
        text = text.replace(f"path: /{line}\n", f"path: /{old}\n")
    leader.manifest.write_text(text, "utf-8")
    tool = _leading(cluster, tools_of(cluster))
    _long_ago(tool)
    said = tool("watch", "--heal")
    assert said.code == 0, said.out
    assert "Disarmed, and writes are accepted: " in said.out
    assert _alarms(leader) == set()


def test_a_member_that_takes_too_long_for_its_probes_is_passed_over(make_cluster: Any, tools_of: Any) -> None:
    """Who was not defragmented is said again if that is why there is no headroom."""
    cluster = make_cluster(full=True, live_fraction=0.5)
    leader = cluster.leader()
    text = leader.manifest.read_text("utf-8")
    text = re.sub(r"failureThreshold: \d+", "failureThreshold: 1", text)
    leader.manifest.write_text(re.sub(r"periodSeconds: \d+", "periodSeconds: 0.1", text), "utf-8")
    tool = _leading(cluster, tools_of(cluster))
    _long_ago(tool)
    said = tool("watch", "--heal")
    assert said.code == 3, said.out
    for node in cluster.nodes:
        assert said.out.count(f"{node.name} was not defragmented: its startup probe") == 2, said.out
    assert "free pages count as well." in said.out
    assert "The alarm is still armed." in said.out
    assert _alarms(leader)


def test_live_data_that_does_not_fit(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(members=1, quota_bytes=16 * MIB, full=True, live_fraction=0.98)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    _long_ago(tool)
    said = tool("watch", "--heal")
    assert said.code == 3, said.out
    assert "The live data itself does not fit" in said.out
    assert _alarms(node)
    assert (tool.metrics()["heals_today"], tool.metrics()["heal_failed"]) == (1, 1)
    assert "the next one is after 15 min" in tool("watch", "--heal").out
    assert tool.metrics()["heals_today"] == 1


def test_a_healing_that_hangs_stops_when_another_one_leads(make_cluster: Any, tools_of: Any) -> None:
    """No lease can be granted under the alarm: the new leader waits instead, and the old one inspects before each
    step."""
    cluster = make_cluster(quota_bytes=96 * MIB, full=True, live_fraction=0.5)
    tools, leader, heir = tools_of(cluster), cluster.leader(), cluster.followers()[0]
    _long_ago(tools[leader.name])
    process = tools[leader.name].start("watch", "--heal")
    await_true(lambda: "finished scheduled compaction" in leader.log.read_text("utf-8"), "it compacts")
    process.send_signal(signal.SIGSTOP)
    with leader.client() as client:
        client.move_leader(next(each.id for each in client.members() if each.name == heir.name))
    await_true(lambda: cluster.leader() is heir, "the other one leads")
    await_true(lambda: all(each.end.year < 9999 for each in defragmentations(cluster.nodes)), "nothing is under way")
    before = defragmentations(cluster.nodes)
    said = tools[heir.name]("watch", "--heal")
    assert (said.code, "this node has not led for long enough" in said.out) == (0, True)
    process.send_signal(signal.SIGCONT)
    said = exited(process)
    assert said.code == 3
    assert f"{heir.name} leads now." in said.out
    # At most the one that was past the last question when it hung.
    assert len(defragmentations(cluster.nodes)) <= len(before) + 1 <= 2
    assert _alarms(heir)
    tools[heir.name].pass_time(60)
    assert "Disarmed, and writes are accepted" in tools[heir.name]("watch", "--heal").out
    assert overlaps(defragmentations(cluster.nodes)) == []
