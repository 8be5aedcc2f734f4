# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a manifest is to be, and which kubelet would take it; the change itself is tried on real members."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from unit.builders import DATA, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet, kubelet_hold, process
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet import Unit, UnitError
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet_hold import Hold
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout import change
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout.change import Node

OLD = Unit("kubelet", "loaded", "active", "enabled", 1.0)

KUBELETS: list[tuple[str, Unit | None, Hold | None, bool, str]] = [
    ("it runs", OLD, None, True, ""),
    ("no systemd, and it runs", None, None, True, ""),
    ("no systemd, and it does not", None, None, False, "kubelet is not running on this node"),
    ("no unit, and it runs", Unit("kubelet", "not-found", "inactive", "", 0.0), None, True, ""),
    ("held", Unit("kubelet", "loaded", "inactive", "enabled", 1.0), Hold("run 7", "t", 9e9), False, "is held by run 7"),
    ("stopped", Unit("kubelet", "loaded", "inactive", "enabled", 1.0), None, False, "was stopped by someone else"),
    ("failed", Unit("kubelet", "loaded", "failed", "enabled", 1.0), None, False, "is not running (failed)"),
    ("masked", Unit("kubelet", "masked", "inactive", "masked", 0.0), None, False, "is masked"),
    ("starts again and again", Unit("kubelet", "loaded", "activating", "enabled", 1.0), None, True, "does not stay up"),
]


@pytest.mark.parametrize(("unit", "held", "runs", "expected"), table(KUBELETS))
def test_kubelet(
    monkeypatch: pytest.MonkeyPatch, unit: Unit | None, held: Hold | None, runs: bool, expected: str
) -> None:
    def found(_run: object, _name: str) -> Unit:
        if unit is None:
            raise UnitError("systemd cannot be asked about kubelet.")
        return unit

    monkeypatch.setattr(kubelet, "unit", found)
    monkeypatch.setattr(kubelet_hold, "read_hold", lambda _name: held)
    monkeypatch.setattr(process, "running", lambda _name: runs)
    said = change._kubelet_refusal("kubelet")
    assert expected in (said or "")
    assert bool(said) is bool(expected)


def node(tmp_path: Path, version: str = "1.33", **options: Any) -> Node:
    path = tmp_path / "manifests/etcd.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes((DATA / "manifests" / version / "quota.manifest").read_bytes())
    given = {
        "manifest": str(path),
        "backup_dir": str(tmp_path / "etcd-backup"),
        "extra_args": {},
        "remove": [],
        "method": "patch",
        "kubeadm_config": None,
        "kubeconfig": str(tmp_path / "admin.conf"),
    }
    return Node({**given, **options})


REFUSED: list[tuple[str, str, dict[str, Any], type[Exception], str]] = [
    (
        "old names",
        "1.37",
        {"extra_args": {"experimental-max-learners": "2"}},
        Refused,
        "etcd 3.7.0 does not know every",
    ),
    ("gates", "1.33", {"extra_args": {"feature-gates": "CompactHashCheck=true"}}, Refused, "came with 3.6."),
    ("an address", "1.33", {"extra_args": {"listen-metrics-urls": "http://0.0.0.0:2381"}}, Refused, "where it listens"),
    ("its name", "1.33", {"remove": ["name"]}, Refused, "--name is part of what this member is"),
    ("its data", "1.33", {"extra_args": {"data-dir": "/srv"}}, Refused, "Use etcd.local.dataDir"),
    ("no size", "1.33", {"extra_args": {"quota-backend-bytes": "8G"}}, Refused, "which may mean"),
    (
        "with what is there already",
        "1.33",
        {"extra_args": {"auto-compaction-mode": "revision", "auto-compaction-retention": "5m"}},
        Refused,
        "never compacts",
    ),
]


@pytest.mark.parametrize(("version", "options", "error", "expected"), table(REFUSED))
def test_refused(tmp_path: Path, version: str, options: dict[str, Any], error: type[Exception], expected: str) -> None:
    with pytest.raises(error) as caught:
        node(tmp_path, version, **options).target()
    assert expected in f"{caught.value} {getattr(caught.value, 'advice', '')}"


SAME: list[tuple[str, dict[str, Any]]] = [
    ("nothing", {}),
    ("the quota with a unit", {"extra_args": {"quota-backend-bytes": "8GiB"}}),
    ("the retention in other words", {"extra_args": {"auto-compaction-retention": "8h"}}),
    ("gone already", {"remove": ["max-wals"]}),
    ("its own name", {"extra_args": {"name": "vm"}}),
]


@pytest.mark.parametrize("method", ["auto", "patch"])
@pytest.mark.parametrize("options", [row[1] for row in SAME], ids=[row[0] for row in SAME])
def test_nothing_to_do(tmp_path: Path, options: dict[str, Any], method: str) -> None:
    made = node(tmp_path, method=method, **options)
    target = made.target()
    assert (target.text, target.method, target.reason) == (made.text, "patch", "")


def test_where_it_was_begun(tmp_path: Path) -> None:
    """The newest copy from which this change makes what is there, and no other."""
    made = node(tmp_path)
    backups = tmp_path / "etcd-backup"
    backups.mkdir()
    (backups / "etcd.yaml.d").mkdir()
    before = made.text.replace("    - --auto-compaction-retention=8\n", "").encode()
    for number, (name, data) in enumerate(
        [
            ("etcd.yaml.1", before),
            ("etcd.yaml.2", before),
            ("etcd.yaml.3", made.data),  # it makes no change there
            ("etcd.yaml.4", before.replace(b"3.5.24-0", b"3.5.15-0")),  # of another etcd
            ("etcd.yaml.5", b"\xff"),
            ("kube-apiserver.yaml.6", before),
        ]
    ):
        (backups / name).write_bytes(data)
        os.utime(backups / name, (1000 + number, 1000 + number))
    made = node(tmp_path, extra_args={"auto-compaction-retention": "8"})
    assert made._begun_from() == (str(backups / "etcd.yaml.2"), before)
    assert node(tmp_path, extra_args={"max-wals": "7"})._begun_from() is None
