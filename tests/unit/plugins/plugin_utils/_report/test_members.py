# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from unit.status_documents import cluster, member

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.members import members_table, nodes_table
from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.reading import Part
from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.tables import Cell, Table


def column(table: Table, title: str) -> list[Cell]:
    at = [each.title for each in table.columns].index(title)
    return [row[at] for row in table.rows]


def test_a_member_that_is_down_says_why() -> None:
    down = member("cp2", role="down", cause="Its port refuses connections.", version="", lag=None, size_bytes=None)
    table = members_table(Part(cluster("cp", members=[member("cp1"), down])))
    assert column(table, "Role")[1] == Cell("down", note="Its port refuses connections.")
    assert [each.text for each in column(table, "Size")] == ["100.0 MiB", "unknown"]


def test_the_host_is_named_where_it_is_called_otherwise() -> None:
    table = members_table(
        Part(cluster("cp", members=[member("m1", host="cp1"), member("", host="cp2"), member("cp3")]))
    )
    assert column(table, "Member") == [Cell("m1", note="cp1"), Cell("cp2"), Cell("cp3")]


def test_versions_are_told_if_they_differ() -> None:
    members = [member("m1", host="cp1", version="3.5.35"), member("cp2")]
    table = members_table(Part(cluster("cp", members=members)))
    assert column(table, "Member") == [Cell("m1", note="cp1, 3.5.35"), Cell("cp2", note="3.6.16")]


def test_a_quota_that_is_switched_off() -> None:
    table = members_table(Part(cluster("cp", members=[member("cp1", quota_bytes=None, quota_source="off")])))
    assert column(table, "Quota") == [Cell("off")]


@pytest.mark.parametrize(
    ("days", "said"),
    [(9.2, "9 days left"), (0.5, "12 hours left"), (-3.0, "expired 3 days ago"), (0, "expired 0 s ago")],
)
def test_days_of_a_certificate(days: float, said: str) -> None:
    table = nodes_table(Part(cluster("cp", members=[member("cp1", certificate_days_left=days)])))
    assert column(table, "Certificate") == [Cell(said)]


def test_the_last_snapshot() -> None:
    snapshots = [
        {"path": "/b/one.db", "taken_at": "2026-11-29T01:02:03Z", "age_seconds": 86_400.0},
        {"path": "/b/two.db", "taken_at": "2026-11-29T01:02:03Z", "age_seconds": None},
        None,
    ]
    members = [member(f"cp{at}", last_snapshot=each) for at, each in enumerate(snapshots)]
    assert column(nodes_table(Part(cluster("cp", members=members))), "Last snapshot") == [
        Cell("24 hours old", note="/b/one.db"),
        Cell("2026-11-29 01:02 UTC", note="/b/two.db"),
        Cell("unknown"),
    ]
