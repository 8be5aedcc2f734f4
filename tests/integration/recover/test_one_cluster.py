# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recovery as a whole: a full cluster before, what is said meanwhile, and the same cluster afterwards."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.support.ansible_commands import Run
from integration.support.recovery import (
    QUICK,
    QUOTA,
    assert_full,
    assert_recovered,
    defragmented,
    expire_one_by_one,
    full_cluster,
    inventory,
    sections,
    snapshots,
    state,
    work,
)
from integration.support.settings import MIB, VERSIONS
from lab import programs
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill
from lab.record import Record

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]


# What differs between versions is asked of the modules, one step after the other, in test_recovery_step_by_step.py.
@pytest.mark.parametrize(
    "version", [VERSIONS[0], *(pytest.param(each, marks=pytest.mark.long) for each in VERSIONS[1:])], indirect=True
)
def test_a_full_cluster_comes_back_with_all_that_was_in_it(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path, version: str
) -> None:
    cluster = make_cluster(version=version, quota_bytes=QUOTA)
    # The newest version waits between the rounds of writes as long as it would for a user.
    pause = {} if version == VERSIONS[0] else QUICK
    # Some expire before the run, some in it, some after it.
    expire_one_by_one(cluster, range(3, 120, 2))
    fill(cluster, live_fraction=0.3)
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    leader = cluster.leader()
    assert_full(cluster)
    before = leader.record()

    run = playbook(hosts, extra_vars=pause)

    assert run.rc == 0, run.out
    after = [node.record() for node in cluster.nodes]
    assert_recovered(cluster)
    gone = _gone(before, after[0])
    assert gone
    assert gone <= before.leased
    for each in after:
        assert _gone(before, each) <= before.leased
        assert each.entries.items() <= before.entries.items()

    # Every member in a line of its own, with what came of it; the one that led before is the last.
    told = re.findall(r"\(item=(\w+): (\S+) MiB -> (\S+) MiB in \S+ s(.*)\)", run.out)
    assert sorted(name for name, *_sizes in told) == ["cp1", "cp2", "cp3"]
    assert [name for name, _before, _after, rest in told if "leadership moved to" in rest] == [leader.name]
    assert told[-1][0] == leader.name
    assert all(float(old) * MIB >= QUOTA > 2 * float(new) * MIB for _name, old, new, _rest in told)
    if not version.startswith("3.4."):  # whose log has another form
        assert defragmented(cluster) == [name for name, *_rest in told]

    # The diagnosis comes before the first change, the table after the last.
    diagnosis = run.flat[: run.flat.index("changed: [")]
    assert "The NOSPACE alarm is armed (by " in diagnosis
    assert "It will now take a snapshot, compact, defragment " in diagnosis
    assert re.search(r"disarm and prove: about \d+ s\.", diagnosis)
    report = run.flat[run.flat.index("report | Say what was done") :]
    for node in cluster.nodes:
        row = rf"{node.name} +(leader|follower) +\d+\.\d MiB +\d+\.\d MiB +\d+\.\d MiB +16\.0 MiB +none"
        assert re.search(row, report), report
    assert "Writes are accepted through cp1, cp2, cp3" in report

    (path,) = snapshots(cluster)
    assert str(path) in report
    assert path.stat().st_mode & 0o777 == 0o600
    restored = _restored(make_cluster, cluster, path)
    assert _gone(before, restored) <= before.leased
    assert restored.entries.items() <= before.entries.items()
    assert set(after[0].entries) <= set(restored.entries)

    again = playbook(hosts, extra_vars=QUICK)
    assert again.rc == 0, again.out
    assert {host: each["changed"] for host, each in again.recap.items()} == dict.fromkeys(("cp1", "cp2", "cp3"), 0)
    assert "is not out of space" in again.flat
    assert snapshots(cluster) == [path]


def test_check_mode_changes_nothing_and_says_what_it_would_do(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path
) -> None:
    full = full_cluster(make_cluster, prefix="full")
    healthy = make_cluster(prefix="healthy", members=1)
    hosts = inventory(tmp_path / "hosts.yml", full, healthy)
    result, page = tmp_path / "result.json", tmp_path / "report.html"
    files = {"recover_result_file": str(result), "recover_report": str(page)}
    before = state(full, healthy)

    run = playbook(hosts, check=True, extra_vars={**QUICK, **files})

    assert run.rc == 0, run.out
    assert state(full, healthy) == before
    assert_full(full)
    assert not any(path.name.startswith("etcd") for path in (full.nodes[0].directory / "var/backups").rglob("*"))
    assert "It would take a snapshot, compact, defragment full" in run.flat
    assert "It will now" not in run.out
    assert "Check mode: nothing was changed." in run.flat
    assert run.out.count("or less, if it were done") == 3
    assert run.recap["healthy1"]["changed"] == 0
    assert "The etcd of healthy1 is not out of space" in run.flat
    # The files of the controller are written, and say that nothing was done.
    clusters = json.loads(result.read_text("utf-8"))["clusters"]
    assert {key: each["check"] for key, each in clusters.items()} == {"full1": True, "healthy1": True}
    assert clusters["healthy1"]["outcome"] == "nothing_to_do"
    drawn = sections(page)
    assert list(drawn) == ["full1", "healthy1"]
    assert "critical" in drawn["full1"]
    assert not any("Before and after" in each for each in drawn.values())


def test_five_members_on_addresses_of_ipv6(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    five = full_cluster(make_cluster, prefix="five", members=5, ipv6=True)
    hosts = inventory(tmp_path / "hosts.yml", five)
    leader = five.leader()
    assert_full(five)

    run = playbook(hosts, "--forks=9", extra_vars=QUICK)

    assert run.rc == 0, run.out
    assert_recovered(five)
    order = defragmented(five)
    assert sorted(order) == sorted(node.name for node in five.nodes)
    assert order[-1] == leader.name
    # Each member had done its own compaction before its file was rewritten.
    for node in five.nodes:
        assert [each.what for each in work(node)] == ["compacted", "defragment", "defragmented"]


def _gone(before: Record, after: Record) -> set[str]:
    return before.entries.keys() - after.entries.keys()


def _restored(make_cluster: MakeCluster, cluster: Cluster, path: Path) -> Record:
    """What a cluster holds that is started from the snapshot, which etcd's own program has checked and unpacked."""
    spare = make_cluster(prefix="restored", members=1, version=cluster.version, quota_bytes=None, start=False)
    node = spare.nodes[0]
    node.data_dir.rmdir()
    old = cluster.version.startswith("3.4.")
    subprocess.run(
        [
            str(programs.etcd(cluster.version) / ("etcdctl" if old else "etcdutl")),
            "snapshot",
            "restore",
            str(path),
            f"--name={node.name}",
            f"--initial-cluster={node.name}={node.peer_url}",
            f"--initial-advertise-peer-urls={node.peer_url}",
            f"--data-dir={node.data_dir}",
        ],
        env={"ETCDCTL_API": "3"},
        check=True,
        capture_output=True,
    )
    spare.start()
    return node.record()
