# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The per-minute check: what it remembers, measures and says, and when it heals."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.builders import member, table, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import Unreachable
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import heal, state, watch
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.watch import Options

NOSPACE, CORRUPT = Alarm(1, "NOSPACE"), Alarm(1, "CORRUPT")


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    return FakeNode(tmp_path, view(member(1), member(2)))


def test_all_is_well(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch.watch(node, Options()) == 0
    assert capsys.readouterr().out == ""
    assert "etcd_maintenance_member_up 1.0" in node.metrics
    known = node.remembered()
    assert (known.term, known.armed, known.alarms) == (2, False, ())
    assert known.led_since is not None


@pytest.mark.parametrize(
    ("error", "said"),
    table(
        [
            ("down", Unreachable("refused", endpoint="https://192.0.2.1:2379"), "refused (https://192.0.2.1:2379)."),
            ("no manifest", Failure("manifest_missing", "there is no /m on this node"), "there is no /m on this node."),
        ]
    ),
)
def test_a_silent_member_is_no_failure(
    node: FakeNode, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    node.error = error
    assert watch.watch(node, Options(heal=True)) == 0
    assert capsys.readouterr().out == f"The member of this node does not answer: {said}\n"
    assert "etcd_maintenance_member_up 0.0" in node.metrics


ARMED: list[tuple[str, ClusterView, bool, str]] = [
    ("healing is off", view(member(1), alarms=[NOSPACE]), False, "The NOSPACE alarm is armed: the cluster refuses"),
    ("CORRUPT as well", view(member(1), alarms=[NOSPACE, CORRUPT]), True, "nothing is healed under CORRUPT"),
    ("another one leads", view(member(1), member(2), leader=2, alarms=[NOSPACE]), True, "is up to the leader's node."),
]


@pytest.mark.parametrize(("cluster", "heals", "said"), table(ARMED))
def test_an_alarm_that_is_left_to_others(
    node: FakeNode,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cluster: ClusterView,
    heals: bool,
    said: str,
) -> None:
    monkeypatch.setattr(heal, "heal", lambda *_arguments, **_options: pytest.fail("healed"))
    node.local.cluster = cluster
    assert watch.watch(node, Options(heal=heals)) == 0
    assert said in capsys.readouterr().out
    assert len(node.remembered().alarms) == 1
    assert 'etcd_maintenance_alarm{type="NOSPACE"} 1.0' in node.metrics


@pytest.mark.parametrize("code", [0, 1, 3])
def test_healed_by_the_leader(node: FakeNode, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Its exit code is that of the check, and what is measured afterwards is what is there then."""

    def healed(_context: object, local: Any, state: Any, *, allow_unsafe: bool) -> int:
        assert (local, state.armed, allow_unsafe) == (node.local, True, True)
        node.local.cluster = view(member(1))
        return code

    monkeypatch.setattr(heal, "heal", healed)
    node.local.cluster = view(member(1), alarms=[NOSPACE])
    assert watch.watch(node, Options(heal=True, allow_unsafe=True)) == code
    assert 'etcd_maintenance_alarm{type="NOSPACE"} 0.0' in node.metrics


def test_a_state_that_cannot_be_written(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither metrics nor healing stop: what is remembered is kept in memory, and moved when that is possible again."""
    Path(node.paths.state).write_text("no directory", "utf-8")
    assert watch.watch(node, Options()) == 0
    assert capsys.readouterr().out.startswith("What this tool remembers cannot be written: ")
    assert "etcd_maintenance_member_up 1.0" in node.metrics
    since = node.remembered().led_since
    assert since is not None
    assert watch.watch(node, Options()) == 0
    assert capsys.readouterr().out == ""
    assert node.remembered().led_since == since
    Path(node.paths.state).unlink()
    assert watch.watch(node, Options()) == 0
    assert state.load(node.paths.state).led_since == since
    assert not state.is_in(str(Path(node.paths.lock).parent / "etcd-maintenance"))


def test_nothing_can_be_remembered_at_all(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (node.paths.state, Path(node.paths.lock).parent / "etcd-maintenance"):
        Path(path).write_text("no directory", "utf-8")
    assert watch.watch(node, Options()) == 0
    assert "Metrics are written all the same." in capsys.readouterr().out
    assert "etcd_maintenance_member_up 1.0" in node.metrics


def test_metrics_that_cannot_be_written(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    (node.metrics_dir / "etcd_maintenance.prom").mkdir()
    assert watch.watch(node, Options()) == 1
    assert capsys.readouterr().out.endswith(" The metrics may be old.\n")


def test_never_two_at_once(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    with node.alone() as first:
        assert first
        assert watch.watch(node, Options()) == 0
    assert capsys.readouterr().out.startswith("The check of an earlier minute is still at work on this node")
    assert list(node.metrics_dir.iterdir()) == []
    assert watch.watch(node, Options()) == 0
    assert "etcd_maintenance_member_up 1.0" in node.metrics


def test_never_longer_than_a_minute(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch, "LIMIT_SECONDS", 1)
    monkeypatch.setattr(watch, "observe", lambda _member: time.sleep(600))
    assert watch.watch(node, Options()) == 1
    assert "this check had not finished after 1 s, and was given up" in capsys.readouterr().out
    with node.alone() as free:
        assert free


def test_no_member_any_more(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    """After a kubeadm reset. It is said once, and there is nothing of it that an alert would wait for."""
    data = Path(node.paths.manifest).parent / "data"
    (data / "member").mkdir(parents=True)
    node.remember(lambda known: replace(known, data_dir=str(data)))
    node.error = Failure("manifest_missing", "there is none")
    Path(node.paths.manifest).unlink()
    assert watch.watch(node, Options()) == 0
    assert "The member of this node does not answer" in capsys.readouterr().out
    assert "etcd_maintenance_member_up 0.0" in node.metrics
    (data / "member").rmdir()
    for _again in range(2):
        assert watch.watch(node, Options(heal=True)) == 0
        assert "member_up" not in node.metrics
        assert "last_look" in node.metrics
    said = capsys.readouterr().out
    assert said.count(f"there is neither {node.paths.manifest} nor data in {data}.") == 1
    assert len(said.splitlines()) == 1
    node.error = None
    Path(node.paths.manifest).touch()
    assert watch.watch(node, Options()) == 0
    assert "etcd_maintenance_member_up 1.0" in node.metrics
    assert not node.remembered().no_member
