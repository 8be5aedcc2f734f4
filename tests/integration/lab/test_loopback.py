# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loopback backend of the lab: what the other integration tests build on must hold first."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
import yaml

from lab import pki, programs
from lab.client import Alarm, Client
from lab.errors import EtcdError, LabError, MemberFailedError
from lab.loopback import manifest
from lab.loopback.cluster import DEFAULT_VERSION, Cluster
from lab.loopback.fill import compare, fill
from lab.loopback.inventory import write_inventory

MIB = 1 << 20
QUOTA = 32 * MIB
TESTS = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("version", programs.pinned_versions())
def test_every_version_fills_up_and_can_be_freed(tmp_path: Path, version: str) -> None:
    if version not in programs.installed_versions():
        pytest.skip(f"etcd {version} is not there; to get it: make etcd VERSION={version}")
    with Cluster(tmp_path, members=1, version=version, quota_bytes=QUOTA) as cluster:
        assert cluster.nodes[0].data_dir.stat().st_mode & 0o777 == 0o700
        filled = fill(cluster, live_fraction=0.3)
        assert "database space exceeded" in filled.refusal
        with cluster.nodes[0].client() as client:
            assert [alarm.name for alarm in filled.alarms] == ["NOSPACE"]
            before = cluster.record()
            client.compact(client.status().revision)
            client.defragment()
            assert client.status().db_size / QUOTA == pytest.approx(0.3, abs=0.03)
            client.disarm(filled.alarms[0])
            assert cluster.record() == before
            assert compare(cluster, before) == []
            client.put(b"/registry/again", b"1")


def test_three_members_survive_what_can_be_done_to_them(tmp_path: Path) -> None:
    with Cluster(tmp_path, members=3, version=_version()) as cluster:
        leader = cluster.leader()
        follower, other = cluster.followers()
        with leader.client(timeout=5) as client:
            follower.freeze()
            assert follower.frozen
            assert follower.running
            with pytest.raises(requests.Timeout), follower.client(timeout=0.3) as frozen:
                frozen.status()
            client.put(b"a", b"1")
            follower.thaw()
            follower.await_ready()
            other.kill()
            assert not other.running
            client.put(b"a", b"2")
            other.start()
        with other.client() as client:
            found = client.get(b"a")
            assert found is not None
            assert found.value == b"2"
            assert len(client.members()) == 3
        leader.kill()
        assert cluster.leader() in (follower, other)


def test_the_manifest_is_what_is_started(tmp_path: Path) -> None:
    with Cluster(tmp_path, members=1, version=_version(), quota_bytes=QUOTA, env={"GOGC": "90"}) as cluster:
        node = cluster.nodes[0]
        assert manifest.read_container(node.manifest).env == {"GOGC": "90"}
        assert Path(f"/proc/{node.pid}/environ").read_bytes() == b"GOGC=90\0"
        node.manifest.write_text(node.manifest.read_text().replace(str(QUOTA), str(2 * QUOTA)))
        node.restart()
        with node.client() as client:
            assert client.quota() == 2 * QUOTA


def test_a_flag_etcd_refuses_is_told_with_its_own_words(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, members=1, version=_version(), flags={"no-such-flag": "1"})
    with pytest.raises(MemberFailedError, match="flag provided but not defined: -no-such-flag"):
        cluster.start()
    cluster.close()


def test_a_learner_joins(tmp_path: Path) -> None:
    with Cluster(tmp_path, members=1, version=_version()) as cluster:
        learner = cluster.add_member(learner=True)
        with learner.client() as client:
            assert client.status().is_learner
        assert "--initial-cluster-state=existing" in learner.manifest.read_text()
        absent = cluster.add_member(start=False)
        assert not absent.running


def test_unrelated_clusters_can_have_the_same_id(tmp_path: Path) -> None:
    url = "https://10.0.0.1:2380"
    with (
        Cluster(tmp_path / "a", members=1, version=_version(), prefix="a", advertise_peer_url=url) as one,
        Cluster(tmp_path / "b", members=1, version=_version(), prefix="a", advertise_peer_url=url) as two,
    ):
        with one.nodes[0].client() as first, two.nodes[0].client() as second:
            assert first.status().cluster_id == second.status().cluster_id
        with pytest.raises(LabError, match="two nodes are named a1"):
            write_inventory(tmp_path / "inventory.yml", one, two)
        assert one.nodes[0].address != two.nodes[0].address


