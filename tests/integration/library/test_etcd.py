# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The library below the modules, on real members: what a module cannot be asked for one by one."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from integration.support.clusters import await_settled, await_true
from integration.support.settings import JOIN_AT_ONCE, MIB, OVER_GATEWAY, QUOTA, WAY
from integration.support.witness import Witness
from lab import programs
from lab.client import Alarm as LabAlarm
from lab.client import Put
from lab.loopback.bulk import Writer as BulkWriter
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill
from lab.loopback.member import MemberProcess

pytestmark = pytest.mark.usefixtures("collections")


@pytest.fixture
def library(collections: Path) -> Any:
    """The parts of the library; imported late, since the collection may have to be made importable first."""
    names = {
        "_core": "failures",
        "_etcd": "api bolt checks compaction connection defragmentation errors view wal write_check",
        "_node": "container etcd_manifest etcdctl process",
        "_snapshot": "format",
    }
    root = "ansible_collections.controlplane.etcd.plugins.module_utils"
    return SimpleNamespace(
        **{
            name: importlib.import_module(f"{root}.{package}.{name}")
            for package, modules in names.items()
            for name in modules.split()
        }
    )


def _transport(library: Any, node: MemberProcess, url: str = "", timeout: float = 10.0) -> Any:
    """Our way to a member, with what its manifest says."""
    manifest = library.etcd_manifest.read_manifest(str(node.manifest))
    tls = manifest.tls_files()
    etcdctl = library.etcdctl.Etcdctl(manifest, tls)
    return library.connection.connect(url or manifest.endpoint, tls, way=WAY, timeout=timeout, etcdctl=etcdctl)


def _connect(library: Any, node: MemberProcess, url: str = "", timeout: float = 10.0) -> Any:
    """Our endpoint of a member."""
    return library.api.Endpoint(_transport(library, node, url, timeout))


class Tampered:
    """A transport to a real member of which some answers are others."""

    def __init__(
        self,
        transport: Any,
        *,
        answers: dict[str, Any] | None = None,
        missing: str = "",
        calls: list[tuple[str, str]] | None = None,
    ) -> None:
        self.endpoint = transport.endpoint
        self._transport, self._answers, self._missing = transport, answers or {}, missing
        self._calls = [] if calls is None else calls

    def call(self, path: str, body: Any, timeout: float | None = None) -> Any:
        self._calls.append((self.endpoint, path))
        return self._answers.get(path) or self._transport.call(path, body, timeout)

    def stream(self, path: str, body: Any, timeout: float | None = None) -> Iterator[Any]:
        return iter(self._transport.stream(path, body, timeout))

    def text(self, path: str, timeout: float | None = None) -> str:
        return "" if path == self._missing else str(self._transport.text(path, timeout))


def test_every_call_says_what_the_lab_s_own_client_says(shared_cluster: Any, library: Any, version: str) -> None:
    cluster: Cluster = shared_cluster(version=version)
    (node, *_others) = cluster.followers()
    endpoint = _connect(library, node)
    with node.client() as client, Witness(node) as witness:
        for number in range(3):
            client.put(b"/library/a", str(number).encode())
        truth = witness.status()
        assert endpoint.revision() == truth.revision
        assert endpoint.alarms() == ()
        assert {member.member_id: member.name for member in endpoint.members()} == {
            member_id: name for member_id, (name, *_urls) in witness.members().items()
        }
        found = endpoint.hash_kv(truth.revision, 10.0)
        if version.startswith("3.4."):  # not over the gateway
            assert (found is None) is OVER_GATEWAY
        else:
            assert found.hash == client.hash_kv(truth.revision)
        endpoint.check_revision(truth.revision)
        with pytest.raises(library.errors.FutureRevision):
            endpoint.check_revision(truth.revision + 1)
        with pytest.raises(library.errors.NotLeader):
            endpoint.move_leader(truth.member_id)
        leases = client.call("/v3/lease/leases", {})
        endpoint.write()
        assert client.call("/v3/lease/leases", {}).get("leases") == leases.get("leases")
        assert client.status().revision == truth.revision


