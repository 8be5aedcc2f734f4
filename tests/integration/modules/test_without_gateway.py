# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A full cluster whose gateways are off is brought back, and nobody says by which way."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from integration.support.clusters import await_true, move_http, replace_in_manifest
from integration.support.recovery import full_cluster
from integration.support.settings import QUOTA, SOME_VERSIONS
from integration.support.witness import Witness
from lab.loopback.cluster import Cluster


def switch_gateways_off(cluster: Cluster) -> None:
    for node in cluster.nodes:
        first = f"    - --listen-client-urls={node.client_url}\n"
        replace_in_manifest(node, first, f"{first}    - --enable-grpc-gateway=false\n")
        node.restart(wait=False)  # the lab waits through the gateway


@pytest.mark.parametrize("way", ["grpc", "etcdctl"])
@pytest.mark.parametrize("version", SOME_VERSIONS, indirect=True)
def test_a_full_cluster_is_brought_back(
    make_cluster: Any, module: Any, version: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = full_cluster(make_cluster, version=version, live_fraction=0.3)
    switch_gateways_off(cluster)
    with monkeypatch.context() as without:
        if way == "etcdctl":
            without.setitem(sys.modules, "etcd3", None)
        _bring_back(cluster, module)
    for node in cluster.nodes:
        with Witness(node) as witness:
            assert (witness.alarms(), witness.status().db_size < QUOTA / 2) == (set(), True)


@pytest.mark.parametrize("way", ["grpc", "etcdctl"])
def test_http_at_an_address_of_its_own_without_the_gateway(
    make_cluster: Any, module: Any, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on RKE2: what is asked at that address first has to be asked at the other one then."""
    cluster = make_cluster(members=1, start=False)
    (node,) = cluster.nodes
    move_http(node)
    first = f"    - --listen-client-urls={node.client_url}\n"
    replace_in_manifest(node, first, f"{first}    - --enable-grpc-gateway=false\n")
    node.start(wait=False)
    if way == "etcdctl":
        monkeypatch.setitem(sys.modules, "etcd3", None)
    seen: dict[str, Any] = {}

    def answers() -> bool:
        seen.update(module("etcd_info", node, transport="auto"))
        return not seen["failed"]

    await_true(answers, "the member answers", seconds=30.0)
    assert [member["role"] for member in seen["cluster"]["members"]] == ["leader"]
    checked = module("etcd_write_check", node, transport="auto", settle_seconds=0.2)
    assert not checked["failed"], checked["msg"]


def _bring_back(cluster: Cluster, module: Any) -> None:
    (one, *_others) = cluster.nodes
    seen: dict[str, Any] = {}

    def all_answer() -> bool:
        seen.update(module("etcd_info", one, transport="auto"))
        roles = [member["role"] for member in seen.get("cluster", {}).get("members", ())]
        return sorted(roles) == ["follower", "follower", "leader"]

    await_true(all_answer, "the members are there again", seconds=60.0)
    refused = module("etcd_info", one, transport="gateway")
    assert "--enable-grpc-gateway=false" in refused["msg"]
    leader = next(member["name"] for member in seen["cluster"]["members"] if member["role"] == "leader")
    for name, nodes in (
        ("etcd_compact", [one]),
        ("etcd_defrag", sorted(cluster.nodes, key=lambda node: node.name == leader)),
        ("etcd_alarm", [one]),
    ):
        for node in nodes:
            done = module(name, node, transport="auto")
            assert not done["failed"], done["msg"]
            assert done["changed"] is True
    checked = module("etcd_write_check", one, transport="auto", settle_seconds=0.2)
    assert not checked["failed"], checked["msg"]
    assert checked["hashes_agree"] is True
