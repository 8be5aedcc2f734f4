# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a scheduled run counts what fills the database, and that it is no failure if it cannot."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from unit.bolt_files import Change, database
from unit.builders import member, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import usage_look

PODS = [Change(b"/registry/pods/a/1", b"x" * 100)]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    found = FakeNode(tmp_path, view(member(1)))
    (tmp_path / "db").write_bytes(database(PODS))
    monkeypatch.setattr(found.local, "manifest", SimpleNamespace(database=str(tmp_path / "db")), raising=False)
    return found


def test_not_at_each_run(node: FakeNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage_look.look_if_due(node)
    first = node.remembered().usage
    assert first is not None
    assert [each.resource for each in first.largest] == ["pods"]
    (tmp_path / "db").write_bytes(database(PODS * 3))
    usage_look.look_if_due(node)
    assert node.remembered().usage == first
    moment = time.time()
    monkeypatch.setattr(time, "time", lambda: moment + usage_look.AGAIN_SECONDS)
    usage_look.look_if_due(node)
    again = node.remembered().usage
    assert again is not None
    assert (again.largest[0].history_bytes > 0, again.largest[0].live_bytes_per_hour) == (True, 0)
    # The clock was set back.
    monkeypatch.setattr(time, "time", lambda: moment)
    usage_look.look_if_due(node)
    assert node.remembered().usage != again


def test_what_cannot_be_read_is_said(node: FakeNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "db").write_bytes(b"text")
    usage_look.look_if_due(node)
    assert capsys.readouterr().out.startswith("What fills the database could not be counted: ")
    (tmp_path / "db").unlink()
    usage_look.look_if_due(node)
    assert "No such file" in capsys.readouterr().out
    assert node.remembered().usage is None


def test_where_there_is_nothing_to_count(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    node.remember(lambda known: replace(known, no_member=True))
    usage_look.look_if_due(node)
    node.remember(lambda known: replace(known, no_member=False))
    monkeypatch.setattr(node.local, "manifest", None)
    usage_look.look_if_due(node)

    def refuse() -> None:
        raise Failure("manifest_missing", "there is none")

    monkeypatch.setattr(node, "member", refuse)
    usage_look.look_if_due(node)
    assert (node.remembered().usage, capsys.readouterr().out) == (None, "")