def test_every_refusal_has_its_own_type(make_cluster: Any, library: Any, version: str) -> None:
    cluster = make_cluster(members=1, version=version, flags=JOIN_AT_ONCE)
    learner = cluster.add_member(learner=True)
    (voter,) = (node for node in cluster.nodes if node is not learner)
    endpoint = _connect(library, voter)
    with voter.client() as client:
        revision = [client.put(b"a", b"1") for _round in range(5)][-1]
        endpoint.compact(revision, 10.0)
        with pytest.raises(library.errors.Compacted):
            endpoint.compact(revision, 10.0)
        with pytest.raises(library.errors.Compacted):
            endpoint.check_revision(revision - 1)
        with pytest.raises(library.errors.FutureRevision):
            endpoint.compact(revision + 1, 10.0)
        with pytest.raises(library.errors.NotLeader):
            endpoint.move_leader(12345)
        on_learner = _connect(library, learner)
        assert on_learner.status().learner is True
        for refused in (on_learner.alarms, on_learner.members, lambda: on_learner.defragment(10.0)):
            with pytest.raises(library.errors.LearnerRefuses):
                refused()
        own = client.status().member_id
        client.arm(LabAlarm(own, "NOSPACE"))
        with pytest.raises(library.errors.NoSpace):
            endpoint.write()
        assert [(alarm.member_id, alarm.kind) for alarm in endpoint.alarms()] == [(own, "NOSPACE")]
        assert [(alarm.member_id, alarm.kind) for alarm in endpoint.status().alarms] == [(own, "NOSPACE")]
        endpoint.disarm(endpoint.alarms()[0])
        assert endpoint.alarms() == ()
        client.arm(LabAlarm(own, "CORRUPT"))
        with pytest.raises(library.errors.CorruptAlarm):
            endpoint.compact(revision, 10.0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"quota_bytes": QUOTA}, (QUOTA, "manifest")),
        ({"quota_bytes": None, "env": {"ETCD_QUOTA_BACKEND_BYTES": str(QUOTA)}}, (QUOTA, "manifest")),
        ({"quota_bytes": None}, (2048 * MIB, "default")),
    ],
    ids=["flag", "environment", "nothing"],
)
def test_where_no_api_tells_the_quota_the_manifest_does(
    make_cluster: Any, library: Any, options: dict[str, Any], expected: tuple[int, str]
) -> None:
    (node,) = make_cluster(members=1, version="3.5.35", **options).nodes
    manifest = library.etcd_manifest.read_manifest(str(node.manifest))
    endpoint = library.api.Endpoint(Tampered(_transport(library, node), missing="/metrics"))
    view = library.view.inspect_cluster(endpoint, lambda url: endpoint, manifest_quota_bytes=manifest.quota_bytes)
    assert (view.members[0].quota.bytes, view.members[0].quota.source) == expected


def test_a_voter_that_freezes_during_the_compaction_is_pending(make_cluster: Any, library: Any, module: Any) -> None:
    cluster = make_cluster(quota_bytes=None)
    fill(cluster, until="bytes", size_bytes=24 * MIB, live_fraction=0.2)
    await_settled(cluster)
    frozen, other = cluster.followers()
    endpoint = _connect(library, other)

    def connect(url: str) -> Any:
        return _connect(library, other, url)

    # It answers when the voters are counted, and freezes before it is asked to compact.
    view = library.view.inspect_cluster(endpoint, connect)
    frozen.freeze()
    done = library.compaction.compact(view, connect, endpoint.revision(), timeout=2.0)
    assert done.changed is True
    assert done.revision == view.revision
    assert dict(done.pending) == {frozen.name: "no answer within 2 s; it is still working on it"}
    frozen.thaw()
    result = module("etcd_defrag", frozen)
    assert not result["failed"], result["msg"]
    with Witness(frozen) as witness:
        assert witness.status().db_size == result["after_bytes"] < result["before_bytes"] / 2


