# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as clusters: who belongs together, and who does not."""

from __future__ import annotations

import pytest
from unit.builders import member_report as entry
from unit.builders import node_report, table
from unit.fleet_reports import Reports, silent, up

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.grouping import (
    foreign_members,
    peers_of,
    two_names,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

THREE = {f"host{number}": up(number) for number in (3, 1, 2)}

# The certificates in the CA files of hosts, and who belongs to the first of them.
GROUPS: list[tuple[str, dict[str, str], list[str]]] = [
    ("one CA", {"a": "x", "b": "x", "c": "x"}, ["a", "b", "c"]),
    ("another CA", {"a": "x", "b": "y", "c": "x"}, ["a", "c"]),
    ("in the middle of a replacement", {"a": "old", "b": "new old", "c": "old"}, ["a", "b", "c"]),
    ("only through another", {"a": "old", "b": "old new", "c": "new"}, ["a", "b", "c"]),
    ("through two others", {"a": "1", "d": "1 2", "c": "2 3", "b": "3"}, ["a", "b", "c", "d"]),
    ("the links of another cluster", {"a": "x", "b": "y z", "c": "z"}, ["a"]),
    ("none in common", {"a": "x", "b": "y"}, ["a"]),
    ("nothing to go by", {"a": "", "b": ""}, ["a"]),
]


@pytest.mark.parametrize(("files", "expected"), table(GROUPS))
def test_hosts_that_share_a_certificate(files: dict[str, str], expected: list[str]) -> None:
    fleet = Fleet({name: node_report(number, ca=ca) for number, (name, ca) in enumerate(files.items(), start=1)})
    for host in expected:
        assert list(peers_of(fleet, host).hosts) == expected


EMPTIED = "One of them was probably emptied and came up as a cluster of its own."
OWN_RIGHT = "run this for the hosts of one at a time (--limit)."

FOREIGN: list[tuple[str, Reports, list[str]]] = [
    ("none", THREE, []),
    ("never started", {**THREE, "host3": silent(3, cluster_id=None)}, []),
    (
        "one of its own",
        {**THREE, "host3": up(3, [entry(3, "leader")], cluster_id="bad")},
        ["(host3: cluster bad; host1, host2: cluster c1)", EMPTIED],
    ),
    ("one that is silent", {**THREE, "host3": silent(3, cluster_id="bad")}, ["host3: cluster bad", EMPTIED]),
    (
        "one host of another cluster",
        {**THREE, "host4": up(4, [entry(4, "leader"), entry(5)], cluster_id="c2")},
        ["host4: cluster c2", OWN_RIGHT],
    ),
    (
        "two hosts of another cluster",
        {**THREE, "host4": silent(4, cluster_id="c2"), "host5": silent(5, cluster_id="c2")},
        ["host4, host5: cluster c2", OWN_RIGHT],
    ),
]


@pytest.mark.parametrize(("reports", "parts"), table(FOREIGN))
def test_foreign_members(reports: Reports, parts: list[str]) -> None:
    found = foreign_members(Fleet(reports))
    assert bool(found) is bool(parts)
    assert not found or found.code == "different_clusters"
    assert all(found and part in found.text for part in parts)


ALIAS = {**THREE, "alias": up(2)}
NEW, OTHER_NEW = (node_report(number, member_id=None, cluster_id=None) for number in (3, 4))

TWO_NAMES: list[tuple[str, Reports, list[str]]] = [
    ("none", THREE, []),
    ("one that answers", ALIAS, ["two names of one node: alias, host2 (cp2, member 2).", "--limit"]),
    ("one that is down", {**THREE, "alias": silent(3), "host3": silent(3)}, ["alias, host3 (cp3, member 3)"]),
    ("of two nodes", {**ALIAS, "other": up(1)}, ["alias, host2 (", "; host1, other ("]),
    ("never started", {**THREE, "alias": NEW, "host3": NEW}, ["alias, host3 (cp3, member not started yet)"]),
    ("two that never started", {**THREE, "host3": NEW, "host4": OTHER_NEW}, []),
    ("the same id in another cluster", {**THREE, "host4": silent(1, cluster_id="c2")}, []),
]


@pytest.mark.parametrize(("reports", "parts"), table(TWO_NAMES))
def test_two_names_for_one_node(reports: Reports, parts: list[str]) -> None:
    found = two_names(Fleet(dict(sorted(reports.items()))))
    assert bool(found) is bool(parts)
    assert not found or found.code == "two_names_for_one_node"
    assert all(found and part in found.text for part in parts)
