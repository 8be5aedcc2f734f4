# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_delete: while writes are refused, and after it was killed."""

from __future__ import annotations

from typing import Any

import pytest

from integration.support.clusters import await_true, marks
from lab.client import Client
from lab.errors import EtcdError
from lab.loopback.cluster import Cluster

EVENTS, REPORTS = "/registry/events/", "/registry/wgpolicyk8s.io/policyreports/"


def _keys(client: Client) -> list[bytes]:
    return [each.key for each in client.scan()]


def _below(cluster: Cluster, directory: str) -> int:
    with cluster.leader().client() as client:
        return client.count(directory.encode())


def test_deletes_while_writes_are_refused(make_cluster: Any, module: Any, version: str) -> None:
    cluster = make_cluster(members=1, version=version, full=True, live_fraction=0.5)
    (node,) = cluster.nodes
    with node.client() as client:
        before = _keys(client)
        with pytest.raises(EtcdError, match="space exceeded"):
            client.put(b"/registry/probe", b"1")
    events, reports = (sum(key.startswith(name.encode()) for key in before) for name in (EVENTS, REPORTS))
    assert min(events, reports) > 100
    shop = [key for key in before if key.startswith(f"{EVENTS}shop/".encode())]

    seen = marks(cluster)
    for wrong, code in (("/registry/pods/", "not_safe_to_delete"), ("/registry/", "not_a_directory_of_keys")):
        for check in (True, False):
            refused = module("etcd_delete", node, keys_below=[EVENTS, wrong], check=check)
            assert refused["failed"]
            assert refused["code"] == code
            assert "Nothing was deleted." in refused["msg"]
    would = module("etcd_delete", node, keys_below=[REPORTS, f"{EVENTS}shop/"], check=True)
    assert would["deleted"] == [
        {"directory": f"{EVENTS}shop/", "key_count": len(shop)},
        {"directory": REPORTS, "key_count": reports},
    ]
    assert (would["changed"], would["key_count"]) == (True, len(shop) + reports)
    assert marks(cluster) == seen

    done = module("etcd_delete", node, keys_below=[REPORTS, f"{EVENTS}shop/"], batch_keys=100)
    assert (done["changed"], done["deleted"]) == (True, would["deleted"]), done
    gone = (*shop, *(key for key in before if key.startswith(REPORTS.encode())))
    with node.client() as client:
        assert _keys(client) == [key for key in before if key not in set(gone)]
    for check in (True, False):
        again = module("etcd_delete", node, keys_below=[REPORTS, f"{EVENTS}shop/"], check=check)
        assert (again["changed"], again["key_count"]) == (False, 0)


def test_killed_between_batches(make_cluster: Any, module: Any, start_module: Any) -> None:
    cluster = make_cluster(full=True, live_fraction=0.5)
    follower = cluster.followers()[0]
    before = _below(cluster, REPORTS)
    first = start_module("etcd_delete", follower, keys_below=[REPORTS], batch_keys=1)
    await_true(lambda: _below(cluster, REPORTS) < before, "the first keys are gone")
    first.kill()
    left = _below(cluster, REPORTS)
    assert 0 < left < before
    # A time that is over at once is said, with what is left.
    late = module("etcd_delete", follower, keys_below=[REPORTS], work_timeout=0.0)
    assert late["failed"]
    assert late["code"] == "deletion_unfinished"
    assert f"when 0 keys below {REPORTS} were deleted; {left} are left." in late["msg"]

    done = module("etcd_delete", follower, keys_below=[REPORTS])
    assert (done["changed"], done["key_count"]) == (True, left), done
    assert _below(cluster, REPORTS) == 0
    assert _below(cluster, EVENTS) > 0
    for node in cluster.nodes:
        with node.client() as client:
            assert not any(key.startswith(REPORTS.encode()) for key in _keys(client))
