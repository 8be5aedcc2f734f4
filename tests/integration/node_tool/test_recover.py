# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd-maintenance recover: a whole cluster, from one of its nodes."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import time
from typing import Any

from integration.support.clusters import await_true, marks
from integration.support.node_tool import Said, Tool, defragmentations, overlaps
from integration.support.settings import MIB, PATIENCE, QUOTA
from lab.client import Alarm
from lab.errors import EtcdError
from lab.loopback.fill import fill
from lab.loopback.member import MemberProcess

LEASE_ID = 0x6574636465667261


def _recover(tool: Tool, *arguments: str) -> Said:
    """There is no systemd that would know of this node's kubelet, whatever runs on this machine."""
    where = f"--snapshot-dir={tool.node.directory / 'snapshots'}"
    return tool("recover", where, "--kubelet-unit=no-such-kubelet", "--settle-seconds=0.2", *arguments)


def _accepts(node: MemberProcess) -> bool:
    with node.client() as client:
        try:
            client.put(b"after", b"1")
        except EtcdError:
            return False
    return True


def test_a_full_cluster_from_a_followers_node(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(quota_bytes=QUOTA, full=True)
    node = cluster.followers()[0]
    tool = tools_of(cluster)[node.name]
    leader, others = cluster.leader(), [each for each in cluster.nodes if each is not node]

    foretold = _recover(tool, "--check")
    assert foretold.code == 0, foretold.out
    assert "The NOSPACE alarm is armed" in foretold.out
    assert "their kubelets are not held, and a run on" in foretold.out
    assert f"then {leader.name}, disarm and prove: about " in foretold.out
    assert foretold.out.endswith("Check mode: nothing was changed.\n")
    assert not tool.lock.exists()
    assert not (node.directory / "snapshots").exists()

    said = _recover(tool)
    assert said.code == 0, said.out
    steps = re.findall(r"^ *[\d.]+ s  (\S+ \S+)", said.out, re.MULTILINE)
    assert steps[:2] == ["snapshot taken:", "compacted up"]
    assert [step for step in steps if step.startswith("defragmented")][-1] == f"defragmented {leader.name}:"
    assert len([step for step in steps if step.startswith("defragmented")]) == 3
    assert "; the followers hold the same data" in said.out
    assert all(_accepts(each) for each in [node, *others])
    done = defragmentations(cluster.nodes)
    assert len(done) == 3
    assert not overlaps(done)
    assert not tool.lock.exists()

    again = _recover(tool)
    assert again.code == 0, again.out
    assert "is not out of space" in again.out
    assert len(defragmentations(cluster.nodes)) == 3


def test_what_an_interrupted_one_has_done_is_left_alone(make_cluster: Any, tools_of: Any) -> None:
    """Killed after its snapshot, its lock is that of a run that is known to be gone, and the snapshot is used again."""
    cluster = make_cluster(members=1, quota_bytes=QUOTA, full=True)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    snapshots = node.directory / "snapshots"
    running = tool.start("recover", f"--snapshot-dir={snapshots}", "--kubelet-unit=no-such-kubelet")
    await_true(lambda: any(snapshots.glob("*.db.json")), "a snapshot")
    running.kill()
    running.communicate()
    assert tool.lock.exists()
    said = _recover(tool)
    assert said.code == 0, said.out
    assert "snapshot of an earlier attempt verified" in said.out or "is not out of space" in said.out
    assert _accepts(node)
    assert not tool.lock.exists()


def test_it_refuses_while_another_run_works_and_says_whose(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(members=1, quota_bytes=QUOTA, full=True)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    tool.lock.parent.mkdir(parents=True, exist_ok=True)
    tool.lock.write_text(json.dumps({"run": "x", "owner": "alice", "until": time.time() + 600}))
    said = _recover(tool)
    assert said.code == 3
    assert "Locking this node was refused. Another run works on this node: alice" in said.out
    assert "Nothing was changed." in said.out
    assert "--take-over-lock" in said.out
    assert not _accepts(node)
    assert _recover(tool, "--take-over-lock").code == 0
    assert _accepts(node)


def test_live_data_that_does_not_fit(make_cluster: Any, tools_of: Any) -> None:
    """Without a disarm the cluster stays as it was; what was done is named."""
    cluster = make_cluster(members=1, quota_bytes=16 * MIB, full=True, live_fraction=0.98)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    said = _recover(tool)
    assert said.code == 3, said.out
    assert "Disarming the alarm was refused. The next writes would raise the alarm again" in said.out
    assert "What was done before stays done" in said.out
    assert not _accepts(node)
    assert not tool.lock.exists()


def test_corrupt_members_are_not_touched(make_cluster: Any, tools_of: Any) -> None:
    cluster = make_cluster(members=1, quota_bytes=QUOTA, full=True)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    with node.client() as client:
        client.arm(Alarm(client.status().member_id, "CORRUPT"))
    before = marks(cluster)
    said = _recover(tool)
    assert said.code == 3
    assert "Recovering this cluster was refused. A CORRUPT alarm is armed" in said.out
    assert marks(cluster) == before
    assert not (node.directory / "snapshots").exists()


def test_a_connection_that_breaks_does_not_end_it(make_cluster: Any, tools_of: Any) -> None:
    """Whoever has SSH to one node only may lose it: the terminal is gone, and the shell says so."""
    cluster = make_cluster(members=1, quota_bytes=QUOTA, full=True)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    ours, its = pty.openpty()
    words = (f"--snapshot-dir={node.directory / 'snapshots'}", "--kubelet-unit=no-such-kubelet", "--settle-seconds=0.2")
    running = subprocess.Popen(tool.command("recover", *words), stdin=its, stdout=its, stderr=its, cwd="/")
    os.close(its)
    seen = b""
    while b"It will now" not in seen:
        seen += os.read(ours, 4096)
    os.close(ours)
    running.send_signal(signal.SIGHUP)
    assert running.wait(timeout=PATIENCE) == 0
    assert _accepts(node)
    assert not tool.lock.exists()


def test_before_the_alarm_the_tools_of_other_nodes_are_kept_out(make_cluster: Any, tools_of: Any) -> None:
    # Beyond the share that is worth a recovery, and far enough from the alarm for what several writers are sending.
    cluster = make_cluster(quota_bytes=4 * QUOTA)
    fill(cluster, until="bytes", size_bytes=round(4 * QUOTA * 0.87))
    leader, node = cluster.leader(), cluster.followers()[0]
    tools = tools_of(cluster)
    with leader.client() as client:
        client.call("/v3/lease/grant", {"TTL": "600", "ID": str(LEASE_ID)})
        said = _recover(tools[node.name])
        assert said.code == 3, said.out
        assert "The node tool of another node is working on this cluster" in said.out
        assert defragmentations(cluster.nodes) == []
        client.call("/v3/lease/revoke", {"ID": str(LEASE_ID)})
    said = _recover(tools[node.name])
    assert said.code == 0, said.out
    assert "no alarm is armed" in said.out
    assert len(defragmentations(cluster.nodes)) == 3


def test_a_member_that_is_down(make_cluster: Any, tools_of: Any) -> None:
    """Without systemd nobody can start it here: nothing is done, and the reason is named."""
    cluster = make_cluster(members=1)
    (node,) = cluster.nodes
    tool = tools_of(cluster)[node.name]
    node.stop()
    said = _recover(tool)
    assert said.code == 3
    assert "Recovering this cluster was refused. The member of this node does not answer: Connection" in said.out
    assert "Nothing was changed." in said.out
