# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which flags the members get, in which order, and when nothing is done at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from unit.builders import Json, held_by, on_node, table

from ansible_collections.controlplane.etcd.plugins.filter.cluster_of import cluster_of
from ansible_collections.controlplane.etcd.plugins.filter.harden_plan import FilterModule, harden_plan
from ansible_collections.controlplane.etcd.plugins.filter.quota_refusals import quota_refusals

GIB = 1024**3


def entry(number: int, role: str = "follower", **changes: Any) -> Json:
    """An entry of `cluster.members`, `quota` and `size` in GiB."""
    quota, size = changes.pop("quota", 2.0), changes.pop("size", 0.5)
    return {
        "member_id": f"{number:x}",
        "name": f"cp{number}",
        "role": role,
        "endpoint": f"https://192.0.2.{number}:2379",
        "error": "",
        "raft_applied_index": 100,
        "db_size_bytes": int(size * GIB),
        "db_size_in_use_bytes": int(size * GIB) // 2,
        "quota_bytes": int(quota * GIB) if quota > 0 else -1,
        "quota_used": round(size / quota, 4) if quota > 0 else 0.0,
        **changes,
    }


def look(number: int, members: list[Json], alarms: Sequence[str], **changes: Any) -> Json:
    """What etcd_node_info returns of a host; `memory` and `free` in GiB, None where they are not known."""
    memory, free = changes.pop("memory", 15.6), changes.pop("free", 40)
    corrupt = ["It is corrupt."] if "CORRUPT" in alarms else []
    return {
        "present": True,
        "answers": True,
        "error": "",
        "ca_sha256": ["ca"],
        "cluster_id": "c1",
        "member_id": f"{number:x}",
        "memory_bytes": memory and int(memory * GIB),
        "free_disk_bytes": free and int(free * GIB),
        "lock": None,
        **on_node(),
        "cluster": {
            "cluster_id": "c1",
            "has_quorum": True,
            "alarms": [{"alarm": alarm, "member": "cp1", "member_id": "1"} for alarm in alarms],
            "members": members,
        },
        "diagnosis": {
            "needs_recovery": bool(alarms),
            "refusals": corrupt,
            "findings": [],
            "expected_seconds": 0,
        },
        **changes,
    }


def plan(
    members: list[Json] | None = None,
    nodes: dict[int, Json] | None = None,
    *,
    alarms: Sequence[str] = (),
    hosts: Sequence[int] = (1, 2, 3),
    **options: Any,
) -> Json:
    """The plan for hosts host1 and up; `nodes` says what is different there."""
    found = members or [entry(1, "leader"), entry(2), entry(3)]
    looks = {f"host{number}": look(number, found, alarms, **(nodes or {}).get(number, {})) for number in hosts}
    return harden_plan(cluster_of(looks, f"host{hosts[0]}"), looks, **options)


def three(**changes: Any) -> list[Json]:
    return [entry(1, "leader", **changes), entry(2, **changes), entry(3, **changes)]


def test_default() -> None:
    assert plan() == {
        "quota_bytes": 5 * GIB,
        "extra_args": {
            "quota-backend-bytes": "5368709120",
            "auto-compaction-mode": "periodic",
            "auto-compaction-retention": "1h",
        },
        "order": ["host2", "host3", "host1"],
        "unfinished": "",
        "downtime": False,
        "refusal": "",
        "notes": [],
    }


STAYS = "The quota stays at 8.0 GiB, which is more than the {} GiB asked for: it is lowered only if that is"
DIFFERENT = "The members have different quotas (cp1 2.0 GiB, cp2 8.0 GiB, cp3 2.0 GiB); all get the same."
MIXED = [entry(1, "leader"), entry(2, quota=8), entry(3)]
OFF = [entry(1, "leader"), entry(2, quota=-1), entry(3)]
UNKNOWN: dict[int, Json] = {number: {"memory": None} for number in (1, 2, 3)}
SWITCHED_OFF = (
    "The quota of cp2 is switched off and stays off: it is set only if lowering is allowed (harden_lower_quota)."
)

