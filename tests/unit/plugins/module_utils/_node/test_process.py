# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process of a manifest among others."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._node import process
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings

MANIFEST = MemberSettings("etcd.yaml", "", {"name": "cp1", "data-dir": "/var/lib/etcd"}, {}, ())
OWN = ["etcd", "--name=cp1", "--data-dir=/var/lib/etcd"]

COMMANDS: list[tuple[str, list[str], bool]] = [
    ("the manifest's", OWN, True),
    ("with a path", ["/usr/local/bin/etcd", *OWN[1:]], True),
    ("values in words of their own", ["etcd", "--name", "cp1", "--data-dir", "/var/lib/etcd"], True),
    ("further flags", [*OWN, "--quota-backend-bytes=1"], True),
    ("another name", ["etcd", "--name=cp2", "--data-dir=/var/lib/etcd"], False),
    ("another data directory", ["etcd", "--name=cp1", "--data-dir=/var/lib/calico"], False),
    ("no flags", ["etcd"], False),
    ("etcdctl", ["etcdctl", *OWN[1:]], False),
    ("kernel thread", [""], False),
    ("nothing", [], False),
]


UNIT = MemberSettings("etcd.service", "", {}, {}, (), unit="etcd.service")
IN_UNIT = "9:name=systemd:/system.slice/etcd.service\n0::/system.slice/etcd.service\n"
CONTAINER = f"0::/system.slice/docker-{'0a' * 32}.scope\n"

# Words, the control group, and whether it is the etcd of the unit.
OF_UNIT: list[tuple[str, list[str], str, bool]] = [
    ("no arguments", ["/usr/local/bin/etcd"], IN_UNIT, True),
    ("flags", ["/usr/bin/etcd", "--name=other"], IN_UNIT, True),
    ("events", ["/usr/local/bin/etcd"], IN_UNIT.replace("etcd.", "etcd-events."), False),
    ("by hand", ["/usr/local/bin/etcd"], "0::/user.slice/session-1.scope\n", False),
    ("a container of Docker", ["/usr/local/bin/etcd"], CONTAINER, True),
    ("a pod", ["etcd"], "0::/kubepods.slice/x.scope\n", False),
    ("the client of Docker", ["docker", "run", "etcd"], IN_UNIT, False),
    ("k3s", ["/usr/local/bin/k3s server"], IN_UNIT, True),
]


@pytest.mark.parametrize(("words", "cgroup", "expected"), table(OF_UNIT))
def test_is_member_of_a_unit(words: list[str], cgroup: str, expected: bool) -> None:
    assert process.is_member(words, UNIT, cgroup) is expected


def test_is_member_with_a_configuration_file() -> None:
    member = MemberSettings("etcd.yaml", "", {"name": "cp1", "data-dir": "/d"}, {}, (), config_file="/d/config")
    assert process.is_member(["etcd", "--config-file=/d/config"], member)
    assert not process.is_member(["etcd", "--config-file=/e/config"], member)


@pytest.mark.parametrize(("words", "expected"), table(COMMANDS))
def test_is_member(words: list[str], expected: bool) -> None:
    assert process.is_member(words, MANIFEST) is expected


def add(
    proc: Path, pid: str, words: list[str], exe: str = "/usr/local/bin/etcd", files: Sequence[Path | str] = ()
) -> Path:
    """A process with this command line that has these files open."""
    directory = proc / pid
    (directory / "fd").mkdir(parents=True)
    for number, file in enumerate(files):
        (directory / "fd" / str(number)).symlink_to(file)
    (directory / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))
    (directory / "exe").symlink_to(exe)
    (directory / "root").mkdir()
    return directory / "root"


@pytest.fixture
def node(tmp_path: Path) -> MemberSettings:
    """A manifest whose database is there."""
    data = tmp_path / "data"
    manifest = MemberSettings("etcd.yaml", "", {"name": "cp1", "data-dir": str(data)}, {}, ())
    Path(manifest.database).parent.mkdir(parents=True)
    Path(manifest.database).write_bytes(b"db")
    return manifest


