# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a kubelet that does not start etcd is restarted, and when the old etcd is ended."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from unit.builders import FakeRun, systemd_shows, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._node import pod_log
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout import stuck_kubelet
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.stuck_kubelet import StuckKubelet

SHOW = "systemctl show"
RESTARTED = "kubelet was restarted, because it had not started etcd from the changed manifest."


class Node:
    """A node whose kubelet was started at 500; it is 1000 now."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self.systemd = FakeRun({SHOW: systemd_shows(started=500)})
        self.address_in_use = False
        self.ended: list[int] = []
        self.kubelet = StuckKubelet("kubelet", 77.0, self._end)
        clocks = {"monotonic": lambda: self.now, "clock_gettime": lambda _clock: self.now, "CLOCK_MONOTONIC": 1}
        monkeypatch.setattr(stuck_kubelet, "time", SimpleNamespace(**clocks))
        monkeypatch.setattr(command, "run", self.systemd)
        monkeypatch.setattr(pod_log, "address_in_use", lambda since: self.address_in_use and since == 77.0)

    def _end(self, pid: int) -> bool:
        self.ended.append(pid)
        return True

    def watch(self, after: float, *, old_pid: int | None = None, new: bool = False, giving_up: bool = False) -> float:
        self.now = 1000.0 + after
        return self.kubelet.watch(old_pid=old_pid, new=new, giving_up=giving_up)

    @property
    def restarts(self) -> int:
        return self.systemd.verbs.count("restart kubelet")


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(monkeypatch)


@pytest.mark.parametrize("old_pid", [None, 7], ids=["the old one is gone", "the old one is kept"])
def test_restarted_once_after_a_minute(node: Node, old_pid: int | None) -> None:
    assert [node.watch(after, old_pid=old_pid) for after in (0, 30, 59)] == [0.0, 0.0, 0.0]
    assert (node.restarts, node.kubelet.note) == (0, "")
    assert node.watch(60, old_pid=old_pid) == 120.0
    assert (node.restarts, node.kubelet.note) == (1, RESTARTED)
    assert [node.watch(after, old_pid=old_pid, giving_up=True) for after in (61, 200, 500)] == [0.0, 0.0, 0.0]
    assert node.restarts == 1


def test_restarted_before_it_is_given_up(node: Node) -> None:
    assert node.watch(0) == 0.0
    assert node.watch(2, giving_up=True) == 120.0
    assert node.restarts == 1


def test_not_while_the_new_one_is_there(node: Node) -> None:
    for after in (0, 100, 200):
        assert node.watch(after, new=True, giving_up=True) == 0.0
    # It dies: its minute begins.
    assert [node.watch(after) for after in (210, 260)] == [0.0, 0.0]
    assert node.watch(270) == 120.0
    assert node.restarts == 1


def test_kubelet_that_has_only_just_started_has_its_minute(node: Node) -> None:
    node.systemd.replies[SHOW] = systemd_shows(started=1030)
    assert [node.watch(after) for after in (0, 60, 62, 70, 85)] == [0.0] * 5
    assert node.restarts == 0
    assert node.watch(91) == 120.0
    assert node.restarts == 1


def test_kubelet_that_has_only_just_started_and_is_given_up(node: Node) -> None:
    node.systemd.replies[SHOW] = systemd_shows(started=999)
    node.watch(0)
    assert node.watch(2, giving_up=True) == 120.0


NOTES: list[tuple[str, dict[str, CommandResult], str]] = [
    ("no systemd", {SHOW: CommandResult(127, "No such file")}, ""),
    ("stopped", {SHOW: systemd_shows("inactive")}, "The kubelet was not restarted: kubelet was stopped by someone"),
    ("masked", {SHOW: systemd_shows(loaded="masked")}, "The kubelet was not restarted: kubelet is masked"),
    (
        "in vain",
        {SHOW: systemd_shows(), "systemctl restart": CommandResult(1, "timed out")},
        "The kubelet was not restarted: systemctl restart kubelet failed: timed out.",
    ),
]


@pytest.mark.parametrize(("replies", "note"), table(NOTES))
def test_cannot_be_restarted(node: Node, replies: dict[str, CommandResult], note: str) -> None:
    """It is tried once, nothing more is waited for, and the old etcd stays."""
    node.systemd.replies = replies
    node.address_in_use = True
    assert [node.watch(after, old_pid=7) for after in (0, 60, 100, 200)] == [0.0] * 4
    assert node.kubelet.note.startswith(note)
    assert bool(node.kubelet.note) is bool(note)
    assert node.ended == []


def test_old_one_in_the_way_is_ended_once(node: Node) -> None:
    """A kubelet without any API server starts the new one and does not end the old one."""
    node.address_in_use = True
    node.watch(0, old_pid=7)
    assert node.watch(60, old_pid=7) == 120.0
    assert node.watch(79, old_pid=7) == 0.0
    assert node.ended == []
    assert node.watch(80, old_pid=7) == 60.0
    assert node.watch(81, old_pid=7) == 0.0
    assert node.ended == [7]
    assert node.kubelet.note.startswith(f"{RESTARTED} The old etcd was ended")


def test_old_one_stays_if_the_new_one_was_not_even_tried(node: Node) -> None:
    """A kubelet or runtime that starts nothing: without the old one there would be none."""
    node.watch(0, old_pid=7)
    node.watch(60, old_pid=7)
    assert [node.watch(after, old_pid=7, giving_up=True) for after in (80, 180)] == [0.0, 0.0]
    assert node.ended == []
