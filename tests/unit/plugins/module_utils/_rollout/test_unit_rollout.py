# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an etcd that systemd runs was started with."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node import process
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout import unit_rollout
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.unit_rollout import (
    differing,
    read_unit_rollout,
    running,
)

WRITTEN = MemberSettings(
    "etcd.service", "", {"max-wals": "5"}, {"ETCD_NAME": "a", "ETCD_INITIAL_CLUSTER_STATE": "existing"}, ()
)


def test_running(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/cmdline").write_bytes(b"/usr/bin/etcd\0--max-wals=5\0")
    (tmp_path / "7/environ").write_bytes(b"PATH=/bin\0ETCD_NAME=a=b\0ETCD_EMPTY=\0ETCDCTL_API=3\0")
    assert running(7, str(tmp_path)) == {"max-wals": "5", "name": "a=b"}
    assert running(8, str(tmp_path)) is None
    (tmp_path / "7/environ").unlink()  # as for root without the right to trace
    assert running(7, str(tmp_path)) is None


@pytest.mark.parametrize(
    ("runs", "managed", "expected"),
    [
        ({"max-wals": "5", "name": "a", "initial-cluster-state": "new"}, None, []),
        ({"max-wals": "6", "name": "b"}, None, ["--max-wals", "--name"]),
        ({"max-wals": "6", "name": "b"}, {"name"}, ["--name"]),
        ({"max-wals": "5", "name": "a", "snapshot-count": "5"}, {"snapshot-count"}, ["--snapshot-count"]),
        (None, None, []),
    ],
)
def test_differing(
    monkeypatch: pytest.MonkeyPatch, runs: dict[str, str] | None, managed: set[str] | None, expected: list[str]
) -> None:
    monkeypatch.setattr(unit_rollout, "running", lambda _pid: runs)
    assert differing(WRITTEN, 7, managed) == expected


def test_flags_that_a_shell_gives_are_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = MemberSettings("etcd.service", "", {}, {"ETCD_NAME": "a", "ETCD_MAX_WALS": "5"}, ())
    monkeypatch.setattr(
        unit_rollout, "running", lambda _pid: {"name": "b", "max-wals": "5", "heartbeat-interval": "500"}
    )
    assert differing(settings, 7, {"name", "heartbeat-interval"}, whole=False) == ["--name"]


@pytest.mark.parametrize(("age", "newer"), [(100.0, True), (1.0, False)])
def test_configuration_file_that_is_newer_than_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float, newer: bool
) -> None:
    file = tmp_path / "etcd.yml"
    file.touch()
    os.utime(file, (time.time() - 50, time.time() - 50))
    monkeypatch.setattr(process, "age", lambda _pid: age)
    settings = MemberSettings("etcd.service", "", {}, {}, (), config_file=str(file))
    assert bool(differing(settings, 7, set())) is newer


def test_a_manifest_is_no_unit(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        read_unit_rollout({"manifest": str(tmp_path / "etcd.yaml"), "backup_dir": str(tmp_path)})
    assert caught.value.code == "no_unit"
