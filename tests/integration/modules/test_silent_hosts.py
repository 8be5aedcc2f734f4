# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that fall silent in the middle of a task, behind a real sshd: each task ends, and says which host it was."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.support.ansible_commands import Playing
from integration.support.clusters import await_true
from integration.support.hanging import Hanging

SSH, KEYGEN = shutil.which("ssh"), shutil.which("ssh-keygen")
SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
HOSTS = {"alone": "127.0.0.21", "delegated": "127.0.0.22", "limited": "127.0.0.23"}

# The first task is one of the user's own: it opens connections that are shared afterwards, without keep-alive.
PLAYS = """
- hosts: alone, delegated, limited
  gather_facts: false
  tasks:
    - ansible.builtin.raw: echo connected

- hosts: alone, coordinator, hasty
  gather_facts: false
  tasks:
    - name: Work
      controlplane.etcd.run_lock:
        run: test
      delegate_to: "{{ place | default(omit) }}"
      timeout: "{{ seconds | default(0) }}"
      vars:
        __if_unreachable: Nothing was locked.
      register: work
      ignore_errors: true

    - ansible.builtin.debug:
        msg: "{{ inventory_hostname }} goes on after {{ work.code }}: {{ work.msg }}"
"""


class Sshd:
    """An sshd on addresses of its own, for the user who runs the tests."""

    def __init__(self, directory: Path) -> None:
        assert KEYGEN
        assert SSHD
        for name in ("host", "user"):
            subprocess.run([KEYGEN, "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
        with socket.socket() as found:
            found.bind((HOSTS["alone"], 0))
            self.port: int = found.getsockname()[1]
        self.key = directory / "user"
        config = directory / "sshd_config"
        config.write_text(
            "".join(f"ListenAddress {address}:{self.port}\n" for address in HOSTS.values())
            + f"HostKey {directory}/host\nAuthorizedKeysFile {directory}/user.pub\nPidFile none\n"
            "StrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n",
            "utf-8",
        )
        self.log = directory / "sshd.log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen([SSHD, "-D", "-e", "-f", config], stderr=log)

    def await_ready(self) -> None:
        def answers() -> bool:
            assert self._process.poll() is None, self.log.read_text("utf-8")
            with contextlib.suppress(OSError), socket.create_connection((HOSTS["alone"], self.port), 1) as found:
                return found.recv(4) == b"SSH-"
            return False

        await_true(answers, "sshd answers")

    def _processes(self) -> list[int]:
        """The server and its descendants that are sshd as well, the oldest first."""
        found = [self._process.pid]
        for parent in found:  # it grows meanwhile
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()
            found += [int(pid) for pid in children if b"sshd" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return found

    def freeze(self) -> None:
        """Say nothing more, as a node that has lost its network: connections stay open."""
        for pid in self._processes():
            os.kill(pid, signal.SIGSTOP)

    def end(self) -> None:
        for pid in self._processes():
            os.kill(pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    if not (SSH and KEYGEN and SSHD):
        pytest.skip("there is no OpenSSH server and client here (apt-get install openssh-server openssh-client)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    found = Sshd(tmp_path)
    found.await_ready()
    yield found
    found.end()


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Hanging]:
    found = Hanging(tmp_path)
    yield found
    found.end()


@pytest.fixture
def sockets() -> Iterator[str]:
    """A directory whose path is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="cp") as directory:
        yield directory


def test_hosts_that_fall_silent(
    start_playbook: Callable[..., Playing], sshd: Sshd, hanging: Hanging, sockets: str, tmp_path: Path
) -> None:
    """They are ended by the keep-alive, and by a task's own limit, if that is shorter; the rest of the run goes on."""
    reached: dict[str, Any] = {
        name: {
            "ansible_host": address,
            "ansible_port": sshd.port,
            "ansible_user": getpass.getuser(),
            "ansible_ssh_private_key_file": str(sshd.key),
            "ansible_host_key_checking": False,
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={tmp_path}/known_hosts -F /dev/null",
            "ansible_python_interpreter": str(hanging.program),
        }
        for name, address in HOSTS.items()
    }
    local = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    reached["coordinator"] = {**local, "place": "delegated"}
    reached["hasty"] = {**local, "place": "limited", "seconds": 30}
    hosts, plays = tmp_path / "hosts.yml", tmp_path / "plays.yml"
    hosts.write_text(yaml.safe_dump({"all": {"hosts": reached}}), "utf-8")
    plays.write_text(PLAYS, "utf-8")

    playing = start_playbook(hosts, name=str(plays), env={"ANSIBLE_SSH_CONTROL_PATH_DIR": sockets})
    await_true(lambda: len(hanging.pids) == len(HOSTS), "the module runs on every host", seconds=60)
    sshd.freeze()
    run = playing.wait()

    assert run.rc == 4, run.out
    assert run.recap["alone"]["unreachable"] == 1
    assert "alone goes on" not in run.flat
    lost = "coordinator goes on after host_unreachable: delegated cannot be reached any more. Nothing was locked."
    assert lost in run.flat
    assert (
        'hasty goes on after node_hangs: limited hangs: it had not finished "Work" after 30 s. Nothing was locked.'
    ) in run.flat


CONFIGURATIONS: list[tuple[str, bool]] = [
    ("", True),
    ("Host *\n  ServerAliveInterval 30\n", False),
    ("Host elsewhere\n  ServerAliveInterval 30\n", True),
]


@pytest.mark.skipif(SSH is None, reason="there is no OpenSSH client here (apt-get install openssh-client)")
@pytest.mark.parametrize(("configuration", "wanted"), CONFIGURATIONS)
@pytest.mark.usefixtures("collections")
def test_what_ssh_itself_says(tmp_path: Path, configuration: str, wanted: bool) -> None:
    from ansible_collections.controlplane.etcd.plugins.plugin_utils import _ssh_keep_alive

    assert SSH
    path = tmp_path / "config"
    path.write_text(configuration, "utf-8")
    said = _ssh_keep_alive.output_of([SSH, "-F", str(path), "-o", "ControlPersist=60s", "-G", "node"])
    assert "serveraliveinterval" in said
    assert _ssh_keep_alive.is_wanted([f"-F {path}"], said) is wanted
