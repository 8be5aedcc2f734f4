# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery does from one node, what it cannot do there, and what stands against it."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import (
    MIB,
    RUNNING,
    cluster_report,
    diagnosis,
    disks_of,
    held_by,
    kubelet_report,
    member_report,
    node_report,
    table,
)

from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import ClusterReport, NodeReport, Refusal
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import recover_plan
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.recover_plan import NodePlan

STOPPED = kubelet_report(refusal="kubelet was stopped by someone else.")
ARMED = cluster_report(member_report(1), member_report(2, "leader"), member_report(3), alarms=["NOSPACE"])
ONE = cluster_report(member_report(1, "leader"), alarms=["NOSPACE"])


def made(report: NodeReport, **options: Any) -> NodePlan:
    given: dict[str, Any] = {"check": False, "snapshot": True, "may_hold": True, **options}
    return recover_plan.plan(report, **given)


def test_a_full_cluster() -> None:
    plan = made(node_report(1, ARMED))
    assert (plan.full, plan.has_work, plan.revive, plan.hold, plan.refusals) == (True, True, "", "", ())
    assert plan.lines == (
        "It will now take a snapshot, compact, defragment cp1, then cp3, then cp2, disarm and prove: about 74 s.",
    )
    (finding,) = plan.findings
    assert finding == (
        "All of it is done from cp1: the disks of cp2, cp3 are not checked, their kubelets are not held, and a run"
        " on one of their nodes alone would not see this one."
    )
    assert made(node_report(1, ARMED), check=True, snapshot=False).lines[0].startswith("It would compact (without a")


def test_a_cluster_that_needs_nothing() -> None:
    plan = made(node_report(1, cluster_report(member_report(1, "leader")), diagnosis=diagnosis(full=False)))
    assert (plan.has_work, plan.findings) == (False, ())
    assert plan.lines == (
        "The etcd of cp1 is not out of space: no alarm is armed, and the fullest member uses 50.0 % of its quota.",
    )


def test_only_its_own_kubelet_is_held_and_it_says_so() -> None:
    plan = made(node_report(1, ARMED, probes="1.22"))
    assert "fails under the alarm" in plan.hold
    assert plan.hold_seconds > 300 + 2 * 74
    assert any(line.startswith("The kubelet of cp1 is held (stopped, with a timer") for line in plan.lines)
    assert any(line.startswith("If the probes of cp2, cp3 are like those of cp1") for line in plan.findings)
    alone = made(node_report(1, ONE, probes="1.22"))
    assert not any("cp2" in line for line in alone.findings)
    left = made(node_report(1, ONE, probes="1.22"), may_hold=False)
    assert left.hold == ""
    assert any(line.startswith("The kubelet of cp1 is not held, although its liveness") for line in left.findings)
    refused = made(node_report(1, ONE, probes="1.22", kubelet=STOPPED))
    assert any("cp1 is not held (kubelet was stopped by someone else), although" in line for line in refused.findings)
    assert made(node_report(1, ARMED, kubelet=kubelet_report(held=held_by("x")))).hold == "an earlier run holds it"


WRONG = Refusal("wrong_connection", "its etcd cannot be asked with a file.")


@pytest.mark.parametrize(
    ("changes", "revive", "code"),
    table(
        [
            ("its kubelet is restarted", {}, "restart", ""),
            ("it reads its log", {"process": RUNNING}, "wait", ""),
            ("nobody may start it", {"kubelet": STOPPED}, "", "no_member_answers"),
            ("it will never answer", {"process": RUNNING, "waiting_may_help": False}, "", "no_member_answers"),
            ("a copy beside its manifest", {"stray_files": ("old",)}, "restart", "stray_manifests"),
            ("it is asked with a wrong file", {"refusals": (WRONG,)}, "restart", "wrong_connection"),
            ("its disk is full", {"free_disk_bytes": MIB}, "restart", "disk_full"),
        ]
    ),
)
def test_a_member_that_is_down(changes: Any, revive: str, code: str) -> None:
    plan = made(node_report(1, **changes))
    assert plan.revive == revive
    assert [each.code for each in plan.refusals] == ([code] if code else [])
    assert plan.has_work
    assert bool(plan.lines) == (not code)
    assert made(node_report(1), may_revive=False).refusals[0].code == "no_member_answers"


def test_no_leader_and_what_one_node_cannot_do_about_it() -> None:
    said = diagnosis()._replace(refusals=(Refusal("no_leader", "No leader."), Refusal("corrupt_alarm", "CORRUPT.")))
    plan = made(node_report(1, cluster_report(member_report(1), quorum=False), diagnosis=said))
    first, second = plan.refusals
    assert first.text.startswith("No leader. From one node, only its own kubelet can be restarted")
    assert (second.code, second.text) == ("corrupt_alarm", "CORRUPT.")
    assert plan.lines == ()


def test_a_small_disk_is_named() -> None:
    plan = made(node_report(1, ONE, free_disk_bytes=100 * MIB))
    assert plan.findings[-1].startswith("The data disk of cp1 has 100.0 MiB free; a defragmentation may need up to 180")
    elsewhere = disks_of(100 * MIB, uses=("data", "kubelet"))
    plan = made(node_report(1, ONE)._replace(disks=elsewhere))
    assert "may need up to 116.0 MiB there" in plan.findings[-1]
    assert made(node_report(1, ONE)._replace(disks=disks_of(116 * MIB, uses=("data",)))).findings == ()


def test_the_table_at_the_end() -> None:
    after: ClusterReport = cluster_report(member_report(1, size=7 * MIB), member_report(2, "silent"))
    rows = recover_plan.member_rows([member_report(1)], after)
    assert rows[1] == ("cp1", "follower", "500.0 MiB", "7.0 MiB", "100.0 MiB", "1000.0 MiB")
    assert rows[2][2:5] == ("-", "-", "-")
