# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a roll-out begins with, and how its manifest is replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB
from unit.fake_machine import Machine

from ansible_collections.controlplane.etcd.plugins.module_utils._core import files
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node import pod_log
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.rollout import last_words, replace_manifest


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_rollout(machine: Machine) -> None:
    with machine.wal.open("wb") as file:
        file.truncate(250 * MIB)
    rollout = machine.rollout(wait_timeout=120.0, remove=["max-wals"])
    assert (rollout.path, rollout.data) == (str(machine.path), machine.path.read_bytes())
    assert rollout.text.encode() == rollout.data
    assert rollout.manifest.flags == machine.flags
    assert (rollout.options.remove, rollout.options.method) == (["max-wals"], "patch")
    assert (rollout.start_seconds, rollout.timeout) == (10.0, 130.0)


def test_no_manifest(machine: Machine) -> None:
    machine.path.unlink()
    with pytest.raises(Failure, match=f"^There is no {machine.path} on this node.$") as caught:
        machine.rollout()
    assert (caught.value.code, caught.value.advice) == (
        "manifest_missing",
        "Run this on a control-plane node, or name its manifest of etcd (manifest).",
    )


def test_backup_dir_that_the_kubelet_reads(machine: Machine, tmp_path: Path) -> None:
    pods = tmp_path / "pods"
    machine.path.parent.rename(pods)
    machine.path = (pods / "etcd.yaml").rename(pods / "my-etcd.yaml")
    (tmp_path / "link").symlink_to(pods)
    for directory in (pods, tmp_path / "link"):
        with pytest.raises(Refused, match=f"is that of {machine.path}: the kubelet would start etcd"):
            machine.rollout(backup_dir=str(directory))
    store = tmp_path / "store"
    store.mkdir()
    machine.path = machine.path.rename(store / "etcd.yaml")
    (pods / "etcd.yaml").symlink_to(machine.path)
    for directory in (pods, store):
        with pytest.raises(Refused, match="the kubelet would start etcd"):
            machine.rollout(manifest=str(pods / "etcd.yaml"), backup_dir=str(directory))


def test_replace_manifest(machine: Machine) -> None:
    old = machine.path.read_bytes()
    new = old.replace(b"--auto-compaction-retention=8", b"--auto-compaction-retention=1")
    replace_manifest(str(machine.path), old=old, new=new)
    assert machine.path.read_bytes() == new
    with pytest.raises(Refused, match="Somebody else changed") as caught:
        replace_manifest(str(machine.path), old=old, new=old)
    assert caught.value.code == "changed_meanwhile"
    assert machine.path.read_bytes() == new


def test_what_is_read_back_must_be_what_was_written(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def replace(_path: str, old: bytes, _new: bytes, check: Any, *, above: bool) -> None:
        assert above
        check(old)

    monkeypatch.setattr(files, "replace", replace)
    old = machine.path.read_bytes()
    with pytest.raises(OSError, match="what was read back is not what was written"):
        replace_manifest(str(machine.path), old=old, new=old + b"# more\n")


def test_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pod_log, "last_words", lambda: ["warn: a", "fatal: b"])
    assert last_words() == " etcd's last words:\n  warn: a\n  fatal: b"
    monkeypatch.setattr(pod_log, "last_words", list)
    assert last_words() == ""
