# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook status: what it tells of real clusters, with etcd up and down, and that it leaves them alone."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.support.ansible_commands import Run
from integration.support.clusters import await_settled, marks
from integration.support.hanging import Hanging
from integration.support.recovery import LOCAL, UNREACHABLE, full_cluster, inventory, sections
from lab.loopback.cluster import Cluster

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]
Document = dict[str, Any]

STATUS = "controlplane.etcd.status"
PROGRESS = {"ANSIBLE_STDOUT_CALLBACK": "controlplane.etcd.progress"}
# As short as the inspection of nodes that answer allows on a busy machine; by default two minutes.
LIMIT = {"__clusters_inspect_seconds": 30}

# The record is a promise to whoever reads it.
DOCUMENT = {"schema", "taken_at", "verdict", "clusters", "without_etcd"}
CLUSTER = {
    *("name", "hosts", "cluster_id", "verdict", "version", "versions", "leader", "size_bytes", "in_use_bytes"),
    *("quota_bytes", "full_percent", "fragmentation_percent", "alarms", "headline", "members", "growth", "usage"),
    "findings",
}
MEMBER = {
    *("name", "host", "role", "version", "size_bytes", "in_use_bytes", "quota_bytes", "quota_source", "full_percent"),
    *("fragmentation_percent", "lag", "alarms", "cause", "certificate_days_left", "probes", "kubelet", "schedule"),
    *("last_maintenance_at", "last_snapshot"),
}
FINDING = {"code", "severity", "text", "hosts", "anchor"}


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Hanging]:
    found = Hanging(tmp_path)
    yield found
    found.end()


def read(path: Path) -> Document:
    """The document, all of whose keys are there, and no other."""
    found: Document = json.loads(path.read_text("utf-8"))
    assert set(found) == DOCUMENT
    for cluster in found["clusters"]:
        assert set(cluster) == CLUSTER
        assert all(set(member) == MEMBER for member in cluster["members"])
        assert all(set(finding) == FINDING for finding in cluster["findings"])
        assert cluster["usage"] is None or set(cluster["usage"]) == {"host", "record", "advice"}
    return found


def cluster_of(document: Document, host: str) -> Document:
    (found,) = [each for each in document["clusters"] if host in each["hosts"]]
    return dict(found)


def codes(cluster: Document, severity: str) -> set[str]:
    return {each["code"] for each in cluster["findings"] if each["severity"] == severity}


def lasting(document: Document) -> list[Document]:
    """What does not change from one moment to the next."""
    moving = ("certificate_days_left", "lag", "in_use_bytes", "fragmentation_percent")
    return [
        {
            **{key: value for key, value in cluster.items() if key not in moving},
            "members": [
                {key: value for key, value in member.items() if key not in moving} for member in cluster["members"]
            ],
        }
        for cluster in document["clusters"]
    ]


def tree(*clusters: Cluster) -> dict[str, tuple[int, int, bytes]]:
    """All files of the nodes, with times and content, of etcd that does not run."""
    paths = [path for cluster in clusters for path in cluster.directory.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes()) for path in paths}


