# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The change itself on a made-up node; it is tried on real members, too."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from unit.fake_machine import BAD, WANTED, Machine

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import backups
from ansible_collections.controlplane.etcd.plugins.module_utils._node import process
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.change import change, uninterrupted
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.target import choose_target


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_change(machine: Machine) -> None:
    rollout = machine.rollout(extra_args=WANTED)
    done = change(rollout, choose_target(rollout), 4711)
    assert machine.flags["max-wals"] == "7"
    assert done.away_seconds == 0.0
    assert [done.backup_file] == machine.copies
    assert Path(done.backup_file).read_bytes() == rollout.data
    assert backups.was_verified(machine.path.read_bytes(), rollout.path, rollout.options.backup_dir)


def test_change_that_fails_is_rolled_back(machine: Machine) -> None:
    rollout = machine.rollout(extra_args=BAD)
    with pytest.raises(Failure, match="The old manifest was put back") as caught:
        change(rollout, choose_target(rollout), 4711)
    assert caught.value.code == "rolled_back"
    assert machine.path.read_bytes() == rollout.data
    assert not backups.was_verified(rollout.data, rollout.path, rollout.options.backup_dir)


def test_one_that_still_reads_is_not_rolled_back(machine: Machine) -> None:
    rollout = machine.rollout(extra_args=WANTED)
    machine.silent = True
    machine.activity = process.Activity(1, 0.0)
    with pytest.raises(Failure) as caught:
        change(rollout, choose_target(rollout), 4711)
    assert caught.value.code == "still_reading"
    assert caught.value.reason.startswith(
        "etcd runs from its new manifest, but after 0 s it still reads its log or its database, and is not back yet:"
        " etcd is running (process"
    )
    assert caught.value.unchanged == "It was left to it; nothing was rolled back. No other member was touched."
    assert machine.flags["max-wals"] == "7"
    # The next run verifies it.
    machine.silent = False
    again = machine.run(extra_args=WANTED)
    assert again["changed"] is False


def test_manifest_that_somebody_changes_meanwhile_stays(machine: Machine) -> None:
    rollout = machine.rollout(extra_args=WANTED)
    machine.path.write_bytes(rollout.data + b"# changed\n")
    with pytest.raises(Refused) as caught:
        change(rollout, choose_target(rollout), 4711)
    assert caught.value.code == "changed_meanwhile"
    assert machine.path.read_bytes() == rollout.data + b"# changed\n"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_uninterrupted(number: signal.Signals) -> None:
    """A lost connection or Ctrl-C in the middle has no effect; afterwards it has its own again."""
    before = signal.getsignal(number)
    with uninterrupted():
        signal.raise_signal(number)
        assert signal.getsignal(number) is signal.SIG_IGN
    assert signal.getsignal(number) is before
