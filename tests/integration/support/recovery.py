# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state that tests of the recovery compare: clusters before and after, and what the members themselves logged."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from integration.support.clusters import await_true
from integration.support.settings import MIB
from lab.errors import EtcdError
from lab.inventory import GROUP
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill
from lab.loopback.inventory import write_inventory
from lab.loopback.member import MemberProcess

QUOTA = 16 * MIB
# Quick, and enough to see that both rounds of writes take place.
QUICK = {"recover_settle_seconds": 1}
# Seconds of the shortest and the longest lease of a fill.
FOREVER = (36000, 36000)
# What a host needs that is not of the lab.
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
# A host that no task reaches, without SSH: nobody can make this directory.
UNREACHABLE = {**LOCAL, "ansible_pipelining": False, "ansible_remote_tmp": "/dev/null/modules"}

_WORK = {
    "finished scheduled compaction": "compacted",
    "starting defragment": "defragment",
    "finished defragment": "defragmented",
}


def full_cluster(make_cluster: Callable[..., Cluster], **options: Any) -> Cluster:
    """A cluster that refuses writes, and in which no lease expires, however long a test takes."""
    cluster = make_cluster(**{"quota_bytes": QUOTA, **options})
    fill(cluster, event_ttl=FOREVER)
    return cluster


@dataclass(frozen=True)
class Work:
    """One thing that a member did, by its own log; ``at`` is etcd's own time stamp, which sorts."""

    at: str
    node: str
    what: str


def work(*nodes: MemberProcess) -> list[Work]:
    """What the members logged of compactions and defragmentations, over all their starts (not on 3.4)."""
    found = []
    for node in (node for node in nodes if node.log.exists()):
        for line in node.log.read_text("utf-8", "replace").splitlines():
            entry = json.loads(line) if line.startswith("{") and any(text in line for text in _WORK) else {}
            if entry.get("msg") in _WORK:
                found.append(Work(entry["ts"], node.name, _WORK[entry["msg"]]))
    return sorted(found, key=lambda each: each.at)


def defragmented(cluster: Cluster) -> list[str]:
    """The names of the members in the order of their defragmentations, which must not have overlapped."""
    steps = [each for each in work(*cluster.nodes) if each.what != "compacted"]
    assert [each.what for each in steps] == ["defragment", "defragmented"] * (len(steps) // 2)
    begun, done = steps[::2], steps[1::2]
    assert [each.node for each in begun] == [each.node for each in done]
    return [each.node for each in begun]


def inventory(
    path: Path,
    *clusters: Cluster,
    without: Sequence[str] = (),
    more: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """An inventory of all nodes but ``without``; ``more`` adds variables to hosts, or hosts that are no nodes."""
    write_inventory(path, *clusters)
    content = yaml.safe_load(path.read_text("utf-8"))
    hosts = content[GROUP]["hosts"]
    for name in without:
        del hosts[name]
    for name, variables in (more or {}).items():
        hosts.setdefault(name, {}).update(variables)
    path.write_text(yaml.safe_dump(content), "utf-8")
    return path


def lost_once_there_is(pattern: Path, tmp: Path) -> dict[str, Any]:
    """Variables of a host that no task reaches any more once a file matches, however fast the run is."""
    gone = UNREACHABLE["ansible_remote_tmp"]
    directory = f"{{{{ '{gone}' if query('ansible.builtin.fileglob', '{pattern}') else '{tmp}' }}}}"
    return {**UNREACHABLE, "ansible_remote_tmp": directory}


def expire_one_by_one(cluster: Cluster, seconds: range) -> None:
    """Keys whose leases expire one after the other, granted before the cluster is full: no lease can be had then."""
    with cluster.leader().client() as client:
        for ttl in seconds:
            client.put(b"/registry/events/expiring/%d" % ttl, b"x" * 1000, lease=client.grant_lease(ttl))


def refusal(node: MemberProcess) -> str:
    """etcd's words for a refused write through this member, nothing if it is accepted."""
    with node.client() as client:
        try:
            client.put(b"/registry/probe", b"1")
        except EtcdError as error:
            return error.message
    return ""


def assert_full(*clusters: Cluster) -> None:
    """Writes are refused for lack of space through every member that runs."""
    for node in (node for cluster in clusters for node in cluster.nodes if node.running):
        assert refusal(node) == "etcdserver: mvcc: database space exceeded"


def assert_recovered(*clusters: Cluster) -> None:
    """Writes are accepted through every member that runs, all is small, nothing is armed, and nobody holds a lock."""
    for cluster in clusters:
        for node in (node for node in cluster.nodes if node.running):
            with node.client() as client:
                assert refusal(node) == ""
                assert client.status().db_size < 0.95 * client.quota()
        with cluster.leader().client() as client:
            assert client.alarms() == ()
        assert locks(cluster) == []


def state(*clusters: Cluster) -> dict[str, Any]:
    """All that must be as it was if nothing was to be changed: files, sizes, revisions, alarms, work.

    Not the leaders: on a busy machine members elect another one by themselves.
    """
    seen: list[dict[str, Any]] = []

    def still() -> bool:
        seen.append(_state(clusters))
        # etcd counts again with every commit, ten times a second.
        time.sleep(0.3)
        return seen[-1] == _state(clusters)

    await_true(still, "the clusters stand still")
    return seen[-1]


def _state(clusters: Sequence[Cluster]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in (node for cluster in clusters for node in cluster.nodes):
        found[node.name] = {"files": _files(node), "work": work(node)}
        if node.running and not node.frozen:
            with node.client() as client:
                status = client.status()
            # The errors repeat the alarms, also without a leader.
            found[node.name] |= {
                "bytes": status.db_size,
                "revision": status.revision,
                "errors": sorted(status.errors),
            }
    return found


def _files(node: MemberProcess) -> dict[str, float]:
    """Everything in the node's directory but what etcd itself writes, with its time."""
    own = (node.data_dir, node.log.parent)
    paths = (path for path in node.directory.rglob("*") if not any(path.is_relative_to(each) for each in own))
    return {str(path): path.stat().st_mtime for path in paths if path.is_file()}


def lock_path(node: MemberProcess) -> Path:
    return node.directory / "run/etcd-maintenance.lock"


def locks(*clusters: Cluster) -> list[str]:
    """Names of the nodes whose lock is held."""
    return [node.name for cluster in clusters for node in cluster.nodes if lock_path(node).exists()]


def hold_lock(node: MemberProcess, *, owner: str, seconds: float) -> None:
    """Write the lock of a run of another controller."""
    body = {"run": "elsewhere:1:1", "owner": owner, "until": time.time() + seconds}
    lock_path(node).write_text(json.dumps(body), "utf-8")


def snapshots(cluster: Cluster) -> list[Path]:
    """All snapshot files of the cluster."""
    return sorted(path for node in cluster.nodes for path in (node.directory / "var/backups").glob("*/*.db"))


def sections(page: Path) -> dict[str, str]:
    """What a page of HTML says of each cluster, without its markup."""
    text = page.read_text("utf-8")
    assert "<script" not in text
    shown = text.partition("<main")[2].partition("</main>")[0]
    parts = re.split(r'<section class="cluster"[^>]*>', shown)[1:]
    plain = [" ".join(re.sub(r"<[^>]+>", " ", part).split()) for part in parts]
    return {part.split()[0]: part for part in plain}
