# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks and ad-hoc commands, run by Ansible in an environment of their own."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from integration.support.settings import COMPILED, PATIENCE, POLL_SECONDS, REPOSITORY, Result
from lab import controller

# Ansible looks for results a thousand times a second, and that takes as much time from them as it saves in waiting.
_CONFIGURATION = "[defaults]\ninternal_poll_interval = 0.005\n"


def collections_path(spare: Path) -> Path:
    """Return the directory in which the collection is found under its full name, made below ``spare`` if it is not."""
    usual = REPOSITORY / ".collections"
    if (usual / "ansible_collections/controlplane/etcd/galaxy.yml").exists():
        return usual
    link = spare / "collections/ansible_collections/controlplane/etcd"
    if not link.is_symlink():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(REPOSITORY)
    return spare / "collections"


def ansible_env(home: Path, collections: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment for Ansible in which nothing of the user's own configuration counts."""
    home.mkdir(exist_ok=True)
    (home / "ansible.cfg").write_text(_CONFIGURATION, "utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {
        **env,
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CONFIG": str(home / "ansible.cfg"),
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_PIPELINING": "1",  # a fifth less to do for each task; what is copied is tested, too
        "ANSIBLE_REMOTE_TMP": str(home / "remote"),
        "PYTHONPATH": str(COMPILED),
        **(extra or {}),
    }


def program(name: str) -> str:
    """Return the path of one of Ansible's programs, as text."""
    return str(controller.program(name))


@dataclass(frozen=True)
class Run:
    """A playbook that has exited. ``recap`` is the last table: host, then ``ok``, ``changed``, ``failed`` and so on."""

    rc: int
    out: str
    recap: dict[str, dict[str, int]]
    seconds: float

    @property
    def flat(self) -> str:
        """All that was printed as one line with single blanks: Ansible wraps long texts anywhere."""
        return " ".join(self.out.split())


def parse_recap(out: str) -> dict[str, dict[str, int]]:
    """Return the numbers of the recap at the end of a playbook's output, empty if there is none."""
    _before, _heading, table = out.rpartition("PLAY RECAP")
    lines = re.findall(r"^(\S+)\s*: (ok=\d+ .*)$", table, re.MULTILINE)
    return {host: {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", text)} for host, text in lines}


class Playing:
    """A playbook that runs in a session of its own. ``process`` is its Popen; what it prints goes to ``log``."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._start = time.monotonic()
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        """What it has printed so far."""
        return self.log.read_text("utf-8", "replace")

    def await_text(self, text: str, *, seconds: float = PATIENCE) -> None:
        """Return once ``text`` was printed; fails if the playbook exits before, or is too slow."""
        deadline = time.monotonic() + seconds
        while True:
            exited = self.process.poll() is not None
            if text in self.out:
                return
            assert not exited, f"the playbook exited without printing {text!r}:\n{self.out}"
            assert time.monotonic() < deadline, f"{text!r} was not printed in {seconds:.0f} s:\n{self.out}"
            time.sleep(POLL_SECONDS)

    def wait(self, *, seconds: float = PATIENCE) -> Run:
        """Return the result once it has exited; fails if Ansible has warned of a mistake in a role."""
        rc = self.process.wait(seconds)
        assert "is already in use" not in self.out, self.out  # a loop over the name of a variable
        return Run(rc, self.out, parse_recap(self.out), time.monotonic() - self._start)

    def kill(self) -> None:
        """Kill it and what it has started in its session; harmless when it has exited."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def parse_adhoc(out: str) -> Result:
    """Return the result that the ``ansible`` command printed for its one host; ``printed`` if it is no JSON."""
    found = re.search(r"^\S+ \| (\S+?)!? .*?(=>|>>)\s*", out, re.MULTILINE | re.DOTALL)
    assert found, f"the ansible command printed no result:\n{out}"
    verdict, text = found[1].rstrip("!"), out[found.end() :]
    result: Result = {"changed": verdict == "CHANGED"}
    if found[2] == "=>":
        result = json.JSONDecoder().raw_decode(text)[0]
    return {"warnings": [], **result, "failed": verdict in ("FAILED", "UNREACHABLE"), "printed": out}
