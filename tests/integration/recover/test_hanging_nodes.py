# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that hang: the run ends, names them, and goes on without them where it can."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from integration.support.ansible_commands import Run
from integration.support.clusters import await_true
from integration.support.hanging import Hanging
from integration.support.recovery import (
    QUICK,
    assert_full,
    assert_recovered,
    defragmented,
    full_cluster,
    inventory,
    locks,
    refusal,
    state,
    work,
)
from lab.loopback.cluster import Cluster

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]
# As short as the inspection of nodes that answer allows on a busy machine; by default two minutes.
LIMIT = {"__clusters_inspect_seconds": 40}


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Hanging]:
    found = Hanging(tmp_path)
    yield found
    found.end()


def test_a_pipe_in_the_place_of_a_file(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    """It is refused at once, and not waited for."""
    three = full_cluster(make_cluster, prefix="three")
    lost = full_cluster(make_cluster, prefix="lost", members=1)
    good = full_cluster(make_cluster, prefix="good", members=1)
    odd = three.followers()[0]
    for node in (odd, lost.nodes[0]):
        node.manifest.rename(node.manifest.with_suffix(".away"))
        os.mkfifo(node.manifest)
    hosts = inventory(tmp_path / "hosts.yml", three, lost, good)
    assert_full(three, lost, good)
    before = state(lost)

    run = playbook(hosts, extra_vars=QUICK)

    assert run.rc == 2, run.out
    for node in (odd, lost.nodes[0]):
        assert run.recap[node.name]["failed"] == 1
        assert f"Not a regular file but a pipe or a device: '{node.manifest}'" in run.flat
    assert sum(each["failed"] for each in run.recap.values()) == 2
    assert_recovered(three, good)
    # Its etcd answers, so it is worked on through another node.
    assert len(defragmented(three)) == 3
    assert f"The node of {odd.name} is not among the hosts of this run" in run.flat
    assert state(lost) == before
    assert_full(lost)


def test_a_node_that_hangs(make_cluster: MakeCluster, playbook: Playbook, hanging: Hanging, tmp_path: Path) -> None:
    """One of three with its etcd, one whose etcd answers, and the only one of a cluster."""
    three = full_cluster(make_cluster, prefix="three")
    two = full_cluster(make_cluster, prefix="two")
    lost = full_cluster(make_cluster, prefix="lost", members=1)
    dead, numb = three.followers()[0], two.followers()[0]
    dead.freeze()
    hosts = inventory(
        tmp_path / "hosts.yml",
        three,
        two,
        lost,
        more={node.name: {"ansible_python_interpreter": str(hanging.program)} for node in (dead, numb, lost.nodes[0])},
    )
    run = playbook(hosts, "--forks=10", extra_vars={**QUICK, **LIMIT, "recover_timeout": 2})

    assert run.rc == 2, run.out
    assert len(hanging.pids) == 3
    for node in (dead, numb, lost.nodes[0]):
        assert run.recap[node.name] | {"ok": 0, "skipped": 0} == {**dict.fromkeys(run.recap[node.name], 0), "failed": 1}
        assert (
            f'{node.name} hangs: it had not finished "inspect | Inspect every node, change nothing" after 40'
            " s. Nothing was changed. Look at the disks"
        ) in run.flat
    assert sum(each["failed"] for each in run.recap.values()) == 3
    assert_recovered(two)
    assert len(defragmented(two)) == 3
    assert len(defragmented(three)) == 2
    assert f"{dead.name} does not answer (" in run.flat
    assert [refusal(node) for node in three.nodes if node is not dead] == ["", ""]
    assert locks(three, two, lost) == []
    assert work(*lost.nodes) == []
    assert_full(lost)


def test_a_module_ends_on_the_node_as_well(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    """What waits for ever in the module itself is ended there, and leaves nothing behind."""
    one = full_cluster(make_cluster, prefix="one", members=1)
    node = one.nodes[0]
    # A disk that does not answer, in the middle of the module's work.
    hook, pids, python = tmp_path / "hook", tmp_path / "pids", tmp_path / "python"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text("import os, time\nos.statvfs = lambda path: time.sleep(3600)\n", "utf-8")
    python.write_text(f'#!/bin/sh\necho $$ >> {pids}\nPYTHONPATH={hook} exec {sys.executable} "$@"\n', "utf-8")
    python.chmod(0o755)
    hosts = inventory(tmp_path / "hosts.yml", one, more={node.name: {"ansible_python_interpreter": str(python)}})
    run = playbook(hosts, extra_vars={**QUICK, **LIMIT})

    assert run.rc == 2, run.out
    # Its limit is shorter than that of the task; on a busy machine the module may have begun too late for that.
    own = "Looking at the node failed. It had not finished after 30 s. Nothing was changed. Look at the disks"
    assert own in run.flat or f"{node.name} hangs: " in run.flat
    for pid in map(int, pids.read_text("utf-8").split()):
        await_true(lambda pid=pid: _has_exited(pid), "the module has exited")
    assert_full(one)


def _has_exited(pid: int) -> bool:
    """Also if nobody has asked for its exit code yet: then it has no command line any more."""
    try:
        return not Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return True
