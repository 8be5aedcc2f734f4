# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All ways to a member give the same answers and the same errors, and another one is taken if there is no gateway."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from integration.support.clusters import await_settled, await_true, move_http
from integration.support.recovery import full_cluster
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess

ROOT = "ansible_collections.controlplane.etcd.plugins.module_utils"
WAYS = ("gateway", "grpc", "etcdctl")


@pytest.fixture(scope="module")
def library() -> Any:
    names = ("_etcd.api", "_etcd.connection", "_etcd.errors", "_etcd.transport", "_node.etcd_manifest", "_node.etcdctl")
    return SimpleNamespace(**{name.rpartition(".")[2]: importlib.import_module(f"{ROOT}.{name}") for name in names})


def connect(library: Any, node: MemberProcess, way: str, **options: Any) -> Any:
    manifest = library.etcd_manifest.read_manifest(str(node.manifest))
    tls = manifest.tls_files()
    options = {"etcdctl": library.etcdctl.Etcdctl(manifest, tls), **options}
    return library.api.Endpoint(library.connection.connect(node.client_url, tls, way=way, **options))


def error_of(library: Any, call: Callable[[], object]) -> str:
    with pytest.raises(library.errors.EtcdError) as caught:
        call()
    return type(caught.value).__name__


def errors_of(library: Any, endpoint: Any) -> dict[str, str]:
    revision = endpoint.revision()
    return {
        "future": error_of(library, lambda: endpoint.check_revision(revision + 10)),
        "compact": error_of(library, lambda: endpoint.compact(revision + 10, 10.0)),
        "leader": error_of(library, lambda: endpoint.move_leader(12345)),
    }


def leases_of(library: Any, endpoint: Any) -> str:
    """What etcdctl does not offer: leases of a chosen id, and what streams."""
    lease = endpoint.grant_lease(60)
    found = error_of(library, lambda: endpoint.grant_lease(60, lease))
    assert endpoint.renew_lease(lease)
    endpoint.revoke_lease(lease)
    assert not endpoint.renew_lease(lease)
    data = b"".join(endpoint.snapshot(30.0))
    assert hashlib.sha256(data[:-32]).digest() == data[-32:]
    return found


def keys_of(library: Any, endpoint: Any) -> list[Any]:
    """What lies in a range, and behind keys that hold other bytes than a command line can."""
    start, end = b"/odd/", b"/odd0"
    (first, second, *_others) = found = endpoint.list_keys(start, end, 10)
    return [
        endpoint.count_keys(start, end),
        found,
        endpoint.list_keys(first + b"\0", end, 2),
        endpoint.delete_keys(second + b"\0", end),
    ]


ODD = (b"/odd/\0\xff", b'/odd/ "quoted\\" ', "/odd/schlüssel".encode(), b"/odd/--flag", b"/odd/last\n")


def test_all_ways_say_the_same(make_cluster: Any, library: Any, version: str) -> None:
    cluster: Cluster = make_cluster(members=3, version=version)
    await_settled(cluster)
    node = cluster.leader()
    with node.client() as client:
        for number in range(5):
            revision = client.put(b"/registry/a", b"%d" % number)
    ways = gateway, grpc, _etcdctl = [connect(library, node, way) for way in WAYS]
    for way in ways[1:]:
        assert way.status() == gateway.status()
        assert way.members() == gateway.members()
        assert way.alarms() == gateway.alarms() == ()
        # 3.4 and 3.5.1 do not serve it over their gateway.
        assert gateway.hash_kv(revision, 10.0) in (None, way.hash_kv(revision, 10.0))
        assert way.hash_kv(revision, 10.0).hash
        assert errors_of(library, way) == errors_of(library, gateway)
        assert (way.quota_from_metrics() or 0) == gateway.quota_from_metrics()
    assert leases_of(library, grpc) == leases_of(library, gateway)
    found = []
    for way in ways:
        with node.client() as client:
            for key in ODD:
                client.put(key, b"")
        found.append(keys_of(library, way))
    assert found[0] == found[1] == found[2] == [5, sorted(ODD), sorted(ODD)[1:3], 3]
    follower = connect(library, cluster.followers()[0], "etcdctl")
    assert error_of(library, lambda: follower.move_leader(gateway.status().member_id)) == "NotLeader"


