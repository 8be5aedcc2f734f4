# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which quota all members of a cluster get, and when a recovery may raise it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from unit.builders import Json, cluster_report, node_report, table
from unit.builders import member_report as entry

from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import MemberReport
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.assessment import cluster_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.quotas import (
    ChosenQuota,
    choose_quota,
    voters_on_nodes,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

GIB = 1024**3


def member(
    number: int, role: str = "follower", *, quota: float = 2.0, size: float = 0.5, error: str = ""
) -> MemberReport:
    """A member, `quota` and `size` in GiB."""
    return entry(number, role, quota=int(quota * GIB), size=int(size * GIB), error=error)


def three(*, quota: float = 2.0, size: float = 0.5) -> list[MemberReport]:
    return [member(number, "leader" if number == 1 else "follower", quota=quota, size=size) for number in (1, 2, 3)]


def memory(size: float | None) -> Json:
    return {"memory_bytes": size and int(size * GIB)}


def free(size: float | None) -> Json:
    return {"free_disk_bytes": size and int(size * GIB)}


def fleet(
    members: Sequence[MemberReport], nodes: dict[int, Json] | None = None, *, hosts: Sequence[int] = (1, 2, 3)
) -> Fleet:
    """Hosts host1 and up, each with 15.6 GiB of memory and 40 GiB of free disk unless `nodes` says something else."""
    usual = {"cluster": cluster_report(*members), **memory(15.6), **free(40)}
    changes = nodes or {}
    return Fleet({f"host{number}": node_report(number, **{**usual, **changes.get(number, {})}) for number in hosts})


def choose(
    members: Sequence[MemberReport],
    nodes: dict[int, Json] | None = None,
    *,
    quota: str = "5GiB",
    lower: bool = False,
) -> ChosenQuota:
    peers = fleet(members, nodes)
    return choose_quota(voters_on_nodes(cluster_of(peers, "host1"), peers), quota, lower=lower)


STAYS = "The quota stays at 8.0 GiB, which is more than the {} GiB asked for: it is lowered only if that is"
DIFFERENT = "The members have different quotas (cp1 2.0 GiB, cp2 8.0 GiB, cp3 2.0 GiB); all get the same."
MIXED = [member(1, "leader"), member(2, quota=8), member(3)]
OFF = [member(1, "leader"), member(2, quota=-1), member(3)]
UNKNOWN: dict[int, Json] = {number: memory(None) for number in (1, 2, 3)}
SWITCHED_OFF = (
    "The quota of cp2 is switched off and stays off: it is set only if lowering is allowed (harden_lower_quota)."
)

# Quota in GiB, None if it stays switched off; the heads of the notes.
QUOTAS: list[tuple[str, list[MemberReport], dict[int, Json], Json, float | None, list[str]]] = [
    ("raised", three(), {}, {"quota": "4GiB"}, 4, []),
    ("as bytes", three(), {}, {"quota": "4294967296"}, 4, []),
    ("nothing means etcd's default", three(), {}, {"quota": "0"}, 2, []),
    ("the same already", three(quota=5), {}, {}, 5, []),
    ("never lowered", three(quota=8), {}, {}, 8, [STAYS.format("5.0")]),
    ("lowered when told", three(quota=8), {}, {"lower": True}, 5, []),
    ("told to lower, but it is less", three(), {}, {"lower": True}, 5, []),
    ("different: the highest counts", MIXED, {}, {}, 8, [DIFFERENT, STAYS.format("5.0")]),
    ("different, all raised", MIXED, {}, {"quota": "9GiB"}, 9, [DIFFERENT]),
    ("different, lowered", MIXED, {}, {"lower": True}, 5, [DIFFERENT]),
    ("switched off", OFF, {}, {}, None, [f"{SWITCHED_OFF} Until then cp1, cp3 is not raised either"]),
    ("all switched off", three(quota=-1), {}, {}, None, [SWITCHED_OFF.replace("cp2", "cp1, cp2, cp3")]),
    ("switched off, lowered", OFF, {}, {"lower": True}, 5, ["The members have different quotas"]),
    ("auto", three(), {}, {"quota": "auto"}, 2, []),
    ("auto with 32 GiB", three(), {number: memory(31.2) for number in (1, 2, 3)}, {"quota": "Auto"}, 4, []),
    (
        "auto: the least memory",
        three(),
        {1: memory(64), 2: memory(31.2), 3: memory(64)},
        {"quota": "auto"},
        4,
        [],
    ),
    (
        "auto: the smallest disk",
        three(),
        {1: memory(64), 2: memory(64), 3: {**memory(64), **free(6)}},
        {"quota": "auto"},
        3,
        [],
    ),
    (
        "auto: what is not known does not count",
        three(),
        {2: memory(None), 3: free(None)},
        {"quota": "auto"},
        2,
        [],
    ),
    ("auto is not lowered", three(quota=8), {}, {"quota": "auto"}, 8, [STAYS.format("2.0")]),
    ("auto is lowered when told", three(quota=8), {}, {"quota": "auto", "lower": True}, 2, []),
    (
        "too much, but so it runs already",
        three(quota=5),
        {2: memory(4)},
        {},
        5,
        ["host2: A quota of 5.0 GiB is too large: the database is mapped into memory, which needs 7.0 GiB"],
    ),
    ("nothing is known of the nodes", three(), UNKNOWN, {}, 5, []),
]


@pytest.mark.parametrize(("members", "nodes", "options", "expected", "notes"), table(QUOTAS))
def test_quota(
    members: list[MemberReport], nodes: dict[int, Json], options: Json, expected: float | None, notes: list[str]
) -> None:
    found = choose(members, nodes, **options)
    assert found.refusals == ()
    assert found.size_bytes == (None if expected is None else expected * GIB)
    assert len(found.notes) == len(notes)
    assert all(note.startswith(head) for note, head in zip(found.notes, notes, strict=True))


def test_the_quota_that_counts_is_what_a_member_says_on_its_own_node() -> None:
    """From elsewhere its metrics may not have answered, and it shows etcd's default."""
    own = [member(1, "leader"), member(2, quota=8), member(3)]
    assert choose(three(), {2: {"cluster": cluster_report(*own)}}).size_bytes == 8 * GIB


def test_members_and_their_nodes() -> None:
    peers = fleet([*three(), member(4, "learner"), member(5, "silent")], {2: memory(None)}, hosts=(1, 2))
    found = voters_on_nodes(cluster_of(peers, "host1"), peers)
    assert [(node.host, node.name, node.capacity is None) for node in found] == [
        ("host1", "cp1", False),
        ("host2", "cp2", True),
        ("cp3", "cp3", True),
    ]
    assert [bool(node.refusal(30 * GIB)) for node in found] == [True, False, False]


NODES_OF_8_GB: dict[int, Json] = {number: memory(7.7) for number in (1, 2, 3)}
TWO_HAVE_8 = [member(1, "leader", quota=8), member(2, quota=8), member(3)]


def test_a_quota_that_is_kept_but_too_large_for_others_names_what_goes_on() -> None:
    refused = choose(TWO_HAVE_8, NODES_OF_8_GB)
    assert [refusal.code for refusal in refused.refusals] == ["quota_too_large"]
    text = refused.refusals[0].text
    assert text.startswith("host3: A quota of 8.0 GiB is too large: the database is mapped into memory")
    assert text.endswith(
        "At most 6.0 GiB fit here. The value auto would be 2.0 GiB for the whole cluster. What cp1, cp2 run with"
        " already goes on in any case: harden_quota_backend_bytes=8GiB, or harden_lower_quota=true with a smaller one."
    )
    named = choose(TWO_HAVE_8, NODES_OF_8_GB, quota="8GiB")
    assert (named.size_bytes, named.refusals) == (8 * GIB, ())
    assert "It gets it all the same, because cp1, cp2 run with as much already" in named.notes[-1]
    lowered = choose(TWO_HAVE_8, NODES_OF_8_GB, quota="6GiB", lower=True)
    assert (lowered.size_bytes, lowered.refusals) == (6 * GIB, ())


def test_no_quota_at_all_is_not_what_others_run_with() -> None:
    refused = choose(OFF, NODES_OF_8_GB, quota="8GiB", lower=True)
    assert [refusal.code for refusal in refused.refusals] == ["quota_too_large"]
    assert "goes on in any case" not in refused.refusals[0].text


def test_more_than_8_gib_is_given_if_it_is_named() -> None:
    large = {number: {**memory(62.7), **free(100)} for number in (1, 2, 3)}
    assert choose(three(quota=8), large, quota="12GiB") == ChosenQuota(12 * GIB)
    assert choose(three(), large, quota="auto").size_bytes == 8 * GIB


def test_the_limit_of_a_container_counts() -> None:
    refused = choose(three(), {2: {"memory_limit_bytes": 4 * GIB}})
    assert [refusal.code for refusal in refused.refusals] == ["quota_too_large"]
    assert refused.refusals[0].text.startswith(
        "host2: A quota of 5.0 GiB is too large: the container of etcd has a memory limit of 4.0 GiB"
    )
