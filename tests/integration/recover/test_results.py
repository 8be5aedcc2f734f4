# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says for machines: a file and a statistic, whatever came of each cluster, beside its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from integration.support.ansible_commands import Run
from integration.support.recovery import QUICK, assert_recovered, full_cluster, inventory, snapshots, state
from lab.client import Alarm
from lab.loopback.cluster import Cluster

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]


def _clusters(path: Path) -> dict[str, Any]:
    body = json.loads(path.read_text("utf-8"))
    assert (body["version"], body["role"], body["refusals"]) == (1, "recover", [])
    found: dict[str, Any] = body["clusters"]
    return found


def test_every_cluster_has_its_outcome(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    well = full_cluster(make_cluster, prefix="well", members=1)
    without = full_cluster(make_cluster, prefix="without")
    without["without3"].kill()
    corrupt = make_cluster(prefix="corrupt", members=1)
    with corrupt.leader().client() as client:
        client.arm(Alarm(client.status().member_id, "CORRUPT"))
    healthy = make_cluster(prefix="healthy", members=1)
    failing = full_cluster(make_cluster, prefix="failing", members=1)
    nowhere = tmp_path / "a-file"
    nowhere.write_text("", "utf-8")
    more = {"failing1": {"recover_snapshot_dir": str(nowhere / "backups")}}
    everybody = (well, without, corrupt, healthy, failing)
    hosts = inventory(tmp_path / "hosts.yml", *everybody, more=more)
    path = tmp_path / "result.json"
    variables = {**QUICK, "recover_result_file": str(path), "recover_revive": False}
    expected = {
        "corrupt1": "refused",
        "failing1": "failed",
        "healthy1": "nothing_to_do",
        "well1": "recovered",
        "without1": "recovered_without",
    }
    before = state(*everybody)

    run = playbook(hosts, "--limit=well1,healthy1", check=True, extra_vars=variables)
    assert run.rc == 0, run.out
    found = _clusters(path)
    assert {key: each["check"] for key, each in found.items()} == {"healthy1": True, "well1": True}
    assert found["healthy1"]["outcome"] == "nothing_to_do"
    assert state(*everybody) == before

    run = playbook(hosts, extra_vars=variables, env={"ANSIBLE_SHOW_CUSTOM_STATS": "1"})
    assert run.rc == 2, run.out
    found = _clusters(path)
    assert {key: each["outcome"] for key, each in found.items()} == expected
    assert not any(each["check"] for each in found.values())
    assert "etcd_recover_result" in run.out.rpartition("CUSTOM STATS")[2]
    assert_recovered(well, without)

    assert [refusal["code"] for refusal in found["corrupt1"]["refusals"]] == ["corrupt_alarm"]
    (failure,) = found["failing1"]["failures"]
    assert (failure["host"], failure["code"]) == ("failing1", "snapshot_failed")
    assert failure["message"] in run.out.replace("\\n", "\n")
    assert found["without1"]["without"] == ["without3"]
    assert found["without1"]["hosts"] == ["without1", "without2", "without3"]
    (member,) = found["well1"]["members"]
    with well.leader().client() as client:
        # etcd adds a page now and then by itself.
        assert abs(member["db_size_bytes_after"] - client.status().db_size) < 1 << 18
    assert member["db_size_bytes_before"] > 4 * member["db_size_bytes_after"] / 3
    assert Path(found["well1"]["snapshot"]["path"]) in snapshots(well)
    assert found["well1"]["snapshot"]["host"] == "well1"
    assert 0 < found["well1"]["seconds"] < run.seconds


def test_a_run_that_is_refused_as_a_whole(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    cluster = full_cluster(make_cluster, members=1)
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    before = state(cluster)
    path = tmp_path / "result.json"
    path.write_text('{"version": 1, "role": "recover", "run": "of yesterday", "clusters": {"cp1": {}}}', "utf-8")

    run = playbook(hosts, extra_vars={**QUICK, "recover_result_file": str(path), "recover_hodl": False})
    assert run.rc == 2
    body = json.loads(path.read_text("utf-8"))
    assert [refusal["code"] for refusal in body["refusals"]] == ["unknown_option"]
    assert body["clusters"] == {}

    # Nothing is begun if what comes of it could not be written.
    run = playbook(hosts, extra_vars={**QUICK, "recover_result_file": str(tmp_path / "missing/result.json")})
    assert run.rc == 2
    assert "The result cannot be written to" in run.flat
    assert state(cluster) == before