def own(manifest: MemberSettings) -> list[str]:
    return ["etcd", *(f"--{name}={value}" for name, value in manifest.flags.items())]


def test_find(tmp_path: Path, node: MemberSettings) -> None:
    proc, database = tmp_path / "proc", [Path(node.database)]
    add(proc, "1", ["/sbin/init"], files=database)
    add(proc, "2", [])
    add(proc, "30", ["etcd", "--name=other"], files=database)
    add(proc, "100", own(node))  # somebody else, who only calls it so
    add(proc, "200", own(node), files=["/dev/null", "socket:[4711]", *database])
    add(proc, "self", own(node), files=database)
    (proc / "99").mkdir()  # it exited just now
    (proc / "meminfo").touch()
    assert process.find(node, str(proc)) == 200


HELD: list[tuple[str, Callable[[Path], list[Path | str]], bool]] = [
    ("the database", lambda database: [database], True),
    ("by another path", lambda database: [database.parent / ".." / "snap" / "db"], True),
    ("by another link", lambda database: [database.parent / "link"], True),
    ("nothing", lambda _database: [], False),
    ("a copy", lambda database: [database.parent / "copy"], False),
    ("its directory", lambda database: [database.parent], False),
    ("a file that is gone", lambda database: [f"{database} (deleted)"], False),
    ("no file", lambda _database: ["pipe:[4711]", "anon_inode:[eventpoll]"], False),
]


@pytest.mark.parametrize(("files", "expected"), table(HELD))
def test_find_only_who_has_the_database_open(
    tmp_path: Path, node: MemberSettings, files: Callable[[Path], list[Path | str]], expected: bool
) -> None:
    database = Path(node.database)
    (database.parent / "copy").write_bytes(b"db")
    (database.parent / "link").hardlink_to(database)
    add(tmp_path / "proc", "200", own(node), files=files(database))
    assert process.holds(200, node.database, str(tmp_path / "proc")) is expected
    assert process.find(node, str(tmp_path / "proc")) == (200 if expected else None)


@pytest.mark.parametrize("hidden", ["fd", "fd/0"])
def test_find_where_files_of_others_are_not_shown(
    tmp_path: Path, node: MemberSettings, monkeypatch: pytest.MonkeyPatch, hidden: str
) -> None:
    """For root without CAP_SYS_PTRACE the control group of a unit tells, and nothing that of a pod."""
    proc = tmp_path / "proc"
    for pid, cgroup in (("100", "0::/user.slice/session-1.scope\n"), ("200", IN_UNIT)):
        add(proc, pid, own(node), files=[Path(node.database)])
        (proc / pid / "cgroup").write_text(cgroup)

    def refused(real: Callable[..., object]) -> Callable[..., object]:
        def call(path: str, *arguments: object) -> object:
            if str(path).startswith(str(proc)) and str(path).endswith(hidden):
                raise PermissionError(13, "Permission denied", path)
            return real(path, *arguments)

        return call

    for name in ("stat", "listdir"):
        monkeypatch.setattr(process.os, name, refused(getattr(os, name)))
    assert process.holds(200, node.database, str(proc)) is None
    assert process.find(node, str(proc)) is None
    assert process.find(node._replace(unit="etcd.service"), str(proc)) == 200


def test_nobody_holds_what_is_not_there(tmp_path: Path, node: MemberSettings) -> None:
    add(tmp_path / "proc", "200", own(node), files=[Path(node.database)])
    assert not process.holds(201, node.database, str(tmp_path / "proc"))
    Path(node.database).unlink()
    assert not process.holds(200, node.database, str(tmp_path / "proc"))
    assert process.find(node, str(tmp_path / "proc")) is None


