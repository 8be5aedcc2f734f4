# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module apiserver_write_check: when it fails, and what it returns otherwise."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from unit.builders import DATA, Json, main_of, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_lock import Lock
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet_hold
from ansible_collections.controlplane.etcd.plugins.module_utils._node.apiserver_write_check import Outcome
from ansible_collections.controlplane.etcd.plugins.modules import apiserver_write_check

MANIFEST = next((DATA / "apiserver").glob("*/ipv4.*"))


def options(directory: Path) -> Json:
    return {
        "kubeconfig": str(directory / "admin.conf"),
        "apiserver_manifest": str(directory / "kube-apiserver.yaml"),
        "kubelet_unit": "",
        "lock_path": str(directory / "run.lock"),
        "resource": "leases",
        "run": None,
        "timeout": 5.0,
        "unlock": False,
        "wait_timeout": 120.0,
    }


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node with a manifest of an API server, and whatever kubeconfig."""
    (tmp_path / "kube-apiserver.yaml").write_bytes(MANIFEST.read_bytes())
    monkeypatch.setattr(apiserver_write_check, "ApiServer", lambda *_arguments, **_options: None)
    return tmp_path


@pytest.mark.parametrize("check", [False, True])
def test_result(node: Path, monkeypatch: pytest.MonkeyPatch, check: bool) -> None:
    def check_writes(_api: object, timeout: float, *, check: bool) -> tuple[Outcome, float]:
        return Outcome("ready" if check else "accepted"), timeout / 7

    monkeypatch.setattr(apiserver_write_check, "check_writes", check_writes)
    assert main_of(apiserver_write_check, options(node), monkeypatch, check=check) == {
        "changed": False,
        "address": "https://192.0.2.2:6443",
        "outcome": "ready" if check else "accepted",
        "reason": "",
        "seconds": 17.1,
    }


def test_it_fails_only_if_etcd_refuses(node: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check_writes(*_arguments: object, **_options: object) -> Any:
        raise Failure("nospace_alarm", "The API server of this node still cannot write: it is full", "Run this again.")

    monkeypatch.setattr(apiserver_write_check, "check_writes", check_writes)
    failed = main_of(apiserver_write_check, options(node), monkeypatch)
    assert (failed["failed"], failed["code"]) == (True, "nospace_alarm")
    assert failed["msg"] == (
        "Checking the API server failed. The API server of this node still cannot write: it is full. What was done to"
        " etcd stays done. Run this again."
    )


def test_node_without_an_api_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = main_of(apiserver_write_check, options(tmp_path), monkeypatch)
    assert found == {"changed": False, "address": "", "outcome": "absent", "reason": "", "seconds": 0.0}


def test_without_a_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kube-apiserver.yaml").write_bytes(MANIFEST.read_bytes())
    found = main_of(apiserver_write_check, options(tmp_path), monkeypatch)
    assert "failed" not in found
    assert found["outcome"] == "refused"
    assert found["reason"] == f"{tmp_path / 'admin.conf'} cannot be read: No such file or directory"


BACKED_OFF: list[tuple[str, list[str] | Failure, bool, list[str], int]] = [
    ("one is down", ["kube-scheduler"], True, ["kube-scheduler"], 0),
    ("all run", [], False, [], 0),
    ("the kubelet must not be restarted: the write tells", Refused("kubelet_masked", "No."), False, [], 1),
]


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(("ended", "changed", "said", "warnings"), table(BACKED_OFF))
def test_back_off(
    node: Path,
    monkeypatch: pytest.MonkeyPatch,
    ended: list[str] | Failure,
    changed: bool,
    said: list[str],
    warnings: int,
    check: bool,
) -> None:
    done: list[str] = []

    def end_back_off(_run: object, unit: str, directory: str, *, check: bool) -> list[str]:
        done.append(f"{unit} in {directory}{' (check)' if check else ''}")
        if isinstance(ended, Failure):
            raise ended
        return ended

    def check_writes(*_arguments: object, **_options: object) -> tuple[Outcome, float]:
        done.append("asked")
        return Outcome("accepted"), 0.1

    monkeypatch.setattr(kubelet_hold, "end_back_off", end_back_off)
    monkeypatch.setattr(apiserver_write_check, "check_writes", check_writes)
    given = {**options(node), "kubelet_unit": "kubelet"}
    found = main_of(apiserver_write_check, given, monkeypatch, check=check)
    assert done == [f"kubelet in {node}{' (check)' if check else ''}", "asked"]
    assert (found["changed"], found["backed_off"]) == (changed, said)
    assert len(found.get("warnings", [])) == warnings


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("holder", ["me", "another"])
@pytest.mark.parametrize(
    ("outcome", "final"), [("accepted", True), ("absent", True), ("not ready", False), ("refused", False)]
)
def test_lock_is_given_back(
    node: Path, monkeypatch: pytest.MonkeyPatch, outcome: str, final: bool, holder: str, check: bool
) -> None:
    """Only if nothing is left to do on this node, and only one's own."""
    monkeypatch.setattr(apiserver_write_check, "check_writes", lambda *_arguments, **_options: (Outcome(outcome), 0.1))
    lock = Lock(holder, "somebody", time.time() + 60)
    run_lock.take(str(node / "run.lock"), lock)
    given = {**options(node), "run": "me", "unlock": True}
    found = main_of(apiserver_write_check, given, monkeypatch, check=check)
    there = run_lock.read(str(node / "run.lock"))
    if holder == "another" and not check:
        assert (found["code"], there) == ("lock_lost", lock)
    else:
        assert found["unlocked"] is (final and not check)
        assert (there is None) is (final and not check)
