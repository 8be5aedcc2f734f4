# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_compact: which revision, what counts as done, and when it refuses."""

from __future__ import annotations

from typing import Any

from integration.support.clusters import marks
from lab.errors import EtcdError
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess

PUTS = 30


def _put(cluster: Cluster, number: int = PUTS) -> int:
    with cluster.leader().client() as client:
        for count in range(number):
            revision = client.put(f"/key/{count % 3}".encode(), str(count).encode())
    return revision


def _readable(node: MemberProcess, revision: int) -> bool:
    """Whether there is history at that revision."""
    with node.client() as client:
        try:
            list(client.scan(revision=revision))
        except EtcdError as error:
            if "has been compacted" not in error.message:
                raise
            return False
        return True


def test_what_is_compacted_already_is_no_change(make_cluster: Any, module: Any, version: str) -> None:
    cluster = make_cluster(members=1, version=version)
    (node,) = cluster.nodes
    newest = _put(cluster)
    with node.client() as client:
        client.compact(newest - 5)
    for revision in (newest - 5, newest - 10, 2):
        for check in (True, False):
            result = module("etcd_compact", node, revision=revision, check=check)
            assert not result["failed"], result["msg"]
            assert (result["changed"], result["revision"]) == (False, revision)
    assert _readable(node, newest - 5)
    assert not _readable(node, newest - 6)


def test_the_future_is_refused(make_cluster: Any, module: Any, version: str) -> None:
    cluster = make_cluster(members=1, version=version)
    (node,) = cluster.nodes
    newest = _put(cluster)
    before = marks(cluster)
    for check in (True, False):
        result = module("etcd_compact", node, revision=newest + 1, check=check)
        assert result["failed"]
        assert f"The revision {newest + 1} is in the future" in result["msg"]
        assert "Nothing was compacted." in result["msg"]
    assert marks(cluster) == before
    assert _readable(node, 2)


def test_some_history_can_be_kept(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster()
    newest = _put(cluster)
    result = module("etcd_compact", cluster.followers()[0], keep_revisions=10)
    assert (result["changed"], result["revision"], result["pending"]) == (True, newest - 10, {})
    for node in cluster.nodes:
        assert _readable(node, newest - 10)
        assert not _readable(node, newest - 11)
    again = module("etcd_compact", cluster.leader(), keep_revisions=10)
    assert (again["changed"], again["revision"]) == (False, newest - 10)


def test_more_may_be_kept_than_there_is(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1)
    _put(cluster)
    result = module("etcd_compact", cluster.nodes[0], keep_revisions=1000)
    assert not result["failed"]
    assert result["changed"] is False
    assert _readable(cluster.nodes[0], 2)


def test_nothing_was_ever_written(make_cluster: Any, module: Any, version: str) -> None:
    cluster = make_cluster(members=1, version=version)
    result = module("etcd_compact", cluster.nodes[0])
    assert not result["failed"]
    assert (result["changed"], result["revision"]) == (False, 0)


def test_one_revision_or_a_number_of_them(make_cluster: Any, module: Any) -> None:
    (node,) = make_cluster(members=1, start=False).nodes
    result = module("etcd_compact", node, revision=3, keep_revisions=1)
    assert result["failed"]
    assert "mutually exclusive" in result["msg"]


def test_a_member_that_is_down_is_not_waited_for(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster()
    newest = _put(cluster)
    down, other = cluster.followers()
    down.kill()
    result = module("etcd_compact", other)
    assert not result["failed"], result["msg"]
    assert (result["changed"], result["revision"], result["pending"]) == (True, newest - 1, {})
    down.start()
    # It catches up with that by itself.
    assert module("etcd_compact", down)["changed"] is False
    assert not _readable(down, newest - 2)
