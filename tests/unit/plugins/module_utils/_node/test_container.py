# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of another root directory: which one is run, and what it may do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._node import container

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give anything up")

CONTAINER = """
import os, sys, time
os.chroot(sys.argv[1])
os.chdir("/")
print("there", flush=True)
time.sleep(600)
"""
PROGRAM = "/usr/local/bin/etcdctl"


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """The directory that a program may write to, in one that only root may enter."""
    above = tmp_path / "snapshots"
    above.mkdir(0o700)
    (above / "secret").write_text("secret", "utf-8")
    (above / "secret").chmod(0o644)
    path = above / "room"
    path.mkdir(0o700)
    os.chown(path, container.user(), -1)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    (path / "usr/local/bin").mkdir(parents=True)
    return path


@pytest.fixture
def contained(root: Path) -> Iterator[int]:
    """A process in that root directory."""
    with subprocess.Popen([sys.executable, "-c", CONTAINER, str(root)], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"there\n"
        yield process.pid
        process.kill()


def shell(room: Path, script: str) -> CommandResult:
    return container.run(os.getpid(), ["/bin/sh", "-c", script], str(room), 20)


@as_root
def test_it_has_no_rights(room: Path) -> None:
    found = shell(room, "id -u; id -G; grep -E 'CapEff|CapPrm|NoNewPrivs' /proc/self/status")
    assert found.out.split() == [
        str(container.USER),
        str(container.USER),
        *("CapPrm:", "0" * 16, "CapEff:", "0" * 16, "NoNewPrivs:", "1"),
    ]


@as_root
def test_it_writes_to_its_own_directory_alone(room: Path) -> None:
    found = shell(room, "echo mine >snapshot; cat ../secret; echo x >../other; echo x >/etc/of-the-tests")
    assert (room / "snapshot").read_text("utf-8") == "mine\n"
    assert (room / "snapshot").stat().st_uid == container.USER
    assert found.code != 0
    assert "secret" not in found.out
    assert sorted(os.listdir(room.parent)) == ["room", "secret"]
    assert not Path("/etc/of-the-tests").exists()


@as_root
def test_it_inherits_nothing(room: Path, tmp_path: Path) -> None:
    with (tmp_path / "open").open("w", encoding="utf-8") as file:
        os.set_inheritable(file.fileno(), True)
        found = shell(room, "ls -l /proc/self/fd; env")
    assert str(tmp_path / "open") not in found.out
    assert "ETCDCTL_API=3" in found.out.split()
    assert "HOME=" not in found.out


@as_root
def test_a_set_user_id_bit_does_not_count(room: Path, tmp_path: Path) -> None:
    program = tmp_path / "id"
    shutil.copy(shutil.which("id") or "", program)
    program.chmod(0o4755)
    assert container.run(os.getpid(), [str(program), "-u"], str(room), 20).out == f"{container.USER}\n"


def _link_to_the_host(program: Path, trap: Path) -> None:
    program.symlink_to(trap)


def _link_upwards(program: Path, trap: Path) -> None:
    program.symlink_to("../" * 20 + str(trap).lstrip("/"))


def _link_inside(program: Path, _trap: Path) -> None:
    (program.parents[3] / "inside").write_bytes(b"no program")
    (program.parents[3] / "inside").chmod(0o755)
    program.symlink_to("/inside")


def _pipe(program: Path, _trap: Path) -> None:
    os.mkfifo(program, 0o755)


def _script(program: Path, _trap: Path) -> None:
    program.write_text("#!/bin/sh\nid\n", "utf-8")
    program.chmod(0o755)


def _nothing(program: Path, trap: Path) -> None:
    """Leave it missing."""


# What lies in the place of the program, and why it is not run.
PLANTED: list[tuple[str, Callable[[Path, Path], None], str]] = [
    ("a link to a program of the host", _link_to_the_host, "No such file or directory"),
    ("a link upwards", _link_upwards, "No such file or directory"),
    ("a link that leads somewhere inside only", _link_inside, "Exec format error"),
    ("a pipe", _pipe, "Not a regular file"),
    ("a script", _script, "No such file or directory"),
    ("nothing", _nothing, "No such file or directory"),
]


@as_root
@pytest.mark.parametrize(("plant", "reason"), table(PLANTED))
def test_nothing_of_the_host_is_run(
    contained: int, root: Path, room: Path, tmp_path: Path, plant: Callable[[Path, Path], None], reason: str
) -> None:
    trap = tmp_path / "trap"
    shutil.copy(shutil.which("id") or "", trap)
    plant(root / PROGRAM.lstrip("/"), trap)
    found = container.run(contained, [PROGRAM], str(room), 20)
    assert found.code == 127
    assert reason in found.err
    assert found.out == ""


@as_root
def test_a_process_that_is_gone(contained: int, room: Path) -> None:
    os.kill(contained, 9)
    while Path(f"/proc/{contained}/root").exists():
        time.sleep(0.01)
    assert container.run(contained, [PROGRAM], str(room), 20).code == 127


def test_who_is_not_root_has_nothing_to_give_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert container.user() == 1000
    assert container.run(os.getpid(), ["/bin/pwd"], str(tmp_path), 20).out == f"{tmp_path}\n"
    found = container.run(os.getpid(), ["/nowhere/etcdctl"], str(tmp_path), 20)
    assert found.code == 127
    assert "No such file or directory" in found.output


def test_path_beside(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/exe").symlink_to("/usr/local/bin/etcd")
    assert container.path_beside(7, "etcdctl", str(tmp_path)) == PROGRAM
    assert container.path_beside(8, "etcdctl", str(tmp_path)) is None
