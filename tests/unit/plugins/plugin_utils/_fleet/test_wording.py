# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said before the first change and at the end, sentence by sentence; tables letter by letter."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.builders import MIB, Json, cluster_report, member_report, node_report, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import (
    AlarmReport,
    MemberReport,
    NodeReport,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet import wording
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.cluster import Cluster
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.coordination import Place
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.results import (
    ApiServerCheck,
    RolledMember,
    TakenSnapshot,
    WriteCheck,
)


def sized(name: str, role: str, size: int, in_use: int, quota: int = 2048 * MIB) -> MemberReport:
    found = member_report(1, role, size=size, in_use=in_use, quota=quota)
    return found._replace(name=name, member_id=name)


def alarm(name: str, kind: str = "NOSPACE") -> AlarmReport:
    return AlarmReport(kind, name, name)


TABLES: list[tuple[str, list[MemberReport], list[AlarmReport], list[MemberReport], list[str]]] = [
    (
        "before and after",
        [sized("cp1", "follower", 297 * MIB, 296 * MIB), sized("cp2", "leader", 298 * MIB, 296 * MIB)],
        [],
        [sized("cp2", "follower", 2047 * MIB, 0), sized("cp1", "leader", 2048 * MIB, 0)],
        [
            "member  role      before      after      in use     quota       alarm",
            "cp1     follower  2048.0 MiB  297.0 MiB  296.0 MiB  2048.0 MiB  none",
            "cp2     leader    2047.0 MiB  298.0 MiB  296.0 MiB  2048.0 MiB  none",
        ],
    ),
    (
        "alarms",
        [sized("cp1", "leader", MIB, MIB), sized("control-plane-2", "follower", MIB, MIB)],
        [alarm("cp1"), alarm("gone"), alarm("cp1", "CORRUPT")],
        [sized("cp1", "leader", MIB, MIB)],
        [
            "member           role      before   after    in use   quota       alarm",
            "cp1              leader    1.0 MiB  1.0 MiB  1.0 MiB  2048.0 MiB  NOSPACE,CORRUPT",
            "control-plane-2  follower  -        1.0 MiB  1.0 MiB  2048.0 MiB  none",
        ],
    ),
    (
        "silent, quota off",
        [sized("cp1", "silent", 0, 0, -1)],
        [],
        [],
        ["member  role    before  after  in use  quota  alarm", "cp1     silent  -       -      -       off    none"],
    ),
    ("nobody", [], [], [], ["member  role  before  after  in use  quota  alarm"]),
]


@pytest.mark.parametrize(("members", "alarms", "before", "expected"), table(TABLES))
def test_table(
    members: list[MemberReport], alarms: list[AlarmReport], before: list[MemberReport], expected: list[str]
) -> None:
    cluster = cluster_report(*members)._replace(alarms=tuple(alarms))
    assert wording.member_table(cluster, before) == expected


def used(number: int, share: float) -> MemberReport:
    return member_report(number)._replace(quota_used=share)


CLUSTER = Cluster(
    name="host1",
    unit_of_events="",
    hosts=("host1", "host2"),
    coordinator="host1",
    snapshot_host="host1",
    order=(Place("cp2", "host2", ""), Place("cp1", "host1", "")),
    members=(used(1, 0.9996), used(2, 0.3)),
    has_quorum=True,
    has_work=True,
    full=True,
    refusals=(),
    findings=("It is full.",),
    expected_seconds=74,
    lock_runs=(),
    hidden_hosts=(),
    revive={},
    hold={},
)
CORRUPT = (Refused("corrupt_alarm", "It is corrupt."),)
HEALTHY: Json = {"has_work": False, "findings": ()}
STEPS = "defragment cp2, then cp1, disarm and prove: about 74 s."
WELL = "is not out of space: no alarm is armed, and the fullest member uses"

FIRST, ENDS, MOMENT = "their kubelets", "which ends their back-off.", "all at once"
READS = "is running but does not answer. A starting member reads its log and its database first"
LATER = "The next steps can be planned once there is a leader again."
HELD = "held (stopped, with a timer that starts it again) during the work:"
PLAN = f"It will now take a snapshot, compact, {STEPS}"

