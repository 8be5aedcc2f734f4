# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook ``harden`` on clusters of the lab, whose stand-in for the kubelet runs etcd as the manifest says.

What needs an API server, cron or systemd is shown by the scenarios on real nodes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from integration.support import needed
from integration.support.ansible_commands import Run
from integration.support.clusters import await_true
from integration.support.settings import MIB
from lab.client import Alarm
from lab.errors import EtcdError
from lab.loopback import kubelet
from lab.loopback.apiserver import ApiServer
from lab.loopback.cluster import Cluster
from lab.loopback.inventory import write_inventory
from lab.loopback.kubelet import Kubelet
from lab.loopback.member import MemberProcess

HARDEN = "controlplane.etcd.harden"
WANTED = {
    "harden_quota_backend_bytes": "64MiB",
    "harden_allow_downtime": True,
    "harden_method": "patch",
    "harden_record": False,
    "harden_schedule_state": "unmanaged",
}

KUBERNETES = "1.33.13"

LARGER = """\
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
etcd:
  local:
    extraArgs:
    - name: quota-backend-bytes
      value: "8589934592"
"""

Harden = Callable[..., Run]


@pytest.fixture
def clusters(make_cluster: Any) -> Iterator[list[Cluster]]:
    """A cluster of three and one of a single member; each node has its kubelet."""
    made = [make_cluster(prefix="one"), make_cluster(prefix="two", members=1)]
    with ExitStack() as stack:
        for node in (node for cluster in made for node in cluster.nodes):
            stack.enter_context(Kubelet(node))
        yield made


@pytest.fixture
def harden(clusters: list[Cluster], playbook: Any, bare_python: Path, tmp_path: Path) -> Harden:
    """``harden(check=False, limit="", **variables)`` runs the playbook on both clusters, or on the hosts of a limit."""
    hosts = write_inventory(tmp_path / "hosts.yml", *clusters)

    def run(*, check: bool = False, limit: str = "", **variables: Any) -> Run:
        options = ["--diff", *([f"--limit={limit}"] if limit else [])]
        result = str(tmp_path / "result.json")
        own = {"ansible_python_interpreter": str(bare_python), "harden_result_file": result}
        given = {**WANTED, **own, **variables}
        found: Run = playbook(hosts, *options, check=check, extra_vars=given, name=HARDEN)
        return found

    return run


# What a play may have above the role, and how it may be run. Each of it once made a half of the whole.
PLAY = """\
- hosts: all
  gather_facts: false
{above}
  {kind}:
"""
ABOVE = "  ignore_errors: true\n  ignore_unreachable: true\n  any_errors_fatal: true\n  throttle: 1"
INCLUDED = """\
    - name: Harden
      run_once: true
      ignore_errors: true
      tags: [always]
      block:
        - ansible.builtin.include_role:
            name: controlplane.etcd.harden
"""
STATIC = "    - role: controlplane.etcd.harden\n      ignore_errors: true\n      run_once: true\n"


@pytest.mark.parametrize(
    ("kind", "role", "options", "said"),
    [
        ("tasks", INCLUDED, ["--tags=none_of_these"], "etcd.local.extraArgs in {} was refused."),
        pytest.param(
            *("roles", STATIC, ["--tags=none_of_these"], "etcd.local.extraArgs in {} was refused."),
            marks=pytest.mark.long,
        ),
        ("roles", STATIC, ["--skip-tags=always"], "--skip-tags always would leave out tasks."),
        ("roles", STATIC, ["--start-at-task=Roll out"], "undefined"),
    ],
    ids=["included", "static", "all tags skipped", "begun in the middle"],
)
def test_no_keyword_makes_it_go_on(
    make_cluster: Any, playbook: Any, tmp_path: Path, kind: str, role: str, options: list[str], said: str
) -> None:
    """The preflight fails, and no member is restarted for that."""
    cluster = make_cluster(members=1)
    hosts = write_inventory(tmp_path / "hosts.yml", cluster)
    flow = tmp_path / "flow.yaml"
    flow.write_text("{apiVersion: kubeadm.k8s.io/v1beta4, kind: ClusterConfiguration}\n", "utf-8")
    play = tmp_path / "play.yml"
    play.write_text(PLAY.format(above=ABOVE, kind=kind) + role, "utf-8")
    wanted = {**WANTED, "harden_kubeadm_config": str(flow)}
    with Kubelet(cluster.nodes[0]):
        before = state(cluster)
        run = playbook(hosts, *options, extra_vars=wanted, name=str(play))
        assert run.rc != 0, run.out
        assert "".join(said.format(flow).split()) in "".join(run.out.split())
        assert state(cluster) == before
        assert not locked(cluster)


