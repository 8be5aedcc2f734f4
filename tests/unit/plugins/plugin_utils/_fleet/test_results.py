# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other modules returned, read with its types."""

from __future__ import annotations

import pytest
from unit.builders import Json, as_json, cluster_report, member_report, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.records import plain
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.results import (
    ApiServerCheck,
    RolledMember,
    TakenSnapshot,
    WriteCheck,
    has_changed,
    leader_of,
    replaced_arguments,
)

CLUSTER = cluster_report(member_report(1, "leader"))
CHECK: Json = as_json(
    {
        "changed": False,
        "cluster": plain(CLUSTER),
        "writes": ["cp1"],
        "hashes_agree": None,
        "hashes_reason": "no follower answers",
        "growth_bytes_per_minute": 1.5,
        "minutes_to_full": None,
        "findings": [],
    }
)


def test_write_check() -> None:
    assert WriteCheck.from_result(CHECK) == WriteCheck(CLUSTER, ("cp1",), False, "no follower answers", 1.5, None, ())
    found = WriteCheck.from_result({**CHECK, "hashes_agree": True, "minutes_to_full": 3})
    assert (found.hashes_agree, found.minutes_to_full) == (True, 3)


def test_what_is_no_write_check() -> None:
    with pytest.raises(ValueError, match=r"^the result of etcd_write_check\.cluster is missing\.$"):
        WriteCheck.from_result({"failed": True, "msg": "Proving that writes are accepted failed."})


def test_snapshot() -> None:
    assert TakenSnapshot.from_result({"path": "/x.db", "revision": 7, "reused": True}) == TakenSnapshot(
        "/x.db", 7, True
    )
    assert TakenSnapshot.from_result({}) is None
    assert TakenSnapshot.from_result({"skipped": True}) is None


def test_api_servers() -> None:
    results = {
        "a": {"outcome": "refused", "reason": "HTTP 500", "seconds": 1.5},
        "b": {"skipped": True},
        "c": {},
        "d": {"failed": True, "msg": "It failed."},
    }
    assert ApiServerCheck.from_results(results) == {"a": ApiServerCheck("refused", "HTTP 500", 1.5)}


def test_rolled_member() -> None:
    body = {"changed": True, "method": "patch", "reason": "", "seconds": 13.2, "differences": ["a"]}
    flags = {"before": {}, "after": {"snapshot-count": "5000"}}
    expected = RolledMember(True, "patch", "", 13.2, ("a",), {}, {"snapshot-count": "5000"})
    assert RolledMember.from_result({**body, "flags": flags}) == expected


def test_rolled_member_that_systemd_runs() -> None:
    body = {"changed": True, "file": "/etc/etcd.env", "seconds": 2.1, "owner": "Set it there, too."}
    flags = {"before": {"max-wals": "5"}, "after": {}}
    expected = RolledMember(True, "/etc/etcd.env", "", 2.1, (), {"max-wals": "5"}, {}, "Set it there, too.")
    assert RolledMember.from_result({**body, "flags": flags}) == expected


def test_changes() -> None:
    assert [has_changed(each) for each in ({"changed": True}, {"changed": False}, {"skipped": True}, {})] == [
        True,
        False,
        False,
        False,
    ]


def test_replaced_arguments() -> None:
    results = [{"replaced": {"quota-backend-bytes": "1"}}, {"failed": True, "away": True}, {"skipped": True}, {}]
    assert replaced_arguments(results) == [{"quota-backend-bytes": "1"}]


LEADERS: list[tuple[str, Json, str | None]] = [
    ("one", {"cluster": plain(CLUSTER)}, "cp1"),
    ("none", {"cluster": {**plain(CLUSTER), "leader": None}}, None),
    ("it failed", {"failed": True, "msg": "Looking at the cluster failed."}, None),
    ("not asked", {}, None),
]


@pytest.mark.parametrize(("result", "expected"), table(LEADERS))
def test_leader(result: Json, expected: str | None) -> None:
    assert leader_of(result) == expected
