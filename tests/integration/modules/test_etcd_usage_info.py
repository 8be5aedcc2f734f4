# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_usage_info: the numbers in a member's file are those that another client adds up, and etcd's own tool, before
and after a compaction, with etcd up and down, and while it writes."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.bolt_tree import Tree
from integration.support.clusters import await_true
from integration.support.witness import Kept, Witness
from lab import programs
from lab.command import run
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess

SECRET = b"k8s:enc:aescbc:v1:key1:" + bytes(range(200))


def _write(cluster: Cluster) -> int:
    """Write, overwrite and delete; return a revision in the middle, which is that of a put."""
    with cluster.leader().client() as client:
        lease = client.grant_lease(3600)
        for count in range(12):
            client.put(b"/registry/pods/shop/web-%d" % (count % 4), b"x" * 300 * count)
            client.put(b"/registry/leases/kube-node-lease/cp1", b"%d" % count)
        client.put(b"/registry/secrets/shop/password", SECRET)
        client.put(b"/registry/events/shop/web.1", b"y" * 500, lease=lease)
        client.delete(b"/registry/pods/shop/web-1")
        middle = client.put(b"/registry/kyverno.io/policyreports/shop/report", b"z" * 20000)
        client.delete(b"/registry/pods/shop/web-2")
        client.put(b"/registry/pods/shop/web-1", b"again")
        client.put(b"/registry/masterleases/192.0.2.1", b"m")
        client.put(b"/elsewhere/a/b/c", b"")
    return middle


def _sums(kept: Sequence[Kept]) -> dict[str, int]:
    """What the module should say in `total` of these revisions."""
    newest = {each.key: each for each in kept}
    live = [each for each in newest.values() if not each.deletion]
    live_bytes = sum(each.size for each in live)
    return {
        "live_keys": len(live),
        "live_bytes": live_bytes,
        "history_revisions": len(kept) - len(live),
        "history_bytes": sum(each.size for each in kept) - live_bytes,
        "tombstones": sum(each.deletion for each in kept),
    }


def _expected(witness: Witness, compacted: int) -> dict[str, Any]:
    kept = witness.kept(compacted)
    pods = [each for each in kept if each.key.startswith(b"/registry/pods/")]
    # Keys of the lab's own making are in `total` as well, so nothing is assumed of what was there before.
    return {
        "revision": witness.status().revision,
        "total": {**_sums(kept), "leased_keys": 1, "encrypted_keys": 1, "managed_fields_bytes": None},
        "pods": _sums(pods),
        "hottest": {key.decode(): count for key, count in Counter(each.key for each in kept).items() if count > 1},
    }


def _found(result: dict[str, Any]) -> dict[str, Any]:
    assert not result["failed"], result["msg"]
    (pods,) = [each for each in result["resources"] if each["resource"] == "pods"]
    assert sum(result["file"][key] for key in result["file"] if key != "size_bytes") == result["file"]["size_bytes"]
    return {
        "revision": result["revision"],
        "total": result["total"],
        "pods": {key: pods[key] for key in _sums([])},
        "hottest": {each["key"]: each["revisions"] for each in result["hottest"]},
    }


def _revisions(total: dict[str, int]) -> int:
    return total["live_keys"] + total["history_revisions"]


def _snapshot(node: MemberProcess, path: Path) -> dict[str, int]:
    """Take a snapshot by etcdctl; return what etcd's own tool says of it."""
    run(*node.etcdctl("snapshot", "save", str(path)), env={"ETCDCTL_API": "3"})
    name = "etcdctl" if node.version.startswith("3.4.") else "etcdutl"
    command = [programs.etcd(node.version) / name, "snapshot", "status", path, "--write-out=json"]
    found: dict[str, int] = json.loads(run(*command, env={"ETCDCTL_API": "3"}))
    return found


