# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which flags the members get, in which order, and when nothing is done at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from unit.builders import RUNNING, Json, cluster_report, diagnosis, held_by, kubelet_report, node_report, table
from unit.builders import member_report as entry

from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import (
    KubeletReport,
    MemberReport,
    NodeReport,
    UnitReport,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.assessment import cluster_of
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.hardening import (
    HardeningPlan,
    plan_hardening,
    recorded_quota_refusals,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

GIB = 1024**3
DEFAULTS: dict[str, Any] = {
    "quota": "5GiB",
    "lower": False,
    "extra_args": {},
    "allow_downtime": False,
    "wait_timeout": 120,
    "kubeconfig": "/etc/kubernetes/admin.conf",
}


def member(
    number: int, role: str = "follower", *, quota: float = 2.0, size: float = 0.5, error: str = ""
) -> MemberReport:
    """A member, `quota` and `size` in GiB."""
    return entry(number, role, quota=int(quota * GIB), size=int(size * GIB), in_use=int(size * GIB) // 2, error=error)


def three(*, quota: float = 2.0, size: float = 0.5) -> list[MemberReport]:
    return [member(number, "leader" if number == 1 else "follower", quota=quota, size=size) for number in (1, 2, 3)]


def report(number: int, members: Sequence[MemberReport], alarms: Sequence[str], **changes: Any) -> NodeReport:
    """The report of a host whose member answers."""
    corrupt = ["It is corrupt."] if "CORRUPT" in alarms else []
    usual = {
        "cluster": cluster_report(*members, alarms=alarms),
        "memory_bytes": int(15.6 * GIB),
        "free_disk_bytes": 40 * GIB,
        "diagnosis": diagnosis(full=bool(alarms), refusals=corrupt),
    }
    return node_report(number, **{**usual, **changes})


def plan(
    members: Sequence[MemberReport] = (),
    nodes: dict[int, Json] | None = None,
    *,
    alarms: Sequence[str] = (),
    hosts: Sequence[int] = (1, 2, 3),
    **options: Any,
) -> HardeningPlan:
    """The plan for hosts host1 and up; `nodes` says what is different there."""
    found = members or three()
    fleet = Fleet({f"host{number}": report(number, found, alarms, **(nodes or {}).get(number, {})) for number in hosts})
    return plan_hardening(cluster_of(fleet, f"host{hosts[0]}"), fleet, **{**DEFAULTS, **options})


def texts(found: HardeningPlan) -> str:
    return " ".join(refused.text for refused in found.refusals)


def test_default() -> None:
    found = plan()
    assert found.notes == ()
    assert found.as_result() == {
        "extra_args": {
            "quota-backend-bytes": "5368709120",
            "auto-compaction-mode": "periodic",
            "auto-compaction-retention": "1h",
        },
        "order": ["host2", "host3", "host1"],
        "unfinished": "",
        "recorded": True,
        "refusals": [],
        "lines": [
            (
                "Every member will get auto-compaction-mode=periodic, auto-compaction-retention=1h,"
                " quota-backend-bytes=5368709120; members without it are restarted in this order: host2, host3, host1."
            )
        ],
        "step_seconds": 736,
    }


K3S_UNIT = UnitReport("k3s.service", True, "", (), ())
ETCD_ONLY: Json = {"installation": "etcd_only"}

# What the hosts are, and which kubeconfig is named; whether there is a ConfigMap.
HOSTS: list[tuple[str, dict[int, Json], str, bool]] = [
    ("control planes", {}, "/etc/kubernetes/admin.conf", True),
    ("etcd alone", {1: ETCD_ONLY, 2: ETCD_ONLY, 3: ETCD_ONLY}, "/etc/kubernetes/admin.conf", False),
    ("etcd alone, with a kubeconfig", {1: ETCD_ONLY, 2: ETCD_ONLY, 3: ETCD_ONLY}, "/root/.kube/config", True),
    (
        "etcd alone, with other paths on other hosts",
        {1: ETCD_ONLY, 2: {**ETCD_ONLY, "manifest": "/b/manifests/etcd.yaml"}, 3: ETCD_ONLY},
        "/etc/kubernetes/admin.conf",
        False,
    ),
    ("one that lacks its files", {2: ETCD_ONLY}, "/etc/kubernetes/admin.conf", True),
    ("Cluster API", {1: {"installation": "cluster_api"}}, "/etc/kubernetes/admin.conf", True),
]


@pytest.mark.parametrize(("nodes", "kubeconfig", "expected"), table(HOSTS))
def test_where_it_is_recorded(nodes: dict[int, Json], kubeconfig: str, expected: bool) -> None:
    found = plan(nodes=nodes, kubeconfig=kubeconfig)
    assert found.recorded is expected
    assert found.as_result()["recorded"] is expected
    assert (
        any("the manifests are all that is changed, and no ConfigMap" in note for note in found.notes) is not expected
    )
    assert found.refusals == ()


def test_etcds_that_systemd_runs() -> None:
    """A kubelet that does not run, as on hosts with etcd alone, is not in the way of systemd."""
    unit: Json = {
        "manifest": "etcd.service",
        "unit": UnitReport("etcd.service", True, "", (), ()),
        "kubelet": KubeletReport("kubelet", None, False, True, "", ()),
    }
    found = plan(nodes={1: unit, 2: unit, 3: unit})
    assert (found.recorded, found.refusals) == (False, ())
    (note,) = found.notes
    assert note.startswith("host1, host2, host3: systemd runs etcd here (etcd.service)")
    assert "nothing is recorded there" in note


@pytest.mark.parametrize("node", [{"installation": "rke2"}, {"installation": "k3s", "unit": K3S_UNIT}])
def test_servers_of_rke2_and_k3s(node: Json) -> None:
    found = plan(nodes={1: node, 2: node, 3: node})
    assert (found.recorded, found.refusals) == (False, ())
    (note,) = found.notes
    assert note.startswith("host1, host2, host3: RKE2 and k3s write etcd's settings anew at each start, so etcd-arg")


def test_a_service_of_rke2_that_is_stopped() -> None:
    stopped = KubeletReport("rke2-server", None, False, True, "", ())
    found = plan(nodes={1: {"installation": "rke2", "kubelet": stopped}})
    assert [refused.code for refused in found.refusals] == ["kubelet_stopped"]


def test_machines_of_cluster_api() -> None:
    found = plan(nodes={2: {"installation": "cluster_api"}, 3: {"installation": "cluster_api"}})
    (note,) = found.notes
    assert note.startswith("host2, host3: these are machines of Cluster API.")
    flags = "auto-compaction-mode=periodic, auto-compaction-retention=1h, quota-backend-bytes=5368709120"
    assert f"put {flags} into the KubeadmControlPlane" in note


def test_what_is_refused_is_not_announced() -> None:
    found = plan(members=[*three()[:2], member(3, "silent", error="refused")], nodes={3: DOWN})
    assert found.lines == list(found.notes)
    assert found.as_result()["refusals"] == [{"code": "members_missing", "text": found.refusals[0].text}]


DOWN: Json = {"cluster": None, "diagnosis": None, "error": "connection refused", "process": None}
SILENT = [member(1, "leader"), member(2, "silent", error="connection refused"), member(3)]
LEADERLESS = cluster_report(member(1), member(2, "silent"), quorum=False)

UNFINISHED: list[tuple[str, Json, str]] = [
    ("one of three is down", {"members": SILENT, "nodes": {2: DOWN}}, "host2"),
    ("the only one is down", {"members": [member(1)], "hosts": (1,), "nodes": {1: DOWN}}, "host1"),
    (
        "one of two is down",
        {
            "hosts": (1, 2),
            "nodes": {
                1: {"cluster": LEADERLESS, "diagnosis": diagnosis(full=False, refusals=["No leader."])},
                2: DOWN,
            },
        },
        "host2",
    ),
    ("two are down", {"members": SILENT, "nodes": {2: DOWN, 3: DOWN}}, ""),
    ("it runs", {"members": SILENT, "nodes": {2: {**DOWN, "process": RUNNING}}}, ""),
    (
        "its kubelet is held",
        {"members": SILENT, "nodes": {2: {**DOWN, "kubelet": kubelet_report(held=held_by("a:1:1"))}}},
        "",
    ),
    (
        "a copy beside the manifest",
        {"members": SILENT, "nodes": {2: {**DOWN, "stray_files": ("/m/etcd.yaml.bak",)}}},
        "",
    ),
    ("full", {"members": SILENT, "nodes": {2: DOWN}, "alarms": ["NOSPACE"]}, ""),
    ("corrupt", {"members": SILENT, "nodes": {2: DOWN}, "alarms": ["CORRUPT"]}, ""),
    ("a foreign member", {"members": SILENT, "nodes": {2: {**DOWN, "cluster_id": "bad"}}}, ""),
    ("all answer", {}, ""),
]


@pytest.mark.parametrize(("seen", "expected"), table(UNFINISHED))
def test_unfinished(seen: Json, expected: str) -> None:
    """Whatever it is, nothing is rolled out from what was seen."""
    found = plan(**seen)
    assert found.unfinished == expected
    assert bool(found.refusals) == bool(seen)
    assert ("If an earlier run was cut off there" in " ".join(found.notes)) == bool(expected)


UNKNOWN: dict[int, Json] = {number: {"memory_bytes": None} for number in (1, 2, 3)}


def memory(size: float) -> Json:
    return {"memory_bytes": int(size * GIB)}


def free(size: float) -> Json:
    return {"free_disk_bytes": int(size * GIB)}


FIRST = "run recover first (the playbook controlplane.etcd.recover)."
UNSTARTED = [*three(), member(4, "unstarted")]

REFUSALS: list[tuple[str, Json, str]] = [
    ("full", {"alarms": ["NOSPACE"]}, f"The NOSPACE alarm is armed (by cp1): {FIRST}"),
    ("full and corrupt: recover says so", {"alarms": ["NOSPACE", "CORRUPT"]}, "The NOSPACE alarm is armed (by cp1)"),
    ("corrupt", {"alarms": ["CORRUPT"]}, "It is corrupt."),
    (
        "the next write raises the alarm",
        {"members": [member(1, "leader", size=1.96), member(2), member(3)]},
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
        {"nodes": {3: {"stray_files": ("/m/etcd.yaml.bak",)}}},
        "host3 has /m/etcd.yaml.bak beside the manifest of etcd.",
    ),
    (
        "memory cannot carry it",
        {"nodes": {2: memory(3.8), 3: memory(4.5)}},
        (
            "host2: A quota of 5.0 GiB is too large: the database is mapped into memory, which needs 7.0 GiB (the"
            " quota, and 2.0 GiB for everything else); there are 3.8 GiB. At most 2.0 GiB fit here. The value auto"
            " would be 2.0 GiB for the whole cluster."
        ),
    ),
    (
        "the disk cannot carry it: another one decides on auto",
        {"nodes": {1: memory(64), 2: {**memory(64), **free(8.5)}, 3: memory(7.8)}},
        (
            "host2: A quota of 5.0 GiB is too large: a database of that size and one copy of it need 10.0 GiB on"
            " etcd's disk; there are 8.5 GiB free and 0.5 GiB in use by the database. At most 4.0 GiB fit here. The"
            " value auto would be 2.0 GiB for the whole cluster."
        ),
    ),
    (
        "where the member listens",
        {"extra_args": {"listen-metrics-urls": "http://0.0.0.0:2381"}},
        "--listen-metrics-urls is part of what this member is, where it listens or whom it trusts",
    ),
    (
        "not even auto",
        {"nodes": {2: free(1)}, "quota": "auto", "members": three(quota=1)},
        "host2: A quota of 2.0 GiB is too large: a database of that size and one copy of it need 4.0 GiB",
    ),
    (
        "the highest that runs is too much for another one",
        {"members": [member(1, "leader"), member(2, quota=8), member(3)], "nodes": {1: memory(4)}},
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
    assert texts(plan(**options)).startswith(expected)


def test_all_reasons_are_told() -> None:
    found = texts(plan(hosts=(1, 2), nodes={1: memory(4)}))
    assert found.startswith("The nodes of cp3 are not among the hosts")
    assert "host1: A quota of 5.0 GiB is too large" in found


def test_nobody_answers() -> None:
    fleet = Fleet({"host1": node_report(1, error="connection refused")})
    for revive in (False, True):
        found = plan_hardening(cluster_of(fleet, "host1", revive=revive), fleet, **{**DEFAULTS, "quota": "auto"})
        assert texts(found).startswith(
            f"The cluster has no leader: {FIRST}" if revive else "No member of this cluster answers (host1: connection"
        )
        assert found.order == ()


CODES: list[tuple[str, Json, list[str]]] = [
    ("full", {"alarms": ["NOSPACE"]}, ["nospace_alarm"]),
    ("the next write raises the alarm", {"members": three(size=1.96)}, ["quota_used_up"]),
    ("a quota that is no size", {"quota": "much"}, ["invalid_quota"]),
    ("the quota twice", {"extra_args": {"quota-backend-bytes": "1"}}, ["invalid_quota"]),
    ("auto of nothing", {"quota": "auto", "nodes": UNKNOWN}, ["invalid_quota"]),
    ("where the member listens", {"extra_args": {"listen-metrics-urls": "x"}}, ["identity_flag"]),
    (
        "not in the inventory, and too large",
        {"hosts": (1, 2), "nodes": {1: memory(4)}},
        [
            "nodes_out_of_reach",
            "quota_too_large",
        ],
    ),
]


@pytest.mark.parametrize(("options", "expected"), table(CODES))
def test_codes(options: Json, expected: list[str]) -> None:
    assert [refused.code for refused in plan(**options).refusals] == expected


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
    assert found.refusals == ()
    assert found.extra_args == {"quota-backend-bytes": "5368709120", **expected}


NOTES: list[tuple[str, Json, str]] = [
    ("a node's own address", {"extra_args": {"tls-min-version": "http://192.0.2.9:2381"}}, "tls-min-version holds"),
    ("a large quota", {"quota": "9GiB"}, "The quota of 9663676416 bytes is beyond"),
    ("a quota that stays", {"members": three(quota=8)}, "The quota stays at 8.0 GiB, which is more than the 5.0 GiB"),
    ("a mode alone", {"extra_args": {"auto-compaction-mode": "revision"}}, "auto-compaction-mode does nothing without"),
    (
        "a learner",
        {"members": [*three(), member(4, "learner")], "hosts": (1, 2, 3, 4)},
        "The learner cp4 is not changed, and its own smaller quota would stop all writes too: promote it",
    ),
]


@pytest.mark.parametrize(("options", "head"), table(NOTES))
def test_notes(options: Json, head: str) -> None:
    found = plan(**options)
    assert (found.refusals, found.order) == ((), ("host2", "host3", "host1"))
    (note,) = found.notes
    assert note.startswith(head)


TWO = [member(1), member(2, "leader")]
AWAY = "etcd would be down, and the API server with it: this is done only if downtime is allowed."

DOWNTIMES: list[tuple[str, list[MemberReport], bool, str]] = [
    ("one", [member(1, "leader")], False, f"While the only member is restarted, up to 50 s, {AWAY}"),
    ("two", TWO, False, f"While one of 2 members is restarted, up to 50 s, {AWAY}"),
    (
        "two, allowed",
        TWO,
        True,
        "While one of 2 members is restarted, up to 50 s, etcd is down, and the API server with it.",
    ),
]


@pytest.mark.parametrize(("members", "allowed", "note"), table(DOWNTIMES))
def test_downtime(members: list[MemberReport], allowed: bool, note: str) -> None:
    hosts = range(1, len(members) + 1)
    found = plan(members, hosts=hosts, allow_downtime=allowed)
    assert (found.refusals, found.notes) == ((), (note,))
    assert found.order == tuple(f"host{number}" for number in hosts)


KUBELETS: list[tuple[str, KubeletReport, str]] = [
    (
        "stopped",
        kubelet_report(refusal="kubelet was stopped by someone else."),
        "The kubelet of host2 is not running: start it",
    ),
    (
        "held",
        kubelet_report(held=held_by("run 7")),
        "The kubelet of host2 (by run 7) is held: wait until it is released",
    ),
]


@pytest.mark.parametrize(("kubelet", "head"), table(KUBELETS))
def test_nobody_would_start_etcd(kubelet: KubeletReport, head: str) -> None:
    assert texts(plan(nodes={2: {"kubelet": kubelet}})).startswith(head)


RECORDED: list[tuple[str, list[dict[str, str]], bool, str]] = [
    ("nothing is replaced", [{}, {}], False, ""),
    ("less", [{"quota-backend-bytes": "2147483648"}], False, ""),
    ("the same, spelled otherwise", [{"quota-backend-bytes": "0x140000000"}], False, ""),
    (
        "more",
        [{"quota-backend-bytes": "8589934592"}],
        False,
        (
            "has a quota of 8589934592 bytes, more than the 5368709120 that all members would get. Give them that much"
            " (harden_quota_backend_bytes), or allow it to be lowered (harden_lower_quota). No member was touched."
        ),
    ),
    (
        "more, after the members",
        [{"quota-backend-bytes": "8589934592"}],
        True,
        "The members have it already; the ConfigMap was not changed.",
    ),
    (
        "switched off in one, more in the other",
        [{"quota-backend-bytes": "-1"}, {"quota-backend-bytes": "8589934592"}],
        False,
        "has a quota of 8589934592, -1 bytes",
    ),
    ("no number: it is said elsewhere", [{"quota-backend-bytes": "much"}, {"quota-backend-bytes": ""}], False, ""),
]


@pytest.mark.parametrize(("replaced", "late", "part"), table(RECORDED))
def test_recorded_quota(replaced: list[dict[str, str]], late: bool, part: str) -> None:
    found = recorded_quota_refusals(replaced, {"quota-backend-bytes": "5368709120"}, late=late)
    assert [refused.code for refused in found] == (["recorded_quota_larger"] if part else [])
    assert all(part in refused.text for refused in found)


def test_recorded_quota_while_none_is_wanted() -> None:
    assert recorded_quota_refusals([{"max-wals": "5"}], {}, late=False) == []
