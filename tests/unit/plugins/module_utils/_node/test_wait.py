# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for etcd on a node that is told what happens when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, Json, table
from unit.fake_node import FakeNode, comes, fake_node

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import TlsRejected, Unreachable
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet, kubelet_hold, process
from ansible_collections.controlplane.etcd.plugins.module_utils._node import wait as wait_module
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import read_manifest
from ansible_collections.controlplane.etcd.plugins.module_utils._node.wait import EtcdState, Waiting, WaitOptions

OPTIONS = WaitOptions(
    hold_kubelet=False,
    hold_seconds=300.0,
    kubelet_unit="kubelet",
    owner="r1",
    revive=False,
    wait_timeout=120.0,
    while_reading=True,
)


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    return fake_node(tmp_path, monkeypatch)


def waiting(node: FakeNode, **given: Any) -> Waiting:
    return Waiting(read_manifest(str(node.directory / "etcd.yaml")), replace(OPTIONS, **given), node.status)


def wait(node: FakeNode, **given: Any) -> EtcdState:
    return waiting(node, **given).until_it_answers()[0]


def changes(node: FakeNode, **given: Any) -> bool:
    """Whether waiting stops or starts a kubelet."""
    return waiting(node, **given).until_it_answers()[1]


def test_wait(node: FakeNode) -> None:
    comes(node, 2, answers=5)
    etcd, changed = waiting(node).until_it_answers()
    assert (etcd.pid, etcd.leader_id, etcd.new, changed) == (7, 1, True, False)
    assert 5 <= etcd.seconds < 5.5
    assert node.told == []


def test_no_wait(node: FakeNode) -> None:
    node.born_etcd(7)
    node.answers()
    assert wait(node).seconds == 0.0


NEW: list[tuple[str, float, float, bool]] = [
    ("started by this kubelet", 100.0, 101.4, True),
    ("older than this kubelet", 100.0, 99.0, False),
    ("a kubelet that never ran", 0.0, 50.0, False),
]


@pytest.mark.parametrize(("started", "born", "expected"), table(NEW))
def test_new(node: FakeNode, started: float, born: float, expected: bool) -> None:
    node.pid, node.started, node.born = 7, started, born
    node.answers()
    assert wait(node).new is expected


def test_waiting_needs_no_systemd(node: FakeNode) -> None:
    node.replies = {"systemctl": CommandResult(127, "No such file or directory")}
    comes(node, 1, answers=2)
    etcd = wait(node)
    assert (etcd.leader_id, etcd.new) == (1, False)


# The time to wait, when a member answers without a leader, and after how long that is enough.
LEADERLESS: list[tuple[str, float, float, float]] = [
    ("as long as an election may take", 120.0, 2.0, 32.0),
    ("that long from its first answer on", 120.0, 50.0, 80.0),
    ("the time is over before", 120.0, 100.0, 120.0),
    ("less", 10.0, 2.0, 10.0),
]


@pytest.mark.parametrize(("wait_timeout", "answers", "expected"), table(LEADERLESS))
def test_answers_without_a_leader(node: FakeNode, wait_timeout: float, answers: float, expected: float) -> None:
    comes(node, 1, answers=answers, leader=0)
    etcd = wait(node, wait_timeout=wait_timeout)
    assert etcd.leader_id == 0
    assert expected <= etcd.seconds < expected + 0.5


def test_leader_is_elected_long_after_it_was_started(node: FakeNode) -> None:
    """It read its log for as long as an election may take, and is not given up on that account."""
    comes(node, 1, answers=40, leader=0)
    node.at(60, node.answers)
    etcd = wait(node)
    assert etcd.leader_id == 1
    assert 60 <= etcd.seconds < 60.5


def test_no_leader_and_then_no_answer(node: FakeNode) -> None:
    comes(node, 1, answers=2, leader=0)
    node.at(20, node.dies)
    with pytest.raises(Failure, match="did not come up within 120 s: it is not running"):
        wait(node)


def test_a_leader_is_elected_while_it_waits(node: FakeNode) -> None:
    comes(node, 1, answers=2, leader=0)
    node.at(9, node.answers)
    etcd = wait(node)
    assert etcd.leader_id == 1
    assert 9 <= etcd.seconds < 9.5


def test_in_vain(node: FakeNode) -> None:
    node.replies = {"journalctl": CommandResult(0, "no such image")}
    with pytest.raises(Failure) as caught:
        wait(node)
    assert caught.value.code == "etcd_not_up"
    assert str(caught.value) == (
        "etcd did not come up within 120 s: it is not running. Last lines:\n  panic: no space left\n  no such image"
    )


