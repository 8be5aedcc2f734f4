# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The larger quota of a recovery: what stands against it, and that there is always one that goes on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest
from unit.builders import cluster_report, node_report, table
from unit.builders import member_report as entry

from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import MemberReport
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.assessment import cluster_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.quota_raises import raise_notes, raise_refusals
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

GIB = 1024**3


def member(
    number: int, role: str = "follower", *, quota: float = 2.0, size: float = 0.5, error: str = ""
) -> MemberReport:
    """A member, `quota` and `size` in GiB."""
    return entry(number, role, quota=int(quota * GIB), size=int(size * GIB), error=error)


def members(*quotas: float, size: float = 0.5) -> list[MemberReport]:
    """Members cp1, which leads, and up, with these quotas in GiB."""
    return [
        member(number, "follower" if number > 1 else "leader", quota=quota, size=size)
        for number, quota in enumerate(quotas, start=1)
    ]


def fleet(
    seen: Sequence[MemberReport], *, hosts: Sequence[int] = (1, 2, 3), memory: float = 15.6, free: float = 40
) -> Fleet:
    """Hosts host1 and up, with so many GiB of memory and free disk."""
    node = {"cluster": cluster_report(*seen), "memory_bytes": int(memory * GIB), "free_disk_bytes": int(free * GIB)}
    return Fleet({f"host{number}": node_report(number, **node) for number in hosts})


MIXED, OFF = members(2, 8, 2), members(2, -1, 2)

RAISES: list[tuple[str, list[MemberReport], Sequence[int], str, str]] = [
    ("larger for all", members(2, 2, 2), (1, 2, 3), "4GiB", ""),
    ("one has none", OFF, (1, 2, 3), "4GiB", ""),
    ("one has it already", MIXED, (1, 2, 3), "8GiB", ""),
    (
        "less than one has",
        MIXED,
        (1, 2, 3),
        "4GiB",
        "A quota of 4.0 GiB is less than members have already (cp2 8.0 GiB), and a recovery lowers none.",
    ),
    (
        "less than the database of one that has none",
        members(2, -1, 2, size=4),
        (1, 2, 3),
        "4GiB",
        "is less than members have already (cp2 has none and a database of 4.0 GiB), and a recovery lowers none.",
    ),
    ("no quota", members(2, 2, 2), (1, 2, 3), "much", "much"),
    ("two meanings", members(2, 2, 2), (1, 2, 3), "8G", "8G"),
    ("more than the node can carry", members(2, 2, 2), (1, 2, 3), "30GiB", "host1: A quota of 30.0 GiB is too large"),
    (
        "a node that is not there",
        members(2, 2, 2),
        (1, 2),
        "4GiB",
        "The nodes of cp3 are not among the hosts of this run",
    ),
    (
        "a member that is down",
        [member(1, "leader"), member(2), member(3, "silent", error="refused")],
        (1, 2, 3),
        "4GiB",
        "Not every member answers: cp3 (refused).",
    ),
]


@pytest.mark.parametrize(("seen", "hosts", "quota", "head"), table(RAISES))
def test_a_recovery_raises(seen: list[MemberReport], hosts: Sequence[int], quota: str, head: str) -> None:
    peers = fleet(seen, hosts=hosts)
    found = raise_refusals(cluster_of(peers, "host1"), peers, quota)
    assert bool(found) is bool(head)
    assert head in " ".join(refused.text for refused in found)


RAISE_CODES: list[tuple[str, list[MemberReport], Sequence[int], str, list[str]]] = [
    ("less than one has", MIXED, (1, 2, 3), "4GiB", ["quota_not_lowered"]),
    ("no quota", members(2, 2, 2), (1, 2, 3), "much", ["invalid_quota"]),
    ("more than the nodes can carry", members(2, 2, 2), (1, 2, 3), "30GiB", ["quota_too_large"] * 3),
    (
        "members that are down or elsewhere",
        [*members(2, 2, 2), member(4, "silent", error="refused")],
        (1, 2),
        "4GiB",
        ["members_missing", "nodes_out_of_reach"],
    ),
]


@pytest.mark.parametrize(("seen", "hosts", "quota", "codes"), table(RAISE_CODES))
def test_codes_of_a_raise(seen: list[MemberReport], hosts: Sequence[int], quota: str, codes: list[str]) -> None:
    peers = fleet(seen, hosts=hosts)
    assert [refused.code for refused in raise_refusals(cluster_of(peers, "host1"), peers, quota)] == codes


