# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module etcd_wait on a node that is told what happens when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.builders import Json, main_of
from unit.fake_node import FakeNode, comes, fake_member, fake_node

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.modules import etcd_wait


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    node = fake_node(tmp_path, monkeypatch)
    fake_member(node, etcd_wait, monkeypatch)
    return node


def result(node: FakeNode, monkeypatch: pytest.MonkeyPatch, *, check: bool = False, **given: Any) -> Json:
    options = {
        "hold_kubelet": False,
        "hold_seconds": 300.0,
        "kubelet_unit": "kubelet",
        "manifest": str(node.directory / "etcd.yaml"),
        "owner": "r1",
        "revive": False,
        "wait_timeout": 120.0,
        "while_reading": True,
        **given,
    }
    return main_of(etcd_wait, options, monkeypatch, check=check)


def failure(node: FakeNode, monkeypatch: pytest.MonkeyPatch, code: str, **given: Any) -> str:
    """The message of a failure with this code."""
    failed = result(node, monkeypatch, **given)
    assert (failed["failed"], failed["code"]) == (True, code)
    return str(failed["msg"])


def test_wait(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    comes(node, 2, answers=5)
    found = result(node, monkeypatch)
    assert 5 <= found["etcd"].pop("seconds") < 5.5
    assert found == {
        "changed": False,
        "held_until": None,
        "etcd": {"pid": 7, "answers": True, "knows_leader": True, "new": True},
    }
    assert node.told == []


def test_hold(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    node.born_etcd(7)
    node.answers()
    found = result(node, monkeypatch, hold_kubelet=True)
    assert node.held is not None
    assert (found["changed"], found["held_until"], node.held.owner) == (True, node.held.until, "r1")


@pytest.mark.parametrize("hold", [True, False])
def test_check_mode(node: FakeNode, monkeypatch: pytest.MonkeyPatch, hold: bool) -> None:
    assert result(node, monkeypatch, check=True, hold_kubelet=hold) == {
        "changed": hold,
        "held_until": None,
        "etcd": {"pid": None, "answers": False, "knows_leader": False, "new": False, "seconds": 0.0},
    }
    node.born_etcd(7)
    node.answers(0)
    assert result(node, monkeypatch, check=True, hold_kubelet=hold)["etcd"] == {
        "pid": 7,
        "answers": True,
        "knows_leader": False,
        "new": True,
        "seconds": 0.0,
    }
    assert node.told == []
    assert node.now == 1000.0


@pytest.mark.parametrize("check", [True, False])
def test_kubelet_that_somebody_stopped_is_not_held(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    node.active = "inactive"
    node.replies = {"journalctl": CommandResult(0, "Stopped kubelet.")}
    assert failure(node, monkeypatch, "kubelet_stopped", hold_kubelet=True, check=check) == (
        "Waiting for etcd was refused. kubelet was stopped by someone else, so it is not started automatically. Start"
        " it (systemctl start kubelet) if it should run, and run this again. Its last lines:\n  Stopped kubelet.\n"
        "Nothing else was changed."
    )
    assert node.told == []


def test_in_vain(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    assert failure(node, monkeypatch, "etcd_not_up", wait_timeout=5.0) == (
        "Waiting for etcd failed. etcd did not come up within 5 s: it is not running. Last lines:\n  panic: no space"
        " left\nNothing else was changed."
    )


def test_without_a_manifest(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    path = node.directory / "etcd.yaml"
    path.unlink()
    assert failure(node, monkeypatch, "manifest_missing") == (
        f"Waiting for etcd failed. There is no {path} on this node. Nothing else was changed."
    )


def test_with_a_wrong_manifest(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    path = node.directory / "etcd.yaml"
    path.write_text("", "utf-8")
    assert failure(node, monkeypatch, "manifest_unusable") == (
        f"Waiting for etcd failed. {path} cannot be read as a static pod manifest: it is empty. Nothing else was"
        " changed."
    )