def test_one_that_refuses_this_node_is_not_waited_for(node: FakeNode) -> None:
    node.born_etcd(7)
    node.leader = TlsRejected("bad certificate")
    with pytest.raises(Failure) as caught:
        wait(node)
    assert str(caught.value) == "etcd runs, but it will not answer this node: bad certificate"
    assert caught.value.code == "tls_rejected"


def test_in_vain_for_a_log_that_is_too_long(node: FakeNode) -> None:
    """For what it reads, it gets time of its own: 10 s for 250 MiB."""
    (node.directory / "member/wal").mkdir(parents=True)
    with (node.directory / "member/wal/0.wal").open("wb") as file:
        file.truncate(250 * MIB)
    node.born_etcd(7)
    node.leader = Unreachable("Connection refused")
    with pytest.raises(Failure) as caught:
        wait(node)
    assert str(caught.value) == (
        "etcd did not come up within 130 s: its process 7 is running but does not answer: a starting member reads its"
        " log first, which is 250.0 MiB here, and its database, which is 0.0 MiB. Last lines:\n  panic: no space left"
    )


def write_data(node: FakeNode) -> None:
    """A log that is read in 10 s, and a database that is read in 20 s."""
    for name, size in (("wal/0.wal", 250 * MIB), ("snap/db", 1200 * MIB)):
        path = node.directory / "member" / name
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            file.truncate(size)


def reads(node: FakeNode, seconds: float) -> None:
    """Etcd is there, and reads for so long."""
    node.born_etcd(7)
    for second in range(round(seconds)):
        node.at(second, lambda read=second: setattr(node, "activity", process.Activity(read * MIB, 0.0)))


READERS: list[tuple[str, float, bool, float]] = [
    ("does not read", 0, True, 150.0),
    ("reads on: three times as long", 900, True, 210.0),
    ("reads for a while after its time", 160, True, 174.0),
    ("reads on, but nothing depends on it", 900, False, 130.0),
]


@pytest.mark.parametrize(("seconds", "while_reading", "expected"), table(READERS))
def test_one_that_reads_is_waited_for(node: FakeNode, seconds: float, while_reading: bool, expected: float) -> None:
    write_data(node)
    reads(node, seconds)
    with pytest.raises(Failure) as caught:
        wait(node, while_reading=while_reading)
    assert caught.value.code == "etcd_not_up"
    assert expected <= node.now - 1000 < expected + 1.5


def test_one_that_has_read_it_all_late(node: FakeNode) -> None:
    write_data(node)
    reads(node, 900)
    node.at(200, node.answers)
    assert 200 <= wait(node).seconds < 201


def test_hold(node: FakeNode) -> None:
    """The kubelet is stopped when the process is there, long before it answers."""
    comes(node, 2, answers=9)
    assert changes(node, hold_kubelet=True)
    (_timer, set_at), (_stop, stopped_at) = node.told[:2]
    assert node.verbs_told[:2] == ["systemd-run", "stop"]
    assert 2 <= set_at <= stopped_at < 2.5
    # Its time begins again when it answers.
    assert node.verbs_told[2:] == ["systemd-run", "stop"]
    assert node.told[2][1] >= 9
    assert node.active == "inactive"
    assert node.held is not None
    assert node.held.owner == "r1"


def test_hold_of_one_that_answers(node: FakeNode) -> None:
    node.born_etcd(7)
    node.answers()
    assert changes(node, hold_kubelet=True)
    assert node.verbs_told == ["systemd-run", "stop"]


def test_hold_by_nobody_in_particular(node: FakeNode) -> None:
    node.born_etcd(7)
    node.answers()
    wait(node, hold_kubelet=True, owner=None)
    assert node.held is not None
    assert node.held.owner == "somebody"


def test_hold_again(node: FakeNode) -> None:
    """Only the timer is another one."""
    node.born_etcd(7)
    node.answers()
    assert changes(node, hold_kubelet=True)
    first = node.held
    node.told.clear()
    node.sleep(60)
    assert not changes(node, hold_kubelet=True, hold_seconds=900.0)
    assert first is not None
    assert node.held is not None
    assert node.held.until > first.until
    assert node.verbs_told == ["systemd-run", "stop"]