def test_ipv6_nodes_share_the_address(tmp_path: Path) -> None:
    with Cluster(tmp_path, members=3, version=_version(), ipv6=True) as cluster:
        assert {node.address for node in cluster.nodes} == {"::1"}
        assert len({node.client_url for node in cluster.nodes}) == 3
        with cluster.leader().client() as client:
            assert client.put(b"a", b"1") > 1


def test_the_inventory_names_what_the_roles_need(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, members=3, prefix="x")
    cluster.close()
    text = write_inventory(tmp_path / "inventory.yml", cluster, interpreter="/usr/bin/python3").read_text()
    hosts = yaml.safe_load(text)["control_plane"]["hosts"]
    assert list(hosts) == ["x1", "x2", "x3"]
    assert hosts["x2"]["ansible_python_interpreter"] == "/usr/bin/python3"
    assert hosts["x2"]["recover_manifest"] == str(tmp_path / "x2/etc/kubernetes/manifests/etcd.yaml")


def test_wrong_certificates_are_refused(tmp_path: Path) -> None:
    with Cluster(tmp_path, members=1, version=_version()) as cluster:
        node = cluster.nodes[0]
        foreign = pki.issue_healthcheck_client(pki.Authority.create(), tmp_path / "foreign")
        expired = pki.issue_healthcheck_client(cluster.authority, tmp_path / "expired", expired=True)
        assert stat.S_IMODE(expired.key.stat().st_mode) == 0o600
        for pair in (foreign, expired):
            with pytest.raises(requests.ConnectionError), Client(node.client_url, node.ca, pair) as client:
                client.status()
        pki.issue_server_without_client_usage(cluster.authority, node.pki / "etcd/server", node.name, node.address)
        node.restart(wait=False)
        with pytest.raises(MemberFailedError, match="bad certificate"):
            node.await_ready(seconds=4)


def test_a_fill_can_end_at_a_size(tmp_path: Path) -> None:
    with Cluster(tmp_path, members=1, version=_version()) as cluster:
        filled = fill(cluster, until="bytes", size_bytes=16 * MIB, event_ttl=(5, 10))
        assert 16 * MIB <= filled.db_size < 64 * MIB
        assert filled.refusal == ""
        assert filled.alarms == ()
        with cluster.nodes[0].client() as client:
            client.arm(Alarm(client.status().member_id, "NOSPACE"))
            with pytest.raises(EtcdError, match="database space exceeded"):
                client.put(b"a", b"1")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_etcd_outlives_the_lab(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-u", "-m", "lab", "up", "--members=3", f"--version={_version()}", "--quota=32"]
    with subprocess.Popen(
        [*command, f"--directory={tmp_path}"],
        cwd=TESTS,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # What a shell runs in the background ignores Ctrl-C, and so would all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as lab:
        assert lab.stdout is not None
        printed = itertools.takewhile(lambda line: line != "Ctrl-C takes it down.\n", lab.stdout)
        pids = [int(line.split(" pid ")[1].split(",")[0]) for line in printed if " pid " in line]
        assert len(pids) == 3
        assert all(map(_is_alive, pids))
        lab.send_signal(number)
        lab.wait(20)
    deadline = time.monotonic() + 5
    while any(map(_is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(_is_alive, pids))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_small_file_system_ends_with_the_cluster(tmp_path: Path) -> None:
    with Cluster(tmp_path, members=1, version=_version(), tmpfs_mib=256) as cluster:
        data_dir = cluster.nodes[0].data_dir
        assert data_dir.is_mount()
        assert shutil.disk_usage(data_dir).total == 256 * MIB
    assert not data_dir.is_mount()


def test_commands_of_a_cluster_that_another_process_runs(tmp_path: Path) -> None:
    place, record = f"--directory={tmp_path / 'lab'}", str(tmp_path / "record.json")

    def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lab", *arguments, place], cwd=TESTS, capture_output=True, text=True, check=False
        )

    assert "no cluster is up in" in lab("down").stderr
    up = [sys.executable, "-u", "-m", "lab", "up", "--members=1", f"--version={_version()}", "--quota=32", place]
    with subprocess.Popen(up, cwd=TESTS, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        printed = list(itertools.takewhile(lambda line: line != "Ctrl-C takes it down.\n", running.stdout))
        assert "runs in" in lab("up").stderr
        assert lab("fill", record).returncode == 0
        assert "objects are there" in lab("compare", record).stdout
        (pid,) = [int(line.split(" pid ")[1].split(",")[0]) for line in printed if " pid " in line]
        assert lab("down").returncode == 0
        assert not _is_alive(pid)
    assert "is not empty" in lab("up").stderr


def _version() -> str:
    return os.environ.get("ETCD_VERSION", DEFAULT_VERSION)


def _is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