PLANS: list[tuple[str, Json, Json, list[str]]] = [
    ("recovery", {}, {}, ["It is full.", f"It will now take a snapshot, compact, {STEPS}"]),
    ("check mode", {}, {"check": True}, ["It is full.", f"It would take a snapshot, compact, {STEPS}"]),
    (
        "without a snapshot",
        {},
        {"snapshot": False},
        ["It is full.", f"It will now compact (without a snapshot), {STEPS}"],
    ),
    ("no findings", {"findings": ()}, {}, [f"It will now take a snapshot, compact, {STEPS}"]),
    ("refused", {"refusals": CORRUPT}, {}, ["It is full."]),
    ("nobody answers", {"refusals": CORRUPT, "members": (), "order": (), "findings": ()}, {}, []),
    (
        "healthy",
        HEALTHY,
        {},
        [f"The etcd of cp1, cp2 {WELL} 100.0 % of its quota."],
    ),
    (
        "healthy, with something to say",
        {**HEALTHY, "findings": ("cp3 is silent.",), "members": (used(1, 0.0412),)},
        {"check": True},
        [
            "cp3 is silent.",
            f"The etcd of cp1 {WELL} 4.1 % of its quota.",
        ],
    ),
    (
        "brought back, with a leader",
        {"revive": {"a": "restart", "b": "restart"}},
        {},
        ["It is full.", f"The members of a, b do not answer: {FIRST} are restarted first, {ENDS}", PLAN],
    ),
    (
        "brought back without one: nothing is known yet",
        {"revive": {"a": "restart", "b": "restart"}, "has_quorum": False, "members": (), "order": (), "findings": ()},
        {},
        [f"The members of a, b have no leader: {FIRST} are restarted first, {MOMENT}, {ENDS}", LATER],
    ),
    (
        "check mode, brought back",
        {"revive": {"a": "restart"}, "has_quorum": False, "findings": ()},
        {"check": True},
        [f"The members of a have no leader: {FIRST} would be restarted first, {MOMENT}, {ENDS}", LATER],
    ),
    (
        "waited for",
        {"revive": {"a": "wait", "b": "restart"}, "findings": ()},
        {},
        [
            f"The members of b do not answer: {FIRST} are restarted first, {ENDS}",
            f"etcd on a {READS}: it is waited for, not restarted.",
            PLAN,
        ],
    ),
    (
        "check mode, waited for",
        {"revive": {"a": "wait"}, "findings": ()},
        {"check": True},
        [
            f"etcd on a {READS}: it would be waited for, not restarted.",
            f"It would take a snapshot, compact, {STEPS}",
        ],
    ),
    (
        "held, one line for each reason",
        {"hold": {"a": "its probe fails", "b": "an earlier run holds it", "c": "its probe fails"}, "findings": ()},
        {},
        [
            f"The kubelet of a, c is {HELD} its probe fails.",
            f"The kubelet of b is {HELD} an earlier run holds it.",
            PLAN,
        ],
    ),
    (
        "check mode, held",
        {"hold": {"a": "its probe fails"}, "findings": ()},
        {"check": True},
        [f"The kubelet of a would be {HELD} its probe fails.", f"It would take a snapshot, compact, {STEPS}"],
    ),
    ("not held, as told", {"hold": {"a": "its probe fails"}, "findings": ()}, {"hold": False}, [PLAN]),
    (
        "brought back and held, but refused",
        {"refusals": CORRUPT, "revive": {"a": "restart"}, "hold": {"a": "its probe fails"}},
        {},
        ["It is full."],
    ),
    ("healthy, but refused", {**HEALTHY, "refusals": CORRUPT}, {}, []),
]


ASKED = "The API servers of api1, api2, which have no etcd but use this one, are asked in the end."
PLANS += [
    ("API servers elsewhere", {"apiserver_hosts": ("api1", "api2")}, {}, ["It is full.", PLAN, ASKED]),
    ("they are not asked if it is refused", {"apiserver_hosts": ("api1",), "refusals": CORRUPT}, {}, ["It is full."]),
]


@pytest.mark.parametrize(("changes", "options", "expected"), table(PLANS))
def test_plan_of_a_recovery(changes: Json, options: Json, expected: list[str]) -> None:
    usual: Json = {"check": False, "snapshot": True, "hold": True}
    assert wording.recovery_plan(replace(CLUSTER, **changes), **{**usual, **options}) == expected


