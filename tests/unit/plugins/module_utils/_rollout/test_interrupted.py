# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an interrupted run left: finished, marked as verified, or rolled back by the next one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from unit.fake_machine import BAD, WANTED, Machine

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import backups, manifest_edit
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.change import Changed
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.interrupted import (
    begun_from,
    finish,
    mark_verified,
    missing,
    way_back,
)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def write_copy(machine: Machine, name: str, data: bytes, age: int) -> Path:
    machine.backups.mkdir(exist_ok=True)
    path = machine.backups / name
    path.write_bytes(data)
    os.utime(path, (10000 - age, 10000 - age))
    return path


def test_begun_from_the_newest_copy_that_the_change_makes_the_manifest_of(machine: Machine) -> None:
    now = machine.path.read_bytes()
    before = now.replace(b"    - --auto-compaction-retention=8\n", b"")
    (machine.backups / "etcd.yaml.d").mkdir(parents=True)
    write_copy(machine, "etcd.yaml.1", before, 6)
    newest = write_copy(machine, "etcd.yaml.2", before, 5)
    write_copy(machine, "etcd.yaml.3", now, 4)  # it makes no change there
    write_copy(machine, "etcd.yaml.4", before.replace(b"3.5.24-0", b"3.5.15-0"), 3)  # of another etcd
    write_copy(machine, "etcd.yaml.5", b"\xff", 2)
    write_copy(machine, "kube-apiserver.yaml.6", before, 1)
    assert begun_from(machine.rollout(extra_args={"auto-compaction-retention": "8"})) == (str(newest), before)
    assert begun_from(machine.rollout(extra_args={"max-wals": "7"})) is None


def test_missing(machine: Machine) -> None:
    assert missing(machine.rollout()) == ""
    machine.down = True
    assert missing(machine.rollout()) == "etcd is not running"


def test_finish(machine: Machine) -> None:
    machine.interrupted(WANTED)
    rollout = machine.rollout()
    assert finish(rollout) == Changed("", 0.0)
    assert backups.was_verified(rollout.data, rollout.path, rollout.options.backup_dir)


def test_bad_value_is_rolled_back_by_the_same_change(machine: Machine) -> None:
    old = machine.path.read_bytes()
    machine.interrupted(BAD)
    with pytest.raises(Failure, match="The old manifest was put back, and etcd answers again") as caught:
        finish(machine.rollout(extra_args=BAD))
    assert caught.value.code == "rolled_back"
    assert machine.path.read_bytes() == old


def test_bad_value_is_not_rolled_back_by_another_change(machine: Machine) -> None:
    """That run's change is not this one's to roll back, but how to is said."""
    machine.interrupted(BAD)
    (copy,) = machine.copies
    with pytest.raises(Failure) as caught:
        finish(machine.rollout(extra_args={"snapshot-count": "10000"}))
    assert caught.value.code == "not_verified"
    assert caught.value.advice == (
        "Find out why (crictl logs, journalctl --unit kubelet). Where a flag is to blame, the manifest from before"
        f" (--max-wals) is in {copy}: put it back (cp {copy} {machine.path}), and run this again."
    )
    assert machine.flags["max-wals"] == "many"


def test_etcd_that_runs_with_the_flags_is_not_rolled_back(machine: Machine) -> None:
    """The others are away, which no flag is to blame for."""
    machine.interrupted(WANTED)
    machine.silent = True
    with pytest.raises(Failure, match="but does not answer") as caught:
        finish(machine.rollout())
    assert caught.value.code == "not_verified"
    assert machine.flags["max-wals"] == "7"


def test_what_a_later_run_has_verified_is_not_rolled_back(machine: Machine) -> None:
    machine.interrupted(WANTED)
    mark_verified(machine.rollout())
    machine.down = True
    with pytest.raises(Failure) as caught:
        finish(machine.rollout())
    assert caught.value.code == "not_verified"
    assert caught.value.advice.endswith("etcd has run from this very manifest before.")
    assert machine.flags["max-wals"] == "7"


def test_nothing_to_mark(machine: Machine) -> None:
    """Nobody began it: there is no copy."""
    mark_verified(machine.rollout())
    assert not machine.backups.exists()


def test_way_back(machine: Machine) -> None:
    """To the newest copy that differs in flags alone."""
    assert way_back(machine.rollout()) == ""
    other = manifest_edit.put(machine.path.read_text("utf-8"), {"log-level": "debug"}).text
    copy = write_copy(machine, "etcd.yaml.0", other.encode(), 3)
    write_copy(machine, "etcd.yaml.1", b"\xef\xbb\xbf: no", 2)
    write_copy(machine, "etcd.yaml.2", other.replace("3.5.24-0", "3.5.15-0").encode(), 1)
    assert way_back(machine.rollout()) == (
        f" Where a flag is to blame, the manifest from before (--log-level) is in {copy}: put it back (cp {copy}"
        f" {machine.path}), and run this again."
    )
