# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the recovery will not do: it says why in a sentence, and everything is as it was."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from integration.support.ansible_commands import Run, ansible_env, program
from integration.support.clusters import await_true
from integration.support.recovery import LOCAL, QUICK, assert_recovered, full_cluster, inventory, locks, state
from integration.support.settings import RECOVER
from lab.client import Alarm
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]

OWN_PLAYBOOK = """\
- name: A play of the user's own
  hosts: all
  gather_facts: false
  serial: 2
  tasks:
    - name: Recover
      ansible.builtin.include_role:
        name: controlplane.etcd.recover
"""


def test_clusters_that_must_not_be_touched(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    corrupt = make_cluster(prefix="corrupt", members=1)
    both = full_cluster(make_cluster, prefix="both", members=1)
    for cluster in (corrupt, both):
        _arm(cluster, "CORRUPT")
    few = make_cluster(prefix="few")
    with few["few1"].client() as client:
        assert client.alarms() == ()
    for name in ("few2", "few3"):
        few[name].kill()
    await_true(lambda: not _leader_of(few["few1"]), "few1 knows that nobody leads")
    unsafe = full_cluster(make_cluster, prefix="unsafe", members=1, version="3.5.1")
    strange = full_cluster(make_cluster, prefix="strange")
    _empty(strange["strange3"])
    silent = make_cluster(prefix="silent", members=1)
    silent.nodes[0].kill()
    everybody = (corrupt, both, few, unsafe, strange, silent)
    hosts = inventory(tmp_path / "hosts.yml", *everybody)
    before = state(*everybody)
    asked = _calls(few["few1"], "Alarm")
    assert asked > 0

    run = playbook(hosts, "--forks=10", extra_vars=QUICK)

    assert run.rc == 2, run.out
    assert state(*everybody) == before
    assert locks(*everybody) == []
    assert "A CORRUPT alarm is armed (by corrupt1)" in run.flat
    assert "A CORRUPT alarm is armed (by both1)" in run.flat
    assert "The cluster has no leader: 1 of 3 voters answer (few1), 2 are needed; not answering: few2 (" in run.flat
    # Each such call would only cost the 7 s after which etcd gives up.
    assert _calls(few["few1"], "Alarm") == asked
    assert "etcd 3.5.1 can come back with different data from the other members" in run.flat
    assert "recover_allow_unsafe_etcd" in run.flat
    assert "their members belong to different clusters (" in run.flat
    for text in ("strange1, strange2: cluster ", "strange3: cluster "):
        assert text in run.flat
    assert "No member of this cluster answers" in run.flat
    for name in ("corrupt1", "both1", "few1", "unsafe1", "strange1", "silent1"):
        assert run.recap[name]["failed"] == 1
    assert run.flat.count("Nothing was changed.") >= 6

    run = playbook(hosts, "--limit=unsafe1", extra_vars={**QUICK, "recover_allow_unsafe_etcd": True})
    assert run.rc == 0, run.out
    assert_recovered(unsafe)


def test_plays_in_which_the_hosts_do_not_move_in_step(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path
) -> None:
    cluster = full_cluster(make_cluster)
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    own = tmp_path / "own.yml"
    own.write_text(OWN_PLAYBOOK)
    before = state(cluster)

    for strategy in ("linear", "free", "host_pinned"):
        if strategy != "linear":
            own.write_text(OWN_PLAYBOOK.replace("  serial: 2\n", ""))
        run = playbook(hosts, extra_vars=QUICK, env={"ANSIBLE_STRATEGY": strategy}, name=str(own))
        assert run.rc == 2, run.out
        assert "Use the strategy linear and no serial. Nothing was changed." in run.flat
        assert state(cluster) == before

    run = playbook(hosts, extra_vars=QUICK, name=str(own))
    assert run.rc == 0, run.out
    assert_recovered(cluster)


def test_inventories_that_name_nobody_and_one_that_is_a_list(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path
) -> None:
    cluster = full_cluster(make_cluster, members=2)
    names = "".join(f"{node.name}," for node in cluster.nodes)
    before = state(cluster)

    nobody = playbook(names, extra_vars={"etcd_target": "masters"})
    assert nobody.rc == 2
    assert "No host matches masters." in nobody.flat
    assert "Nothing was changed." in nobody.flat

    missing = tmp_path / "no-such.yaml"
    none = playbook(names, extra_vars={**LOCAL, "recover_manifest": str(missing)})
    assert none.rc == 2
    assert f"None of the hosts that could be reached has {missing}." in none.flat
    for node in cluster.nodes:  # all of them are on this machine
        assert f"is open in process {node.pid} (" in none.flat
    assert state(cluster) == before

    # Extra variables are the same for all hosts and win over everything; only the host's name can differ in them.
    directory = cluster.directory / "{{ inventory_hostname }}"
    run = playbook(
        names,
        extra_vars={
            **QUICK,
            **LOCAL,
            "recover_manifest": str(directory / "etc/kubernetes/manifests/etcd.yaml"),
            "recover_snapshot_dir": str(directory / "var/backups/etcd"),
            "recover_lock_path": str(directory / "run/etcd-maintenance.lock"),
        },
    )
    assert run.rc == 0, run.out
    assert_recovered(cluster)


def test_inventories_from_which_nobody_can_tell_who_is_meant(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path
) -> None:
    cluster = full_cluster(make_cluster, members=1)
    (node,) = cluster.nodes
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    known = yaml.safe_load(hosts.read_text("utf-8"))
    before = state(cluster)

    unknown = {"cps": known["control_plane"], "workers": {"hosts": {"worker1": LOCAL}}}
    for name, variables, said in (
        ("a group of another name", {}, "It has cps, workers. All of its hosts are not taken"),
        ("etcd_target where no play reads it", {"etcd_target": "cps"}, "etcd_target was not given with -e"),
    ):
        hosts.write_text(yaml.safe_dump({**unknown, "all": {"vars": variables}}), "utf-8")
        result = tmp_path / "result.json"
        result.write_text('{"clusters": {"of an earlier run": {}}}', "utf-8")
        run = playbook(hosts, extra_vars={**QUICK, "recover_result_file": str(result)})
        assert run.rc == 2, name
        assert said in run.flat
        assert "Nothing was changed. [no_target_group]" in run.flat
        written = json.loads(result.read_text("utf-8"))
        assert ([each["code"] for each in written["refusals"]], written["clusters"]) == (["no_target_group"], {})
    run = playbook(hosts, extra_vars={**QUICK, "etcd_traget": "cps"})
    assert run.rc == 2, run.out
    assert "There is no variable etcd_traget." in run.flat
    run = playbook(hosts, "-e", "recover_quota_backend_bytes: 8GiB", extra_vars={**QUICK, "etcd_target": "cps"})
    assert run.rc == 2, run.out
    assert "Something was given with -e that has no value." in run.flat
    assert state(cluster) == before

    # Groups that others use, and a variable that nobody asked for.
    hosts.write_text(yaml.safe_dump({**unknown, "kube-master": {"hosts": {node.name: {}}}}), "utf-8")
    variables = yaml.safe_load(hosts.read_text("utf-8"))
    variables["all"] = {"vars": {"target": "worker1"}}
    hosts.write_text(yaml.safe_dump(variables), "utf-8")
    run = playbook(hosts, extra_vars=QUICK)
    assert run.rc == 0, run.out
    assert "worker1" not in run.recap
    assert_recovered(cluster)


def test_variables_that_are_misspelt_or_cannot_be_read(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path
) -> None:
    cluster = full_cluster(make_cluster, members=2)
    last = cluster.nodes[-1].name
    before = state(cluster)

    for own, given, said in (
        ({}, {"recover_hodl": False}, "recover_hodl, given with -e, is no option"),
        ({"recover_snapshots": False}, {}, "recover_snapshots, set in the inventory or the play, is no option"),
        ({"recover_hold": "maybe"}, {}, "recover_hold is 'maybe', which is not true or false."),
        ({}, {"recover_work_timeout": "10m"}, "recover_work_timeout is '10m', which is not a number, 0 or more."),
    ):
        hosts = inventory(tmp_path / "hosts.yml", cluster, more={last: own})
        run = playbook(hosts, extra_vars={**QUICK, **given})
        assert run.rc == 2, run.out
        assert said in run.flat
        assert "Nothing was changed." in run.flat
        # All hosts at once: the cluster is not worked on without the one whose variable is wrong.
        assert "inspect | Inspect every node" not in run.out
    assert state(cluster) == before

    # One that may be somebody else's, and options as they come from a command line.
    hosts = inventory(tmp_path / "hosts.yml", cluster, more={last: {"recover_from_tape": "{{ nothing }}"}})
    text = {"recover_hold": "no", "recover_settle_seconds": "1", "recover_snapshot_keep": "1"}
    run = playbook(hosts, extra_vars=text)
    assert run.rc == 0, run.out
    assert "recover_from_tape is no option of the role" in run.flat
    assert_recovered(cluster)


def test_two_names_for_one_node(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    cluster = full_cluster(make_cluster)
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    content = yaml.safe_load(hosts.read_text("utf-8"))
    second = cluster.nodes[1]
    content["control_plane"]["hosts"]["alias"] = content["control_plane"]["hosts"][second.name]
    hosts.write_text(yaml.safe_dump(content), "utf-8")
    before = state(cluster)

    run = playbook(hosts, extra_vars=QUICK)
    assert run.rc == 2, run.out
    assert f"so they are two names of one node: alias, {second.name} ({second.name}, member " in run.flat
    assert "Nothing was changed." in run.flat
    assert (state(cluster), locks(cluster)) == (before, [])

    second.kill()
    run = playbook(hosts, extra_vars=QUICK)
    assert run.rc == 2, run.out
    assert f"two names of one node: alias, {second.name} (" in run.flat
    assert locks(cluster) == []

    run = playbook(hosts, "--limit=!alias", extra_vars={**QUICK, "recover_revive": False})
    assert run.rc == 0, run.out
    assert_recovered(cluster)


@pytest.mark.skipif(os.geteuid() != 0, reason="a /var/lib of one's own needs root")
@pytest.mark.skipif(shutil.which("unshare") is None, reason="a /var/lib of one's own needs unshare")
def test_a_manifest_that_somebody_took_away(tmp_path: Path, collections: Path) -> None:
    missing = tmp_path / "etcd.yaml"
    variables = {**LOCAL, "ansible_become": False, "recover_manifest": str(missing)}
    inside = 'mount -t tmpfs none /var/lib && mkdir -p /var/lib/etcd/member && exec "$@"'
    run = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-c", inside, "sh"),
            program("ansible-playbook"),
            RECOVER,
            "--inventory=cp1,",
            f"--extra-vars={json.dumps(variables)}",
        ],
        env=ansible_env(tmp_path / "ansible", collections),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    printed = " ".join((run.stdout + run.stderr).split())
    assert run.returncode == 2, printed
    assert f"{missing} is missing, but /var/lib/etcd/member is there" in printed
    assert "Nothing was changed." in printed


def _arm(cluster: Cluster, name: str) -> None:
    with cluster.leader().client() as client:
        client.arm(Alarm(client.status().member_id, name))


def _leader_of(node: MemberProcess) -> int:
    with node.client(timeout=2) as client:
        return client.status().leader


def _calls(node: MemberProcess, method: str) -> int:
    """How often a method of gRPC was begun on the member, by its own count; the gateway's calls are among them."""
    with node.client() as client:
        lines = client.metrics().splitlines()
    counts = (line for line in lines if line.startswith("grpc_server_started_total{") and f'method="{method}"' in line)
    return sum(int(float(line.rpartition(" ")[2])) for line in counts)


def _empty(node: MemberProcess) -> None:
    """Let the member come up as a healthy cluster of its own, as after an emptied disk and a careless start."""
    node.kill()
    shutil.rmtree(node.data_dir / "member")
    text = node.manifest.read_text("utf-8")
    (old,) = (line for line in text.splitlines() if "--initial-cluster=" in line)
    node.manifest.write_text(text.replace(old, f"    - --initial-cluster={node.name}={node.peer_url}"), "utf-8")
    node.start()
