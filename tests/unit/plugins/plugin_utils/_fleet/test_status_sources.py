# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a status is made of: hosts with etcd, without it, and those that could not be inspected."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import as_json, member_report, results_of, table, upkeep
from unit.fleet_reports import Reports, silent, up

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.status_sources import (
    failure_of,
    homes,
    read_inspected,
    usage_host,
)

LOST = {"unreachable": True, "msg": "Failed to connect to the host via ssh:\nno route to host"}
THREE = {f"host{number}": up(number) for number in (1, 2, 3)}


def results(reports: Reports, **more: Any) -> Any:
    return {**as_json(results_of(reports)), **more}


def test_hosts_of_all_kinds() -> None:
    found = read_inspected(
        results(
            {"host1": up(1), "a1": up(1, ca="other")},
            worker={"present": False, "other_etcd": ["It may run k3s."]},
            lost=LOST,
            odd={"present": True},
            never={},
        )
    )
    assert found.fleet.hosts == ("a1", "host1")
    assert [each.hosts for each in found.clusters] == [("a1",), ("host1",)]
    assert found.without_etcd == {"worker": "It may run k3s."}
    assert [(each.host, each.reason.code) for each in found.failed] == [
        ("lost", "host_unreachable"),
        ("never", "not_inspected"),
        ("odd", "not_inspected"),
    ]


@pytest.mark.parametrize("nothing", [None, [], {}, "text"])
def test_nothing_at_all(nothing: object) -> None:
    found = read_inspected(nothing)
    assert (found.fleet.hosts, found.failed, found.clusters) == ((), (), ())


FAILURES: list[tuple[str, object, str | None, str]] = [
    ("none", {"present": True}, None, ""),
    ("lost", LOST, "host_unreachable", "x cannot be reached: Failed to connect to the host via ssh: no route to host."),
    ("with a code", {"failed": True, "code": "node_hangs", "msg": "x hangs."}, "node_hangs", "x: x hangs."),
    ("without one", {"failed": True, "msg": "Traceback"}, "not_inspected", "x: Traceback."),
    ("without a word", {"failed": True}, "not_inspected", "x: No reason was given."),
    ("of another form", [1], "not_inspected", "x was not inspected."),
]


@pytest.mark.parametrize(("result", "code", "text"), table(FAILURES))
def test_failure(result: object, code: str | None, text: str) -> None:
    found = failure_of("x", result)
    assert (found and found.code, found.text if found else "") == (code, text)


def test_the_cluster_of_a_host_that_is_lost() -> None:
    members = (member_report(1, "leader"), member_report(2), member_report(7))
    one = {"host1": up(1, members), "host2": up(2, members)}
    two = {"b1": up(1, (member_report(1, "leader"), member_report(8)), ca="other")}
    found = read_inspected(results({**one, **two}, cp7=LOST, **{"192.0.2.8": LOST}, cp1=LOST, elsewhere=LOST))
    assert homes(found.failed, found.clusters) == {"192.0.2.8": 0, "cp7": 1}
    # If there is only one cluster, every host is of that.
    only = read_inspected(results(one, elsewhere=LOST))
    assert homes(only.failed, only.clusters) == {"elsewhere": 0}


def with_file(number: int, size: int | None) -> Any:
    return silent(number)._replace(upkeep=upkeep(db_size_bytes=size))


HOSTS: list[tuple[str, Reports, str | None]] = [
    ("a follower", THREE, "host2"),
    (
        "a learner, if there is no follower",
        {"h": up(1), "l": up(2, (member_report(1, "leader"), member_report(2, "learner")))},
        "l",
    ),
    ("the leader, if it is alone", {"h": up(1)}, "h"),
    ("the largest file, if all are down", {"a": with_file(1, 10), "b": with_file(2, 20), "c": silent(3)}, "b"),
    ("nobody, if there is no file", {"a": with_file(1, None), "b": silent(2)}, None),
]


@pytest.mark.parametrize(("reports", "expected"), table(HOSTS))
def test_host_whose_database_is_read(reports: Reports, expected: str | None) -> None:
    assert usage_host(Fleet(reports)) == expected
