# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the status says, to people and to programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from unit.builders import member, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import status
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.state import State

NOW = 1795478400.0


def test_status_of_all_kinds_of_members() -> None:
    seen = view(
        member(1),
        member(2, quota=-1),
        member(3, error="Connection refused"),
        member(4, learner=True),
        alarms=[Alarm(1, "NOSPACE")],
    )
    lines = status.lines(seen, "", State(last_run=NOW, last_run_success=False), "2026-11-24 03:00 (cron)")
    cells = "cp1 leader 3.6.16 500.0 MiB 100.0 MiB 80 % 1000.0 MiB 50 %"
    assert lines[1].split() == cells.split()
    assert lines[2].split()[-3:] == ["off", "0", "%"]
    assert lines[3].split() == ["cp3", "silent", *"------"]
    assert lines[4].split()[1] == "learner"
    assert "alarms: NOSPACE (cp1)" in lines
    assert "last run: 2026-11-24 00:00:00 UTC, and did not succeed" in lines
    assert "next run: 2026-11-24 03:00 (cron)" in lines
    assert json.loads(json.dumps(status.result(seen, "", State(), "")))["cluster"]["leader"] == "cp1"
    down = status.lines(None, "Connection refused", State(), "")
    assert down[0] == "The etcd member of this node does not answer: Connection refused."
    assert down[-1] == "next run: none is scheduled"


def test_a_node_without_a_member(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    node = FakeNode(tmp_path, view(member(1)))
    Path(node.paths.manifest).unlink()
    node.remember(lambda known: replace(known, no_member=True))
    assert status.status(node, as_json=False, next_run="") == 0
    assert capsys.readouterr().out == f"This node has no member of etcd: there is no {node.paths.manifest}.\n"
    assert status.status(node, as_json=True, next_run="") == 0
    assert json.loads(capsys.readouterr().out)["answers"] is False