def test_holds_a_real_file(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with path.open("wb"):
        assert process.holds(os.getpid(), str(path))
    assert not process.holds(os.getpid(), str(path))


def test_flags_of_the_host_s_own(tmp_path: Path) -> None:
    proc = tmp_path / "proc"
    assert process.flags_of("kubelet", str(proc)) == {}
    add(proc, "1", ["/sbin/init"])
    add(proc, "2", ["/usr/bin/kubelet", "--config=/somebody"])
    add(proc, "3", ["/usr/bin/kubelet", "--config=/container"])
    add(proc, "10", ["/usr/bin/kubelet", "--config=/x", "--v", "2"])
    add(proc, "11", ["/usr/bin/kubelet", "--config=/later"])
    for pid, namespace in (("self", 1), ("2", 1), ("3", 7), ("10", 1), ("11", 1)):
        (proc / pid / "ns").mkdir(parents=True)
        (proc / pid / "ns/pid").symlink_to(f"pid:[{namespace}]")
    wanted = {"config": "/somebody"}
    if os.geteuid() == 0:
        os.chown(proc / "2", 4711, -1)
        wanted = {"config": "/x", "v": "2"}
    assert process.flags_of("kubelet", str(proc)) == wanted


def test_activity(tmp_path: Path) -> None:
    directory = tmp_path / "7"
    directory.mkdir()
    assert process.activity(7, str(tmp_path)) is None
    (directory / "io").write_text("rchar: 100\nwchar: 7\nread_bytes: 4096\nwrite_bytes: 0\n", "utf-8")
    ticks = os.sysconf("SC_CLK_TCK")
    fields = ["S", *"0" * 10, str(3 * ticks), str(ticks), *"0" * 20]
    (directory / "stat").write_text(f"7 (a) (b) {' '.join(fields)}\n", "utf-8")
    assert process.activity(7, str(tmp_path)) == process.Activity(4196, 4.0)
    (directory / "io").write_text("", "utf-8")
    assert process.activity(7, str(tmp_path)) is None


def test_activity_of_a_real_process(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1 << 20))
    before = process.activity(os.getpid())
    (tmp_path / "file").read_bytes()
    after = process.activity(os.getpid())
    assert before
    assert after
    assert after.read_bytes - before.read_bytes >= 1 << 20
    assert after.cpu_seconds >= before.cpu_seconds > 0


def test_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the manifest's own etcd is asked to exit."""
    monkeypatch.setattr(process, "find", lambda _manifest: 200)
    with subprocess.Popen(["sleep", "600"]) as sleeper:
        assert not process.end(sleeper.pid, MANIFEST)
        assert sleeper.poll() is None
        monkeypatch.setattr(process, "find", lambda _manifest: sleeper.pid)
        assert process.end(sleeper.pid, MANIFEST)
        assert sleeper.wait(10) == -signal.SIGTERM
    assert process.end(sleeper.pid, MANIFEST)  # it exited just then


def test_find_nothing(tmp_path: Path) -> None:
    add(tmp_path, "30", ["etcd", "--name=other"])
    assert process.find(MANIFEST, str(tmp_path)) is None


def test_flags(tmp_path: Path) -> None:
    add(tmp_path, "7", [*OWN, "--max-wals=7"])
    add(tmp_path, "8", [])
    assert process.flags(7, str(tmp_path)) == {"name": "cp1", "data-dir": "/var/lib/etcd", "max-wals": "7"}
    assert process.flags(8, str(tmp_path)) is None
    assert process.flags(9, str(tmp_path)) is None


