# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says beside its exit code, whatever came of each cluster: a file and a statistic, and a page of HTML."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from integration.support.ansible_commands import Run
from integration.support.recovery import (
    FOREVER,
    QUICK,
    QUOTA,
    assert_recovered,
    full_cluster,
    inventory,
    sections,
    snapshots,
    state,
)
from lab.client import Alarm
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]

HOSTILE = "/registry/<script>alert(1)</script>/{{ 7 * 7 }}/x"


def _clusters(path: Path) -> dict[str, Any]:
    body = json.loads(path.read_text("utf-8"))
    assert (body["version"], body["role"], body["refusals"]) == (1, "recover", [])
    found: dict[str, Any] = body["clusters"]
    return found


def test_every_cluster_has_its_outcome(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    well = make_cluster(prefix="well", members=1, quota_bytes=QUOTA)
    with well.leader().client() as client:
        client.put(HOSTILE.encode(), b"x" * 10_000)
    fill(well, event_ttl=FOREVER)
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
    path, page = tmp_path / "result.json", tmp_path / "report.html"
    files = {"recover_result_file": str(path), "recover_report": str(page)}
    variables = {**QUICK, **files, "recover_revive": False}
    expected = {
        "corrupt1": "refused",
        "failing1": "failed",
        "healthy1": "nothing_to_do",
        "well1": "recovered",
        "without1": "recovered_without",
    }

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

    drawn = sections(page)
    assert {"healthy1", "well1"} <= drawn.keys()
    assert "Verdict critical ok" in drawn["well1"]
    assert "Alarms NOSPACE none" in drawn["well1"]
    assert re.search(r"Size of the database \d+\.\d MiB \d\.\d MiB \u2212\d+\.\d MiB", drawn["well1"])
    # What filled it is read from the snapshot, what fills it now from the file of a member.
    text = page.read_text("utf-8")
    assert re.search(r"well1 before: [^\"]* live data, [^\"]* history", text)
    assert re.search(r"well1 after: [^\"]* live data", text)
    assert "&lt;script&gt;alert(1)&lt;" in text
    assert f"A page with this cluster before and after: {page}" in run.flat


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
    run = playbook(hosts, extra_vars={**QUICK, "recover_report": str(tmp_path / "missing/report.html")})
    assert run.rc == 2
    assert f"there is no directory {tmp_path / 'missing'}. Make it or name another. Nothing was changed." in run.flat
    assert state(cluster) == before
