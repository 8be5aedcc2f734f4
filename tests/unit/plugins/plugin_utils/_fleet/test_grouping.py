# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts as clusters: who belongs together, and who does not."""

from __future__ import annotations

import pytest
from unit.builders import member_report as entry
from unit.builders import node_report, table, unit_report
from unit.fleet_reports import Reports, silent, up

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.grouping import (
    foreign_members,
    further_findings,
    name_of,
    peers_of,
    second_etcds,
    two_names,
    unit_of_events,
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


def test_events_are_a_cluster_of_their_own() -> None:
    """They have the CA of the first one, but are a unit of another name with another id."""
    main, events = unit_report(), unit_report(name="etcd-events.service")
    fleet = Fleet(
        {
            "a": node_report(1, unit=main),
            "b": node_report(2, unit=main),
            "c": node_report(3, unit=events, cluster_id="c2"),
        }
    )
    assert list(peers_of(fleet, "a").hosts) == ["a", "b"]
    assert list(peers_of(fleet, "c").hosts) == ["c"]


def test_one_that_has_never_started_is_not_told_apart() -> None:
    events = node_report(2, unit=unit_report(name="etcd-events.service"), cluster_id=None)
    assert list(peers_of(Fleet({"a": node_report(1, unit=unit_report()), "b": events}), "a").hosts) == ["a", "b"]


def test_further_etcds_are_named() -> None:
    reports = {host: node_report(1, further=("etcd-events.service",)) for host in ("a", "b")}
    (said,) = further_findings(Fleet({**reports, "c": node_report(3)}))
    assert said.startswith("a, b also run the etcd of etcd-events.service, a cluster of its own")
    assert "the playbook recover works on it when it is done with this one" in said
    assert "harden_manifest=etcd-events.service" in said


def test_a_third_etcd_is_worked_on_if_it_is_named() -> None:
    units = ("etcd-leases.service", "etcd-events.service")
    second, third = further_findings(Fleet({"a": node_report(1, further=units)}))
    assert "etcd-events.service" in second
    assert "the playbook recover works on it" in second
    assert "recover works on it with -e recover_manifest=etcd-leases.service" in third


API = ("https://192.0.2.1:2379", "https://192.0.2.1:2383")

SECOND: list[tuple[str, Fleet, dict[str, str]]] = [
    ("none", Fleet(THREE, {"api": API}), {}),
    (
        "on some hosts",
        Fleet({"a": node_report(1, further=("etcd-events.service",)), "b": node_report(2)}),
        {"a": "etcd-events.service"},
    ),
    (
        "API servers on other hosts",
        Fleet({"a": node_report(1, further=("etcd-events.service",))}, {"api": API}),
        {"a": "etcd-events.service", "api": ""},
    ),
    ("more than one", Fleet({"a": node_report(1, further=("z.service", "b.service"))}), {"a": "b.service"}),
]


@pytest.mark.parametrize(("fleet", "expected"), table(SECOND))
def test_second_etcds(fleet: Fleet, expected: dict[str, str]) -> None:
    assert second_etcds(fleet) == expected


def test_names_of_two_clusters_of_the_same_hosts() -> None:
    events = unit_report(name="etcd-events.service", of_events=True)
    main = Fleet({host: node_report(1, unit=unit_report()) for host in ("b", "a")})
    second = Fleet({host: node_report(1, unit=events) for host in ("b", "a")})
    assert (name_of(main.hosts, main), unit_of_events(main)) == ("a", "")
    assert (name_of(second.hosts, second), unit_of_events(second)) == ("a/etcd-events.service", "etcd-events.service")
    assert name_of(("a", "lost"), second) == "a/etcd-events.service"
