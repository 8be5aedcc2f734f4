# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Live data that does not fit: recovered by deleting what is safe to lose, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from integration.support.ansible_commands import Run
from integration.support.clusters import await_true
from integration.support.module_calls import Background
from integration.support.recovery import (
    FOREVER,
    QUICK,
    assert_full,
    assert_recovered,
    defragmented,
    inventory,
    locks,
    snapshots,
    state,
)
from integration.support.settings import MIB, QUOTA
from lab.client import Client
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]

EVENTS, REPORTS = "/registry/events/", "/registry/wgpolicyk8s.io/policyreports/"
BOTH = [EVENTS, REPORTS]


def _keys(client: Client) -> dict[bytes, bytes]:
    return {each.key: each.value for each in client.scan()}


def _lower_quota(cluster: Cluster) -> None:
    """A quota of which the live data alone is more."""
    (node,) = cluster.nodes
    manifest = node.manifest.read_text("utf-8")
    assert f"={QUOTA}" in manifest
    node.manifest.write_text(manifest.replace(f"={QUOTA}", f"={QUOTA // 2}"), "utf-8")
    node.restart()


def test_what_is_refused_and_what_would_be_deleted(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path
) -> None:
    names = {"wrong": [EVENTS, "/registry/"], "bare": EVENTS, "few": EVENTS, "all": BOTH}
    clusters = {name: make_cluster(prefix=name, members=1) for name in names}
    fill(clusters["few"], live_fraction=0.97, keys_per_txn=8, event_ttl=FOREVER, until="bytes", size_bytes=24 * MIB)
    _lower_quota(clusters["few"])
    fill(clusters["all"], live_fraction=0.97, keys_per_txn=8, event_ttl=FOREVER)
    with clusters["all"].leader().client() as client:
        keys = {name: client.count(name.encode()) for name in BOTH}
    more: dict[str, dict[str, Any]] = {f"{name}1": {"recover_delete": value} for name, value in names.items()}
    more["bare1"]["recover_snapshot"] = False
    hosts = inventory(tmp_path / "hosts.yml", *clusters.values(), more=more)
    result = tmp_path / "result.json"
    seen = state(*clusters.values())

    run = playbook(hosts, "--check", "--forks=10", extra_vars={**QUICK, "recover_result_file": str(result)})

    assert run.rc == 2, run.out
    assert state(*clusters.values()) == seen
    assert "The keys below '/registry/' are not deleted: that is all there is." in run.flat
    assert f"The keys below {EVENTS} are deleted only after a snapshot" in run.flat
    assert re.search(r"Without the \d\.\d MiB that are to be deleted \(recover_delete\), \d+\.\d MiB of live", run.flat)
    assert "policyreports.wgpolicyk8s.io: Reports of policies" in run.flat
    records = json.loads(result.read_text("utf-8"))["clusters"]
    assert {name: [each["code"] for each in record["refusals"]] for name, record in records.items()} == {
        "all1": [],
        "bare1": ["delete_without_snapshot"],
        "few1": ["live_data_too_large"],
        "wrong1": ["not_a_directory_of_keys"],
    }
    # What is deleted makes it fit.
    assert re.search(rf"Below {REPORTS}: {keys[REPORTS]} keys, [12]\d\.\d MiB live\.", run.flat), run.out
    assert re.search(r"MiB of live data stay, \d+ % of the quota of 32\.0 MiB: it goes on\.", run.flat)
    assert f"Would delete {keys[EVENTS]} keys below {EVENTS}; {keys[REPORTS]} keys below {REPORTS}." in run.flat
    assert records["all1"]["deleted_keys"] == keys
    assert locks(*clusters.values()) == []


def test_live_data_is_deleted(
    make_cluster: MakeCluster,
    playbook: Playbook,
    start_module: Callable[..., Background],
    tmp_path: Path,
) -> None:
    cluster = make_cluster()
    fill(cluster, live_fraction=0.97, keys_per_txn=8, event_ttl=FOREVER)
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    result = tmp_path / "result.json"
    with cluster.leader().client() as client:
        before = _keys(client)
    below = {name: [key for key in before if key.startswith(name.encode())] for name in BOTH}

    # Killed between two batches: the next run does the rest.
    killed = start_module("etcd_delete", cluster.leader(), keys_below=[REPORTS], batch_keys=1)
    with cluster.leader().client() as client:
        await_true(lambda: client.count(REPORTS.encode()) < len(below[REPORTS]), "the first keys are gone")
        killed.kill()
        left = client.count(REPORTS.encode())
    assert 0 < left < len(below[REPORTS])
    assert_full(cluster)

    options = {"recover_delete": f"{EVENTS},{REPORTS}", "recover_result_file": str(result)}
    run = playbook(hosts, extra_vars={**QUICK, **options})
    assert run.rc == 0, run.out
    deleted = {EVENTS: len(below[EVENTS]), REPORTS: left}
    assert f"Deleted {deleted[EVENTS]} keys below {EVENTS}; {left} keys below {REPORTS}." in run.flat
    record = json.loads(result.read_text("utf-8"))["clusters"]["cp1"]
    assert (record["outcome"], record["deleted_keys"]) == ("recovered", deleted)
    assert_recovered(cluster)
    assert sorted(defragmented(cluster)) == ["cp1", "cp2", "cp3"]
    assert len(snapshots(cluster)) == 1
    gone = {*below[EVENTS], *below[REPORTS]}
    for node in cluster.nodes:
        with node.client() as client:
            assert {key: value for key, value in _keys(client).items() if key in before} == {
                key: value for key, value in before.items() if key not in gone
            }
