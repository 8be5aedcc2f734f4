# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has a database open, in a `/proc` of files and in the real one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._node import database_users
from ansible_collections.controlplane.etcd.plugins.module_utils._node.installation import DatabaseUser

READ, WRITE = "0100000", "0102002"  # O_RDONLY and O_RDWR, as the kernel of x86-64 has them
GROUP = "0::/system.slice/etcd.service\n"


def add(
    proc: Path, pid: int, files: Sequence[tuple[Path | str, str]], words: Sequence[str] = ("/usr/bin/etcd",)
) -> None:
    """A process that has these files open with these flags."""
    directory = proc / str(pid)
    for name in ("fd", "fdinfo"):
        (directory / name).mkdir(parents=True)
    for number, (file, flags) in enumerate(files):
        (directory / "fd" / str(number)).symlink_to(file)
        (directory / "fdinfo" / str(number)).write_text(f"pos:\t0\nflags:\t{flags}\nmnt_id:\t7\n", "ascii")
    (directory / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))
    (directory / "cgroup").write_text(GROUP, "ascii")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "data/member/snap/db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"db")
    return path


def test_users(tmp_path: Path, database: Path) -> None:
    proc = tmp_path / "proc"
    other = tmp_path / "other/member/snap/db"
    add(proc, 300, [("/dev/null", WRITE), ("socket:[1]", WRITE), (database, WRITE)], ["/usr/bin/etcd", "--name=a b"])
    add(proc, 20, [(other, WRITE)])
    add(proc, 21, [(database, READ)])  # whoever copies it
    add(proc, 22, [(database.parent / "db.tmp", WRITE)])
    add(proc, 23, [(f"{database} (deleted)", WRITE)])
    add(proc, 24, [])
    (proc / "25").mkdir()  # it exited just now
    add(proc, 26, [(database, WRITE)])
    (proc / "26/fdinfo/0").unlink()  # closed just now
    (proc / "meminfo").touch()
    found = database_users.database_users(str(proc))
    assert found == [
        DatabaseUser(20, ("/usr/bin/etcd",), GROUP, str(other)),
        DatabaseUser(300, ("/usr/bin/etcd", "--name=a b"), GROUP, str(database)),
    ]
    assert found[1].program == "/usr/bin/etcd"
    assert [user.pid for user in database_users.users_of(str(database), str(proc))] == [300]


def test_data_on_another_disk(tmp_path: Path, database: Path) -> None:
    """`/proc` shows where a link leads to."""
    (tmp_path / "disk").mkdir()
    database.parent.rename(tmp_path / "disk/snap")
    database.parent.symlink_to(tmp_path / "disk/snap")
    add(tmp_path / "proc", 7, [(tmp_path / "disk/snap/db", WRITE)])
    assert [user.pid for user in database_users.users_of(str(database), str(tmp_path / "proc"))] == [7]


def test_users_of_a_real_file(database: Path) -> None:
    with database.open("rb"):
        assert os.getpid() not in [user.pid for user in database_users.users_of(str(database))]
    with database.open("r+b"):
        (user,) = database_users.users_of(str(database))
    assert user.pid == os.getpid()
    assert user.cgroup == Path("/proc/self/cgroup").read_text("ascii")
    assert user.words == tuple(Path("/proc/self/cmdline").read_text("utf-8").rstrip("\0").split("\0"))


def test_is_locked(database: Path) -> None:
    assert not database_users.is_locked(str(database))
    with database.open("r+b") as file:
        assert not database_users.is_locked(str(database))
        fcntl.flock(file, fcntl.LOCK_EX)
        assert database_users.is_locked(str(database))
    assert not database_users.is_locked(str(database))
    assert not database_users.is_locked(f"{database}.gone")
