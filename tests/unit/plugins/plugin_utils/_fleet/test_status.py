# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of a whole run."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import MIB, as_json, member_report, results_of, table, upkeep
from unit.fleet_reports import MEMBERS, silent, up

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status import (
    failure_line,
    headline,
    reached,
    status_of,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_record import Status, StatusFinding
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_text import WIDTH, status_lines

NOW = 1796000523.0
LOST = {"unreachable": True, "msg": "no route to host"}
USAGE: dict[str, Any] = {
    "path": "/x/db",
    "uid": 0,
    "changed": False,
    "consistent": True,
    "file": {"size_bytes": 500 * MIB, "free_bytes": 400 * MIB, "live_bytes": 90 * MIB, "history_bytes": 10 * MIB},
    "consumers": [
        {
            "group": "kyverno.io",
            "resource": "policyreports",
            "namespace": "shop",
            "live_bytes": 50 * MIB,
            "live_keys": 700,
            "history_bytes": MIB,
            "history_revisions": 9,
        }
    ],
    "resources": [
        {
            "group": "kyverno.io",
            "resource": "policyreports",
            "namespace": "*",
            "live_bytes": 50 * MIB,
            "live_keys": 700,
            "history_bytes": MIB,
            "history_revisions": 9,
            "managed_fields_bytes": MIB,
        }
    ],
    "total": {"live_bytes": 90 * MIB, "history_bytes": 10 * MIB},
    "largest": [{"key": "/registry/kyverno.io/policyreports/shop/x", "bytes": MIB}],
    "hottest": [],
    "growth": {"seconds": 3600.0, "size_bytes_per_hour": 100 * MIB},
}


def results() -> dict[str, Any]:
    """One cluster of three that is well, one that is down, one that is full, a host that is lost, and one without."""
    good = [each._replace(db_size_in_use_bytes=each.db_size_bytes) for each in MEMBERS]
    reports = {f"good{number}": up(number, good)._replace(upkeep=upkeep()) for number in (1, 2, 3)}
    reports["down1"] = silent(1)._replace(ca_sha256=("down",), upkeep=upkeep())
    full = [member_report(1, "leader", size=990 * MIB, in_use=980 * MIB)]
    reports["full1"] = up(1, full, ca="full", alarms=["NOSPACE"])._replace(upkeep=upkeep())
    found: dict[str, Any] = as_json(results_of(reports))
    return {**found, "lost": LOST, "worker": {"present": False, "other_etcd": []}}


def test_clusters_worst_first() -> None:
    found = status_of(results(), {"good2": USAGE, "full1": {"skipped": True}}, now=NOW)
    assert (found.verdict, found.taken_at, found.without_etcd) == ("critical", "2026-11-30T01:02:03Z", ("worker",))
    assert [(each.name, each.verdict) for each in found.clusters] == [
        ("full1", "critical"),
        ("down1", "critical"),
        ("lost", "critical"),
        ("good1", "ok"),
    ]
    full, down, lost, good = found.clusters
    assert (full.alarms, full.full_percent, full.headline) == (
        ("NOSPACE",),
        99.0,
        "The NOSPACE alarm is armed (by cp1).",
    )
    assert (down.leader, down.version, down.size_bytes) == ("", "3.6.16", 500 * MIB)
    assert (lost.hosts, lost.members, lost.headline) == (("lost",), (), "lost cannot be reached.")
    assert good.headline == "All 3 members answer, and the fullest uses 50.0 % of its quota."
    assert (good.hosts, good.leader, good.usage and good.usage.host) == (("good1", "good2", "good3"), "cp1", "good2")
    assert good.findings == ()


def test_growth_and_usage() -> None:
    good = status_of(results(), {"good2": USAGE}, now=NOW).clusters[-1]
    assert good.growth
    assert (good.growth.bytes_per_hour, good.growth.since) == (100 * MIB, "2026-11-30T00:02:03Z")
    assert good.growth.seconds_to_full == 5 * 3600.0
    assert good.usage
    assert set(good.usage.record) == {
        "path",
        "consistent",
        "file",
        "consumers",
        "total",
        "resources",
        "largest",
        "hottest",
        "growth",
    }
    assert [each["resource"] for each in good.usage.advice] == ["policyreports"]


@pytest.mark.parametrize(
    ("result", "codes"),
    [
        ({"failed": True, "code": "database_damaged", "msg": "It is cut off."}, ["database_damaged"]),
        ({"unreachable": True, "msg": "x"}, ["host_unreachable"]),
        ({"skipped": True}, []),
        ({}, []),
        ({"something": "else"}, []),
    ],
)
def test_usage_that_could_not_be_read(result: dict[str, Any], codes: list[str]) -> None:
    good = status_of(results(), {"good1": result}, now=NOW).clusters[-1]
    if codes:
        good = next(each for each in status_of(results(), {"good1": result}, now=NOW).clusters if each.name == "good1")
    assert [each.code for each in good.findings] == codes
    assert good.usage is None


def test_findings_of_one_kind_are_one() -> None:
    body = results()
    for host in ("good1", "good2"):
        body[host]["upkeep"]["certificates"][0]["days_left"] = 3.0
    good = next(each for each in status_of(body, {}, now=NOW).clusters if each.name == "good1")
    (finding,) = good.findings
    assert (finding.code, finding.hosts) == ("certificate_expires_soon", ("good1", "good2"))
    assert finding.text.count("server.crt on good") == 2


HEADLINES: list[tuple[str, str, str]] = [
    ("up to the colon", "The alarm is armed (by cp1): nothing works.", "The alarm is armed (by cp1)."),
    ("not within brackets", "Nobody answers (a: no; b: no). Look.", "Nobody answers (a: no; b: no)."),
    ("versions are no ends", "etcd 3.5.1 is unsafe. Upgrade.", "etcd 3.5.1 is unsafe."),
    ("no end at all", "It is broken", "It is broken."),
    ("brackets that never close", "It is (broken: very", "It is (broken: very."),
]


@pytest.mark.parametrize(("text", "expected"), table(HEADLINES))
def test_headline(text: str, expected: str) -> None:
    assert headline([StatusFinding("x", "critical", text)], ()) == expected


def test_when_the_run_fails() -> None:
    found = status_of(results(), {}, now=NOW)
    assert reached(found, "critical") == reached(found, "warning") == ("full1", "down1", "lost")
    assert reached(found, "") == ()
    assert failure_line(found, "warning") == "status_fail=warning: 3 of 4 clusters: full1, down1, lost."
    well = Status(found.taken_at, found.clusters[-1:])
    assert failure_line(well, "warning") == failure_line(found, "") == ""


@pytest.mark.parametrize("nothing", [None, {}, [], "x"])
def test_nothing_at_all(nothing: object) -> None:
    assert status_of(nothing, nothing, now=NOW) == Status("2026-11-30T01:02:03Z", ())


SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
JSON = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.text(max_size=4), SCALARS, max_size=2)


def places(body: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in it."""
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    return [path, *(place for key, each in items for place in places(each, (*path, key)))]


def damaged(body: Any, place: tuple[Any, ...], value: Any, *, gone: bool) -> Any:
    """A copy in which that value is another one, or gone."""
    body = copy.deepcopy(body)
    inner = body
    for key in place[:-1]:
        inner = inner[key]
    if gone and isinstance(inner, dict):
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return body


WHOLE = {"nodes": results(), "usage": {"good2": USAGE}}
PLACES = [place for place in places(WHOLE) if len(place) > 1]


@given(st.sampled_from(PLACES), JSON, st.booleans())
def test_whatever_is_missing_or_of_another_form(place: tuple[Any, ...], value: Any, gone: bool) -> None:
    body = damaged(WHOLE, place, value, gone=gone)
    found = status_of(body["nodes"], body["usage"], now=NOW)
    assert found.verdict in ("warning", "critical")
    assert found.as_result()["schema"] == 1
    lines = status_lines(found)
    assert all(len(line) <= WIDTH and line.isprintable() for line in lines)