def test_nothing_is_defragmented_while_a_member_lags(make_cluster: Any, library: Any) -> None:
    """The member's own earlier status stands for one that has not caught up: real ones are too fast to be caught."""
    cluster = make_cluster()
    leader, (slow, other) = cluster.leader(), cluster.followers()
    transport = _transport(library, slow)
    earlier = transport.call("/v3/maintenance/status", {})
    with BulkWriter(leader, timeout=30.0) as writer:
        for number in range(library.checks.BEHIND_ENTRIES + 100):
            writer.txn([Put(b"a", str(number).encode())])
    await_settled(cluster)
    endpoint = _connect(library, other)

    def connect(url: str) -> Any:
        if url == slow.client_url:
            return library.api.Endpoint(Tampered(transport, answers={"/v3/maintenance/status": earlier}))
        return _connect(library, other, url)

    with pytest.raises(library.failures.Refused, match=f"^{slow.name} has not applied what the other members have"):
        library.defragmentation.defragment(
            lambda: library.view.inspect_cluster(endpoint, connect),
            endpoint,
            rule=library.defragmentation.Rule(),
            room=lambda: None,
            allow_unsafe=False,
            timeout=5.0,
        )


class Defragmenting(Tampered):
    """A transport to a member that is being defragmented when it is first asked ``times`` times, and then is not."""

    def __init__(self, transport: Any, errors: Any, times: int) -> None:
        super().__init__(transport)
        self._errors, self.left = errors, times

    def call(self, path: str, body: Any, timeout: float | None = None) -> Any:
        if self.left > 0 and path == "/v3/maintenance/status":
            self.left -= 1
            raise self._errors.TimedOut("no answer within 10 s", endpoint=self.endpoint)
        return super().call(path, body, timeout)

    def text(self, path: str, timeout: float | None = None) -> str:
        return "etcd_disk_defrag_inflight 1\n"


def test_two_members_are_never_defragmented_at_once(make_cluster: Any, library: Any) -> None:
    cluster = make_cluster()
    busy, other = cluster.followers()
    endpoint = _connect(library, other)
    real = _transport(library, busy)

    def defragment(transport: Defragmenting, timeout: float) -> Any:
        def connect(url: str) -> Any:
            return library.api.Endpoint(transport) if url == busy.client_url else _connect(library, other, url)

        return library.defragmentation.defragment(
            lambda: library.view.inspect_cluster(endpoint, connect),
            endpoint,
            rule=library.defragmentation.Rule(),
            room=lambda: None,
            allow_unsafe=False,
            timeout=timeout,
        )

    with pytest.raises(library.failures.Refused, match=f"^{busy.name} is being defragmented by somebody else"):
        defragment(Defragmenting(real, library.errors, 1000), 0.5)
    assert "finished defragmenting directory" not in other.log.read_text("utf-8")
    soon = Defragmenting(real, library.errors, 3)
    assert defragment(soon, 30.0).changed is True
    assert soon.left == 0


@pytest.mark.skipif(WAY == "etcdctl", reason="etcdctl grants no lease of a chosen id")
def test_of_all_who_want_a_lease_one_gets_it(make_cluster: Any, library: Any, version: str) -> None:
    """Asked through all members at once. It leaves no revision, and its id can be taken again."""
    cluster = make_cluster(version=version)
    endpoints = [_connect(library, node) for node in cluster.nodes]
    revision, lease = endpoints[0].revision(), 0x7465737465646964

    def take(endpoint: Any) -> bool:
        try:
            return bool(endpoint.grant_lease(600, lease) == lease)
        except library.errors.LeaseExists:
            return False

    with ThreadPoolExecutor() as pool:
        for _again in range(3):
            assert sum(pool.map(take, endpoints * 4)) == 1
            assert all(endpoint.renew_lease(lease) for endpoint in endpoints)
            endpoints[1].revoke_lease(lease)
            assert not endpoints[2].renew_lease(lease)
    assert endpoints[0].revision() == revision