@pytest.mark.parametrize("way", WAYS[1:])
def test_work_by_another_way(make_cluster: Any, library: Any, version: str, way: str) -> None:
    (node,) = make_cluster(members=1, version=version).nodes
    endpoint = connect(library, node, way)
    with node.client() as client:
        for number in range(5):
            revision = client.put(b"/registry/a", b"%d" % number)
    endpoint.compact(revision, 30.0)
    for each in WAYS:
        compact = connect(library, node, each).compact
        assert error_of(library, lambda compact=compact: compact(revision, 30.0)) == "Compacted"
    endpoint.defragment(30.0)
    endpoint.write()


def test_a_full_member_by_another_way(make_cluster: Any, library: Any) -> None:
    cluster = full_cluster(make_cluster)
    gateway, *others = (connect(library, cluster.nodes[0], way) for way in WAYS)
    for way in others:
        assert error_of(library, way.write) == error_of(library, gateway.write) == "NoSpace"
        # Each member has an alarm of its own, and raises it when it refuses a write.
        assert {each.kind for each in way.status().alarms} == {"NOSPACE"}
        (alarm, *_others) = way.alarms()
        way.disarm(alarm)
        assert alarm not in gateway.alarms()


def test_etcdctl_disarms_no_other_kind(make_cluster: Any, library: Any) -> None:
    (node,) = make_cluster(members=1).nodes
    etcdctl = connect(library, node, "etcdctl")
    own = etcdctl.status().member_id
    with node.client() as client:
        for kind in ("NOSPACE", "CORRUPT"):
            client.call("/v3/maintenance/alarm", {"action": "ACTIVATE", "memberID": str(own), "alarm": kind})
    alarms = etcdctl.alarms()
    assert {each.kind for each in alarms} == {"NOSPACE", "CORRUPT"}
    with pytest.raises(library.errors.NotOffered, match="CORRUPT is armed as well"):
        etcdctl.disarm(library.api.Alarm(own, "NOSPACE"))
    assert etcdctl.alarms() == alarms


@pytest.mark.parametrize("way", ["auto", "grpc", "etcdctl"])
def test_without_a_gateway(make_cluster: Any, library: Any, way: str) -> None:
    cluster = make_cluster(members=1, flags={"enable-grpc-gateway": "false"}, start=False)
    (node,) = cluster.nodes
    node.start(wait=False)  # the lab itself asks the gateway
    gateway = connect(library, node, "gateway")
    await_true(lambda: error_of(library, gateway.status) == "GatewayDisabled", "the member answers")
    endpoint = connect(library, node, way)
    assert endpoint.status().member_id == endpoint.members()[0].member_id
    assert endpoint.hash_kv(endpoint.revision(), 10.0).hash
    assert endpoint.quota_from_metrics()
    node.stop()
    assert error_of(library, connect(library, node, way, timeout=2.0).status) == "Unreachable"


@pytest.mark.parametrize("version", ["3.5.35", "3.6.16", "3.7.3"])
def test_a_port_without_http(make_cluster: Any, library: Any, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (node,) = make_cluster(members=1, version=version, start=False).nodes
    move_http(node)
    node.start(wait=False)
    gateway = connect(library, node, "gateway")
    await_true(lambda: error_of(library, gateway.status) in ("HungUp", "GatewayDisabled"), "the member answers")
    assert connect(library, node, "auto").status().version == version
    monkeypatch.setitem(sys.modules, "etcd3", None)
    endpoint = connect(library, node, "auto")
    assert endpoint.members()[0].name == node.name
    endpoint.write()


@pytest.mark.parametrize("way", ["grpc", "etcdctl"])
def test_a_client_certificate_of_another_authority(make_cluster: Any, library: Any, way: str, version: str) -> None:
    one, other = make_cluster(members=1, version=version), make_cluster(members=1)
    (node,), (stranger,) = one.nodes, other.nodes
    tls = library.transport.TlsFiles(str(node.ca), str(stranger.client_pair.certificate), str(stranger.client_pair.key))
    etcdctl = library.etcdctl.Etcdctl(library.etcd_manifest.read_manifest(str(node.manifest)), tls)
    transport = library.connection.connect(node.client_url, tls, way=way, timeout=3.0, etcdctl=etcdctl)
    # What a server says before it hangs up is sometimes lost.
    assert error_of(library, library.api.Endpoint(transport).status) in ("TlsRejected", "HungUp", "Unreachable")
