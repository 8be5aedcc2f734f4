# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_info and etcd_node_info: what they say is what a client that is not ours says, whatever state a member is in."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from integration.support.clusters import await_true
from integration.support.settings import JOIN_AT_ONCE, MIB, QUOTA, Result
from integration.support.witness import Truth, Witness
from lab.loopback.cluster import Cluster

GIB = 1024 * MIB


def _by_name(result: Result) -> dict[str, Any]:
    return {member["name"]: member for member in result["cluster"]["members"]}


def _said_and_true(module: Any, cluster: Cluster) -> tuple[Result, dict[str, Truth]]:
    """Return the module's result, and what the witness said both before and after it."""
    with contextlib.ExitStack() as stack:
        witnesses = {node.name: stack.enter_context(Witness(node)) for node in cluster.nodes}
        for _attempt in range(20):
            before = {name: witness.status() for name, witness in witnesses.items()}
            result = module("etcd_info", cluster.nodes[0])
            after = {name: witness.status() for name, witness in witnesses.items()}
            # Reading the alarms goes through raft: the index moves by what the module itself asks.
            if all(_but_index(before[name]) == _but_index(after[name]) for name in witnesses):
                for name, member in _by_name(result).items():
                    assert before[name].applied_index <= member["raft_applied_index"] <= after[name].applied_index
                return result, after
    raise AssertionError("the cluster never stood still")


def _but_index(truth: Truth) -> dict[str, Any]:
    return {name: value for name, value in vars(truth).items() if name != "applied_index"}


@pytest.mark.parametrize("full", [False, True], ids=["healthy", "nospace"])
def test_a_client_that_is_not_ours_says_the_same(shared_cluster: Any, module: Any, version: str, full: bool) -> None:
    cluster = shared_cluster(version=version, full=full)
    result, truths = _said_and_true(module, cluster)
    said, first = result["cluster"], next(iter(truths.values()))

    assert not result["failed"]
    assert result["changed"] is False
    assert said["cluster_id"] == f"{first.cluster_id:x}"
    assert said["revision"] == max(truth.revision for truth in truths.values())
    assert said["has_quorum"] is True
    assert said["leader"] == next(name for name, truth in truths.items() if truth.member_id == truth.leader)

    with Witness(cluster.nodes[-1]) as witness:
        alarms, members = witness.alarms(), witness.members()
    assert {(int(alarm["member_id"], 16), alarm["alarm"]) for alarm in said["alarms"]} == alarms
    assert bool(alarms) is full
    for alarm in said["alarms"]:
        assert alarm["member"] == members[int(alarm["member_id"], 16)][0]

    assert [member["name"] for member in said["members"]] == ["cp1", "cp2", "cp3"]
    for member in said["members"]:
        truth = truths[member["name"]]
        assert int(member["member_id"], 16) == truth.member_id
        assert (member["name"], member["client_urls"], member["peer_urls"]) == members[truth.member_id]
        assert member["role"] == ("leader" if truth.leader == truth.member_id else "follower")
        assert (member["version"], member["error"]) == (version, "")
        assert member["db_size_bytes"] == truth.db_size
        assert member["db_size_in_use_bytes"] == truth.db_size_in_use
        assert member["quota_bytes"] == (QUOTA if full else 2 * GIB)
        # 3.6 is the first whose status has the quota; if it has, that is what counts.
        assert (member["quota_source"], truth.quota) in (("status", member["quota_bytes"]), ("metrics", None))
        assert (member["quota_source"] == "status") is (version >= "3.6")
        assert member["quota_used"] == pytest.approx(truth.db_size / member["quota_bytes"], abs=0.0001)

    diagnosis = result["diagnosis"]
    assert diagnosis["needs_recovery"] is full
    assert diagnosis["refusals"] == []
    if full:
        assert "NOSPACE alarm is armed (by " in diagnosis["findings"][0]
        assert any(finding.startswith("cp1 uses ") for finding in diagnosis["findings"])
    else:
        assert diagnosis["findings"] == []


def test_a_status_without_the_quota_leaves_it_to_the_metrics(make_cluster: Any, module: Any) -> None:
    # 3.6.0 to 3.6.5 leave it out if no flag sets it.
    cluster = make_cluster(version="3.6.5", members=1, quota_bytes=None)
    with Witness(cluster.nodes[0]) as witness:
        assert witness.status().quota is None
    member = module("etcd_info", cluster.nodes[0])["cluster"]["members"][0]
    assert (member["quota_bytes"], member["quota_source"]) == (2 * GIB, "metrics")


@pytest.mark.parametrize(("bare_version", "source"), [("3.6.16", "status"), ("3.5.35", "metrics")])
@pytest.mark.parametrize("way", ["environment", "off"])
def test_other_ways_to_set_the_quota(make_cluster: Any, module: Any, bare_version: str, source: str, way: str) -> None:
    set_by = {
        "environment": {"quota_bytes": None, "env": {"ETCD_QUOTA_BACKEND_BYTES": str(QUOTA)}},
        "off": {"quota_bytes": -1},
    }[way]
    cluster = make_cluster(version=bare_version, members=1, **set_by)
    member = module("etcd_info", cluster.nodes[0])["cluster"]["members"][0]
    assert (member["quota_bytes"], member["quota_source"]) == (QUOTA if way == "environment" else -1, source)
    assert (member["quota_used"] > 0) is (way == "environment")


