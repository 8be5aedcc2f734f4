# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""API servers are asked in every run: an etcd that accepts writes helps nobody if none of them does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.support import needed
from integration.support.ansible_commands import Run
from integration.support.recovery import (
    FOREVER,
    LOCAL,
    QUICK,
    QUOTA,
    assert_recovered,
    full_cluster,
    inventory,
    state,
)
from integration.support.settings import Result
from lab.loopback.apiserver import ApiServer
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]
Module = Callable[..., Result]

KUBERNETES = "1.33.13"


@pytest.fixture
def kubernetes() -> None:
    """Its programs can be had."""
    needed.kubernetes(KUBERNETES)


@pytest.mark.usefixtures("kubernetes")
def test_none_accepts_writes(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    full = full_cluster(make_cluster, prefix="full", members=1)
    healthy = make_cluster(prefix="healthy", members=1)
    nodes = {cluster.nodes[0].name: cluster.nodes[0] for cluster in (full, healthy)}
    servers = {name: ApiServer(node, KUBERNETES) for name, node in nodes.items()}  # none of them runs
    hosts = inventory(tmp_path / "hosts.yml", full, healthy)
    path = tmp_path / "result.json"
    variables = {**QUICK, "recover_wait_timeout": 2, "recover_result_file": str(path)}
    before = state(full, healthy)

    run = playbook(hosts, "--limit=healthy1", check=True, extra_vars=variables)
    assert run.rc == 0, run.out
    assert f"The API server of healthy1 is not up: it does not answer at {servers['healthy1'].url}" in run.flat
    assert state(full, healthy) == before

    run = playbook(hosts, extra_vars=variables)
    assert run.rc == 2, run.out
    assert_recovered(full, healthy)
    found = json.loads(path.read_text("utf-8"))["clusters"]
    for name, server in servers.items():
        assert found[name]["outcome"] == "failed"
        (failure,) = found[name]["failures"]
        assert (failure["host"], failure["code"]) == (name, "no_apiserver_accepts")
        assert f"{name}: it does not answer at {server.url}" in failure["message"]
        assert f"The API server of {name} is still not up" in run.flat
    report = run.flat[run.flat.index("Recovered in ") :]
    assert "The database grows by" not in report

    with servers["healthy1"]:
        run = playbook(hosts, "--limit=healthy1", extra_vars={**variables, "recover_wait_timeout": 60})
    assert run.rc == 0, run.out
    assert "The API servers of healthy1 accept writes." in run.flat
    assert run.recap["healthy1"]["changed"] == 0
    assert json.loads(path.read_text("utf-8"))["clusters"]["healthy1"]["outcome"] == "nothing_to_do"


def _host_of(server: ApiServer, directory: Path) -> dict[str, Any]:
    """Variables of a host that has this API server, and no etcd."""
    directory.mkdir()
    server.manifest.rename(directory / server.manifest.name)
    return {
        **LOCAL,
        "recover_kubeconfig": str(server.admin_conf),
        "recover_lock_path": str(directory / "run.lock"),
        "recover_manifest": str(directory / "etcd.yaml"),
    }


@pytest.mark.usefixtures("kubernetes")
def test_hosts_without_etcd(make_cluster: MakeCluster, playbook: Playbook, module: Module, tmp_path: Path) -> None:
    """They are asked, and nothing is done on them."""
    cluster = make_cluster(members=1, quota_bytes=QUOTA)
    server = ApiServer(cluster.nodes[0], KUBERNETES)
    own = _host_of(server, tmp_path / "api1")
    other = {**own, "recover_manifest": str(tmp_path / "other/etcd.yaml")}
    hosts = inventory(tmp_path / "hosts.yml", cluster, more={"api1": own, "without": other})
    path = tmp_path / "result.json"
    with server:
        fill(cluster, event_ttl=FOREVER)

        run = playbook(hosts, extra_vars=QUICK)
        assert run.rc == 0, run.out
        assert_recovered(cluster)
        assert "The API servers of api1, which have no etcd but use this one, are asked in the end." in run.flat
        assert "The API servers of api1 accept writes." in run.flat
        assert run.recap["api1"]["changed"] == 0
        assert sorted(each.name for each in (tmp_path / "api1").iterdir()) == ["kube-apiserver.yaml"]

        manifest = str(tmp_path / "api1/kube-apiserver.yaml")
        options = {"kubeconfig": str(server.admin_conf), "apiserver_manifest": manifest, "resource": "events"}
        assert module("apiserver_write_check", None, **options)["outcome"] == "accepted"
        with cluster.leader().client() as client:
            assert client.count(b"/registry/events/kube-system/etcd-maintenance-write-check") == 0

    run = playbook(hosts, extra_vars={**QUICK, "recover_wait_timeout": 2, "recover_result_file": str(path)})
    assert run.rc == 2, run.out
    (failure,) = json.loads(path.read_text("utf-8"))["clusters"]["cp1"]["failures"]
    assert failure["code"] == "no_apiserver_accepts"
    assert f"api1: it does not answer at {server.url}" in failure["message"]
