# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module kubelet on a node that is told what happens when."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from unit.builders import Json, main_of, systemd_shows, table
from unit.fake_node import FakeNode, fake_node, syncing

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet_hold
from ansible_collections.controlplane.etcd.plugins.modules import kubelet

Call = Callable[..., Json]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    return fake_node(tmp_path, monkeypatch)


@pytest.fixture
def call(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> Call:
    """``call(state, **options)`` is what the module returns."""

    def call(state: str, *, check: bool = False, **given: Any) -> Json:
        options = {
            "after": 0.0,
            "kubelet_unit": "kubelet",
            "manifest": str(node.directory / "etcd.yaml"),
            "only_if_backed_off": False,
            "owner": "r1",
            "state": state,
            **given,
        }
        return main_of(kubelet, options, monkeypatch, check=check)

    return call


@pytest.mark.parametrize("check", [True, False])
def test_restarted(node: FakeNode, call: Call, check: bool) -> None:
    """It does not wait."""
    assert call("restarted", check=check) == {"changed": True, "held_until": None}
    assert node.verbs_told == ([] if check else ["restart"])
    assert node.now == 1000.0


def test_restarted_ends_a_hold(node: FakeNode, call: Call) -> None:
    kubelet_hold.hold(node, "kubelet", owner="r0", seconds=60.0)
    assert call("restarted")["changed"]
    assert node.held is None
    assert node.active == "active"


NOT_STARTED: list[tuple[str, CommandResult, str, str]] = [
    ("stopped by somebody", systemd_shows("inactive"), "kubelet_stopped", "kubelet was stopped by someone else"),
    ("masked", systemd_shows("inactive", loaded="masked"), "kubelet_masked", "kubelet is masked"),
    ("called otherwise", systemd_shows("inactive", loaded="not-found"), "kubelet_missing", "There is no unit kubelet"),
    (
        "no systemd",
        CommandResult(127, "No such file or directory"),
        "systemd_failed",
        "systemd cannot be asked about kubelet",
    ),
]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("shown", "code", "message"), table(NOT_STARTED))
def test_not_restarted(node: FakeNode, call: Call, shown: CommandResult, code: str, message: str, check: bool) -> None:
    node.replies = {"systemctl show": shown}
    failed = call("restarted", check=check)
    verb = "failed" if code == "systemd_failed" else "was refused"
    assert failed["code"] == code
    assert failed["msg"].startswith(f"Restarting the kubelet {verb}. {message}")
    assert node.told == []


@pytest.mark.parametrize("active", ["active", "inactive", "failed"])
@pytest.mark.parametrize("after", [0.0, 60.0])
def test_released_though_nobody_holds_it(node: FakeNode, call: Call, active: str, after: float) -> None:
    """It may have been stopped by somebody, who wants it so."""
    node.active = active
    assert call("released", after=after) == {"changed": False, "held_until": None}
    assert node.calls == []


@pytest.mark.parametrize("owner", ["r0", None])
def test_released(node: FakeNode, call: Call, owner: str | None) -> None:
    """By who holds it, or whoever does."""
    kubelet_hold.hold(node, "kubelet", owner="r0", seconds=300.0)
    node.told.clear()
    assert call("released", owner=owner) == {"changed": True, "held_until": None}
    assert node.verbs_told == ["start"]
    assert node.held is None
    assert call("released", owner=owner) == {"changed": False, "held_until": None}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("owner", ["r1", "somebody", ""])
@pytest.mark.parametrize("after", [0.0, 60.0])
def test_hold_of_another_is_not_released(node: FakeNode, call: Call, after: float, owner: str, check: bool) -> None:
    held = kubelet_hold.hold(node, "kubelet", owner="r0", seconds=300.0)
    node.calls.clear()
    assert call("released", after=after, owner=owner, check=check) == {"changed": False, "held_until": None}
    assert node.calls == []
    assert node.held == held


@pytest.mark.parametrize("owner", ["r0", None])
def test_released_later(node: FakeNode, call: Call, owner: str | None) -> None:
    held = kubelet_hold.hold(node, "kubelet", owner="r0", seconds=300.0)
    node.told.clear()
    found = call("released", after=60.0, owner=owner)
    assert node.verbs_told == ["systemd-run"]
    assert node.active == "inactive"
    assert node.held is not None
    assert (node.held.owner, found["held_until"], found["changed"]) == ("r0", node.held.until, True)
    assert node.held.until < held.until


def test_released_in_check_mode(node: FakeNode, call: Call) -> None:
    held = kubelet_hold.hold(node, "kubelet", owner="r0", seconds=300.0)
    node.told.clear()
    assert call("released", check=True, owner="r0") == {"changed": True, "held_until": held.until}
    assert node.told == []


def test_only_if_backed_off(node: FakeNode, call: Call) -> None:
    node.programs = {"etcd"}
    node.replies = {"journalctl": syncing("kube-apiserver", "1m20s")}
    expected = {"changed": True, "held_until": None, "backed_off": ["kube-apiserver (back-off 1m20s)"]}
    assert call("restarted", only_if_backed_off=True, check=True) == expected
    assert node.verbs_told == []
    assert call("restarted", only_if_backed_off=True) == expected
    assert node.verbs_told == ["restart"]
    node.programs.add("kube-apiserver")
    assert call("restarted", only_if_backed_off=True) == {"changed": False, "held_until": None, "backed_off": []}
    assert node.verbs_told == ["restart"]


def test_only_if_backed_off_though_it_does_not_stay_up(node: FakeNode, call: Call) -> None:
    """That comes before whether a pod is in back-off."""
    node.active, node.programs = "activating", {"etcd", "kube-apiserver"}
    failed = call("restarted", only_if_backed_off=True)
    assert failed["code"] == "kubelet_unstable"
    assert node.told == []


def test_lines_of_the_journal_stay_apart(node: FakeNode, call: Call) -> None:
    node.replies = {"systemctl restart": CommandResult(1, "Job failed."), "journalctl": CommandResult(0, "a\nb")}
    assert call("restarted")["msg"] == (
        "Restarting the kubelet failed. systemctl restart kubelet failed: Job failed. Its last lines:\n  a\n  b\n"
        "What is running keeps running."
    )


def test_release_that_fails(node: FakeNode, call: Call) -> None:
    kubelet_hold.hold(node, "kubelet", owner="r0", seconds=300.0)
    node.replies = {"systemctl start": CommandResult(None, "timed out after 60 s")}
    assert call("released", owner="r0")["msg"] == (
        "Releasing the kubelet failed. systemctl start kubelet failed: timed out after 60 s."
        " Its timer, if it has one, still starts it."
    )
    assert node.held is not None


def test_unit_of_a_wrong_name(call: Call) -> None:
    assert call("restarted", kubelet_unit="a b")["msg"] == (
        "Restarting the kubelet failed. 'a b' is not a valid systemd unit name. What is running keeps running."
    )
