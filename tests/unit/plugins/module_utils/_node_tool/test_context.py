# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node that the tool runs on: its member, its lock, its state, its metrics, and what is said."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from unit.builders import MIB, member, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._core import lease, run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_lock import Lock, Locked
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.defragmentation import Defragmentation
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import Unreachable
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import context as context_module
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import metrics
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.context import (
    Context,
    Paths,
    observe,
    reason,
    say,
    write,
)


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    return FakeNode(tmp_path, view(member(1), member(2)))


def test_a_tool_that_was_removed_writes_nothing_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would take it away."""
    tool, remembered, directory = tmp_path / "tool", tmp_path / "state", tmp_path / "metrics"
    directory.mkdir()
    tool.touch()
    monkeypatch.setattr(sys, "argv", [str(tool), "watch"])
    context = Context(Paths("/nowhere/etcd.yaml", "/nowhere/lock", str(remembered), str(directory)), 1.0)
    tool.unlink()
    assert context.remember(lambda known: replace(known, last_run=3.0)).last_run == 3.0
    context.publish(None)
    assert not remembered.exists()
    assert list(directory.iterdir()) == []
    tool.touch()
    context.publish(None)
    assert [path.name for path in directory.iterdir()] == [metrics.FILE]


def test_no_manifest(tmp_path: Path) -> None:
    context = Context(Paths(str(tmp_path / "etcd.yaml"), "/l", "/s", ""), 1.0)
    with pytest.raises(Failure, match=f"^there is no {tmp_path}/etcd.yaml on this node$") as caught:
        context.member()
    assert caught.value.code == "manifest_missing"


def test_a_unit_is_there_as_long_as_its_data_are(tmp_path: Path) -> None:
    """Of a member that was never seen nobody knows where its data are."""
    context = Context(Paths("etcd.service", "/l", str(tmp_path / "state"), ""), 1.0)
    assert context.has_manifest
    assert not context.has_no_member()
    context.remember(lambda known: replace(known, data_dir=str(tmp_path)))
    assert context.has_no_member()
    (tmp_path / "member").mkdir()
    assert not context.has_no_member()


def test_the_lock_is_held_and_renewed(node: FakeNode) -> None:
    with node.locked("run"):
        held = run_lock.read(node.paths.lock)
        assert held is not None
        assert held.owner.startswith("etcd-maintenance run on ")
        node.lock("run")
    assert run_lock.read(node.paths.lock) is None
    run_lock.take(node.paths.lock, Lock("another", "a recovery", 4e9))
    with pytest.raises(Locked), node.locked("run"):
        pass
    assert run_lock.read(node.paths.lock) is not None


def test_the_lock_is_renewed_while_it_works(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    renewed: list[str] = []

    @contextmanager
    def record(path: str, _run: str) -> Iterator[None]:
        renewed.append(path)
        yield
        renewed.append("over")

    monkeypatch.setattr(lease, "renewed", record)
    with node.locked("run"):
        assert renewed == [node.paths.lock]
        held = run_lock.read(node.paths.lock)
        assert held
        assert held.until < time.time() + lease.LEASE_SECONDS + 1
    assert renewed[1:] == ["over"]


def test_what_was_done_is_said_and_remembered(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    node.done(Defragmentation("cp2", False, MIB, MIB, 0.0, skipped="only 0.0 MiB could be gained"))
    assert node.remembered().last_defrag is None
    node.done(Defragmentation("cp2", True, 2 * MIB, MIB, 0.1234))
    assert node.remembered().last_defrag_seconds == 0.123
    assert [line[:3] for line in capsys.readouterr().out.splitlines()] == ["cp2", "cp2"]


def test_the_speed_of_a_member_is_remembered(node: FakeNode) -> None:
    node.done(Defragmentation("cp2", True, 2 * MIB, MIB, 0.5))  # too little to tell
    assert node.defrag_speeds() == {}
    node.done(Defragmentation("cp2", True, 900 * MIB, 400 * MIB, 4.0))
    node.done(Defragmentation("cp3", True, 900 * MIB, 400 * MIB, 8.0))
    node.done(Defragmentation("cp2", True, 900 * MIB, 100 * MIB, 2.0))
    assert node.defrag_speeds() == {"cp2": 50.0 * MIB, "cp3": 50.0 * MIB}


def test_no_directory_for_metrics_is_said_once(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    node.metrics_dir.rmdir()
    for _again in range(2):
        node.publish(None)
    said = f"There is no folder {node.metrics_dir}: no metrics are written (this is said once).\n"
    assert capsys.readouterr().out == said
    node.metrics_dir.mkdir()
    node.publish(None)
    assert "etcd_maintenance_member_up 0.0" in node.metrics
    assert node.remembered().no_textfile == ""


def test_the_first_usual_directory_for_metrics(tmp_path: Path, node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "second").mkdir()
    monkeypatch.setattr(metrics, "DIRECTORIES", (str(tmp_path / "first"), str(tmp_path / "second")))
    node.paths = replace(node.paths, textfile_dir="")
    node.publish(None)
    assert [path.name for path in (tmp_path / "second").iterdir()] == [metrics.FILE]


def test_observe(node: FakeNode) -> None:
    node.local.free_bytes = 7
    found = observe(node.member())
    assert (found.has_leader, found.is_leader, found.term, found.disk_free_bytes) == (True, True, 2, 7)
    node.local.cluster = view(member(1), leader=0)
    assert not observe(node.member()).has_leader


def test_reason() -> None:
    assert reason(Unreachable("Connection refused", endpoint="https://192.0.2.1:2379")) == (
        "Connection refused (https://192.0.2.1:2379)"
    )
    assert reason(Refused("x", "It is late.", "Go home.")) == "It is late. Go home"
    assert reason(OSError("no space")) == "no space"


def test_one_line_and_nobody_who_reads_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    say("two\n  lines")
    assert capsys.readouterr().out == "two lines\n"

    class Closed:
        def write(self, _text: str) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(context_module.sys, "stdout", Closed())
    say("nobody reads this")


def test_control_characters_reach_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    """Names of members come from others."""
    say("cp1\x1b[2J leads")
    write("cp1\x07\ncp2")
    assert capsys.readouterr().out == "cp1\\x1b[2J leads\ncp1\\x07\ncp2\n"


def test_a_terminal_with_few_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(context_module.sys, "stdout", shown)
    say("cpé")
    assert shown.buffer.getvalue() == b"cp\\xe9\n"  # type: ignore[attr-defined]
