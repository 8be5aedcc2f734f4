# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What came of a cluster, for machines. The keys are documented: docs/results.md."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.builders import MIB, Json, as_json, cluster_report, member_report, node_report, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.assessment import cluster_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.cluster import Cluster
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.outcomes import (
    Ending,
    TaskFailure,
    failures_of,
    hardening_outcome,
    merged,
    recovery_outcome,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.results import (
    DeletedKeys,
    RolledMember,
    TakenSnapshot,
    WriteCheck,
)

DELETED = DeletedKeys({"/registry/events/": 7})
LEADER, FOLLOWER = member_report(1, "leader", size=90 * MIB), member_report(2, size=91 * MIB)
SEEN = cluster_report(LEADER, FOLLOWER, alarms=["NOSPACE"])
AFTER = cluster_report(LEADER._replace(db_size_bytes=20 * MIB), FOLLOWER._replace(db_size_bytes=21 * MIB))
ONE_CUT_OFF = cluster_report(AFTER.members[0], FOLLOWER._replace(role="leaderless"))
ONE_DOWN = cluster_report(AFTER.members[0], FOLLOWER._replace(role="silent", db_size_bytes=0, error="down"))


def cluster() -> Cluster:
    found = {f"host{n}": node_report(n, SEEN) for n in (1, 2)}
    return cluster_of(Fleet(found), "host1")


def written(report: Any) -> WriteCheck:
    return WriteCheck(report, ("cp1", "cp2"), True, "", 0.0, None, ())


LOST = TaskFailure("host1", "host_unreachable", "host2 cannot be reached any more.")
END = Ending(over=True, refusals=(), failures=(), seconds=44.44, check=False)
REFUSED = replace(END, refusals=(Refused("disk_full", "It is full."),))
FAILED = replace(END, failures=(LOST,))


def recovered(ending: Ending = END, check: WriteCheck | None = None, *, work: bool = True) -> Json:
    return recovery_outcome(cluster(), ending, work=work, write_check=check, snapshot=None, deleted=None)


def test_recovery() -> None:
    snapshot = TakenSnapshot("/var/backups/etcd/etcd-c1-cp1-r9.db", 9, reused=False)
    found = recovery_outcome(cluster(), END, work=True, write_check=written(AFTER), snapshot=snapshot, deleted=DELETED)
    assert as_json(found) == found
    assert found == {
        "name": "host1",
        "hosts": ["host1", "host2"],
        "coordinator": "host1",
        "outcome": "recovered",
        "check": False,
        "without": [],
        "refusals": [],
        "failures": [],
        "seconds": 44.4,
        "members": [
            {
                "name": f"cp{number}",
                "role": role,
                "db_size_bytes_before": (89 + number) * MIB,
                "db_size_bytes_after": (19 + number) * MIB,
                "quota_bytes": LEADER.quota_bytes,
            }
            for number, role in ((1, "leader"), (2, "follower"))
        ],
        "snapshot": {
            "host": "host1",
            "path": "/var/backups/etcd/etcd-c1-cp1-r9.db",
            "revision": 9,
            "reused": False,
        },
        "deleted_keys": {"/registry/events/": 7},
    }


OUTCOMES: list[tuple[str, Json, str]] = [
    ("recovered", recovered(check=written(AFTER)), "recovered"),
    ("without a member", recovered(check=written(ONE_DOWN)), "recovered_without"),
    ("nothing to do", recovered(check=written(AFTER), work=False), "nothing_to_do"),
    ("without one that is cut off", recovered(check=written(ONE_CUT_OFF)), "recovered_without"),
    ("nothing to do, and a member is down", recovered(check=written(ONE_DOWN), work=False), "nothing_to_do"),
    ("refused", recovered(REFUSED), "refused"),
    ("failed", recovered(FAILED), "failed"),
    ("failed after writes were accepted", recovered(FAILED, written(AFTER)), "failed"),
    ("ended without a word", recovered(), "failed"),
    ("check mode cannot tell", recovered(replace(END, check=True)), "unfinished"),
    ("not over", recovered(replace(FAILED, over=False)), "unfinished"),
    ("refused at once", recovered(replace(REFUSED, over=False)), "refused"),
]


@pytest.mark.parametrize(("found", "outcome"), table(OUTCOMES))
def test_outcome(found: Json, outcome: str) -> None:
    assert found["outcome"] == outcome


def test_who_was_left_out() -> None:
    found = recovered(check=written(ONE_DOWN))
    assert found["without"] == ["cp2"]
    assert [member["db_size_bytes_after"] for member in found["members"]] == [20 * MIB, None]
    assert recovered(FAILED, written(ONE_DOWN))["without"] == []


def test_why() -> None:
    assert recovered(REFUSED)["refusals"] == [{"code": "disk_full", "text": "It is full."}]
    assert recovered(FAILED)["failures"] == [
        {"host": "host1", "code": "host_unreachable", "message": "host2 cannot be reached any more."}
    ]
    assert recovered(replace(END, check=True))["check"] is True


def test_failures() -> None:
    bodies: list[Json] = [{}, {"skipped": True}, {"failed": False, "changed": True}]
    lost: Json = {"unreachable": True, "msg": "Failed to connect."}
    full: Json = {"failed": True, "code": "disk_full", "msg": "It failed."}
    said: Json = {"failed": True, "msg": "One or more items failed"}
    known = (TaskFailure("a", "disk_full", "It failed."),)
    assert failures_of({"a": [*bodies, full, full], "b": [lost]}) == known
    assert failures_of({"a": [{**said, "results": [{}, full]}, said]}) == known
    assert failures_of({"b": [lost], "c": [{"failed": True}]}) == (
        TaskFailure("b", None, "Failed to connect."),
        TaskFailure("c", None, ""),
    )


STAYED = RolledMember(False, "patch", "", 0.0, (), {}, {})
ROLLED = replace(STAYED, changed=True, seconds=13.2, flags_after={"quota-backend-bytes": "5368709120"})


def hardened(ending: Ending = END, **options: Any) -> Json:
    given: Json = {"done": True, "rolled": {}, "recorded": False, "scheduled": [], **options}
    return hardening_outcome(cluster(), ending, **given)


def test_hardening() -> None:
    found = hardened(rolled={"host2": ROLLED, "host1": STAYED}, recorded=True, scheduled=["host1"])
    assert as_json(found) == found
    assert found == {
        "name": "host1",
        "hosts": ["host1", "host2"],
        "coordinator": "host1",
        "outcome": "hardened",
        "check": False,
        "refusals": [],
        "failures": [],
        "seconds": 44.4,
        "members": [
            {
                "host": "host2",
                "restarted": True,
                "method": "patch",
                "seconds_down": 13.2,
                "flags_before": {},
                "flags_after": {"quota-backend-bytes": "5368709120"},
            },
            {
                "host": "host1",
                "restarted": False,
                "method": "patch",
                "seconds_down": 0.0,
                "flags_before": {},
                "flags_after": {},
            },
        ],
        "recorded": True,
        "scheduled": ["host1"],
    }


HARDENED: list[tuple[str, Json, str]] = [
    ("members", hardened(rolled={"host1": ROLLED}), "hardened"),
    ("the ConfigMap alone", hardened(recorded=True), "hardened"),
    ("the schedule alone", hardened(scheduled=["host1"]), "hardened"),
    ("nothing", hardened(rolled={"host1": STAYED}), "unchanged"),
    ("refused", hardened(REFUSED, done=False), "refused"),
    ("failed", hardened(FAILED, rolled={"host1": ROLLED}), "failed"),
    ("ended without a word", hardened(done=False), "failed"),
    ("not over", hardened(replace(END, over=False), done=False), "unfinished"),
]


@pytest.mark.parametrize(("found", "outcome"), table(HARDENED))
def test_outcome_of_a_hardening(found: Json, outcome: str) -> None:
    assert found["outcome"] == outcome


def test_content_of_a_file() -> None:
    begun = merged(None, role="recover", run="1")
    assert begun == {"version": 1, "role": "recover", "run": "1", "refusals": [], "clusters": {}}
    two = merged(merged(begun, role="recover", run="1", key="b", record={"n": 2}), role="recover", run="1")
    two = merged(two, role="recover", run="1", key="a", record={"n": 1})
    assert two["clusters"] == {"a": {"n": 1}, "b": {"n": 2}}
    again = merged(two, role="recover", run="1", key="b", record={"n": 3}, refusals=[{"code": "x", "text": "y"}])
    assert again["clusters"] == {"a": {"n": 1}, "b": {"n": 3}}
    assert again["refusals"] == [{"code": "x", "text": "y"}]


@pytest.mark.parametrize(
    "body", [None, "", [], {}, {"version": 1, "role": "harden", "run": "1", "clusters": {"a": {}}}]
)
def test_what_is_not_of_this_run_is_forgotten(body: object) -> None:
    assert merged(body, role="recover", run="1")["clusters"] == {}
