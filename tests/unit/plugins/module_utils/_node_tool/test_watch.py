# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The per-minute check: what it remembers, measures and says, and when it heals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.builders import member, table, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import Unreachable
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import heal, watch
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
    Path(node.paths.state).write_text("no directory", "utf-8")
    assert watch.watch(node, Options()) == 1
    assert capsys.readouterr().out.endswith(". No metrics were written.\n")
