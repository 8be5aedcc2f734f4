# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a change that failed is rolled back, and what the operator is told then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.fake_machine import BAD, Machine

from ansible_collections.controlplane.etcd.plugins.module_utils._core import files
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import backups, manifest_edit
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.roll_back import roll_back
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.verification import VerificationResult

IN_PLACE = "The new manifest was in place, but after 2 s etcd is not running."


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


@pytest.fixture
def backup(machine: Machine) -> str:
    """The copy of the old manifest; the new one is in place, and etcd does not start from it."""
    rollout = machine.rollout()
    path = backups.back_up(rollout.data, rollout.path, rollout.options.backup_dir)
    machine.path.write_text(manifest_edit.edit(rollout.text, BAD).text, "utf-8")
    return path


def rolled_back(machine: Machine, backup: str) -> Failure:
    rollout = machine.rollout()
    failed = VerificationResult("etcd is not running", 2.0, None, 2.0)
    old = Path(backup).read_bytes()
    return roll_back(rollout, failed, new=rollout.data, old=old, backup_file=backup, old_pid=4711)


def test_rolled_back(machine: Machine, backup: str) -> None:
    failure = rolled_back(machine, backup)
    assert failure.code == "rolled_back"
    assert failure.reason == (
        f"{IN_PLACE} The old manifest was put back, and etcd answers again with its old flags and has caught up"
        " (0 s later)."
    )
    assert failure.unchanged == "No other member was touched."
    assert failure.advice == "Correct what is named above, and run this again."
    assert machine.path.read_bytes() == Path(backup).read_bytes()


def test_last_words_stay_lines(machine: Machine, backup: str) -> None:
    machine.words = ["fatal: no"]
    reason = rolled_back(machine, backup).reason
    assert reason.startswith(f"{IN_PLACE} etcd's last words:\n  fatal: no\nThe old manifest was put back")


def test_not_rolled_back(machine: Machine, backup: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: Any, **_options: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "replace", full)
    failure = rolled_back(machine, backup)
    assert failure.code == "rollback_failed"
    assert failure.reason == (
        f"{IN_PLACE} The old manifest could not be put back ([Errno 28] No space left on device): {machine.path} stays"
        f" as it is, the old one is in {backup}."
    )
    assert failure.unchanged == "No other member was touched."
    assert failure.advice == f"See what is there now, and restore that one by hand (cp {backup} {machine.path})."
    assert machine.flags["max-wals"] == "many"


def test_rolled_back_by_another_run(machine: Machine, backup: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_late(_path: str, _old: bytes, new: bytes, _check: Any, *, above: bool) -> None:
        machine.path.write_bytes(new)
        raise OSError(2, "No such file or directory")

    monkeypatch.setattr(files, "replace", too_late)
    assert rolled_back(machine, backup).code == "rolled_back"


def test_down_after_it_was_rolled_back(machine: Machine, backup: str) -> None:
    machine.down = True
    failure = rolled_back(machine, backup)
    assert failure.code == "rollback_failed"
    assert failure.reason == (f"{IN_PLACE} The old manifest was put back, but after another 0 s etcd is not running.")
    assert failure.advice == (
        "See what the kubelet and etcd say (journalctl --unit kubelet, crictl logs) before anything else is done."
    )
    assert machine.path.read_bytes() == Path(backup).read_bytes()
