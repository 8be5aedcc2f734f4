# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the files of the node tool tell at a glance."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import state, tool_files
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.tool_files import LastRun


def test_is_scheduled(tmp_path: Path) -> None:
    assert not tool_files.is_scheduled(str(tmp_path))
    for place in (tool_files.CRON_FILE, f"{tool_files.UNITS}/{tool_files.TIMER}"):
        path = Path(f"{tmp_path}{place}")
        path.parent.mkdir(parents=True)
        path.touch()
        assert tool_files.is_scheduled(str(tmp_path))
        path.unlink()


def test_last_run_is_what_the_state_has(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert tool_files.last_run(root) is None
    state.update(root + tool_files.DIRECTORY, lambda _old: state.State(due_runs=1))
    assert tool_files.last_run(root) is None
    state.update(root + tool_files.DIRECTORY, lambda _old: state.State(last_run=5.0, last_run_success=False))
    assert tool_files.last_run(root) == LastRun(5.0, success=False)
    state.update(root + tool_files.RUNTIME_DIRECTORY, lambda _old: state.State(last_run=9.0))
    assert tool_files.last_run(root) == LastRun(9.0, success=True)
    known = state.load(root + state.DIRECTORY, root + state.RUNTIME_DIRECTORY)
    assert (known.last_run, known.last_run_success) == (9.0, True)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"last_run": null}', '{"last_run": "x"}', "\x00"])
def test_what_nobody_can_read(tmp_path: Path, text: str) -> None:
    path = Path(f"{tmp_path}{tool_files.DIRECTORY}") / tool_files.STATE
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    assert tool_files.last_run(str(tmp_path)) is None
