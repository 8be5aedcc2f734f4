# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_snapshot: whichever way it is taken, etcd's own tools take it back, and no half of one is ever left behind."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from integration.support.clusters import Writer, await_settled, await_true
from integration.support.settings import MIB, WAY
from integration.support.witness import Witness
from lab import programs
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill
from lab.loopback.member import MemberProcess

nothing_streams = pytest.mark.skipif(WAY == "etcdctl", reason="etcdctl as the way to etcd streams no snapshot")
METHODS = ("file", "etcdctl", pytest.param("gateway", marks=nothing_streams), "auto")


def _tool(version: str, *arguments: str) -> str:
    """Run etcd's own ``snapshot`` command: up to 3.4 it is etcdctl's, then etcdutl's."""
    name = "etcdctl" if version.startswith("3.4.") else "etcdutl"
    command = [str(programs.etcd(version) / name), "snapshot", *arguments]
    done = subprocess.run(command, env={"ETCDCTL_API": "3"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _status(version: str, path: str) -> dict[str, Any]:
    return dict(json.loads(_tool(version, "status", path, "--write-out=json")))


def _restored(make_cluster: Any, version: str, path: str) -> MemberProcess:
    """Return a member that runs from the snapshot, restored with the hash check on."""
    cluster: Cluster = make_cluster(members=1, version=version, start=False, quota_bytes=None)
    (node,) = cluster.nodes
    node.data_dir.rmdir()
    _tool(
        version,
        "restore",
        path,
        f"--name={node.name}",
        f"--data-dir={node.data_dir}",
        f"--initial-cluster={node.name}={node.peer_url}",
        f"--initial-advertise-peer-urls={node.peer_url}",
    )
    node.start()
    return node


def _some_keys(cluster: Cluster, number: int = 300) -> int:
    """Write keys, overwrite some, delete some, compact; return the revision."""
    with cluster.leader().client() as client:
        for count in range(number):
            revision = client.put(f"/key/{count % 200}".encode(), b"v" * count)
        client.delete(b"/key/1")
        client.compact(revision - 50)
        return client.status().revision


def _mode(path: str | Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def _names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory)) if directory.exists() else []


@pytest.mark.parametrize("method", METHODS)
def test_etcd_takes_it_back(make_cluster: Any, module: Any, tmp_path: Path, version: str, method: str) -> None:
    cluster = make_cluster(members=1, version=version)
    revision = _some_keys(cluster)
    (node,) = cluster.nodes
    directory = tmp_path / "backups/etcd"
    result = module("etcd_snapshot", node, directory=str(directory), method=method)
    assert not result["failed"], result["msg"]
    assert result["changed"] is True
    assert result["reused"] is False
    assert result["revision"] == revision
    assert result["path"].endswith(f"-{node.name}-r{revision}.db")
    assert result["method"] == method or (method, result["method"]) in (("auto", "reflink"), ("auto", "file"))
    assert (_mode(directory), _mode(result["path"]), _mode(f"{result['path']}.json")) == (0o700, 0o600, 0o600)
    assert _names(directory) == [Path(result["path"]).name, f"{Path(result['path']).name}.json"]
    assert result["size_bytes"] == os.path.getsize(result["path"])

    status = _status(version, result["path"])
    assert status["revision"] == revision
    restored = _restored(make_cluster, version, result["path"])
    assert restored.record().entries == cluster.record().entries != {}


def test_a_filesystem_that_makes_no_reflinks(make_cluster: Any, module: Any, tmp_path: Path) -> None:
    cluster = make_cluster(members=1)
    _some_keys(cluster)
    result = module("etcd_snapshot", cluster.nodes[0], directory=str(tmp_path / "backups"), method="reflink")
    if result["failed"]:
        assert "reflink: the filesystem does not support reflinks (" in result["msg"]
        assert _names(tmp_path / "backups") == []
    else:
        assert _status(cluster.version, result["path"])["revision"] == result["revision"]
    auto = module("etcd_snapshot", cluster.nodes[0], directory=str(tmp_path / "backups"))
    expected = ("file", ["reflink"]) if result["failed"] else ("reflink", [])
    assert (auto["method"], [text.partition(":")[0] for text in auto["tried"]]) == expected


def test_a_file_that_changes_is_not_copied(make_cluster: Any, module: Any, tmp_path: Path) -> None:
    # A transaction ends every few milliseconds: no copy is faster than that.
    cluster = make_cluster(members=1, quota_bytes=None, flags={"backend-batch-interval": "1ms"})
    fill(cluster, until="bytes", size_bytes=40 * MIB, live_fraction=0.5)
    (node,) = cluster.nodes
    with node.client() as client, Writer([node]) as writer:
        refused = module("etcd_snapshot", node, directory=str(tmp_path / "backups"), method="file")
        read = client.status().revision
        result = module("etcd_snapshot", node, directory=str(tmp_path / "backups"))
    assert writer.failures == []
    assert refused["failed"]
    assert "the file changed under each attempt to copy it" in refused["msg"]
    assert not result["failed"], result["msg"]
    assert result["method"] in ("etcdctl", "reflink")
    assert result["revision"] >= read
    assert _status(cluster.version, result["path"])["revision"] == result["revision"]
    assert _names(tmp_path / "backups") == [Path(result["path"]).name, f"{Path(result['path']).name}.json"]


@nothing_streams
def test_a_member_whose_files_are_elsewhere(make_cluster: Any, module: Any, tmp_path: Path) -> None:
    cluster = make_cluster(members=2)
    revision = _some_keys(cluster)
    here, elsewhere = cluster.nodes
    await_settled(cluster)
    result = module("etcd_snapshot", here, endpoint=elsewhere.client_url, directory=str(tmp_path / "backups"))
    assert not result["failed"], result["msg"]
    assert (result["member"], result["method"], result["revision"]) == (elsewhere.name, "gateway", revision)
    assert result["tried"] == [
        "reflink: its files are not on this host",
        "file: its files are not on this host",
        "etcdctl: its process is not running on this host",
    ]


def test_it_is_used_again_while_nothing_but_deletions_happened(make_cluster: Any, module: Any, tmp_path: Path) -> None:
    cluster = make_cluster(members=1)
    _some_keys(cluster)
    (node,) = cluster.nodes
    options = {"directory": str(tmp_path / "backups"), "reuse": True}
    first = module("etcd_snapshot", node, **options)
    assert (first["changed"], first["reused"]) == (True, False)

    def again(*, check: bool = False) -> Any:
        result = module("etcd_snapshot", node, check=check, **options)
        assert not result["failed"], result["msg"]
        return result

    with node.client() as client:
        for deleted in (b"", b"/key/20"):
            if deleted:
                assert client.delete(deleted) == 1
            for check in (True, False):
                result = again(check=check)
                assert (result["changed"], result["reused"], result["path"]) == (False, True, first["path"])
        client.put(b"/key/20", b"new")
        assert again(check=True)["changed"] is True
        second = again()
        assert (second["changed"], second["reused"]) == (True, False)
        assert second["path"] != first["path"]
        assert second["revision"] == client.status().revision

    # Not asked for, it is not used again.
    assert module("etcd_snapshot", node, directory=options["directory"])["reused"] is False

    with open(second["path"], "r+b") as file:
        file.seek(-40, os.SEEK_END)
        file.write(b"damaged!")
    third = again()
    assert (third["changed"], third["reused"]) == (True, False)
    assert _status(cluster.version, third["path"])["revision"] == third["revision"]


def test_only_so_many_are_kept(make_cluster: Any, module: Any, tmp_path: Path) -> None:
    cluster = make_cluster(members=1)
    (node,) = cluster.nodes
    directory = tmp_path / "backups"
    directory.mkdir(mode=0o750)
    (directory / "etcd-mine.db").write_text("somebody else's", "ascii")
    paths: list[str] = []
    for number in range(4):
        with node.client() as client:
            client.put(b"a", str(number).encode())
        result = module("etcd_snapshot", node, directory=str(directory), keep=2)
        assert result["pruned"] == paths[-2:-1]
        paths.append(result["path"])
    kept = [Path(path).name for path in paths[-2:]]
    assert _names(directory) == sorted(["etcd-mine.db", *kept, *(f"{name}.json" for name in kept)])
    # A directory that was there keeps its mode.
    assert _mode(directory) == 0o750


@nothing_streams
def test_a_member_that_dies_in_the_middle_leaves_nothing(make_cluster: Any, start_module: Any, tmp_path: Path) -> None:
    cluster = make_cluster(members=1, quota_bytes=None)
    fill(cluster, until="bytes", size_bytes=64 * MIB, live_fraction=0.5)
    (node,) = cluster.nodes
    directory = tmp_path / "backups"
    background = start_module("etcd_snapshot", node, directory=str(directory), method="gateway")
    # Whatever it is called until it is whole.
    await_true(lambda: any(path.stat().st_size > 2 * MIB for path in directory.rglob("*")), "the stream has begun")
    node.kill()
    result = background.result()
    assert result["failed"]
    assert f"No snapshot of {node.name} could be written to {directory}. gateway: " in result["msg"]
    assert _names(directory) == []


def test_check_mode_writes_nothing(make_cluster: Any, module: Any, tmp_path: Path) -> None:
    cluster = make_cluster(members=1)
    revision = _some_keys(cluster)
    result = module("etcd_snapshot", cluster.nodes[0], check=True, directory=str(tmp_path / "backups"))
    assert not result["failed"]
    assert (result["changed"], result["path"], result["revision"]) == (True, "", revision)
    with Witness(cluster.nodes[0]) as witness:
        assert result["size_bytes"] == witness.status().db_size
    assert not (tmp_path / "backups").exists()


def test_a_directory_that_cannot_be_made(make_cluster: Any, module: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "ascii")
    result = module("etcd_snapshot", make_cluster(members=1).nodes[0], directory=str(tmp_path / "file/backups"))
    assert result["failed"]
    assert f"The folder {tmp_path}/file/backups cannot be created: Not a directory" in result["msg"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    directory = tmp_path / "small"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "small", str(directory)], check=True)
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_disk_that_is_too_small(make_cluster: Any, module: Any, small_disk: Path) -> None:
    cluster = make_cluster(members=1, quota_bytes=None)
    fill(cluster, until="bytes", size_bytes=16 * MIB, live_fraction=0.5)
    result = module("etcd_snapshot", cluster.nodes[0], directory=str(small_disk))
    assert result["failed"]
    for method in ("file", "etcdctl", "gateway"):
        assert f"{method}: " in result["msg"]
    assert f"are needed in {small_disk}, 8.0 MiB are free; make room there or name another folder" in result["msg"]
    assert "Nothing else was changed." in result["msg"]
    assert _names(small_disk) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_disk_shared_with_etcd_keeps_room_for_its_log(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1, quota_bytes=None, tmpfs_mib=200)
    _some_keys(cluster)
    (node,) = cluster.nodes
    disk = os.statvfs(node.data_dir)
    with (node.data_dir / "ballast").open("wb") as ballast:
        os.posix_fallocate(ballast.fileno(), 0, disk.f_bavail * disk.f_frsize - 30 * MIB)
    result = module("etcd_snapshot", node, directory=str(node.data_dir / "backups"))
    assert result["failed"]
    assert "with room for etcd's next WAL segment, which is on the same disk" in result["msg"]
    assert "30.0 MiB are free" in result["msg"]
