# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a deletion gains, whether it may be, and what is said of it."""

from __future__ import annotations

import pytest
from unit.builders import MIB, Json, as_json, cluster_report, member_report, node_report, table

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.assessment import cluster_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.cluster import Cluster
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.deletions import (
    delete_refusals,
    deletion_lines,
    directories_of,
    forecast,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.results import DeletedKeys

EVENTS, SHOP, REPORTS = "/registry/events/", "/registry/events/shop/", "/registry/wgpolicyk8s.io/policyreports/"


def consumer(resource: str, *, live: int, keys: int = 1000, group: str = "", namespace: str = "*") -> Json:
    return {"group": group, "resource": resource, "namespace": namespace, "live_keys": keys, "live_bytes": live * MIB}


def usage(*resources: Json, consumers: tuple[Json, ...] = (), more: int = 0) -> Json:
    total = {
        "live_bytes": sum(each["live_bytes"] for each in resources),
        "live_keys": sum(each["live_keys"] for each in resources) + more,
    }
    return {"resources": list(resources), "consumers": list(consumers), "total": total}


FOUND = usage(
    consumer("policyreports", group="wgpolicyk8s.io", live=800, keys=20000),
    consumer("events", live=100, keys=30000),
    consumer("pods", live=300),
    consumers=(consumer("events", live=40, keys=500, namespace="shop"),),
)


def cluster(*quotas: int) -> Cluster:
    seen = cluster_report(*(member_report(number, quota=quota * MIB) for number, quota in enumerate(quotas, start=1)))
    return cluster_of(Fleet({"host1": node_report(1, seen)}), "host1")


def test_it_goes_on_if_what_stays_fits() -> None:
    found = forecast(cluster(1000, 900), FOUND, [REPORTS, SHOP], raises=False)
    assert as_json(found.as_result()) == found.as_result()
    assert found.as_result() == {
        "lines": [
            f"Below {REPORTS}: 20000 keys, 800.0 MiB live.",
            f"Below {SHOP}: 500 keys, 40.0 MiB live.",
            "360.0 MiB of live data stay, 40 % of the quota of 900.0 MiB: it goes on.",
        ],
        "refusals": [],
        "expected_seconds": 5.1,
    }


def test_it_stops_if_what_stays_does_not_fit() -> None:
    found = forecast(cluster(1000, 900), FOUND, [EVENTS], raises=False)
    assert [refusal.code for refusal in found.refusals] == ["live_data_too_large"]
    assert found.refusals[0].text == (
        "Without the 100.0 MiB that are to be deleted (recover_delete), 1100.0 MiB of live data stay, 122 % of the"
        " quota of 900.0 MiB: that does not fit, so nothing was deleted. Name more of what fills it, or a larger quota"
        " (recover_quota_backend_bytes)."
    )
    assert found.lines == (f"Below {EVENTS}: 30000 keys, 100.0 MiB live.",)
    # A larger quota comes after it, and its own gate decides.
    assert forecast(cluster(1000), FOUND, [EVENTS], raises=True).refusals == ()


UNKNOWN: list[tuple[str, Json, list[str], Cluster]] = [
    ("no usage", {"msg": "It hangs."}, [EVENTS], cluster(900)),
    ("a namespace that is not listed", FOUND, ["/registry/events/other/"], cluster(900)),
    ("a resource that is not listed", usage(consumer("pods", live=1200), more=5), [EVENTS], cluster(900)),
    ("no quota", FOUND, [EVENTS], cluster(-1)),
]


@pytest.mark.parametrize(("found", "directories", "members"), table(UNKNOWN))
def test_what_is_not_known_stops_nothing(found: Json, directories: list[str], members: Cluster) -> None:
    said = forecast(members, found, directories, raises=False)
    assert said.refusals == ()
    assert len(said.lines) == 1


def test_a_quota_that_is_only_assumed_stops_nothing() -> None:
    seen = cluster_report(member_report(1, quota=900 * MIB)._replace(quota_source="default"))
    assumed = cluster_of(Fleet({"host1": node_report(1, seen)}), "host1")
    assert forecast(assumed, FOUND, [EVENTS], raises=False).refusals == ()


def test_nothing_is_left_from_an_earlier_run() -> None:
    left = usage(consumer("pods", live=300))
    lines = forecast(cluster(900), left, [EVENTS], raises=False).lines
    assert lines[0] == f"Below {EVENTS}: 0 keys, 0.0 MiB live."


NAMES: list[tuple[str, object, tuple[str, ...]]] = [
    ("one", EVENTS, (EVENTS,)),
    ("one text", f"{EVENTS}, {REPORTS},", (EVENTS, REPORTS)),
    ("a list", [EVENTS, REPORTS], (EVENTS, REPORTS)),
    ("none", [], ()),
    ("empty", "", ()),
    ("null", None, ()),
]


@pytest.mark.parametrize(("value", "expected"), table(NAMES))
def test_directories(value: object, expected: tuple[str, ...]) -> None:
    assert directories_of(value) == expected


REFUSALS: list[tuple[str, tuple[str, ...], bool, bool, list[str]]] = [
    ("none wanted", (), False, False, []),
    ("safe", (EVENTS,), False, True, []),
    ("without a snapshot", (EVENTS,), True, False, ["delete_without_snapshot"]),
    ("not safe", (EVENTS, "/registry/pods/"), False, True, ["not_safe_to_delete"]),
    ("not safe, allowed", ("/registry/pods/",), True, True, []),
    ("no directory", ("/registry/",), True, True, ["not_a_directory_of_keys"]),
]


@pytest.mark.parametrize(("directories", "anything", "snapshot", "codes"), table(REFUSALS))
def test_refusals(directories: tuple[str, ...], anything: bool, snapshot: bool, codes: list[str]) -> None:
    found = delete_refusals(directories, anything=anything, snapshot=snapshot)
    assert [refusal.code for refusal in found] == codes


def test_lines_of_the_report() -> None:
    assert deletion_lines(None, check=False) == []
    unsafe = DeletedKeys({EVENTS: 7, "/registry/pods/": 2})
    (line,) = deletion_lines(unsafe, check=False)
    assert line == (
        "Deleted 7 keys below /registry/events/; 2 keys below /registry/pods/. Not what is known as safe to lose:"
        " /registry/pods/."
    )