# Quota in GiB, None where there is no flag for it; the heads of the notes.
QUOTAS: list[tuple[str, list[Json], dict[int, Json], Json, float | None, list[str]]] = [
    ("raised", three(), {}, {"quota": "4GiB"}, 4, []),
    ("as bytes", three(), {}, {"quota": "4294967296"}, 4, []),
    ("as a number", three(), {}, {"quota": 4294967296}, 4, []),
    ("nothing means etcd's default", three(), {}, {"quota": "0"}, 2, []),
    ("the same already", three(quota=5), {}, {}, 5, []),
    ("never lowered", three(quota=8), {}, {}, 8, [STAYS.format("5.0")]),
    ("lowered when told", three(quota=8), {}, {"lower": True}, 5, []),
    ("told to lower, but it is less", three(), {}, {"lower": True}, 5, []),
    ("different: the highest counts", MIXED, {}, {}, 8, [DIFFERENT, STAYS.format("5.0")]),
    ("different, all raised", MIXED, {}, {"quota": "9GiB"}, 9, [DIFFERENT, "The quota of 9663676416 bytes is beyond"]),
    ("different, lowered", MIXED, {}, {"lower": True}, 5, [DIFFERENT]),
    ("switched off", OFF, {}, {}, None, [f"{SWITCHED_OFF} Until then cp1, cp3 is not raised either"]),
    ("all switched off", three(quota=-1), {}, {}, None, [SWITCHED_OFF.replace("cp2", "cp1, cp2, cp3")]),
    ("switched off, lowered", OFF, {}, {"lower": True}, 5, ["The members have different quotas"]),
    ("auto", three(), {}, {"quota": "auto"}, 2, []),
    ("auto with 32 GiB", three(), {number: {"memory": 31.2} for number in (1, 2, 3)}, {"quota": "Auto"}, 4, []),
    (
        "auto: the least memory",
        three(),
        {1: {"memory": 64}, 2: {"memory": 31.2}, 3: {"memory": 64}},
        {"quota": "auto"},
        4,
        [],
    ),
    (
        "auto: the smallest disk",
        three(),
        {1: {"memory": 64}, 2: {"memory": 64}, 3: {"memory": 64, "free": 6}},
        {"quota": "auto"},
        3,
        [],
    ),
    (
        "auto: what is not known does not count",
        three(),
        {2: {"memory": None}, 3: {"free": None}},
        {"quota": "auto"},
        2,
        [],
    ),
    ("auto is not lowered", three(quota=8), {}, {"quota": "auto"}, 8, [STAYS.format("2.0")]),
    ("auto is lowered when told", three(quota=8), {}, {"quota": "auto", "lower": True}, 2, []),
    (
        "too much, but so it runs already",
        three(quota=5),
        {2: {"memory": 4}},
        {},
        5,
        ["host2: A quota of 5.0 GiB is too large: the database is mapped into memory, which needs 7.0 GiB"],
    ),
    ("nothing is known of the nodes", three(), UNKNOWN, {}, 5, []),
]


@pytest.mark.parametrize(("members", "nodes", "options", "expected", "notes"), table(QUOTAS))
def test_quota(
    members: list[Json], nodes: dict[int, Json], options: Json, expected: float | None, notes: list[str]
) -> None:
    found = plan(members, nodes, **options)
    assert found["refusal"] == ""
    assert found["quota_bytes"] == (-1 if expected is None else expected * GIB)
    assert found["extra_args"].get("quota-backend-bytes") == (None if expected is None else str(expected * GIB))
    assert len(found["notes"]) == len(notes)
    assert all(note.startswith(head) for note, head in zip(found["notes"], notes, strict=True))


DOWN: Json = {"answers": False, "error": "connection refused", "process": None}
SILENT = [entry(1, "leader"), entry(2, "silent", error="connection refused", size=0), entry(3)]
LEADERLESS = {"cluster_id": "c1", "has_quorum": False, "alarms": []}

UNFINISHED: list[tuple[str, Json, str]] = [
    ("one of three is down", {"members": SILENT, "nodes": {2: DOWN}}, "host2"),
    ("the only one is down", {"members": [entry(1)], "hosts": (1,), "nodes": {1: DOWN}}, "host1"),
    (
        "one of two is down",
        {
            "hosts": (1, 2),
            "nodes": {
                1: {
                    "cluster": {**LEADERLESS, "members": [entry(1), entry(2, "silent")]},
                    "diagnosis": {"needs_recovery": False, "refusals": ["No leader."], "findings": []},
                },
                2: DOWN,
            },
        },
        "host2",
    ),
    ("two are down", {"members": SILENT, "nodes": {2: DOWN, 3: DOWN}}, ""),
    ("it runs", {"members": SILENT, "nodes": {2: {**DOWN, "process": {"pid": 9, "seconds": 1.0}}}}, ""),
    (
        "its kubelet is held",
        {"members": SILENT, "nodes": {2: {**DOWN, **on_node(held=held_by("a:1:1"), process=None)}}},
        "",
    ),
    (
        "a copy beside the manifest",
        {"members": SILENT, "nodes": {2: {**DOWN, "stray_files": ["/m/etcd.yaml.bak"]}}},
        "",
    ),
    ("full", {"members": SILENT, "nodes": {2: DOWN}, "alarms": ["NOSPACE"]}, ""),
    ("corrupt", {"members": SILENT, "nodes": {2: DOWN}, "alarms": ["CORRUPT"]}, ""),
    ("a stranger", {"members": SILENT, "nodes": {2: {**DOWN, "cluster_id": "bad"}}}, ""),
    ("all answer", {}, ""),
]


