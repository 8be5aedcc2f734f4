# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifest that is to be written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.builders import DATA, table
from unit.fake_machine import WANTED, Machine

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import manifest_edit, manifest_render
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.rollout import Rollout
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.target import (
    ControllerNeeded,
    Target,
    choose_target,
)

PATCH = "Fix that, or use the method patch, which needs neither kubeadm nor its configuration."
CONFIG = str(DATA / "kubeadm/configs/v1beta4-noextra.config")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


REFUSED: list[tuple[str, str, dict[str, Any], str, str]] = [
    (
        "old names",
        "1.37",
        {"extra_args": {"experimental-max-learners": "2"}},
        "unknown_flag",
        "etcd 3.7.0 does not know every",
    ),
    ("gates", "1.33", {"extra_args": {"feature-gates": "CompactHashCheck=true"}}, "unknown_flag", "came with 3.6."),
    (
        "an address",
        "1.33",
        {"extra_args": {"listen-metrics-urls": "http://0.0.0.0:2381"}},
        "identity_flag",
        "where it listens",
    ),
    ("its name", "1.33", {"remove": ["name"]}, "identity_flag", "--name is part of what this member is"),
    ("its data", "1.33", {"extra_args": {"data-dir": "/srv"}}, "invalid_argument", "Use etcd.local.dataDir"),
    ("no size", "1.33", {"extra_args": {"quota-backend-bytes": "8G"}}, "invalid_quota", "which may mean"),
    (
        "with what is there already",
        "1.33",
        {"extra_args": {"auto-compaction-mode": "revision", "auto-compaction-retention": "5m"}},
        "invalid_argument",
        "never compacts",
    ),
]


@pytest.mark.parametrize(("version", "options", "code", "expected"), table(REFUSED))
def test_refused(machine: Machine, version: str, options: dict[str, Any], code: str, expected: str) -> None:
    machine.path.write_bytes((DATA / "manifests" / version / "quota.manifest").read_bytes())
    with pytest.raises(Refused) as caught:
        choose_target(machine.rollout(**{"extra_args": {}, **options}))
    assert caught.value.code == code
    assert expected in caught.value.text


def test_a_configuration_file_of_etcd(machine: Machine) -> None:
    text = machine.path.read_text("utf-8")
    machine.path.write_text(text.replace("    - --name=", "    - --config-file=/x\n    - --name="), "utf-8")
    with pytest.raises(
        Failure, match="leaves everything to /x: etcd reads all of its settings from that file"
    ) as caught:
        machine.rollout()
    assert caught.value.code == "manifest_unusable"


SAME: list[tuple[str, dict[str, Any]]] = [
    ("nothing", {}),
    ("the quota with a unit", {"extra_args": {"quota-backend-bytes": "8GiB"}}),
    ("the retention in other words", {"extra_args": {"auto-compaction-retention": "8h"}}),
    ("gone already", {"remove": ["max-wals"]}),
    ("its own name", {"extra_args": {"name": "vm"}}),
]


@pytest.mark.parametrize("method", ["auto", "patch"])
@pytest.mark.parametrize("options", [row[1] for row in SAME], ids=[row[0] for row in SAME])
def test_nothing_to_do(machine: Machine, options: dict[str, Any], method: str) -> None:
    rollout = machine.rollout(**{"extra_args": {}, "method": method, **options})
    target = choose_target(rollout)
    assert (target.text, target.method, target.reason) == (rollout.text, "patch", "")


def test_patched(machine: Machine) -> None:
    rollout = machine.rollout(extra_args=WANTED)
    target = choose_target(rollout)
    assert target.text == manifest_edit.edit(rollout.text, WANTED).text
    assert (target.method, target.edited.differing) == ("patch", ({}, WANTED))


def told(rollout: Rollout, **told: Any) -> Target:
    """The target once the controller has made what it is asked for."""
    with pytest.raises(ControllerNeeded) as caught:
        choose_target(rollout)
    assert caught.value.asked["text"] == Path(CONFIG).read_text("utf-8")
    assert caught.value.asked["node"]["name"] == rollout.manifest.name
    options = replace(rollout.options, from_controller=json.dumps(told or {"text": "{}"}))
    return choose_target(replace(rollout, options=options))


@pytest.mark.parametrize("method", ["auto", "kubeadm"])
def test_rendered(machine: Machine, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """kubeadm's manifest is taken if it differs in nothing but these flags."""
    rollout = machine.rollout(extra_args=WANTED, method=method, kubeadm_config=CONFIG)
    text = manifest_edit.edit(rollout.text, WANTED).text + "# kubeadm's\n"
    monkeypatch.setattr(manifest_render, "render", lambda _config: text)
    target = told(rollout)
    assert (target.text, target.method, target.reason, target.differences) == (text, "kubeadm", "", ())


def test_more_differences_are_ignored_if_nothing_changes(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its order and spelling alone are no reason for a restart."""
    rollout = machine.rollout(extra_args={}, method="kubeadm", kubeadm_config=CONFIG)
    monkeypatch.setattr(manifest_render, "render", lambda _config: rollout.text + "# kubeadm's\n")
    target = told(rollout)
    assert (target.text, target.method) == (rollout.text, "kubeadm")


def test_kubeadm_cannot_be_asked(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is a reason to patch, unless it is asked for."""
    monkeypatch.setattr(command, "installed", lambda _program: None)
    target = told(machine.rollout(method="auto", kubeadm_config=CONFIG))
    assert (target.method, target.reason) == ("patch", "There is no kubeadm on this node.")
    with pytest.raises(Failure, match="There is no kubeadm on this node") as caught:
        told(machine.rollout(method="kubeadm", kubeadm_config=CONFIG))
    assert caught.value.advice == PATCH


def test_the_controller_cannot_read_the_configuration(machine: Machine) -> None:
    """That is a reason to patch, too."""
    failed = {"code": "not_rendered", "reason": "The configuration holds '1.5', a number.", "advice": ""}
    target = told(machine.rollout(method="auto", kubeadm_config=CONFIG), failed=failed)
    assert (target.method, target.reason) == ("patch", failed["reason"])
    with pytest.raises(Failure, match=r"holds '1\.5'") as caught:
        told(machine.rollout(method="kubeadm", kubeadm_config=CONFIG), failed=failed)
    assert (caught.value.code, caught.value.advice) == ("not_rendered", PATCH)
    refused = {"code": "external_etcd", "reason": "etcd is external here.", "advice": "Set them there."}
    with pytest.raises(Refused, match="etcd is external here") as refusal:
        told(machine.rollout(method="kubeadm", kubeadm_config=CONFIG), refused=refused)
    assert (refusal.value.code, refusal.value.advice) == ("external_etcd", "Set them there.")
