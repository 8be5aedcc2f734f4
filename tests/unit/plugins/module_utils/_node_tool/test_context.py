# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node that the tool runs on."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import (
    metrics,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.context import Context, Paths


def test_a_tool_that_was_removed_writes_nothing_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would take it away."""
    tool, remembered, folder = tmp_path / "tool", tmp_path / "state", tmp_path / "metrics"
    folder.mkdir()
    tool.touch()
    monkeypatch.setattr(sys, "argv", [str(tool), "watch"])
    context = Context(Paths("/nowhere/etcd.yaml", "/nowhere/lock", str(remembered), str(folder)), 1.0)
    tool.unlink()
    assert context.remember(lambda known: replace(known, last_run=3.0)).last_run == 3.0
    context.publish(None)
    assert not remembered.exists()
    assert list(folder.iterdir()) == []
    tool.touch()
    context.publish(None)
    assert [path.name for path in folder.iterdir()] == [metrics.FILE]