@pytest.mark.parametrize(("seen", "expected"), table(UNFINISHED))
def test_unfinished(seen: Json, expected: str) -> None:
    """Whatever it is, nothing is rolled out from what was seen."""
    found = plan(**seen)
    assert found["unfinished"] == expected
    assert bool(found["refusal"]) == bool(seen)
    assert ("If an earlier run was cut off there" in " ".join(found["notes"])) == bool(expected)


FIRST = "run recover first (the playbook controlplane.etcd.recover)."
UNSTARTED = [entry(1, "leader"), entry(2), entry(3), entry(4, "unstarted", size=0)]

REFUSALS: list[tuple[str, Json, str]] = [
    ("full", {"alarms": ["NOSPACE"]}, f"The NOSPACE alarm is armed (by cp1): {FIRST}"),
    ("full and corrupt: recover says so", {"alarms": ["NOSPACE", "CORRUPT"]}, "The NOSPACE alarm is armed (by cp1)"),
    ("corrupt", {"alarms": ["CORRUPT"]}, "It is corrupt."),
    (
        "the next write raises the alarm",
        {"members": [entry(1, "leader", size=1.96), entry(2), entry(3)]},
        f"The quota is used up, though no alarm is armed yet (cp1: 98 %): {FIRST}",
    ),
    (
        "one is silent",
        {"members": SILENT, "hosts": (1, 3)},
        "Not every member answers: cp2 (connection refused). Members are restarted one at a time",
    ),
    (
        "one has never started",
        {"members": UNSTARTED},
        "Not every member answers: cp4 (it has never started). Members are restarted one at a time",
    ),
    (
        "one is not in the inventory",
        {"hosts": (1, 2)},
        "The nodes of cp3 are not among the hosts of this run, or cannot ask their member, but all members have to",
    ),
    (
        "a copy beside the manifest",
        {"nodes": {3: {"stray_files": ["/m/etcd.yaml.bak"]}}},
        "host3 has /m/etcd.yaml.bak beside the manifest of etcd.",
    ),
    (
        "memory cannot carry it",
        {"nodes": {2: {"memory": 3.8}, 3: {"memory": 4.5}}},
        (
            "host2: A quota of 5.0 GiB is too large: the database is mapped into memory, which needs 7.0 GiB (the"
            " quota, and 2.0 GiB for everything else); there are 3.8 GiB. The value auto would be 2.0 GiB here."
        ),
    ),
    (
        "the disk cannot carry it: another one decides on auto",
        {"nodes": {1: {"memory": 64}, 2: {"memory": 64, "free": 8.5}, 3: {"memory": 7.8}}},
        (
            "host2: A quota of 5.0 GiB is too large: a database of that size and one copy of it need 10.0 GiB on"
            " etcd's disk; there are 8.5 GiB free and 0.5 GiB in use by the database. The value auto would be"
            " 4.0 GiB here. For the whole cluster it would be 2.0 GiB."
        ),
    ),
    (
        "where the member listens",
        {"extra_args": {"listen-metrics-urls": "http://0.0.0.0:2381"}},
        "--listen-metrics-urls is part of what this member is, where it listens or whom it trusts",
    ),
    (
        "not even auto",
        {"nodes": {2: {"free": 1}}, "quota": "auto", "members": three(quota=1)},
        "host2: A quota of 2.0 GiB is too large: a database of that size and one copy of it need 4.0 GiB",
    ),
    (
        "the highest that runs is too much for another one",
        {"members": MIXED, "nodes": {1: {"memory": 4}}},
        "host1: A quota of 8.0 GiB is too large",
    ),
    (
        "lowered below what is there",
        {"members": three(quota=8, size=4.9), "lower": True},
        "With a quota of 5.0 GiB etcd would be full at once: the database takes cp1 4.9 GiB, cp2 4.9 GiB, cp3 4.9 GiB.",
    ),
    (
        "no size",
        {"quota": "much"},
        "quota-backend-bytes is 'much', which is not a valid size. Give bytes, or a number with MiB",
    ),
    ("a forgotten unit", {"quota": "5"}, "quota-backend-bytes is '5': with 5 bytes every member would be full"),
    ("an unclear unit", {"quota": "5G"}, "quota-backend-bytes is '5G', which may mean"),
    (
        "auto of nothing",
        {"quota": "auto", "nodes": UNKNOWN},
        "The value auto cannot be worked out: no node's memory and disk are known.",
    ),
    (
        "the quota twice",
        {"extra_args": {"quota-backend-bytes": "1"}},
        "quota-backend-bytes is among the extra arguments. The quota has its own option.",
    ),
    (
        "a retention that etcd does not take",
        {"extra_args": {"auto-compaction-retention": "1d"}},
        "auto-compaction-retention is '1d': for auto-compaction-mode periodic etcd wants hours",
    ),
    ("dashes", {"extra_args": {"--max-wals": 5}}, "'--max-wals' has leading dashes, and kubeadm adds its own."),
]