def test_second_etcd() -> None:
    assert wording.heading(CLUSTER) == wording.schedule_notes(CLUSTER) == []
    events = replace(CLUSTER, unit_of_events="etcd-events.service")
    assert wording.heading(events) == [
        "etcd-events.service of host1, host2, the second etcd of Kubernetes, for its events:"
    ]
    assert wording.schedule_notes(events) == [
        "etcd-events.service is the second etcd of host1, host2: their schedule stays the first one's."
    ]


BEFORE, AFTER = sized("cp1", "leader", 2048 * MIB, MIB), sized("cp1", "leader", 297 * MIB, MIB)
CHECK = WriteCheck(
    cluster=cluster_report(AFTER),
    writes=("cp1", "cp2"),
    hashes_agree=True,
    hashes_reason="",
    growth_bytes_per_minute=0.0,
    minutes_to_full=None,
    findings=(),
)


def api_server(outcome: str, reason: str = "", seconds: float = 0.4) -> ApiServerCheck:
    return ApiServerCheck(outcome, reason, seconds)


WRITES = "Recovered in 21.4 s. Writes are accepted through cp1, cp2; the followers hold the same data."
NO_SNAPSHOT = "No snapshot was taken (recover_snapshot=false)."
STANDS = "The database grows by 0.0 MiB per minute."

GROWS = {"growth_bytes_per_minute": 1.5 * MIB}
ACCEPTED = {"a": api_server("accepted")}
ACCEPT = "The API servers of a accept writes."

REPORTS: list[tuple[str, Json, dict[str, ApiServerCheck], list[str]]] = [
    ("nothing was there to write, so that it stands says nothing", {}, {}, [WRITES, NO_SNAPSHOT]),
    ("it stands while Kubernetes writes", {}, ACCEPTED, [WRITES, ACCEPT, NO_SNAPSHOT, STANDS]),
    (
        "no API server is up",
        {},
        {"b": api_server("not ready", "it does not answer", 120.4)},
        [WRITES, "The API server of b is still not up after 120 s: it does not answer.", NO_SNAPSHOT],
    ),
    (
        "data not compared",
        {"hashes_agree": False, "hashes_reason": "only one follower answers"},
        {},
        [f"{WRITES.partition(';')[0]}; their data was not compared (only one follower answers).", NO_SNAPSHOT],
    ),
    (
        "no data to compare",
        {"hashes_agree": False},
        {},
        ["Recovered in 21.4 s. Writes are accepted through cp1, cp2.", NO_SNAPSHOT],
    ),
    (
        "grows",
        {**GROWS, "minutes_to_full": 83.3},
        {},
        [WRITES, NO_SNAPSHOT, "The database grows by 1.5 MiB per minute: at that rate it is full in 83 minutes."],
    ),
    (
        "grows fast",
        {"growth_bytes_per_minute": 900.0 * MIB, "minutes_to_full": 0.9},
        {},
        [
            WRITES,
            NO_SNAPSHOT,
            "The database grows by 900.0 MiB per minute: at that rate it is full in less than a minute.",
        ],
    ),
    (
        "exactly a minute",
        {"growth_bytes_per_minute": 900.0 * MIB, "minutes_to_full": 1.0},
        {},
        [WRITES, NO_SNAPSHOT, "The database grows by 900.0 MiB per minute: at that rate it is full in 1 minutes."],
    ),
    ("grows without a quota", GROWS, {}, [WRITES, NO_SNAPSHOT, "The database grows by 1.5 MiB per minute."]),
    (
        "findings come last",
        {"findings": ("cp3 does not answer (down).", "And more.")},
        ACCEPTED,
        [WRITES, ACCEPT, NO_SNAPSHOT, STANDS, "cp3 does not answer (down).", "And more."],
    ),
]


@pytest.mark.parametrize(("changes", "api_servers", "expected"), table(REPORTS))
def test_report_of_a_recovery(changes: Json, api_servers: dict[str, ApiServerCheck], expected: list[str]) -> None:
    check = replace(CHECK, **changes)
    lines = wording.recovery_report(check, [BEFORE], seconds=21.44, snapshot=NO_SNAPSHOT, api_servers=api_servers)
    members = wording.member_table(CHECK.cluster, [BEFORE])
    assert lines[: len(members)] == members
    assert "2048.0 MiB  297.0 MiB" in lines[1]
    assert lines[len(members) :] == expected


