# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_manifest on real members: the flags of the process that runs, the roll-back, and what it refuses.

The lab's kubelet restarts etcd as soon as its manifest changes; a flag that etcd refuses makes it exit, as in life.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.support import needed
from integration.support.clusters import Writer, await_true
from integration.support.settings import MIB, SOME_VERSIONS
from integration.support.witness import Witness
from lab.client import Alarm
from lab.loopback import kubelet
from lab.loopback import manifest as lab_manifest
from lab.loopback.cluster import Cluster
from lab.loopback.kubelet import Kubelet
from lab.loopback.member import MemberProcess

QUOTA_FLAG = "quota-backend-bytes"
WANTED = {QUOTA_FLAG: "64MiB", "auto-compaction-mode": "periodic", "auto-compaction-retention": "1h"}
ARGS = {**WANTED, QUOTA_FLAG: str(64 * MIB)}

Change = Callable[..., dict[str, Any]]


@pytest.fixture
def change(module: Any, tmp_path: Path) -> Change:
    """``change(node, check=False, **options)`` with what keeps the module in the lab."""

    def run(node: MemberProcess, **options: Any) -> dict[str, Any]:
        result: dict[str, Any] = module("etcd_manifest", node, **_options(tmp_path, options))
        return result

    return run


def _options(tmp_path: Path, options: dict[str, Any]) -> dict[str, Any]:
    return {
        "backup_dir": str(tmp_path / "etcd-backup"),
        "extra_args": WANTED,
        "kubeconfig": str(tmp_path / "admin.conf"),
        "kubelet_unit": kubelet.PROGRAM,
        "wait_timeout": 60.0,
        **options,
    }


@pytest.fixture
def watched() -> Iterator[Callable[[MemberProcess], Kubelet]]:
    """``watched(node)`` gives a node its kubelet."""
    with ExitStack() as stack:
        yield lambda node: stack.enter_context(Kubelet(node))


def _running(node: MemberProcess) -> tuple[int, dict[str, str]]:
    """The process that has the database open, and its flags: not by our own code."""
    database = os.stat(node.data_dir / "member/snap/db")
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            same = any(os.path.samestat(fd.stat(), database) for fd in (directory / "fd").iterdir())
        except OSError:
            continue
        if same:
            words = (directory / "cmdline").read_text("utf-8").rstrip("\0").split("\0")
            return int(directory.name), dict(word.removeprefix("--").split("=", 1) for word in words[1:])
    raise AssertionError(f"no etcd of {node.name} runs")


def _state(node: MemberProcess) -> tuple[int, bytes]:
    return _running(node)[0], node.manifest.read_bytes()


def _connections(node: MemberProcess) -> int:
    """The members that raft has a connection with."""
    with node.client() as client:
        return len(re.findall(r"^etcd_network_active_peers\{.*\} 1$", client.metrics(), re.MULTILINE))


def _pids(cluster: Cluster) -> list[int | None]:
    return [node.pid for node in cluster.nodes]


def _beside(node: MemberProcess) -> list[str]:
    """The files in the manifests directory and the one above it."""
    return sorted(path.name for path in [*node.manifest.parent.iterdir(), *node.manifest.parents[1].iterdir()])


@pytest.mark.parametrize("version", SOME_VERSIONS, indirect=True)
def test_check_run_check_again_run_again(
    make_cluster: Any, change: Change, watched: Any, version: str, tmp_path: Path
) -> None:
    cluster = make_cluster(version=version)
    node, *others = cluster.nodes
    watched(node)
    before, pids, files = _state(node), _pids(cluster), _beside(node)

    planned = change(node, check=True)
    assert not planned["failed"], planned["msg"]
    assert planned["changed"] is True
    assert planned["flags"] == {
        "before": {QUOTA_FLAG: str(32 * MIB)},
        "after": ARGS,
    }
    assert (planned["backup_file"], planned["seconds"]) == ("", 0.0)
    assert _state(node) == before
    assert not (tmp_path / "etcd-backup").exists()

    with Writer(others) as writer:
        done = change(node)
    assert not done["failed"], done["msg"]
    assert writer.failures == []
    assert {**done, "backup_file": "", "seconds": 0.0} == {**planned, "warnings": done["warnings"]}
    assert 0.1 < done["seconds"] < 60
    pid, flags = _running(node)
    assert pid != before[0]
    assert {name: flags[name] for name in ARGS} == ARGS
    with Witness(node) as witness:
        status = witness.status()
    assert status.leader
    assert status.quota in (None, 64 * MIB)
    assert node.manifest.read_text("utf-8") == done["diff"]["after"]
    assert Path(done["backup_file"]).read_bytes() == before[1]
    assert _pids(cluster) == pids
    assert _beside(node) == files

    for check in (True, False):
        again = change(node, check=check, extra_args={**ARGS, "auto-compaction-retention": "1"})
        assert (again["failed"], again["changed"], again["flags"]) == (False, False, {"before": {}, "after": {}})
        assert again["warnings"] == []
    assert _running(node)[0] == pid
    assert len(list((tmp_path / "etcd-backup").glob("etcd.yaml.*"))) == 1