@pytest.mark.parametrize(("options", "expected"), table(REFUSALS))
def test_refusals(options: Json, expected: str) -> None:
    assert plan(**options)["refusal"].startswith(expected)


def test_all_reasons_are_told() -> None:
    found = plan(hosts=(1, 2), nodes={1: {"memory": 4}})["refusal"]
    assert found.startswith("The nodes of cp3 are not among the hosts")
    assert "host1: A quota of 5.0 GiB is too large" in found


def test_nobody_answers() -> None:
    down = {"answers": False, "error": "connection refused", "process": None}
    looks = {"host1": {**look(1, [], []), **down}}
    del looks["host1"]["cluster"], looks["host1"]["diagnosis"]
    for revive in (False, True):
        found = harden_plan(cluster_of(looks, "host1", revive=revive), looks, quota="auto")
        assert found["refusal"].startswith(
            f"The cluster has no leader: {FIRST}" if revive else "No member of this cluster answers (host1: connection"
        )
        assert (found["order"], found["downtime"]) == ([], False)


FLAGS: list[tuple[str, Json, Json]] = [
    ("none", {}, {"auto-compaction-mode": "periodic", "auto-compaction-retention": "1h"}),
    (
        "more, as text",
        {"max-wals": 9, "pre-vote": True},
        {"auto-compaction-mode": "periodic", "auto-compaction-retention": "1h", "max-wals": "9", "pre-vote": "true"},
    ),
    (
        "another retention",
        {"auto-compaction-retention": "5m"},
        {"auto-compaction-mode": "periodic", "auto-compaction-retention": "5m"},
    ),
    (
        "the same mode",
        {"auto-compaction-mode": "periodic"},
        {"auto-compaction-mode": "periodic", "auto-compaction-retention": "1h"},
    ),
    (
        "another mode, with its retention",
        {"auto-compaction-mode": "revision", "auto-compaction-retention": 1000},
        {"auto-compaction-mode": "revision", "auto-compaction-retention": "1000"},
    ),
    ("another mode alone gets no hours", {"auto-compaction-mode": "revision"}, {"auto-compaction-mode": "revision"}),
    (
        "none wanted",
        {"auto-compaction-retention": "0"},
        {"auto-compaction-mode": "periodic", "auto-compaction-retention": "0"},
    ),
]


@pytest.mark.parametrize(("given", "expected"), table(FLAGS))
def test_flags(given: Json, expected: Json) -> None:
    found = plan(extra_args=given)
    assert found["refusal"] == ""
    assert found["extra_args"] == {"quota-backend-bytes": "5368709120", **expected}


NOTES: list[tuple[str, Json, str]] = [
    ("a node's own address", {"extra_args": {"tls-min-version": "http://192.0.2.9:2381"}}, "tls-min-version holds"),
    ("a mode alone", {"extra_args": {"auto-compaction-mode": "revision"}}, "auto-compaction-mode does nothing without"),
    (
        "a learner",
        {"members": [*three(), entry(4, "learner")], "hosts": (1, 2, 3, 4)},
        "The learner cp4 is not changed, and its own smaller quota would stop all writes too: promote it",
    ),
]


