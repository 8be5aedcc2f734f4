# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said before the first change, sentence by sentence."""

from __future__ import annotations

import pytest
from unit.made import Json, table

from ansible_collections.controlplane.etcd.plugins.filter.recovery_plan import FilterModule, recovery_plan

CLUSTER: Json = {
    "refusals": [],
    "findings": ["It is full."],
    "needs_recovery": True,
    "members": [{"name": "cp1", "quota_used": 0.9996}, {"name": "cp2", "quota_used": 0.3}],
    "order": [{"name": "cp2"}, {"name": "cp1"}],
    "expected_seconds": 74,
}
HEALTHY: Json = {"needs_recovery": False, "findings": []}
STEPS = "defragment cp2, then cp1, disarm and prove: about 74 s."
WELL = "is not out of space: no alarm is armed, and the fullest member uses"

PLANS: list[tuple[str, Json, dict[str, bool], list[str]]] = [
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
    ("healthy, but refused", {**HEALTHY, "refusals": ["It is corrupt."]}, {}, []),
]


@pytest.mark.parametrize(("changes", "options", "expected"), table(PLANS))
def test_plan(changes: Json, options: dict[str, bool], expected: list[str]) -> None:
    assert recovery_plan({**CLUSTER, **changes}, **options) == expected


def test_filter() -> None:
    assert FilterModule().filters() == {"recovery_plan": recovery_plan}