def quotas(cluster: Cluster) -> list[int]:
    """The quotas that the running members keep to, in MiB."""
    found = []
    for node in cluster.nodes:
        with node.client() as client:
            found.append(client.quota() // MIB)
    return found


def leader(cluster: Cluster) -> str:
    """The name of the member that leads."""
    for node in cluster.nodes:
        with node.client() as client:
            status = client.status()
            if status.leader == status.member_id:
                return node.name
    raise AssertionError("nobody leads")


def outcomes(directory: Path) -> dict[str, tuple[str, list[str | None]]]:
    """What the last run has written: for each cluster the outcome, and the codes of what stood against it."""
    body = json.loads((directory / "result.json").read_text("utf-8"))
    assert (body["version"], body["role"]) == (1, "harden")
    return {
        key: (each["outcome"], [reason["code"] for reason in [*each["refusals"], *each["failures"]]])
        for key, each in body["clusters"].items()
    }


def locked(*clusters: Cluster) -> list[str]:
    """The nodes with a lock."""
    nodes = [node for cluster in clusters for node in cluster.nodes]
    return [node.name for node in nodes if (node.directory / "run/etcd-maintenance.lock").exists()]


def lead_once_locked(cluster: Cluster, node: MemberProcess) -> None:
    """Have this member lead, once a run has inspected the cluster and begins its work."""
    await_true(lambda: locked(cluster), "the nodes are locked", seconds=120)
    leading = leader(cluster)
    with next(each for each in cluster.nodes if each.name == leading).client() as client:
        client.move_leader(next(member.id for member in client.members() if member.name == node.name))


def state(cluster: Cluster) -> list[tuple[bytes, int]]:
    """Of each node its manifest, and how often its member was started."""
    return [(node.manifest.read_bytes(), _starts(node)) for node in cluster.nodes]


def _starts(node: MemberProcess) -> int:
    return node.log.read_text("utf-8", "replace").count("starting an etcd server")


def test_check_run_run_again_and_what_etcd_refuses(clusters: list[Cluster], harden: Harden, tmp_path: Path) -> None:
    one, two = clusters
    before = [state(cluster) for cluster in clusters]

    planned = harden(check=True)
    assert planned.rc == 0, planned.out
    assert "+ - --quota-backend-bytes=67108864" in planned.flat
    assert [state(cluster) for cluster in clusters] == before
    assert outcomes(tmp_path) == {"one1": ("hardened", []), "two1": ("hardened", [])}

    # What could not be written down afterwards is found before any member is restarted.
    flow = tmp_path / "flow.yaml"
    flow.write_text("{apiVersion: kubeadm.k8s.io/v1beta4, kind: ClusterConfiguration}\n", "utf-8")
    larger = tmp_path / "larger.yaml"
    larger.write_text(LARGER, "utf-8")
    for said, variables in (
        (f"etcd.local.extraArgs in {flow} was refused.", {"harden_kubeadm_config": str(flow)}),
        ("has a quota of 8589934592 bytes, more than the 67108864", {"harden_kubeadm_config": str(larger)}),
        ("/nonexistent/admin.conf", {"harden_record": True, "harden_kubeconfig": "/nonexistent/admin.conf"}),
    ):
        refused = harden(limit="two1", **variables)
        assert refused.rc != 0
        assert said in refused.flat
        assert [state(cluster) for cluster in clusters] == before
        assert not locked(*clusters), refused.out
        assert [outcome for outcome, _codes in outcomes(tmp_path).values()] == ["failed"]

    leaders = [leader(cluster) for cluster in clusters]
    with ThreadPoolExecutor(1) as other:
        first = next(node for node in one.nodes if node.name != leaders[0])
        moved = other.submit(lead_once_locked, one, first)
        done = harden()
        moved.result()
    assert done.rc == 0, done.out
    assert outcomes(tmp_path) == {"one1": ("hardened", []), "two1": ("hardened", [])}
    for cluster, last in zip(clusters, leaders, strict=True):
        assert set(quotas(cluster)) == {64}
        followers = [node.name for node in cluster.nodes if node.name != last]
        assert f"are restarted in this order: {', '.join([*followers, last])}." in done.flat
    # The one whose turn it was had become the leader, and was left for the last.
    ready = re.findall(r"(one\S*) runs with its new flags", done.flat)
    assert sorted(ready) == sorted(node.name for node in one.nodes)
    assert ready[-1] == first.name
    after = [state(cluster) for cluster in clusters]
    assert [[starts for _text, starts in found] for found in after] == [
        [starts + 1 for _text, starts in found] for found in before
    ]

    again = harden()
    assert again.rc == 0, again.out
    assert outcomes(tmp_path) == {"one1": ("unchanged", []), "two1": ("unchanged", [])}
    assert {host: numbers["changed"] for host, numbers in again.recap.items()} == dict.fromkeys(again.recap, 0)
    assert [state(cluster) for cluster in clusters] == after

    # Of one cluster a member is full: it has to be recovered first, and the other one is not held up by that. There the
    # first member gets its manifest back, and the later ones are not touched.
    with two.nodes[0].client() as client:
        client.arm(Alarm(client.status().member_id, "NOSPACE"))
    bad = harden(harden_extra_args={"max-wals": "many"}, harden_wait_timeout=4)
    assert bad.rc != 0
    came_of = outcomes(tmp_path)
    # etcd may also have exited so often by then that the kubelet waits with the old manifest, too.
    assert came_of.pop("one1") in (("failed", ["etcd_not_up"]), ("failed", ["rolled_back"]))
    assert came_of == {"two1": ("refused", ["nospace_alarm"])}
    assert "run recover first" in bad.flat
    assert "was put back, and etcd answers again with its old flags" in bad.flat
    assert [[text for text, _starts in state(cluster)] for cluster in clusters] == [
        [text for text, _starts in found] for found in after
    ]
    assert state(two) == after[1]
    touched = [now != then for now, then in zip(state(one), after[0], strict=True)]
    assert touched.count(True) == 1
    await_true(lambda: quotas(one) == [64, 64, 64], "all members have their quota")
    # The lock of neither cluster is left.
    assert not locked(*clusters)


def test_a_run_that_was_interrupted(make_cluster: Any, playbook: Any, start_module: Any, tmp_path: Path) -> None:
    """The value was one that etcd refuses; run again, what it left is rolled back, whatever runs there by then."""
    cluster = make_cluster()
    hosts = write_inventory(tmp_path / "hosts.yml", cluster)
    args = {
        "quota-backend-bytes": str(64 * MIB),
        "auto-compaction-mode": "periodic",
        "auto-compaction-retention": "1h",
        "max-wals": "many",
    }
    with ExitStack() as stack:
        for node in cluster.nodes:
            stack.enter_context(Kubelet(node))
        before = [node.manifest.read_bytes() for node in cluster.nodes]
        first = next(node for node in cluster.nodes if node.name != leader(cluster))
        options = {"backup_dir": str(first.directory / "etc/kubernetes/etcd-backup"), "kubelet_unit": kubelet.PROGRAM}
        running = start_module("etcd_manifest", first, extra_args=args, method="patch", **options)
        await_true(lambda: [node.manifest.read_bytes() for node in cluster.nodes] != before, "it is in its place")
        running.kill()
        await_true(lambda: not _answers(first), "the member is down")

        wanted = {**WANTED, "harden_extra_args": {"max-wals": "many"}, "harden_wait_timeout": 4}
        again = playbook(hosts, extra_vars=wanted, name=HARDEN)

        assert again.rc != 0, again.out
        assert f"The etcd of {first.name} is down. If an earlier run was cut off there" in again.flat
        assert "The old manifest was put back, and etcd answers again with its old flags" in again.flat
        assert [node.manifest.read_bytes() for node in cluster.nodes] == before
        assert quotas(cluster) == [32, 32, 32]
        assert not locked(cluster)


@pytest.mark.long  # what is decided are unit tests; that it is written, the run above
def test_compaction_that_members_have(make_cluster: Any, playbook: Any, tmp_path: Path) -> None:
    """What is stricter stays; what is not is named and replaced; and the next run finds all as it is wanted."""
    mode, retention = "auto-compaction-mode", "auto-compaction-retention"
    strict = make_cluster(prefix="strict", members=1, flags={retention: "30m"})
    loose = make_cluster(prefix="loose", members=1, flags={mode: "revision", retention: "1000000"})
    hosts = write_inventory(tmp_path / "hosts.yml", strict, loose)
    hour, half = (f"{mode}=periodic, {retention}={value}" for value in ("1h", "30m"))
    said = (
        f"strict1: {half} stays, which is stricter than {hour}; every member gets it.",
        f"loose1: {mode}=revision, {retention}=1000000 is replaced by {hour}.",
    )
    with Kubelet(strict.nodes[0]), Kubelet(loose.nodes[0]):
        for check in (True, False):
            run = playbook(hosts, check=check, extra_vars=WANTED, name=HARDEN)
            assert run.rc == 0, run.out
            assert all(line in run.flat for line in said), run.out
        texts = {cluster.nodes[0].name: cluster.nodes[0].manifest.read_text("utf-8") for cluster in (strict, loose)}
        assert f"--{retention}=30m" in texts["strict1"]
        assert f"--{retention}=1h" in texts["loose1"]
        assert all(f"--{mode}=periodic" in text for text in texts.values())
        again = playbook(hosts, extra_vars=WANTED, name=HARDEN)
        assert again.rc == 0, again.out
        assert {host: numbers["changed"] for host, numbers in again.recap.items()} == {"strict1": 0, "loose1": 0}
        assert said[0] in again.flat
        assert "is replaced by" not in again.flat


def _answers(node: MemberProcess) -> bool:
    with node.client(timeout=1.0) as client, suppress(EtcdError, requests.RequestException):
        client.status()
        return True
    return False


@pytest.fixture
def kubernetes() -> Path:
    """The directory of its programs."""
    return needed.kubernetes(KUBERNETES)


def test_no_api_server_to_record_it(
    make_cluster: Any, playbook: Any, kubernetes: Path, bare_python: Path, tmp_path: Path
) -> None:
    """The member is hardened all the same; with the API server back, a second run records it and does nothing else."""
    cluster = make_cluster(members=1)
    (node,) = cluster.nodes
    hosts = write_inventory(tmp_path / "hosts.yml", cluster)
    env = {"PATH": f"{kubernetes}:{os.environ['PATH']}"}
    wanted = {**WANTED, "harden_record": True, "harden_wait_timeout": 10}
    wanted["ansible_python_interpreter"] = str(bare_python)

    def recorded() -> str:
        text: str = api.get("configmap", "kubeadm-config", "--namespace=kube-system")["data"]["ClusterConfiguration"]
        return text

    with Kubelet(node), ApiServer(node, KUBERNETES) as api:
        metadata = {"name": "kubeadm-config", "namespace": "kube-system"}
        small = LARGER.replace("8589934592", "33554432")
        data = {"ClusterConfiguration": small}
        api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
        api.close()

        failed = playbook(hosts, extra_vars=wanted, env=env, name=HARDEN)
        assert failed.rc != 0, failed.out
        assert f"No API server answers at {api.url}" in failed.flat
        for part in ("The members are hardened", "not recorded in the ConfigMap kubeadm-config"):
            assert part in failed.flat
        assert quotas(cluster) == [64]
        assert not locked(cluster)
        before = state(cluster)

        api.start()
        assert recorded() == small
        done = playbook(hosts, extra_vars=wanted, env=env, name=HARDEN)
        assert done.rc == 0, done.out
        assert {host: numbers["changed"] for host, numbers in done.recap.items()} == {node.name: 1}
        assert '"67108864"' in recorded()
        assert "auto-compaction-mode" in recorded()
        assert state(cluster) == before
        assert "The members are hardened" not in done.flat
        assert "not recorded in" not in done.flat


def test_hosts_of_an_external_etcd(make_cluster: Any, playbook: Any, bare_python: Path, tmp_path: Path) -> None:
    """They have neither an API server nor a kubeconfig: there is nothing to record it in, and that is said."""
    cluster = make_cluster(members=2)  # whose files are not at the same paths
    hosts = write_inventory(tmp_path / "hosts.yml", cluster)
    wanted = {**WANTED, "harden_record": True, "ansible_python_interpreter": str(bare_python)}
    with Kubelet(cluster.nodes[0]), Kubelet(cluster.nodes[1]):
        done = playbook(hosts, extra_vars=wanted, name=HARDEN)
        assert done.rc == 0, done.out
        assert "so the manifests are all that is changed, and no ConfigMap." in done.flat
        assert "not recorded in the ConfigMap" not in done.flat
        assert quotas(cluster) == [64, 64]