def test_members_that_are_down_unstarted_or_learners_are_told_apart(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=3, flags=JOIN_AT_ONCE)
    learner = cluster.add_member(learner=True)
    leader, down = cluster.leader(), next(node for node in cluster.followers() if node is not learner)
    absent = cluster.add_member(start=False)
    down.kill()
    result = module("etcd_info", leader)
    members = _by_name(result)

    # Of four voters two are left: it is the leader until it notices.
    assert members[leader.name]["role"] in ("leader", "leaderless")
    assert members[learner.name]["role"] == "learner"
    assert members[down.name]["role"] == "silent"
    assert "Connection refused" in members[down.name]["error"]
    assert members[down.name]["db_size_bytes"] == 0
    assert members[absent.peer_url]["role"] == "unstarted"
    assert members[absent.peer_url]["client_urls"] == []
    findings = "\n".join(result["diagnosis"]["findings"])
    assert f"{down.name} does not answer" in findings
    assert f"The member {absent.peer_url} was added and has never started" in findings

    refused = module("etcd_info", learner)
    assert refused["failed"]
    assert "not supported for learner" in refused["msg"]
    assert "ask a voter" in refused["msg"]


def test_a_full_member_shows_without_an_alarm(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1, full=True)
    with cluster.nodes[0].client() as client:
        for alarm in client.alarms():
            client.disarm(alarm)
    diagnosis = module("etcd_info", cluster.nodes[0])["diagnosis"]
    assert diagnosis["needs_recovery"] is True
    assert "although no alarm is armed" in diagnosis["findings"][0]


def test_a_node_is_known_with_its_member_down(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1)
    node = cluster.nodes[0]
    with Witness(node) as witness:
        truth = witness.status()
    up = module("etcd_node_info", node, lock_path=str(node.directory / "run/lock"))
    assert up["answers"] is True
    assert up["error"] == ""
    assert up["cluster"]["members"][0]["db_size_bytes"] == truth.db_size
    node.stop()
    down = module("etcd_node_info", node, lock_path=str(node.directory / "run/lock"))
    assert not down["failed"]
    assert down["changed"] is False
    assert down["answers"] is False
    assert "Connection refused" in down["error"]
    assert "cluster" not in down
    for result in (up, down):
        assert result["present"] is True
        assert result["name"] == node.name
        assert result["manifest"] == str(node.manifest)
        assert int(result["member_id"], 16) == truth.member_id
        assert int(result["cluster_id"], 16) == truth.cluster_id
        data = next(disk for disk in result["disks"] if "data" in disk["uses"])
        assert data["free_bytes"] > 0
        assert result["lock"] is None


def test_nodes_of_one_cluster_have_the_same_authority(make_cluster: Any, module: Any) -> None:
    one, other = make_cluster(members=2, start=False), make_cluster(members=1, start=False, prefix="x")
    reports = [module("etcd_node_info", node, timeout=1) for node in (*one.nodes, *other.nodes)]
    first, second, foreign = (report["ca_sha256"] for report in reports)
    assert first == second != foreign
    # Never started: nothing is known yet, and nothing is made up.
    assert [report["member_id"] for report in reports] == [None, None, None]


def test_a_node_without_etcd_is_no_failure(tmp_path: Path, module: Any) -> None:
    missing = {"manifest": str(tmp_path / "manifests/etcd.yaml"), "data_dir": str(tmp_path / "etcd")}
    result = module("etcd_node_info", None, **missing)
    assert not result["failed"]
    assert result["present"] is False

    (tmp_path / "etcd/member").mkdir(parents=True)
    unknown = module("etcd_node_info", None, **missing)
    assert unknown["failed"]
    assert "Whose it is cannot be told." in unknown["msg"]

    # kubeadm has made a member there.
    (tmp_path / "pki/etcd").mkdir(parents=True)
    (tmp_path / "pki/etcd/server.crt").touch()
    taken_away = module("etcd_node_info", None, **missing)
    assert taken_away["failed"]
    assert "somebody removed the manifest" in taken_away["msg"]


def test_a_frozen_member_is_silent_and_costs_the_time_limit_only(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster()
    frozen, other = cluster.followers()
    frozen.freeze()
    members = _by_name(module("etcd_info", other, timeout=1))
    assert members[frozen.name]["role"] == "silent"
    assert members[frozen.name]["error"] == "no answer within 1 s"
    own = module("etcd_info", frozen, timeout=1)
    assert own["failed"]
    assert f"through {frozen.client_url} failed: no answer within 1 s" in own["msg"]
    node = module("etcd_node_info", frozen, timeout=1)
    assert node["answers"] is False
    assert node["error"] == "no answer within 1 s"
    frozen.thaw()
    await_true(lambda: _by_name(module("etcd_info", other))[frozen.name]["role"] == "follower", "it answers again")
