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
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.resource_use import ResourceUse, UsageLook
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

PODS, REPORTS = ResourceUse("", "pods", 5, 6, None), ResourceUse("kyverno.io", "reports", 3, 4, -7)
USAGE = UsageLook(NOW - 60, 9, (PODS, REPORTS), (), True)

KNOWN = State(last_run=1.0, last_defrag=2.0, last_defrag_seconds=0.5, heals=(3.0,), heal_failed=True, usage=USAGE)
OLD = replace(KNOWN, usage=replace(USAGE, moment=NOW - 86401))
FIRST = replace(KNOWN, usage=replace(USAGE, largest=(PODS,)))
# Both look the same in a file of metrics, which is dropped as a whole if a series is in it twice.
TWINS = replace(
    KNOWN, usage=replace(USAGE, largest=(replace(PODS, resource="a\x1b"), replace(PODS, resource="a\\x1b")))
)
LONG = replace(KNOWN, usage=replace(USAGE, largest=(replace(PODS, resource="a" * 201), REPORTS)))
IN_USE = ["usage_timestamp_seconds", "resource_live_bytes", "resource_live_growth_bytes_per_hour"]


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
    ("resources", OBSERVED, KNOWN, ['resource_history_bytes{group="kyverno.io",resource="reports"} 4.0'], []),
    ("growth", None, KNOWN, ['resource_live_growth_bytes_per_hour{group="kyverno.io",resource="reports"} -7.0'], []),
    ("at first", OBSERVED, FIRST, ['resource_live_bytes{group="",resource="pods"} 5.0'], IN_USE[2:]),
    ("no longer counted", OBSERVED, OLD, ["db_size_bytes 7.0"], IN_USE),
    ("never counted", OBSERVED, State(), ["db_size_bytes 7.0"], IN_USE),
    ("down", None, KNOWN, ["member_up 0.0", "last_run_success 1.0", "heal_failed 1.0"], ["db_size_bytes", "alarm"]),
]


@pytest.mark.parametrize(("observed", "known", "there", "absent"), table(MEASURED))
def test_metrics(observed: metrics.Observation | None, known: State, there: list[str], absent: list[str]) -> None:
    text = metrics.text(observed, known, NOW)
    assert set(absent).isdisjoint(names(text))
    for line in there:
        assert f"\n{metrics.PREFIX}{line}\n" in text


def test_a_series_is_there_once_and_has_a_name_of_some_length() -> None:
    text = metrics.text(OBSERVED, TWINS, NOW)
    assert text.count("\netcd_maintenance_resource_live_bytes{") == 1
    text = metrics.text(OBSERVED, LONG, NOW)
    assert "\netcd_maintenance_resource_live_bytes{" in text
    assert "aaaa" not in text
