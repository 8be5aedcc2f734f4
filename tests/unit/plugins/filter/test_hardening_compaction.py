# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from trials on each node to the flags of all."""

from __future__ import annotations

from unit.builders import Json

from ansible_collections.controlplane.etcd.plugins.filter._hardening_compaction import FilterModule, compaction

MODE, RETENTION = "auto-compaction-mode", "auto-compaction-retention"
WANTED = {MODE: "periodic", RETENTION: "1h"}
TRIAL: Json = {
    "changed": True,
    "method": "patch",
    "reason": "",
    "seconds": 0.0,
    "differences": [],
    "flags": {"before": {RETENTION: "30m"}, "after": {RETENTION: "1h"}},
}


def test_stricter() -> None:
    found = compaction({"cp1": TRIAL, "cp2": {"failed": True, "msg": "no"}, "cp3": {"skipped": True}}, WANTED)
    assert found["extra_args"] == {MODE: "periodic", RETENTION: "30m"}
    assert len(found["lines"]) == 1


def test_asked_for_as_text() -> None:
    assert compaction({"cp1": TRIAL}, WANTED, asked=f"{{{RETENTION}: 1h}}")["extra_args"] == WANTED


def test_filter() -> None:
    assert FilterModule().filters() == {"_hardening_compaction": compaction}
