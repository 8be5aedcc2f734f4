# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metrics: all of them are in the table, and a member that is down has no stale ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import metrics
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.state import State

NOW = 1795478400.0

OBSERVED = metrics.Observation(
    has_leader=True,
    is_leader=False,
    term=2,
    version="3.5.1",
    db_size_bytes=7,
    db_in_use_bytes=5,
    quota_bytes=9,
    disk_free_bytes=8,
    alarms=(Alarm(1, "NOSPACE"),),
)

KNOWN = State(last_run=1.0, last_defrag=2.0, last_defrag_seconds=0.5, heals=(3.0,), heal_failed=True)


def names(text: str) -> set[str]:
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return {line.partition(" ")[0].partition("{")[0].removeprefix(metrics.PREFIX) for line in lines}


def test_all_metrics_are_in_the_table() -> None:
    text = metrics.text(OBSERVED, KNOWN, NOW)
    assert names(text) == set(metrics.HELP)
    for name in metrics.HELP:
        assert text.count(f"# HELP etcd_maintenance_{name} ") == 1
        assert text.count(f"# TYPE etcd_maintenance_{name} gauge\n") == 1
    assert text.endswith("\n")


MEASURED: list[tuple[str, metrics.Observation | None, State, list[str], list[str]]] = [
    ("alarms", OBSERVED, KNOWN, ['alarm{type="NOSPACE"} 1.0', 'alarm{type="CORRUPT"} 0.0'], []),
    ("version", OBSERVED, KNOWN, ['version_info{version="3.5.1"} 1.0', "version_unsafe 1.0"], []),
    ("a safe one", replace(OBSERVED, version="3.5.6"), KNOWN, ["version_unsafe 0.0"], []),
    ("control", replace(OBSERVED, version="a\n\x1b"), KNOWN, ['version_info{version="a\\\\x0a\\\\x1b"} 1.0'], []),
    ("quotes", replace(OBSERVED, version='a"b\\c'), KNOWN, ['version_info{version="a\\"b\\\\c"} 1.0'], []),
    ("no quota", replace(OBSERVED, quota_bytes=-1), KNOWN, ["db_size_bytes 7.0"], ["quota_bytes"]),
    ("no disk", replace(OBSERVED, disk_free_bytes=None), KNOWN, ["db_size_bytes 7.0"], ["disk_free_bytes"]),
    ("a full disk", replace(OBSERVED, disk_free_bytes=0), KNOWN, ["disk_free_bytes 0.0"], []),
    ("before any run", OBSERVED, State(), ["heals_today 0.0"], ["last_run_success", "last_defrag_seconds"]),
    ("down", None, KNOWN, ["member_up 0.0", "last_run_success 1.0", "heal_failed 1.0"], ["db_size_bytes", "alarm"]),
]


@pytest.mark.parametrize(("observed", "known", "there", "absent"), table(MEASURED))
def test_metrics(observed: metrics.Observation | None, known: State, there: list[str], absent: list[str]) -> None:
    text = metrics.text(observed, known, NOW)
    assert set(absent).isdisjoint(names(text))
    for line in there:
        assert f"\n{metrics.PREFIX}{line}\n" in text