@pytest.mark.timeout(600)
def test_clusters_of_all_kinds_up_and_down(
    make_cluster: MakeCluster, playbook: Playbook, hanging: Hanging, tmp_path: Path
) -> None:
    full = full_cluster(make_cluster, prefix="full")
    part = make_cluster(prefix="part", quota_bytes=None)
    injected = tmp_path / "injected"
    # Whoever may write keys must neither run anything on the controller nor draw on its terminal.
    hostile = "/registry/\x1b[31m{{ lookup('pipe', 'touch injected') }}/shop/x"
    with part.leader().client() as client:
        client.put(hostile.encode(), b"x" * 10_000)
    dead = part.followers()[0]
    dead.kill()
    more = {
        "plain": {**LOCAL, "status_manifest": str(tmp_path / "no-such.yaml")},
        "gone": UNREACHABLE,
    }
    hosts = inventory(tmp_path / "hosts.yml", full, part, more=more)
    path, page = tmp_path / "status.json", tmp_path / "status.html"
    variables = {"status_json": str(path)}
    before = [marks(full), marks(part)]
    with full.leader().client() as client:
        truth = client.status()

    run = playbook(hosts, name=STATUS, extra_vars={**variables, "status_report": str(page)}, env=PROGRESS)

    assert run.rc == 0, run.out
    assert all(line.isprintable() for line in run.out.splitlines()), run.out
    assert not injected.exists()
    assert [each["changed"] for each in run.recap.values()] == [0] * 8
    document = read(path)
    assert (document["verdict"], document["without_etcd"]) == ("critical", ["plain"])
    assert [each["verdict"] for each in document["clusters"]] == ["critical", "critical", "warning"]
    found = cluster_of(document, "full1")
    assert found is not None
    assert (found["leader"], found["alarms"], found["version"]) == (full.leader().name, ["NOSPACE"], truth.version)
    assert found["cluster_id"] == f"{truth.cluster_id:x}"
    sizes = {member["name"]: member["size_bytes"] for member in found["members"]}
    assert sizes[full.leader().name] == truth.db_size
    assert found["full_percent"] >= 100
    assert {"nospace_alarm", "quota_nearly_full"} <= codes(found, "critical")
    follower = found["usage"]["host"]
    assert follower in {node.name for node in full.followers()}
    assert found["usage"]["record"]["resources"][0]["resource"] == "pods"
    assert all(300 < member["certificate_days_left"] < 400 for member in found["members"])
    some = cluster_of(document, dead.name)
    assert codes(some, "critical") == set()
    assert "member_silent" in codes(some, "warning")
    (down,) = [member for member in some["members"] if member["role"] == "down"]
    assert (down["name"], down["host"], down["version"]) == (dead.name, dead.name, truth.version)
    assert 0 < down["size_bytes"] < 1 << 20
    assert "{{ lookup(" in some["usage"]["record"]["consumers"][0]["resource"]
    lost = cluster_of(document, "gone")
    assert (lost["hosts"], codes(lost, "critical"), lost["members"]) == (["gone"], {"host_unreachable"}, [])
    for line in (
        "full1: CRITICAL. The NOSPACE alarm is armed",
        "\nmember  role      size ",
        "[docs/runbook.md#nospace_alarm]",
        f"\n{dead.name}   down ",
        "\\x1b[31m{{ look",
        "Without etcd, and left out: plain.",
    ):
        assert line in run.out, run.out
    drawn = sections(page)
    assert {"full1", "part1"} <= drawn.keys()
    assert not any("Before and after" in each for each in drawn.values())
    assert all("What fills it" in drawn[name] for name in ("full1", "part1"))
    assert [marks(full), marks(part)] == before

    # Check mode tells the same.
    run = playbook(hosts, "--limit=!gone", check=True, name=STATUS, extra_vars={**variables, "status_fail": "critical"})
    assert run.rc == 2, run.out
    assert "status_fail=critical: 1 of 2 clusters: full1." in run.flat
    assert run.flat.index("full1: CRITICAL.") < run.flat.index("status_fail=critical")
    assert lasting(read(path)) == [each for each in lasting(document) if "gone" not in each["hosts"]]
    # A cluster that is only warned of is not bad enough for `critical`.
    limit = f"--limit={','.join(node.name for node in part.nodes)}"
    run = playbook(hosts, limit, name=STATUS, extra_vars={"status_fail": "critical", "status_usage": False})
    assert run.rc == 0, run.out
    assert "In the database of" not in run.out
    run = playbook(hosts, name=STATUS, extra_vars={"status_fial": "warning"})
    assert run.rc == 2, run.out
    assert "status_fail is. Correct the name" in run.flat
    assert [marks(full), marks(part)] == before

    for cluster in (full, part):
        await_settled(cluster)
        for node in cluster.nodes:
            node.kill()
    hosts = inventory(
        tmp_path / "hosts.yml", full, part, more={"hung": {**LOCAL, "ansible_python_interpreter": str(hanging.program)}}
    )
    files = tree(full, part)
    run = playbook(hosts, name=STATUS, extra_vars={**variables, **LIMIT})
    assert run.rc == 0, run.out
    assert tree(full, part) == files
    document = read(path)
    assert [each["verdict"] for each in document["clusters"]] == ["critical"] * 3
    assert codes(cluster_of(document, "hung"), "critical") == {"node_hangs"}
    offline = cluster_of(document, "full1")
    assert {"no_member_answers", "quota_nearly_full"} <= codes(offline, "critical")
    assert {member["name"]: member["size_bytes"] for member in offline["members"]} == sizes
    assert offline["usage"]["record"]["resources"][0]["resource"] == "pods"
    assert (offline["leader"], offline["version"]) == ("", truth.version)
    assert "full1: CRITICAL. No member of this cluster answers" in run.flat


def test_nobody_has_etcd(playbook: Playbook, tmp_path: Path) -> None:
    hosts = inventory(tmp_path / "hosts.yml", more={"plain": {**LOCAL, "status_manifest": str(tmp_path / "no.yaml")}})
    path = tmp_path / "status.json"
    run = playbook(hosts, name=STATUS, extra_vars={"status_json": str(path)})
    assert run.rc == 2, run.out
    assert f"None of the hosts of this play has {tmp_path / 'no.yaml'}." in run.flat
    assert not os.path.exists(path)
