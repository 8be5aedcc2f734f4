# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback ``controlplane.etcd.progress`` in real runs: in a pipe, on a terminal, in check mode, when refused."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from integration.support.ansible_commands import Playing, Run, ansible_env, program
from integration.support.recovery import LOCAL, QUICK, assert_recovered, full_cluster, inventory, state
from integration.support.settings import PATIENCE, RECOVER
from lab.client import Alarm
from lab.loopback.cluster import Cluster

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]

PROGRESS = {"ANSIBLE_STDOUT_CALLBACK": "controlplane.etcd.progress"}
_LINE = r"^ *\d+\.\d s  "

# Waits until it is told to go on, which is later than its silence is mentioned.
SILENT = """\
- name: A play of the user's own
  hosts: all
  gather_facts: false
  tasks:
    - name: Wait for the file
      ansible.builtin.wait_for:
        path: "{{ go_on }}"
        timeout: 200
      vars:
        __expected_seconds: "{{ minutes * 60 }}"
        minutes: 2
"""

OTHERS = """\
- name: A play of the user's own
  hosts: all
  gather_facts: false
  tasks:
    - name: Write a file
      ansible.builtin.copy:
        content: "new\\n"
        dest: "{{ file }}"
        mode: "0600"
    - name: Warn
      warn:
    - name: Fail
      ansible.builtin.command: cat /nowhere/at/all
"""

WARN = """\
from ansible.module_utils.basic import AnsibleModule

module = AnsibleModule({})
module.warn("Mind the gap.")
module.exit_json()
"""


