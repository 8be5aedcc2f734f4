# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said before the first change, sentence by sentence."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import Json, table

from ansible_collections.controlplane.etcd.plugins.filter.recovery_plan import FilterModule, recovery_plan

CLUSTER: Json = {
    "refusals": [],
    "findings": ["It is full."],
    "needs_recovery": True,
    "members": [{"name": "cp1", "quota_used": 0.9996}, {"name": "cp2", "quota_used": 0.3}],
    "order": [{"name": "cp2"}, {"name": "cp1"}],
    "expected_seconds": 74,
    "has_quorum": True,
    "revive": {},
    "hold": {},
}
HEALTHY: Json = {"needs_recovery": False, "findings": []}
STEPS = "defragment cp2, then cp1, disarm and prove: about 74 s."
WELL = "is not out of space: no alarm is armed, and the fullest member uses"

FIRST, ENDS, MOMENT = "their kubelets", "which ends their back-off.", "all at once"
READS = "is running but does not answer. A starting member reads its log first"
LATER = "The next steps can be planned once there is a leader again."
HELD = "held (stopped, with a timer that starts it again) during the work:"
FORKS = "so they take turns: --forks 3 would be faster."
PLAN = f"It will now take a snapshot, compact, {STEPS}"

PLANS: list[tuple[str, Json, dict[str, Any], list[str]]] = [
    ("recovery", {}, {}, ["It is full.", f"It will now take a snapshot, compact, {STEPS}"]),
    ("check mode", {}, {"check": True}, ["It is full.", f"It would take a snapshot, compact, {STEPS}"]),
    (
        "without a snapshot",
        {},
        {"snapshot": False},
        ["It is full.", f"It will now compact (without a snapshot), {STEPS}"],
    ),
    ("no findings", {"findings": []}, {}, [f"It will now take a snapshot, compact, {STEPS}"]),
    ("refused", {"refusals": ["It is corrupt."]}, {}, ["It is full."]),
    ("nobody answers", {"refusals": ["Silence."], "members": [], "order": [], "findings": []}, {}, []),
    (
        "healthy",
        HEALTHY,
        {},
        [f"The etcd of cp1, cp2 {WELL} 100.0 % of its quota."],
    ),
    (
        "healthy, with something to say",
        {**HEALTHY, "findings": ["cp3 is silent."], "members": [{"name": "cp1", "quota_used": 0.0412}]},
        {"check": True},
        [
            "cp3 is silent.",
            f"The etcd of cp1 {WELL} 4.1 % of its quota.",
        ],
    ),
    (
        "brought back, with a leader",
        {"revive": {"a": "restart", "b": "restart"}},
        {},
        ["It is full.", f"The members of a, b do not answer: {FIRST} are restarted first, {ENDS}", PLAN],
    ),
    (
        "brought back without one: nothing is known yet",
        {"revive": {"a": "restart", "b": "restart"}, "has_quorum": False, "members": [], "order": [], "findings": []},
        {},
        [f"The members of a, b have no leader: {FIRST} are restarted first, {MOMENT}, {ENDS}", LATER],
    ),
    (
        "check mode, brought back",
        {"revive": {"a": "restart"}, "has_quorum": False, "findings": []},
        {"check": True},
        [f"The members of a have no leader: {FIRST} would be restarted first, {MOMENT}, {ENDS}", LATER],
    ),
    (
        "waited for",
        {"revive": {"a": "wait", "b": "restart"}, "findings": []},
        {},
        [
            f"The members of b do not answer: {FIRST} are restarted first, {ENDS}",
            f"etcd on a {READS}: it is waited for, not restarted.",
            PLAN,
        ],
    ),
    (
        "check mode, waited for",
        {"revive": {"a": "wait"}, "findings": []},
        {"check": True},
        [
            f"etcd on a {READS}: it would be waited for, not restarted.",
            f"It would take a snapshot, compact, {STEPS}",
        ],
    ),
    (
        "fewer forks than hosts to be waited for",
        {"revive": {"a": "wait", "b": "wait", "c": "wait"}, "findings": []},
        {"forks": 2},
        [
            f"etcd on a, b, c {READS}: it is waited for, not restarted.",
            f"Ansible works on 2 hosts at once, but 3 must be waited for, {FORKS}",
            PLAN,
        ],
    ),
    (
        "exactly as many",
        {"revive": {"a": "wait", "b": "wait"}, "findings": []},
        {"forks": 2},
        [f"etcd on a, b {READS}: it is waited for, not restarted.", PLAN],
    ),
    (
        "nobody is waited for",
        {"findings": []},
        {"forks": 1},
        [PLAN],
    ),
    (
        "held, one line for each reason",
        {"hold": {"a": "its probe fails", "b": "an earlier run holds it", "c": "its probe fails"}, "findings": []},
        {},
        [
            f"The kubelet of a, c is {HELD} its probe fails.",
            f"The kubelet of b is {HELD} an earlier run holds it.",
            PLAN,
        ],
    ),
    (
        "check mode, held",
        {"hold": {"a": "its probe fails"}, "findings": []},
        {"check": True},
        [f"The kubelet of a would be {HELD} its probe fails.", f"It would take a snapshot, compact, {STEPS}"],
    ),
    ("not held, as told", {"hold": {"a": "its probe fails"}, "findings": []}, {"hold": False}, [PLAN]),
    (
        "brought back and held, but refused",
        {"refusals": ["It is corrupt."], "revive": {"a": "restart"}, "hold": {"a": "its probe fails"}},
        {},
        ["It is full."],
    ),
    ("healthy, but refused", {**HEALTHY, "refusals": ["It is corrupt."]}, {}, []),
]


@pytest.mark.parametrize(("changes", "options", "expected"), table(PLANS))
def test_plan(changes: Json, options: dict[str, Any], expected: list[str]) -> None:
    assert recovery_plan({**CLUSTER, **changes}, **options) == expected


def test_filter() -> None:
    assert FilterModule().filters() == {"recovery_plan": recovery_plan}