def test_a_write_check_notices_followers_that_differ(make_cluster: Any, library: Any) -> None:
    cluster = make_cluster()
    with cluster.leader().client() as client:
        client.put(b"a", b"1")
    await_settled(cluster)
    one, other = cluster.followers()
    endpoint = _connect(library, one)
    path = "/v3/maintenance/hashkv"
    right = _connect(library, other).hash_kv(0, 10.0)
    wrong = {"hash": right.hash ^ 1, "compact_revision": str(right.compact_revision)}
    asked = []

    def connect(url: str) -> Any:
        return library.api.Endpoint(
            Tampered(
                _transport(library, other, url), answers={path: wrong} if url == other.client_url else {}, calls=asked
            )
        )

    check = library.write_check.check_writes(
        lambda: library.view.inspect_cluster(endpoint, connect), connect, settle_seconds=0.1
    )
    assert check.compared.agree is False
    assert "the members hold different data at one revision" in check.problems[0]
    assert sorted(url for url, called in asked if called == path) == sorted([one.client_url, other.client_url])


def test_the_files_of_a_member_are_found(make_cluster: Any, library: Any, version: str) -> None:
    cluster = make_cluster(members=2, version=version)
    for node in cluster.nodes:
        manifest = library.etcd_manifest.read_manifest(str(node.manifest))
        assert library.process.find(manifest) == node.pid
        assert Path(library.container.path_beside(node.pid, "etcdctl")).is_file()
        assert Path(manifest.database).is_file()
        assert manifest.quota_bytes == QUOTA
        assert (manifest.name, manifest.endpoint) == (node.name, node.client_url)
        with node.client() as client:
            status = client.status()
        assert library.wal.read_ids(manifest.wal_dir) == (status.cluster_id, status.member_id)


@pytest.mark.parametrize("state", ["never written", "put", "deleted", "deleted and compacted", "emptied and compacted"])
def test_the_revision_of_a_file_is_read_as_etcd_reads_it(
    make_cluster: Any, library: Any, tmp_path: Path, version: str, state: str
) -> None:
    (node,) = make_cluster(members=1, version=version).nodes
    with node.client() as client:
        if state != "never written":
            for number in range(5):
                client.put(b"/key/%d" % number, b"1")
        if "deleted" in state:
            client.delete(b"/key/1")
        if "emptied" in state:
            client.delete(b"")
        if "compacted" in state:
            client.compact(client.status().revision)
        revision = client.status().revision
    node.stop()
    manifest = library.etcd_manifest.read_manifest(str(node.manifest))
    with open(manifest.database, "rb") as file:
        found = library.bolt.revision_of(file.read())
    assert found == revision
    # The hash at the end is what a snapshot has, and etcd's own tool wants for its count.
    tool = programs.etcd(version) / ("etcdctl" if version.startswith("3.4.") else "etcdutl")
    command = [str(tool), "snapshot", "status", manifest.database, "--write-out=json"]
    done = subprocess.run(command, env={"ETCDCTL_API": "3"}, capture_output=True, text=True, check=True)
    # It counts the keys only: after a compaction that took the last one away, it knows less.
    assert json.loads(done.stdout)["revision"] <= found


def test_a_cut_off_file_is_no_snapshot(make_cluster: Any, library: Any, module: Any, tmp_path: Path) -> None:
    cluster = make_cluster(members=1)
    with cluster.leader().client() as client:
        client.put(b"a", b"1" * 100_000)
    path = module("etcd_snapshot", cluster.nodes[0], directory=str(tmp_path))["path"]
    whole = library.format.verify(path)
    assert whole.size_bytes == os.path.getsize(path)
    content = Path(path).read_bytes()
    for damaged in (content[:-32], content[:-512], content[:4096], b"", content[:-1] + bytes([content[-1] ^ 1])):
        Path(path).write_bytes(damaged)
        with pytest.raises(library.failures.Failure):
            library.format.verify(path)


def test_a_member_that_was_removed_is_not_waited_for(make_cluster: Any, library: Any) -> None:
    cluster = make_cluster(flags=JOIN_AT_ONCE)
    leader, (gone, other) = cluster.leader(), cluster.followers()
    endpoint = _connect(library, other)
    with leader.client() as client:
        client.remove_member(next(member.id for member in client.members() if member.name == gone.name))
    await_true(lambda: not gone.running, "the removed member exits")
    view = library.view.inspect_cluster(endpoint, lambda url: _connect(library, other, url))
    assert {member.name for member in view.members} == {leader.name, other.name}
    assert view.has_quorum
    assert len(view.answering_voters) == 2