def test_a_recovery_in_a_pipe(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    cluster = full_cluster(make_cluster)
    leader = cluster.leader()
    hosts = inventory(tmp_path / "hosts.yml", cluster)

    run = playbook(hosts, extra_vars=QUICK, env={**PROGRESS, "ANSIBLE_NOCOLOR": "0"})

    assert run.rc == 0, run.out
    assert_recovered(cluster)
    assert "\x1b" not in run.out
    told = re.findall(rf"{_LINE}(\w+)  +defragmented: \S+ MiB -> \S+ MiB in \S+ s", run.out, re.MULTILINE)
    assert sorted(told) == ["cp1", "cp2", "cp3"]
    assert told[-1] == leader.name
    assert "no hosts matched" not in run.out
    for node in cluster.nodes:
        assert re.search(rf"{_LINE}{node.name}  +(leader|follower), \d+\.\d MiB of 16\.0 MiB", run.out, re.MULTILINE)
        assert re.search(rf"^{node.name} +(leader|follower) .* 16\.0 MiB +none$", run.out, re.MULTILINE), run.out
    for text in ("locked", "snapshot taken: ", "compacted up to ", "alarm of ", "writes accepted through ", "unlocked"):
        assert re.search(rf"{_LINE}cp\d  +{text}", run.out, re.MULTILINE), text
    # Where nothing is left to do, a lock goes back before the last proof; the one of the coordinator with it.
    unlocked = re.findall(rf"{_LINE}(\w+)  +(?:writes accepted .*; )?unlocked$", run.out, re.MULTILINE)
    assert unlocked == ["cp2", "cp3", "cp1"]
    # What was found and what will be done, before the first step; the report after the last; each line as it is.
    assert run.out.index("The NOSPACE alarm is armed (by ") < run.out.index("locked")
    assert re.search(r"^It will now take a snapshot, .*: about \d+ s\.$", run.out, re.MULTILINE)
    assert run.out.index("compacted up to") < run.out.index("Recovered in ")
    assert run.recap["cp1"]["failed"] == 0
    # Nothing of what serves others.
    assert not re.search(r"^(ok|changed|skipping|included): ", run.out, re.MULTILINE)
    assert "TASK [" not in run.out
    assert [line for line in run.out.splitlines() if line != line.rstrip() and not line.startswith("cp")] == []


@pytest.mark.long  # its words are those of unit tests
def test_check_mode_is_said(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    cluster = full_cluster(make_cluster, members=1)
    hosts = inventory(tmp_path / "hosts.yml", cluster)

    run = playbook(hosts, check=True, extra_vars=QUICK, env=PROGRESS)

    assert run.rc == 0, run.out
    assert "Check mode: nothing will be changed." in run.out
    assert re.search(rf"{_LINE}cp1  defragmented: .* or less, if it were done$", run.out, re.MULTILINE)
    assert "locked" not in run.out


def test_a_refusal_keeps_its_words_and_its_exit_code(
    make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path
) -> None:
    cluster = full_cluster(make_cluster, members=1)
    with cluster.nodes[0].client() as client:
        client.arm(Alarm(client.status().member_id, "CORRUPT"))
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    before = state(cluster)

    run = playbook(hosts, extra_vars=QUICK, env=PROGRESS)

    assert run.rc == 2, run.out
    assert state(cluster) == before
    assert re.search(
        rf"{_LINE}cp1  FAILED: .*A CORRUPT alarm is armed.* Nothing was changed\. \[corrupt_alarm\]$",
        run.out,
        re.MULTILINE,
    )
    assert run.recap["cp1"]["failed"] == 1


@pytest.fixture
def others(tmp_path: Path) -> tuple[str, dict[str, Any]]:
    """A playbook of the user's own, and its variables; it writes ``file`` in the test's directory, and fails."""
    play, file = tmp_path / "play.yml", tmp_path / "file"
    play.write_text(OTHERS, "utf-8")
    (tmp_path / "library").mkdir()
    (tmp_path / "library/warn.py").write_text(WARN, "utf-8")
    file.write_text("old\n", "utf-8")
    return str(play), {**LOCAL, "file": str(file)}


def test_tasks_of_others(playbook: Playbook, others: tuple[str, dict[str, Any]]) -> None:
    play, variables = others

    run = playbook("cp1,", "--diff", extra_vars=variables, env=PROGRESS, name=play)

    assert run.rc == 2, run.out
    assert re.search(r"^-old\n\+new$", run.out, re.MULTILINE)
    assert re.search(rf"{_LINE}cp1  changed: Write a file$", run.out, re.MULTILINE)
    assert "Mind the gap." in run.out
    assert re.search(rf"{_LINE}cp1  ok: Warn$", run.out, re.MULTILINE)
    assert "fatal: [cp1]: FAILED! =>" in run.out
    assert "/nowhere/at/all" in run.flat

    detailed = playbook("cp1,", "-v", extra_vars=variables, env=PROGRESS, name=play)
    assert detailed.rc == 2
    assert re.search(r"^ok: \[cp1\] =>", detailed.out, re.MULTILINE)
    assert "TASK [Warn]" in detailed.out


def test_silence_in_a_pipe(start_playbook: Callable[..., Playing], tmp_path: Path) -> None:
    play, go_on = tmp_path / "play.yml", tmp_path / "go-on"
    play.write_text(SILENT, "utf-8")
    variables = {**LOCAL, "go_on": str(go_on)}
    playing = start_playbook("cp1,cp2,", extra_vars=variables, env=PROGRESS, name=str(play))
    # In one line, or in two if a busy machine has started them apart.
    playing.await_text("cp2  still Wait for the file: ")
    go_on.touch()
    run = playing.wait()
    assert run.rc == 0, run.out
    silent = re.findall(rf"{_LINE}(.+)  still Wait for the file: 1\d s of about 120 s$", run.out, re.MULTILINE)
    assert set(", ".join(silent).split(", ")) == {"cp1", "cp2"}
    assert re.search(rf"{_LINE}cp2  ok: Wait for the file$", run.out, re.MULTILINE)


def test_a_reader_that_is_gone_changes_nothing(
    others: tuple[str, dict[str, Any]], collections: Path, tmp_path: Path
) -> None:
    play, variables = others
    with subprocess.Popen(
        _command(play, "--inventory=cp1,", **variables),
        env=ansible_env(tmp_path / "ansible", collections, PROGRESS),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        # All tasks up to the one that fails, and its exit code.
        assert process.wait(PATIENCE) == 2
    assert (tmp_path / "file").read_text("utf-8") == "new\n"


@pytest.mark.long  # its lines are those in a pipe, and what a terminal makes of them is shown below
def test_a_recovery_on_a_terminal(make_cluster: MakeCluster, collections: Path, tmp_path: Path) -> None:
    cluster = full_cluster(make_cluster, members=1)
    hosts = inventory(tmp_path / "hosts.yml", cluster)
    terminal = Terminal(_command(RECOVER, f"--inventory={hosts}", **QUICK), _terminal_env(tmp_path, collections))
    assert terminal.wait() == 0, terminal.text
    assert_recovered(cluster)
    assert re.search(r"\x1b\[\d;\d+m *\d+\.\d s  cp1  defragmented: ", terminal.text)
    assert "Recovered in " in terminal.text


def test_silence_on_a_terminal(collections: Path, tmp_path: Path) -> None:
    play, go_on = tmp_path / "play.yml", tmp_path / "go-on"
    play.write_text(SILENT, "utf-8")
    variables = {**LOCAL, "go_on": str(go_on)}
    env = _terminal_env(tmp_path, collections)
    terminal = Terminal(_command(str(play), "--inventory=cp1,", **variables), {**env, "NO_COLOR": "1"})
    terminal.await_text(" s of about 120 s")
    go_on.touch()
    assert terminal.wait() == 0, terminal.text
    # Drawn over itself, without colors, and taken away before the next line.
    assert re.search(r"\r\x1b\[K *\d+\.\d s  cp1  Wait for the file [━╸╺ ]+ \d+ s of about 120 s", terminal.text)
    assert "\r\x1b[K\r\nPLAY [A play of the user's own]" in terminal.text
    assert re.search(r"^ *\d+\.\d s  cp1  ok: Wait for the file\r$", terminal.text, re.MULTILINE)
    assert set(re.findall(r"\x1b\[[^A-Za-z]*[A-Za-z]", terminal.text)) == {"\x1b[K"}


class Terminal:
    """A program on a pseudo-terminal of its own. ``text`` is what it has printed so far."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self.text = ""
        self._fd, inner = pty.openpty()
        os.set_blocking(self._fd, False)
        self._process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=inner, stderr=inner, start_new_session=True
        )
        os.close(inner)

    def await_text(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while text not in self.text:
            assert time.monotonic() < deadline, f"{text!r} was not printed:\n{self.text}"
            assert self._read(), f"it exited without printing {text!r}:\n{self.text}"

    def wait(self) -> int:
        while self._read():
            pass
        os.close(self._fd)
        return self._process.wait(PATIENCE)

    def _read(self) -> bool:
        """Read what is there; False once it has exited."""
        exited = self._process.poll() is not None
        try:
            self.text += os.read(self._fd, 65536).decode("utf-8", "replace")
        except BlockingIOError:
            time.sleep(0.05)
            return not exited
        except OSError:  # nobody has it open any more
            return False
        return True


def _terminal_env(tmp_path: Path, collections: Path) -> dict[str, str]:
    env = ansible_env(tmp_path / "ansible", collections, {**PROGRESS, "TERM": "xterm"})
    return {name: value for name, value in env.items() if name not in ("ANSIBLE_NOCOLOR", "NO_COLOR", "CI", "AWX_HOST")}


def _command(name: str, *args: str, **variables: object) -> list[str]:
    extra = json.dumps({"ansible_become": False, **variables})
    return [program("ansible-playbook"), name, f"--extra-vars={extra}", *args]