def test_hold_of_one_that_dies(node: FakeNode) -> None:
    """It gets its kubelet back, is waited for and held again."""
    comes(node, 1, answers=20)
    node.at(5, node.dies)
    node.at(8, lambda: node.born_etcd(8))
    etcd, changed = waiting(node, hold_kubelet=True).until_it_answers()
    assert [verb for verb in node.verbs_told if verb != "systemd-run"] == ["stop", "start", "stop", "stop"]
    (woken,) = [moment for verb, moment in node.told if verb == "start"]
    assert 5 <= woken < 5.5
    assert (etcd.pid, changed, node.active) == (8, True, "inactive")


def test_revival_of_one_in_back_off(node: FakeNode) -> None:
    """The kubelet has been running for long, and would let etcd lie for minutes."""
    node.at(65, lambda: comes(node, 1, answers=2))
    changed = changes(node, revive=True)
    restarts = [moment for verb, moment in node.told if verb == "restart"]
    assert [round(moment) for moment in restarts] == [0, 60]
    assert changed


def test_revival_of_rke2(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its restart is not waited for, so what systemd shows may be of the service before; and it reads a copy of the
    data before it starts etcd."""
    told: list[float] = []
    monkeypatch.setattr(kubelet, "restart", lambda _run, _name: told.append(node.now - 1000))
    monkeypatch.setattr(wait_module, "start_seconds_of", lambda _manifest: 30.0)
    node.at(95, lambda: comes(node, 1, answers=2))
    assert changes(node, revive=True, kubelet_unit="rke2-server")
    assert [round(moment) for moment in told] == [0, 90]


def test_no_revival_of_one_that_runs(node: FakeNode) -> None:
    node.born_etcd(7)
    node.at(25, node.answers)
    assert not changes(node, revive=True)
    assert node.verbs_told == []


def test_no_revival_of_a_kubelet_that_somebody_stopped(node: FakeNode) -> None:
    node.active = "inactive"
    with pytest.raises(Failure, match="did not come up within"):
        wait(node, revive=True, wait_timeout=30.0)
    assert node.verbs_told == []


def test_hold_of_one_that_dies_in_that_very_moment(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    node.born_etcd(7)
    stop = kubelet_hold.hold

    def hold(*arguments: Any, **given: Any) -> kubelet_hold.Hold:
        if node.pid == 7:
            node.dies()
            comes(node, 2, answers=3, pid=8)
        return stop(*arguments, **given)

    monkeypatch.setattr(kubelet_hold, "hold", hold)
    etcd = wait(node, hold_kubelet=True)
    assert node.told[:3] == [("systemd-run", 0.0), ("stop", 0.0), ("start", 0.0)]
    assert (etcd.pid, node.active) == (8, "inactive")


def test_hold_whose_timer_fires_meanwhile(node: FakeNode) -> None:
    node.born_etcd(7)
    node.at(5, lambda: setattr(node, "active", "active"))
    node.at(9, node.answers)
    wait(node, hold_kubelet=True)
    stops = [moment for verb, moment in node.told if verb == "stop"]
    assert stops[0] == 0.0
    assert 5 <= stops[1] < 5.5
    assert node.active == "inactive"


def test_hold_in_vain_keeps_the_timer(node: FakeNode) -> None:
    node.born_etcd(7)
    with pytest.raises(Failure, match="did not come up within"):
        wait(node, hold_kubelet=True, wait_timeout=5.0)
    assert node.active == "inactive"
    assert node.held is not None


STATES: list[tuple[str, EtcdState, Json]] = [
    (
        "not running",
        EtcdState(None, None, False),
        {"pid": None, "answers": False, "knows_leader": False, "new": False, "seconds": 0.0},
    ),
    (
        "without a leader",
        EtcdState(7, 0, True, 2.449),
        {"pid": 7, "answers": True, "knows_leader": False, "new": True, "seconds": 2.4},
    ),
    (
        "with a leader",
        EtcdState(7, 0xA1, False, 31.0),
        {"pid": 7, "answers": True, "knows_leader": True, "new": False, "seconds": 31.0},
    ),
]


@pytest.mark.parametrize(("state", "expected"), table(STATES))
def test_result(state: EtcdState, expected: Json) -> None:
    assert state.as_result() == expected


def test_inspect_does_not_wait(node: FakeNode) -> None:
    assert waiting(node, hold_kubelet=True).inspect() == EtcdState(None, None, False)
    node.born_etcd(7)
    node.answers(0)
    assert waiting(node, hold_kubelet=True).inspect() == EtcdState(7, 0, True)
    assert node.told == []
    assert node.now == 1000.0