@pytest.mark.parametrize(("options", "head"), table(NOTES))
def test_notes(options: Json, head: str) -> None:
    found = plan(**options)
    assert (found["refusal"], found["order"]) == ("", ["host2", "host3", "host1"])
    (note,) = found["notes"]
    assert note.startswith(head)


TWO = [entry(1), entry(2, "leader")]
AWAY = "etcd would be down, and the API server with it: this is done only if downtime is allowed."

DOWNTIMES: list[tuple[str, list[Json], bool, str]] = [
    ("one", [entry(1, "leader")], False, f"While the only member is restarted, up to 50 s, {AWAY}"),
    ("two", TWO, False, f"While one of 2 members is restarted, up to 50 s, {AWAY}"),
    (
        "two, allowed",
        TWO,
        True,
        "While one of 2 members is restarted, up to 50 s, etcd is down, and the API server with it.",
    ),
]


@pytest.mark.parametrize(("members", "allowed", "note"), table(DOWNTIMES))
def test_downtime(members: list[Json], allowed: bool, note: str) -> None:
    hosts = range(1, len(members) + 1)
    found = plan(members, hosts=hosts, allow_downtime=allowed)
    assert (found["downtime"], found["refusal"], found["notes"]) == (True, "", [note])
    assert found["order"] == [f"host{number}" for number in hosts]


KUBELETS: list[tuple[str, Json, str]] = [
    (
        "stopped",
        on_node(refusal="kubelet was stopped by someone else."),
        "The kubelet of host2 is not running: start it",
    ),
    ("held", on_node(held=held_by("run 7")), "The kubelet of host2 (by run 7) is held: wait until it is released"),
]


@pytest.mark.parametrize(("node", "head"), table(KUBELETS))
def test_nobody_would_start_etcd(node: Json, head: str) -> None:
    assert plan(nodes={2: node})["refusal"].startswith(head)


def test_the_quota_that_counts_is_what_a_member_says_on_its_own_node() -> None:
    """From elsewhere its metrics may not have answered, and it shows etcd's default."""
    own = three()
    own[1] = entry(2, quota=8)
    seen_there = look(2, own, ())["cluster"]
    assert plan(nodes={2: {"cluster": seen_there}})["quota_bytes"] == 8 * GIB


RAISES: list[tuple[str, list[Json], Sequence[int], str, str]] = [
    ("larger for all", three(), (1, 2, 3), "4GiB", ""),
    ("one has it already", MIXED, (1, 2, 3), "8GiB", ""),
    (
        "less than one has",
        MIXED,
        (1, 2, 3),
        "4GiB",
        "A quota of 4.0 GiB is less than members have already (cp2 8.0 GiB), and a recovery lowers none.",
    ),
    (
        "less than none",
        OFF,
        (1, 2, 3),
        "4GiB",
        "A quota of 4.0 GiB is less than members have already (cp2 none at all), and a recovery lowers none.",
    ),
    ("no quota", three(), (1, 2, 3), "much", "much"),
    ("two meanings", three(), (1, 2, 3), "8G", "8G"),
    ("more than the node can carry", three(), (1, 2, 3), "30GiB", "host1: A quota of 30.0 GiB is too large"),
    ("a node that is not there", three(), (1, 2), "4GiB", "The nodes of cp3 are not among the hosts of this run"),
    (
        "a member that is down",
        [entry(1, "leader"), entry(2), entry(3, "silent", error="refused")],
        (1, 2, 3),
        "4GiB",
        "Not every member answers: cp3 (refused).",
    ),
]


@pytest.mark.parametrize(("members", "hosts", "quota", "head"), table(RAISES))
def test_a_recovery_raises(members: list[Json], hosts: Sequence[int], quota: str, head: str) -> None:
    looks = {f"host{number}": look(number, members, ["NOSPACE"]) for number in hosts}
    found = quota_refusals(cluster_of(looks, "host1"), looks, quota)
    assert bool(found) is bool(head)
    assert head in " ".join(found)


def test_a_cluster_without_a_leader_is_judged_when_it_has_one() -> None:
    cluster = {**cluster_of({"host1": look(1, three(), ())}, "host1"), "has_quorum": False}
    assert quota_refusals(cluster, {}, "1GiB") == []


def test_filter() -> None:
    assert FilterModule().filters() == {"harden_plan": harden_plan}
