# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filesystems of a node: what lies where, and what is left over there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from unit.builders import MIB, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node import disks
from ansible_collections.controlplane.etcd.plugins.module_utils._node.disks import Leftover, removable
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings


def node(root: Path, **flags: str) -> MemberSettings:
    """Make the directories of a node, as if below `root` were the whole machine; its manifest."""
    for path in ("var/lib/etcd/member/snap", "var/lib/etcd/member/wal", "var/lib/kubelet", "var/lib/containerd"):
        (root / path).mkdir(parents=True)
    return MemberSettings("etcd.yaml", "", {"data-dir": str(root / "var/lib/etcd"), **flags}, {}, ())


def write(path: Path, size: int = 1, seconds: int = 0) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (seconds, seconds))
    return str(path)


def test_one_filesystem(tmp_path: Path) -> None:
    (found,) = disks.disks(node(tmp_path), str(tmp_path / "var/backups/etcd"), None, str(tmp_path))
    size = os.statvfs(tmp_path)
    assert found.uses == ("data", "wal", "snapshots", "kubelet")
    assert found.path == str(tmp_path / "var/lib/etcd")
    assert found.free_bytes > 0
    # The larger of both defaults, for images.
    assert found.eviction_bytes == int(size.f_blocks * size.f_frsize * 0.15)
    assert (found.snapshot, found.leftovers) == ("", ())


def test_the_running_kubelet_says_what_it_evicts_at(tmp_path: Path) -> None:
    manifest = node(tmp_path)
    words = ["/usr/bin/kubelet", "--eviction-hard=nodefs.available<4711,imagefs.available<7"]
    write(tmp_path / "proc/7/cmdline")
    (tmp_path / "proc/7/cmdline").write_bytes(b"\0".join(map(str.encode, words)) + b"\0")
    (found,) = disks.disks(manifest, "", None, str(tmp_path))
    assert found.eviction_bytes == 4711


def test_leftovers_and_what_is_none(tmp_path: Path) -> None:
    manifest, backups = node(tmp_path), tmp_path / "var/backups/etcd"
    snap = tmp_path / "var/lib/etcd/member/snap"
    write(snap / "db", 900)
    write(snap / "0000000000000002-0000000000000005.snap", 900)
    left = {
        write(snap / "tmp123", 10): 10,
        write(snap / "0000000000000002-0000000000000004.snap.broken", 20): 20,
        write(snap / "db.tmp.456", 30): 30,
    }
    copy = tmp_path / "etc/kubernetes/tmp/kubeadm-backup-etcd-2026-01-02"
    write(copy / "etcd/member/snap/db", 100)
    write(copy / "etcd/member/wal/0.wal", 64)
    left[str(copy)] = 164
    newest = write(backups / "etcd-c1-cp1-r30.db", 5, 300)
    left[write(backups / "etcd-c1-cp1-r10.db", 6, 100)] = 6
    left[write(backups / "etcd-c1-cp.1-r20.db", 7, 200)] = 7
    write(backups / "etcd-before-the-upgrade.db", 900, 50)
    write(backups / "etcd-c1-cp1-r10.db.json", 900, 50)

    (found,) = disks.disks(manifest, str(backups), None, str(tmp_path))

    assert found.snapshot == newest
    assert {each.path: each.size_bytes for each in found.leftovers} == left
    sizes = [each.size_bytes for each in found.leftovers]
    assert sizes == sorted(sizes, reverse=True)
    assert all(os.path.exists(path) for path in left)


def test_what_etcd_has_open_is_no_leftover(tmp_path: Path) -> None:
    """A defragmentation, or the receipt of a snapshot, may be at work on it."""
    manifest, snap = node(tmp_path), tmp_path / "var/lib/etcd/member/snap"
    busy, left = write(snap / "db.tmp.1"), write(snap / "db.tmp.2")
    with open(busy, "rb"):
        (found,) = disks.disks(manifest, str(tmp_path / "none"), os.getpid(), str(tmp_path))
    assert [each.path for each in found.leftovers] == [left]
    (found,) = disks.disks(manifest, str(tmp_path / "none"), os.getpid(), str(tmp_path))
    assert len(found.leftovers) == 2


def test_node_that_has_nothing_yet(tmp_path: Path) -> None:
    manifest = MemberSettings("etcd.yaml", "", {"data-dir": str(tmp_path / "etcd")}, {}, ())
    (found,) = disks.disks(manifest, str(tmp_path / "a/b"), None, str(tmp_path))
    assert (found.uses, found.path, found.eviction_bytes) == (("snapshots",), str(tmp_path), 0)


def test_no_directory_of_snapshots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = node(tmp_path)
    write(tmp_path / "etcd-c1-cp1-r1.db")
    monkeypatch.chdir(tmp_path)
    (found,) = disks.disks(manifest, "", None, str(tmp_path))
    assert found.uses == ("data", "wal", "kubelet")
    assert (found.snapshot, found.leftovers) == ("", ())


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_filesystems_of_their_own(tmp_path: Path) -> None:
    manifest = node(tmp_path, **{"wal-dir": str(tmp_path / "wal")})
    (tmp_path / "wal").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "etcd-lab", str(tmp_path / "wal")], check=True)
    try:
        write(tmp_path / "wal/backups/etcd-c1-cp1-r1.db")
        data, wal = disks.disks(manifest, str(tmp_path / "wal/backups"), None, str(tmp_path))
    finally:
        subprocess.run(["umount", str(tmp_path / "wal")], check=True)
    assert (data.uses, wal.uses) == (("data", "kubelet"), ("wal", "snapshots"))
    assert wal.free_bytes < 8 * MIB < data.free_bytes
    assert (wal.path, wal.eviction_bytes, data.eviction_bytes > 0) == (str(tmp_path / "wal"), 0, True)
    assert (data.snapshot, wal.snapshot) == ("", str(tmp_path / "wal/backups/etcd-c1-cp1-r1.db"))


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:22 / /var rw shared:2 - xfs /dev/sdb rw
24 23 0:23 / /var/lib rw - ext4 /dev/sdc rw
25 23 0:24 / /var/lib rw - btrfs /dev/sdd rw
"""
TYPES: list[tuple[str, str, str]] = [
    ("the root", "/etc", "ext4"),
    ("a mount point", "/var", "xfs"),
    ("below it", "/var/backups", "xfs"),
    ("the nearest one, mounted last", "/var/lib/etcd", "btrfs"),
    ("only the same beginning", "/variable", "ext4"),
]


@pytest.mark.parametrize(("path", "expected"), table(TYPES))
def test_type_of_a_filesystem(path: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "mountinfo").write_text(MOUNTS, "utf-8")
    assert disks._type_of(path, str(tmp_path / "mountinfo")) == expected
    assert disks._type_of(path, str(tmp_path / "none")) == ""


def test_what_may_go_is_named_with_its_size() -> None:
    assert removable([]) == ""
    assert removable([Leftover("/a", 3 * MIB)]) == "What may go there, once nobody needs it: /a (3.0 MiB)."
    many = [Leftover(f"/{number}", MIB) for number in range(7)]
    assert removable(many).endswith("/4 (1.0 MiB), and 2 more.")