def test_a_cluster_without_a_leader_is_assessed_when_it_has_one() -> None:
    peers = fleet(members(2, 2, 2), hosts=(1,))
    cluster = replace(cluster_of(peers, "host1"), has_quorum=False)
    assert raise_refusals(cluster, peers, "1GiB") == []


SMALL = {"memory": 7.7, "free": 40.0}
BARELY = {"memory": 3.7, "free": 1.0}

# Quotas and database in GiB, the nodes, the value; the advice.
WAYS_OUT: list[tuple[str, list[MemberReport], dict[str, float], str, list[str]]] = [
    (
        "too little memory for all",
        members(2, 2, 2),
        SMALL,
        "8GiB",
        ["host1: A quota of 8.0 GiB is too large: the database is mapped into memory", "At most 6.0 GiB fit here."],
    ),
    (
        "more than anybody has",
        members(8, 8, 2),
        SMALL,
        "9GiB",
        ["What cp1, cp2 run with already goes on in any case: recover_quota_backend_bytes=8GiB."],
    ),
    (
        "less than some have",
        members(8, 8, 2),
        SMALL,
        "4GiB",
        ["Name a larger one. What goes on in any case is recover_quota_backend_bytes=8GiB."],
    ),
    (
        "one has none",
        members(2, -1, 2, size=4),
        BARELY,
        "3GiB",
        ["Name a larger one. What goes on in any case is recover_quota_backend_bytes=5GiB."],
    ),
    ("the same for all", members(8, 8, 8), SMALL, "4GiB", ["Name a larger one."]),
]


@pytest.mark.parametrize(("seen", "nodes", "quota", "parts"), table(WAYS_OUT))
def test_a_refusal_names_a_value_that_goes_on(
    seen: list[MemberReport], nodes: dict[str, float], quota: str, parts: list[str]
) -> None:
    peers = fleet(seen, **nodes)  # type: ignore[arg-type]
    text = " ".join(refused.text for refused in raise_refusals(cluster_of(peers, "host1"), peers, quota))
    assert all(part in text for part in parts)
    named = re.search(r"recover_quota_backend_bytes=(\w+)", text)
    assert named or not any("goes on" in part for part in parts)
    assert not named or raise_refusals(cluster_of(peers, "host1"), peers, named[1]) == []


NOTES: list[tuple[str, list[MemberReport], str, list[str]]] = [
    ("it fits, and all have the same", members(2, 2, 2), "4GiB", []),
    ("it gains nothing", members(4, 4, 4), "4GiB", ["Every member has a quota of 4.0 GiB already: naming it again"]),
    (
        "one has it, others cannot carry it",
        members(8, 8, 2),
        "8GiB",
        [
            "The members have different quotas (cp1 8.0 GiB, cp2 8.0 GiB, cp3 2.0 GiB)",
            (
                "host3: A quota of 8.0 GiB is too large: the database is mapped into memory, which needs 10.0 GiB (the"
                " quota, and 2.0 GiB for everything else); there are 7.7 GiB. At most 6.0 GiB fit here. It gets it all"
                " the same, because cp1, cp2 run with as much already"
            ),
        ],
    ),
    ("all have more than they carry", members(9, 9, 9), "9GiB", ["Every member has a quota of 9.0 GiB already"]),
]


@pytest.mark.parametrize(("seen", "quota", "heads"), table(NOTES))
def test_notes(seen: list[MemberReport], quota: str, heads: list[str]) -> None:
    peers = fleet(seen, memory=7.7)
    assert raise_refusals(cluster_of(peers, "host1"), peers, quota) == []
    found = raise_notes(cluster_of(peers, "host1"), peers, quota)
    assert len(found) == len(heads)
    assert all(note.startswith(head) for note, head in zip(found, heads, strict=True))


@pytest.mark.parametrize("memory", [1.7, 3.7, 7.7, 64])
@pytest.mark.parametrize("free", [0, 1, 40])
@pytest.mark.parametrize("quotas", [(2, 2, 8), (8, 8, 2), (2, -1, 2), (-1, -1, 3), (2, 2.5, 3)])
def test_members_of_different_quotas_can_always_be_raised(
    memory: float, free: float, quotas: tuple[float, ...]
) -> None:
    """To what one of them has, or to what is enough for one that has none."""
    peers = fleet(members(*quotas, size=1.9), memory=memory, free=free)
    cluster = cluster_of(peers, "host1")
    largest = max(quotas) if min(quotas) > 0 else max(*quotas, 3)
    assert raise_refusals(cluster, peers, str(int(largest * GIB))) == []
