# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scheduled run on a node that does not lead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, member, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import Unreachable
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import defrag_run, followers
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.due import Limits

DUE = {"size": 500 * MIB, "in_use": 100 * MIB, "quota": 2048 * MIB}
QUIET = "cp2 leads: nothing to do on this node.\n"


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    return FakeNode(tmp_path, view(member(1, **DUE), member(2, **DUE), member(3, **DUE), leader=2))


def run(node: FakeNode, **options: Any) -> int:
    return defrag_run.run(node, defrag_run.Options(Limits(), **options))


def test_members_that_stay_due_are_told(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    """The leader's node does them in two runs; if it has no tool, all nodes that have one would report success."""
    assert [run(node), run(node)] == [0, 0]
    assert capsys.readouterr().out == QUIET * 2
    assert node.remembered().last_run_success
    assert run(node, check=True) == 1
    assert node.remembered().due_runs == 2
    assert run(node) == 1
    said = capsys.readouterr().out
    assert "due in each of the last 3 runs of this node, now cp1, cp2, cp3. See" in said
    assert "If the tool is not installed there, nobody defragments" in said
    assert not node.remembered().last_run_success
    assert "last_run_success 0.0" in node.metrics


def test_what_is_done_is_forgotten(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    run(node)
    run(node)
    node.local.cluster = view(*(member(number, in_use=490 * MIB) for number in (1, 2)), leader=2)
    assert run(node) == 0
    assert node.remembered().due_runs == 0
    assert capsys.readouterr().out == QUIET * 3


def test_one_that_leads_itself_begins_anew(node: FakeNode) -> None:
    run(node)
    node.local.cluster = view(*(member(number, in_use=490 * MIB) for number in (1, 2)))
    run(node)
    assert node.remembered().due_runs == 0


def test_a_cluster_that_cannot_be_read(node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def silent() -> None:
        raise Unreachable("refused")

    monkeypatch.setattr(node.local, "inspect_cluster", silent)
    assert run(node) == 0
    assert capsys.readouterr().out == QUIET.replace("cp2", "2")


def test_what_a_voter_that_is_down_delays_is_not_waited_for() -> None:
    """The leader's node leaves it alone."""
    seen = view(member(1, **DUE), member(2, error="refused"), leader=1)
    assert followers.waiting(seen, Limits()) == []
    assert followers.waiting(view(member(1, **DUE)), Limits()) == ["cp1"]
