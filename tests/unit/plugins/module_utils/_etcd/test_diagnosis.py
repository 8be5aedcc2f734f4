# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diagnosis in the results of modules."""

from __future__ import annotations

import pytest
from unit.builders import MIB, member, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.diagnosis import diagnosis_result
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView

FULL = Alarm(1, "NOSPACE")

DIAGNOSES: list[tuple[str, ClusterView, bool, bool, list[tuple[str, str]]]] = [
    ("healthy", view(member(1)), False, False, []),
    ("full", view(member(1), alarms=[FULL]), False, True, []),
    (
        "full, 3.5.5",
        view(member(1, version="3.5.5"), alarms=[FULL]),
        False,
        True,
        [("unsafe_etcd_version", "etcd 3.5.5")],
    ),
    ("full, 3.5.5 allowed", view(member(1, version="3.5.5"), alarms=[FULL]), True, True, []),
    ("corrupt", view(member(1), alarms=[Alarm(1, "CORRUPT")]), False, False, [("corrupt_alarm", "A CORRUPT alarm")]),
    (
        "everything",
        view(member(1, version="3.5.5", leader=0), leader=0, alarms=[FULL, Alarm(1, "CORRUPT")]),
        False,
        True,
        [
            ("corrupt_alarm", "A CORRUPT alarm"),
            ("members_cut_off", "The cluster has no leader"),
            ("unsafe_etcd_version", "etcd 3.5.5"),
        ],
    ),
    # Nothing will be defragmented there, so nothing stands against it.
    ("healthy, 3.5.5", view(member(1, version="3.5.5")), False, False, []),
]


@pytest.mark.parametrize(("seen", "allowed", "needed", "refusals"), table(DIAGNOSES))
def test_diagnosis(seen: ClusterView, allowed: bool, needed: bool, refusals: list[tuple[str, str]]) -> None:
    result = diagnosis_result(seen, allow_unsafe=allowed)
    assert result["needs_recovery"] is needed
    assert len(result["refusals"]) == len(refusals)
    for found, (code, text) in zip(result["refusals"], refusals, strict=True):
        assert found["code"] == code
        assert found["text"].startswith(text)
    assert result["expected_seconds"] >= 30


FITS: list[tuple[str, ClusterView, bool]] = [
    ("half full", view(member(1)), True),
    ("close to full", view(member(1, size=850 * MIB)), False),
    ("full", view(member(1, size=990 * MIB)), False),
]


@pytest.mark.parametrize(("seen", "expected"), table(FITS))
def test_fits(seen: ClusterView, expected: bool) -> None:
    assert diagnosis_result(seen, allow_unsafe=False)["fits"] is expected