def add_stat(proc: Path, pid: str, name: str, ticks: int) -> None:
    """A process of this name that was started so many clock ticks after the boot."""
    (proc / pid).mkdir(parents=True, exist_ok=True)
    fields = ["S", *("0" for _field in range(18)), str(ticks), "4096"]
    (proc / pid / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n", "utf-8")


TICKS = os.sysconf("SC_CLK_TCK")

AGES: list[tuple[str, str, int, str, float | None]] = [
    ("a minute", "etcd", 40 * TICKS, "100.00 200.00\n", 60.0),
    ("a name with blanks and brackets", "a) b (c", 40 * TICKS, "100.50 200.00\n", 60.5),
    ("just now, by a clock that is behind", "etcd", 101 * TICKS, "100.00 200.00\n", 0.0),
    ("no clock", "etcd", 40 * TICKS, "", None),
    ("no number", "etcd", 40 * TICKS, "soon\n", None),
]


@pytest.mark.parametrize(("name", "ticks", "uptime", "expected"), table(AGES))
def test_age(tmp_path: Path, name: str, ticks: int, uptime: str, expected: float | None) -> None:
    add_stat(tmp_path, "7", name, ticks)
    (tmp_path / "uptime").write_text(uptime, "ascii")
    assert process.age(7, str(tmp_path)) == expected
    assert process.age(8, str(tmp_path)) is None


def test_age_of_what_exits_just_now(tmp_path: Path) -> None:
    (tmp_path / "uptime").write_text("100.00 200.00\n", "ascii")
    (tmp_path / "7").mkdir()
    (tmp_path / "7/stat").write_text("", "ascii")
    assert process.age(7, str(tmp_path)) is None


def test_age_of_a_real_process() -> None:
    found = process.age(os.getpid())
    assert found is not None
    assert 0 <= found < 3600


RUNNING: list[tuple[str, list[str], bool]] = [
    ("by name", ["kube-apiserver", "--secure-port=6443"], True),
    ("with a path", ["/usr/local/bin/kube-apiserver"], True),
    ("as an argument of another", ["grep", "kube-apiserver"], False),
    ("another one", ["kube-scheduler"], False),
    ("a name that begins alike", ["kube-apiserver-proxy"], False),
    ("a title in the place of its name", ["kube-apiserver: master process kube-apiserver"], True),
    ("a title with a path", ["/usr/bin/kube-apiserver: worker"], True),
    ("another's title", ["nginx: kube-apiserver"], False),
    ("a title that begins alike", ["kube-apiserver-proxy: master process"], False),
    ("a script", ["/usr/bin/python3.11", "/usr/local/bin/kube-apiserver", "-v"], True),
    ("a shell script", ["/bin/sh", "./kube-apiserver"], True),
    ("another script", ["/usr/bin/python3", "manage.py", "kube-apiserver"], False),
    ("an argument of a script", ["bash", "-c", "kube-apiserver"], False),
    ("no interpreter, though it begins like one", ["shutdown", "kube-apiserver"], False),
    ("kernel thread", [], False),
]


@pytest.mark.parametrize(("words", "expected"), table(RUNNING))
def test_running(tmp_path: Path, words: list[str], expected: bool) -> None:
    add(tmp_path, "1", ["/sbin/init"])
    add(tmp_path, "7", words)
    (tmp_path / "99").mkdir()  # it exited just now
    (tmp_path / "meminfo").touch()
    assert process.running("kube-apiserver", str(tmp_path)) is expected


def test_running_on_the_host(tmp_path: Path) -> None:
    """A pod has cron, too; that one reads nothing of the host's."""
    for entry, namespace in (("self", "pid:[1]"), ("7", "pid:[2]"), ("8", "pid:[1]")):
        (tmp_path / entry / "ns").mkdir(parents=True)
        (tmp_path / entry / "ns/pid").symlink_to(namespace)
    (tmp_path / "7/cmdline").write_bytes(b"crond\0")
    assert process.running("crond", str(tmp_path))
    assert not process.running("crond", str(tmp_path), of_host=True)
    (tmp_path / "8/cmdline").write_bytes(b"crond\0")
    assert process.running("crond", str(tmp_path), of_host=True)
    own = Path("/proc/self/cmdline").read_text("utf-8").partition("\0")[0]
    assert process.running(os.path.basename(own), of_host=True)


def test_interpreter_is_a_program_as_well(tmp_path: Path) -> None:
    add(tmp_path, "7", ["/usr/bin/python3", "/opt/x.py"])
    assert process.running("python3", str(tmp_path))
    assert process.running("x.py", str(tmp_path))
    assert not process.running("", str(tmp_path))
