# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One node of a cluster that is to be recovered: whether its member can come back, and what stands against it."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import MIB, RUNNING, cluster_report, kubelet_report, member_report, node_report, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.recoverable import (
    full_disk_refusal,
    may_come,
    stray_refusal,
    work_threat,
)

STOPPED = kubelet_report(refusal="kubelet was stopped by someone else.")


@pytest.mark.parametrize(
    ("changes", "expected"),
    table(
        [
            ("its kubelet may be restarted", {}, True),
            ("nobody may start its kubelet", {"kubelet": STOPPED}, False),
            ("it runs and reads its log", {"process": RUNNING, "kubelet": STOPPED}, True),
            ("it runs and will never answer", {"process": RUNNING, "waiting_may_help": False}, False),
        ]
    ),
)
def test_a_silent_member_may_come(changes: Any, expected: bool) -> None:
    assert may_come(node_report(1, **changes)) is expected


def test_a_probe_that_fails_under_the_alarm_threatens() -> None:
    armed = cluster_report(member_report(1, "leader"), alarms=["NOSPACE"])
    well = cluster_report(member_report(1, "leader"))
    assert "fails under the alarm" in (work_threat(node_report(1, armed, probes="1.22"), armed) or "")
    assert work_threat(node_report(1, well, probes="1.22"), well) is None
    # Nobody can be asked: an alarm is assumed.
    assert work_threat(node_report(1, probes="1.22"), None)


def test_copies_beside_the_manifest() -> None:
    assert stray_refusal("cp1", node_report(1)) is None
    refusal = stray_refusal("cp1", node_report(1, stray_files=("etcd.yaml.old",)))
    assert refusal
    assert refusal.code == "stray_manifests"
    assert "cp1 has etcd.yaml.old beside" in refusal.reason


@pytest.mark.parametrize(("free", "refused"), [(None, False), (64 * MIB, False), (64 * MIB - 1, True)])
def test_a_full_disk(free: int | None, refused: bool) -> None:
    refusal = full_disk_refusal("cp1", node_report(1, free_disk_bytes=free))
    assert (refusal.code if refusal else "") == ("disk_full" if refused else "")