def test_client_ports_that_are_closed_between_the_nodes(make_cluster: Any, change: Change, watched: Any) -> None:
    """The members advertise an address at which nobody listens, so this node reaches its own alone. What it knows of
    the others is who raft is connected with; one that is gone is missed."""
    cluster = make_cluster(flags={"advertise-client-urls": "https://127.255.255.254:9"})
    node, gone, *_others = cluster.nodes
    watched(node)

    done = change(node)
    assert not done["failed"], done["msg"]
    assert _running(node)[1][QUOTA_FLAG] == ARGS[QUOTA_FLAG]

    gone.stop()
    await_true(lambda: _connections(node) == 1, "raft has lost the member that was stopped")
    before = _state(node)
    refused = change(node, extra_args={QUOTA_FLAG: "96MiB"})
    assert (refused["failed"], refused["code"]) == (True, "members_missing"), refused
    assert _state(node) == before


# The manifests of the lab for etcd 3.5 are as this one writes them.
KUBEADM, ETCD = "1.33.13", "3.5.35"


def _for_kubeadm(node: MemberProcess, **args: str) -> Path:
    """An admin's file from which kubeadm makes the manifest of the lab's node; its node has an address as others do,
    since kubeadm takes none of loopback."""
    text = node.manifest.read_text("utf-8")
    annotation = "kubeadm.kubernetes.io/etcd.advertise-client-urls: "
    here = text.partition(annotation)[2].partition("\n")[0]
    node.manifest.write_text(text.replace(f"{annotation}{here}", f"{annotation}https://192.0.2.11:2379"), "utf-8")
    flags = dict(
        word.removeprefix("--").split("=", 1) for word in lab_manifest.read_container(node.manifest).command[1:]
    )
    own = ("data-dir", "initial-cluster", "initial-cluster-state", "name")
    body = {
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "kind": "ClusterConfiguration",
        "kubernetesVersion": f"v{KUBEADM}",
        "certificatesDir": str(node.pki),
        "etcd": {
            "local": {
                "dataDir": str(node.data_dir),
                "extraArgs": [
                    {"name": name, "value": value} for name, value in {**flags, **args}.items() if name not in own
                ],
            }
        },
    }
    path = node.directory / "kubeadm-config.yaml"
    path.write_text(yaml.safe_dump(body), "utf-8")
    return path