def test_report_in_check_mode() -> None:
    assert wording.check_mode_report(CHECK, [BEFORE], {"a": api_server("ready")}) == [
        *wording.member_table(CHECK.cluster, [BEFORE]),
        "The API servers of a are ready; nothing was written through them.",
        "Check mode: nothing was changed. The sizes are the current ones.",
    ]


SNAPSHOT = TakenSnapshot("/var/backups/etcd/x.db", 77, False)
SNAPSHOT_LINE = "Snapshot from before the compaction: /var/backups/etcd/x.db on host1"

SNAPSHOTS: list[tuple[str, TakenSnapshot | None, bool, str]] = [
    ("none, as told", None, False, NO_SNAPSHOT),
    ("none: nobody came as far", None, True, "No snapshot was taken: nothing was compacted."),
    ("one", SNAPSHOT, True, f"{SNAPSHOT_LINE} (revision 77)."),
    (
        "one of an earlier attempt",
        replace(SNAPSHOT, reused=True),
        True,
        f"{SNAPSHOT_LINE} (revision 77, reused from an earlier attempt).",
    ),
]


@pytest.mark.parametrize(("snapshot", "wanted", "expected"), table(SNAPSHOTS))
def test_snapshot_line(snapshot: TakenSnapshot | None, wanted: bool, expected: str) -> None:
    assert wording.snapshot_line(snapshot, "host1", wanted=wanted) == expected


def test_plan_of_a_hardening() -> None:
    assert wording.hardening_line({"b": "2", "a": "1"}, ["host2", "host1"]) == (
        "Every member will get a=1, b=2; members without it are restarted in this order: host2, host1."
    )


ROLLED = RolledMember(
    changed=True, method="kubeadm", reason="", seconds=13.2, differences=(), flags_before={}, flags_after={}
)
PATCHED = replace(
    ROLLED, method="patch", reason="There is no kubeadm on this node.", differences=("It differs.", "So.")
)

MEMBERS_DONE: list[tuple[str, RolledMember, bool, str]] = [
    ("done", ROLLED, False, "host1 runs with its new flags, and was down for 13.2 s (kubeadm)."),
    ("check mode", ROLLED, True, "host1 would be restarted with its new flags (kubeadm)."),
    ("nothing to do", replace(ROLLED, changed=False), False, "host1 already runs with these flags."),
    ("nothing to do in check mode", replace(PATCHED, changed=False), True, "host1 already runs with these flags."),
    (
        "a unit's file",
        replace(ROLLED, method="/etc/etcd.env", owner="kubespray writes it again."),
        False,
        "host1 runs with its new flags, and was down for 13.2 s (/etc/etcd.env). kubespray writes it again.",
    ),
    (
        "with a reason and differences",
        PATCHED,
        False,
        (
            "host1 runs with its new flags, and was down for 13.2 s (patch). There is no kubeadm on this node."
            " It differs. So."
        ),
    ),
]


@pytest.mark.parametrize(("rolled", "check", "expected"), table(MEMBERS_DONE))
def test_member_that_is_hardened(rolled: RolledMember, check: bool, expected: str) -> None:
    assert wording.rolled_line("host1", rolled, check=check) == expected


def silences(error: str) -> NodeReport:
    """The report of a host whose member does not answer."""
    return node_report(1)._replace(error=error)


NOBODY = "No member of this cluster answers"
ADVICE = "See why etcd exits there (journalctl -u kubelet, /var/log/pods/kube-system_etcd-*), and start it first."
SILENCES: list[tuple[str, list[NodeReport], str | None]] = [
    ("one answers", [silences("Connection refused"), node_report(2, cluster_report(member_report(2, "leader")))], None),
    (
        "nobody",
        [silences("Connection refused"), silences("bad certificate")],
        f"{NOBODY} (a: Connection refused; b: bad certificate). {ADVICE}",
    ),
]


@pytest.mark.parametrize(("reports", "expected"), table(SILENCES))
def test_no_member_answers(reports: list[NodeReport], expected: str | None) -> None:
    found = wording.no_member_answers(Fleet(dict(zip("abcde", reports, strict=False))))
    assert (found.text if found else None) == expected
    assert not found or found.code == "no_member_answers"