def _as_etcd_counts(result: dict[str, Any], version: str) -> dict[str, int]:
    """What etcd's own tool should say: up to 3.5 it counts what all buckets hold, from 3.6 on the keys that exist."""
    data = Path(result["path"]).read_bytes()
    total = result["total"]
    keys = total["live_keys"]
    if version.startswith(("3.4.", "3.5.")):
        tree = Tree(data)
        others = sum(tree.walk(bucket) for name, bucket in tree.buckets().items() if name != b"key")
        keys += total["history_revisions"] + others
    # Behind the database a snapshot has its checksum.
    return {"totalKey": keys, "revision": result["revision"], "totalSize": result["file"]["size_bytes"] - 32}


def _while_it_writes(node: MemberProcess, look: Callable[[], dict[str, Any]]) -> list[dict[str, Any]]:
    """Look several times at a file that changes all the time: each transaction puts one key."""
    over = threading.Event()

    def write() -> None:
        with node.client() as client:
            count = 0
            while not over.is_set():
                count += 1
                client.put(b"/registry/events/shop/%d" % (count % 700), b"x" * (count % 3000))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        return [look() for _round in range(6)]
    finally:
        over.set()
        writer.join()


def test_as_another_client_counts(make_cluster: Any, module: Any, version: str, tmp_path: Path) -> None:
    cluster = make_cluster(members=1, version=version)
    (node,) = cluster.nodes
    middle = _write(cluster)

    def agrees(expected: dict[str, Any]) -> bool:
        result = module("etcd_usage_info", node, top=100)
        return bool(result["consistent"] and _found(result) == expected)

    def agrees_with_etcd(name: str) -> dict[str, Any]:
        said = _snapshot(node, tmp_path / name)
        result: dict[str, Any] = module("etcd_usage_info", node, path=str(tmp_path / name), top=100)
        assert result["consistent"]
        assert _as_etcd_counts(result, version).items() <= said.items()
        return result

    with Witness(node) as witness:
        # Not at once: etcd commits ten times a second.
        before = _expected(witness, 1)
        await_true(lambda: agrees(before), "the numbers of the whole history")
        whole = agrees_with_etcd("whole.db")
        assert _found(whole) == before
        with node.client() as client:
            client.compact(middle)
        after = _expected(witness, middle)
        assert after["total"]["history_revisions"] < before["total"]["history_revisions"]
        await_true(lambda: agrees(after), "the numbers after a compaction")
        assert _found(agrees_with_etcd("compacted.db")) == after
        since = module("etcd_usage_info", node, since=str(tmp_path / "whole.db"))["growth"]
        assert (since["revisions_per_hour"], since["seconds"] > 0) == (0, True)
        fewer = sum(each["revisions_per_hour"] for each in since["resources"])
        history = [expected["total"]["history_revisions"] for expected in (after, before)]
        assert fewer * since["seconds"] / 3600 == pytest.approx(history[0] - history[1], abs=1)
    node.stop()
    for check in (True, False):
        result = module("etcd_usage_info", node, top=100, check=check)
        assert (result["changed"], result["consistent"], _found(result)) == (False, True, after)
    assert {(each["group"], each["resource"], each["namespace"]) for each in result["consumers"]} >= {
        ("", "pods", "shop"),
        ("kyverno.io", "policyreports", "shop"),
        ("", "masterleases", ""),
        ("", "/elsewhere/a", ""),
    }
    assert (result["largest"][0]["key"], result["leases"]) == ("/registry/kyverno.io/policyreports/shop/report", 1)

    node.start()
    node.await_ready()
    results = _while_it_writes(node, lambda: dict(module("etcd_usage_info", node, top=100)))
    assert not all(result["failed"] for result in results)
    for result in results:
        if result["failed"]:
            assert (result["code"], "to which etcd is writing" in result["msg"]) == ("database_damaged", True)
        elif result["consistent"]:
            # Each revision since then is one key's.
            more = _revisions(result["total"]) - _revisions(after["total"])
            assert more == result["revision"] - after["revision"]

    cut_off = tmp_path / "cut.db"
    cut_off.write_bytes(Path(result["path"]).read_bytes()[: 3 * 4096])
    failed = module("etcd_usage_info", node, path=str(cut_off))
    assert (failed["failed"], failed["code"]) == (True, "database_damaged")