@pytest.fixture
def kubeadm(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on the node."""
    monkeypatch.setenv("PATH", str(needed.kubernetes(KUBEADM)), prepend=":")


def test_by_kubeadm(make_cluster: Any, change: Change, watched: Any, kubeadm: None) -> None:
    cluster = make_cluster(version=ETCD)
    node = cluster.followers()[0]
    source = _for_kubeadm(node)
    words = source.read_bytes()
    watched(node)
    result = change(node, kubeadm_config=str(source))
    assert not result["failed"], result["msg"]
    assert (result["changed"], result["method"], result["reason"], result["differences"]) == (True, "kubeadm", "", [])
    before, after = (lab_manifest.read_container(node.manifest).command, _running(node)[1])
    assert {name: after[name] for name in ARGS} == ARGS
    assert f"--initial-cluster={after['initial-cluster']}" in before
    assert len(after["initial-cluster"].split(",")) == 3
    assert source.read_bytes() == words
    for method in ("auto", "kubeadm"):
        again = change(node, kubeadm_config=str(source), method=method)
        assert (again["failed"], again["changed"]) == (False, False)


def test_kubeadm_would_change_more(make_cluster: Any, change: Change, watched: Any, kubeadm: None) -> None:
    cluster = make_cluster(version=ETCD)
    node = cluster.nodes[0]
    source = _for_kubeadm(node, **{"max-wals": "7"})
    watched(node)
    extra = {"kubeadm_config": str(source), "extra_args": {"log-level": "warn"}}
    text = node.manifest.read_text("utf-8")
    patched = change(node, **extra)
    assert not patched["failed"], patched["msg"]
    assert (patched["method"], patched["differences"]) == ("patch", ["kubeadm would add --max-wals=7."])
    assert "differs in more than these flags" in patched["reason"]
    assert node.manifest.read_text("utf-8").replace("    - --log-level=warn\n", "") == text
    forced = change(node, **extra, method="kubeadm")
    assert not forced["failed"], forced["msg"]
    assert (forced["changed"], forced["flags"]) == (True, {"before": {}, "after": {"max-wals": "7"}})
    assert _running(node)[1]["max-wals"] == "7"
    # If it would be another member altogether, nobody is obeyed.
    source.write_text(source.read_text("utf-8").replace(str(node.data_dir), "/srv/etcd"), "utf-8")
    refused = change(node, **{**extra, "extra_args": {"log-level": "info"}}, method="kubeadm")
    assert "--data-dir is part of what this member is" in refused["msg"]
    assert _running(node)[1]["log-level"] == "warn"


def test_kubeadm_cannot_be_asked(make_cluster: Any, change: Change, watched: Any, tmp_path: Path) -> None:
    cluster = make_cluster()
    node = cluster.nodes[0]
    watched(node)
    forced = change(node, method="kubeadm")
    assert forced["failed"]
    assert f"There is no {tmp_path}/admin.conf on this node" in forced["msg"]
    result = change(node)
    assert not result["failed"], result["msg"]
    assert (result["changed"], result["method"], result["differences"]) == (True, "patch", [])
    assert result["reason"].startswith(f"There is no {tmp_path}/admin.conf on this node")


def test_a_flag_is_taken_away(make_cluster: Any, change: Change, watched: Any) -> None:
    cluster = make_cluster(flags={"max-wals": "7"})
    node = cluster.leader()
    watched(node)
    result = change(node, extra_args={}, remove=["max-wals"])
    assert not result["failed"], result["msg"]
    assert result["flags"] == {"before": {"max-wals": "7"}, "after": {}}
    assert "max-wals" not in _running(node)[1]
    assert yaml.safe_load(result["diff"]["before"])["spec"]["containers"][0]["image"] in result["diff"]["after"]


def test_a_value_that_etcd_refuses_is_rolled_back(make_cluster: Any, change: Change, watched: Any) -> None:
    cluster = make_cluster()
    node, *others = cluster.nodes
    watched(node)
    (_pid, text), pids = _state(node), _pids(cluster)
    with Writer(others) as writer:
        result = change(node, extra_args={"max-wals": "many"}, wait_timeout=3.0)
    assert writer.failures == []
    assert result["failed"]
    for part in (
        "The new manifest was in place, but after",
        "etcd is not running",
        "The old manifest was put back, and etcd answers again with its old flags and has caught up",
        "No other member was touched.",
    ):
        assert part in result["msg"], result["msg"]
    assert result["msg"].endswith("Correct what is named above, and run this again.")
    assert node.manifest.read_bytes() == text
    assert "max-wals" not in _running(node)[1]
    assert "invalid value" in node.log.read_text("utf-8", "replace")
    assert _pids(cluster) == pids
    assert change(node)["changed"] is True


def test_a_kubelet_that_takes_no_notice(make_cluster: Any, change: Change, watched: Any) -> None:
    cluster = make_cluster()
    node = cluster.nodes[0]
    watched(node).freeze()
    before = _state(node)
    result = change(node, wait_timeout=2.0)
    assert result["failed"]
    assert "was started with other flags (--auto-compaction-mode" in result["msg"]
    assert "The old manifest was put back, and etcd answers again with its old flags" in result["msg"]
    assert _state(node) == before


@pytest.mark.parametrize("members", [1, 2])
def test_few_members_need_a_word(make_cluster: Any, change: Change, watched: Any, members: int) -> None:
    cluster = make_cluster(members=members)
    node = cluster.nodes[0]
    watched(node)
    before = _state(node)
    for check in (True, False):
        result = change(node, check=check)
        assert result["failed"]
        assert "the whole cluster would be down for about" in result["msg"]
        assert "Nothing was changed. To accept that, set the module option allow_downtime" in result["msg"]
    assert _state(node) == before
    done = change(node, allow_downtime=True)
    assert not done["failed"], done["msg"]
    assert _running(node)[1][QUOTA_FLAG] == ARGS[QUOTA_FLAG]


def test_without_the_others_no_word_helps(make_cluster: Any, change: Change, watched: Any) -> None:
    cluster = make_cluster()
    node, other, _third = cluster.nodes
    watched(node)
    with other.client() as client:
        gone = client.status().member_id
    other.kill()
    before = _state(node)
    await_true(lambda: _leader(node) not in (0, gone), "the two that are left have a leader")
    result = change(node, allow_downtime=True)
    assert result["failed"]
    assert (
        f"Without {node.name} the cluster would have no quorum: 1 of 3 voters would answer, 2 are needed"
        in (result["msg"])
    )
    assert other.name in result["msg"]
    assert _state(node) == before


def _leader(node: MemberProcess) -> int:
    with node.client(timeout=2.0) as client:
        return client.status().leader


def test_alarms(make_cluster: Any, change: Change, watched: Any) -> None:
    cluster = make_cluster()
    node = cluster.nodes[0]
    watched(node)
    before = _state(node)
    with node.client() as client:
        member_id = client.status().member_id
        client.arm(Alarm(member_id, "NOSPACE"))
        refused = change(node)
        assert refused["failed"]
        assert f"The NOSPACE alarm is armed (by {node.name})" in refused["msg"]
        planned = change(node, check=True)
        assert planned["changed"] is True
        assert any("It would be refused if this is still so then." in text for text in planned["warnings"])
        assert _state(node) == before
        raised = change(node, during_recovery=True)
        assert not raised["failed"], raised["msg"]
    with node.client() as client:
        client.arm(Alarm(member_id, "CORRUPT"))
    corrupt = change(node, extra_args={"max-wals": "7"}, during_recovery=True)
    assert corrupt["failed"]
    assert "A CORRUPT alarm is armed" in corrupt["msg"]
    assert "max-wals" not in _running(node)[1]


def test_a_node_that_is_not_in_order(make_cluster: Any, change: Change, watched: Any) -> None:
    cluster = make_cluster()
    node = cluster.nodes[0]
    player = watched(node)
    before = _state(node)
    stray = node.manifest.with_name("etcd.yaml.bak")
    stray.write_bytes(node.manifest.read_bytes())
    assert f"{stray} is beside the manifest" in change(node)["msg"]
    stray.unlink()
    assert (
        "no-kubelet-is-called-so is not running on this node"
        in change(node, kubelet_unit="no-kubelet-is-called-so")["msg"]
    )
    assert "is inside a manifests folder" in change(node, backup_dir=str(node.manifest.parent / "old"))["msg"]
    other = cluster.nodes[1]
    assert "is not this node's own" in change(node, endpoint=other.client_url)["msg"]
    wal = node.data_dir / "member/wal"
    away = wal.rename(wal.with_name("wal.away"))
    assert f"There is no log of a member in {wal}: etcd would start as another member" in change(node)["msg"]
    away.rename(wal)
    # A manifest that the kubelet has not taken.
    player.freeze()
    node.manifest.write_bytes(before[1].replace(b"    - --name=", b"    - --max-wals=7\n    - --name="))
    assert "was started with other flags than the manifest has (--max-wals)" in change(node)["msg"]
    node.manifest.write_bytes(before[1])
    player.thaw()
    assert _state(node) == before


def test_killed_before_the_verification(
    make_cluster: Any, change: Change, watched: Any, start_module: Any, tmp_path: Path
) -> None:
    cluster = make_cluster()
    node = cluster.nodes[0]
    player = watched(node)
    player.freeze()
    old = node.manifest.read_bytes()
    running = start_module("etcd_manifest", node, **_options(tmp_path, {}))
    await_true(lambda: node.manifest.read_bytes() != old, "the new manifest is in its place")
    running.process.send_signal(signal.SIGKILL)
    running.kill()
    assert QUOTA_FLAG in node.manifest.read_text("utf-8")
    unproved = change(node, check=True)
    assert unproved["changed"] is False
    assert any("The manifest has these flags already, but the running etcd" in text for text in unproved["warnings"])
    player.thaw()
    finished = change(node)
    assert (finished["failed"], finished["changed"]) == (False, False)
    assert _running(node)[1][QUOTA_FLAG] == ARGS[QUOTA_FLAG]


def test_a_connection_that_is_lost_in_the_middle(
    make_cluster: Any, watched: Any, start_module: Any, tmp_path: Path
) -> None:
    """The terminal that ssh opens for a module hangs up, or passes Ctrl-C on: the change is rolled back all the
    same."""
    node = make_cluster().nodes[0]
    watched(node)
    old = node.manifest.read_bytes()
    bad = {"extra_args": {"max-wals": "many"}, "wait_timeout": 2.0}
    running = start_module("etcd_manifest", node, **_options(tmp_path, bad))
    await_true(lambda: node.manifest.read_bytes() != old, "the new manifest is in its place")
    for number in (signal.SIGHUP, signal.SIGINT):
        running.process.send_signal(number)
    result = running.result()
    assert result["failed"]
    assert "The old manifest was put back, and etcd answers again" in result["msg"]
    assert node.manifest.read_bytes() == old


def test_killed_with_a_value_that_etcd_refuses(
    make_cluster: Any, change: Change, watched: Any, start_module: Any, tmp_path: Path
) -> None:
    cluster = make_cluster()
    node = cluster.nodes[0]
    watched(node)
    old = node.manifest.read_bytes()
    bad = {"extra_args": {"max-wals": "many"}}
    # The quota was worked out when this node could still be asked.
    with_quota = {"extra_args": {**bad["extra_args"], QUOTA_FLAG: str(64 * MIB)}}
    running = start_module("etcd_manifest", node, **_options(tmp_path, with_quota))
    await_true(lambda: node.manifest.read_bytes() != old, "the new manifest is in its place")
    running.kill()
    result = change(node, **bad, wait_timeout=2.0)
    assert result["failed"]
    assert "The old manifest was put back, and etcd answers again" in result["msg"]
    assert node.manifest.read_bytes() == old
    assert _running(node)[1][QUOTA_FLAG] == str(32 * MIB)


def test_there_is_a_whole_manifest_at_every_moment(
    make_cluster: Any, change: Change, watched: Any, start_module: Any, tmp_path: Path
) -> None:
    """Killed at many places, among them between the copy and the rename."""
    cluster = make_cluster()
    node = cluster.nodes[0]
    watched(node)
    for number, wait in enumerate((0.0, 0.002, 0.005, 0.01)):
        old = node.manifest.read_bytes()
        value = str((64 + number) * MIB)
        copies = len(list((tmp_path / "etcd-backup").glob("etcd.yaml.*")))
        running = start_module(
            "etcd_manifest", node, **_options(tmp_path, {"extra_args": {QUOTA_FLAG: value}, "method": "patch"})
        )
        await_true(
            lambda seen=copies: len(list((tmp_path / "etcd-backup").glob("etcd.yaml.*"))) > seen, "the copy is there"
        )
        time.sleep(wait)
        running.kill()
        after = node.manifest.read_bytes()
        assert yaml.safe_load(after)["spec"]["containers"][0]["command"][0] == "etcd"
        assert after == old or f"--{QUOTA_FLAG}={value}".encode() in after
        done = change(node, extra_args={QUOTA_FLAG: value}, method="patch")
        assert not done["failed"], done["msg"]
        assert _running(node)[1][QUOTA_FLAG] == value


def test_not_root(make_cluster: Any, start_module: Any, tmp_path: Path) -> None:
    cluster = make_cluster(members=1)
    node = cluster.nodes[0]
    node.manifest.chmod(0o600)
    result = start_module("etcd_manifest", node, uid=65534, **_options(tmp_path, {})).result()
    assert result["failed"]
    assert f"{node.manifest} cannot be read" in result["msg"]
