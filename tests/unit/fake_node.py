# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that is told what happens when: no systemd, no etcd, and no second of waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from unit.builders import FakeRun, systemd_shows

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import Unreachable
from ansible_collections.controlplane.etcd.plugins.module_utils._node import (
    kubelet,
    kubelet_hold,
    pod_log,
    process,
    start_up,
    wait,
)

STARTED = 100.0  # when the kubelet was started last; what follows begins at 1000


class FakeNode(FakeRun):
    """A node whose clock goes on only when somebody sleeps. `at` says what happens when; `told` is what its systemd was
    told."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self.directory = directory
        self.now = 1000.0
        self.active = "active"
        self.started = STARTED
        self.restarts = 0
        self.pid: int | None = None
        self.born = 0.0
        self.leader: int | Exception = Unreachable("Connection refused")
        self.activity: process.Activity | None = None
        self.programs: set[str] = set()
        self.told: list[tuple[str, float]] = []
        self._events: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, argv: Sequence[str], timeout: float) -> CommandResult:
        done = super().__call__(argv, timeout)
        if done != CommandResult(0, ""):
            return done
        verb = argv[1] if argv[0] == "systemctl" else argv[0]
        if verb == "show":
            return systemd_shows(self.active, started=int(self.started), restarts=self.restarts)
        if argv[-1].startswith("etcd-maintenance-release-"):  # a timer is stopped
            return done
        if verb in ("start", "stop", "restart", "systemd-run"):
            self.told.append((verb, round(self.now - 1000, 1)))
        if verb in ("start", "restart"):
            self.active, self.started = "active", self.now
        elif verb == "stop":
            self.active = "inactive"
        return done

    def at(self, seconds: float, event: Callable[[], None]) -> None:
        self._events.append((1000 + seconds, event))

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        due = [event for moment, event in self._events if moment <= self.now]
        self._events = [(moment, event) for moment, event in self._events if moment > self.now]
        for event in due:
            event()

    def born_etcd(self, pid: int) -> None:
        """A kubelet starts it."""
        if self.active == "active":
            self.pid, self.born = pid, self.now

    def dies(self) -> None:
        self.pid, self.leader = None, Unreachable("Connection refused")

    def answers(self, leader: int = 1) -> None:
        self.leader = leader

    def status(self) -> Any:
        if isinstance(self.leader, Exception):
            raise self.leader
        return SimpleNamespace(leader_id=self.leader)

    @property
    def verbs_told(self) -> list[str]:
        return [verb for verb, _moment in self.told]

    @property
    def held(self) -> kubelet_hold.Hold | None:
        return kubelet_hold.read_hold("kubelet")


def write_pod(directory: Path, name: str, program: str) -> None:
    container = {"name": name, "command": [program, "--name=cp1", f"--data-dir={directory}"] if program else []}
    pod = {"metadata": {"name": name}, "spec": {"containers": [container]}}
    (directory / f"{name}.yaml").write_text(yaml.safe_dump(pod), "utf-8")


def fake_node(directory: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    """A node with the manifests of an etcd and of an API server, which the library takes for its own."""
    node = FakeNode(directory)
    write_pod(directory, "etcd", "etcd")
    write_pod(directory, "kube-apiserver", "kube-apiserver")
    monkeypatch.setattr(kubelet_hold, "_record", lambda name, _records: str(directory / f".hold.{name}"))
    monkeypatch.setattr(command, "run", node)
    monkeypatch.setattr(process, "find", lambda _manifest: node.pid)
    monkeypatch.setattr(process, "age", lambda _pid: node.now - node.born)
    monkeypatch.setattr(process, "activity", lambda _pid: node.activity)
    monkeypatch.setattr(process, "running", lambda program: program in node.programs)
    monkeypatch.setattr(pod_log, "last_words", lambda: ["panic: no space left"])
    clocks = {"monotonic": lambda: node.now, "clock_gettime": lambda _clock: node.now, "CLOCK_MONOTONIC": 1}
    for module in (kubelet, start_up, wait):
        monkeypatch.setattr(module, "time", SimpleNamespace(sleep=node.sleep, **clocks))
    return node


def fake_member(node: FakeNode, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a module ask this node's etcd."""
    member = SimpleNamespace(endpoint=SimpleNamespace(status=node.status))
    monkeypatch.setattr(module, "LocalMember", lambda _params: member)


def comes(node: FakeNode, seconds: float, *, answers: float, pid: int = 7, leader: int = 1) -> None:
    """Etcd is started after so many seconds, and answers after so many."""
    node.at(seconds, lambda: node.born_etcd(pid))
    node.at(answers, lambda: node.answers(leader))


def syncing(pod: str, wait: str) -> CommandResult:
    """The journal of a kubelet that waits before it starts this pod again."""
    text = f'"back-off {wait} restarting failed container={pod} pod={pod}-cp1_kube-system(0a)"'
    return CommandResult(0, text)
