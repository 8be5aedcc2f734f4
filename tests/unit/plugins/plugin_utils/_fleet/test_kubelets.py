# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kubelets are restarted and which are held, and what is said about them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import (
    MIB,
    RUNNING,
    cluster_report,
    held_by,
    kubelet_report,
    member_report,
    node_report,
    table,
    unit_report,
    upkeep,
)

from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet_hold import Hold
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import (
    ClusterReport,
    NodeReport,
    ProcessReport,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.kubelets import held_by as held_by_run
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.kubelets import (
    holds,
    idle_kubelets,
    kubelet_findings,
    revivals,
    stray_refusals,
)
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

STOPPED = "kubelet was stopped by someone else, so it is not started automatically."
NO_UNIT = "There is no unit kubelet on this node. If its kubelet has another name, set it."
NO_SYSTEMD = "systemd cannot be asked about kubelet: No such file or directory."


def up(
    number: int,
    *,
    probes: str = "1.33",
    held: Hold | None = None,
    refusal: str = "",
    running: bool | None = None,
    stray_files: Sequence[str] = (),
    start_seconds: float = 12.8,
) -> NodeReport:
    """A host whose member answers."""
    return node_report(
        number,
        cluster_report(),
        probes=probes,
        kubelet=kubelet_report(held=held, refusal=refusal, running=running),
        stray_files=tuple(stray_files),
        start_seconds=start_seconds,
    )


def down(
    number: int,
    *,
    probes: str = "1.33",
    held: Hold | None = None,
    refusal: str = "",
    last_lines: Sequence[str] = (),
    stray_files: Sequence[str] = (),
    start_seconds: float = 12.8,
    process: ProcessReport | None = None,
    waiting_may_help: bool = True,
) -> NodeReport:
    """A host whose etcd does not run."""
    return node_report(
        number,
        probes=probes,
        kubelet=kubelet_report(held=held, refusal=refusal, last_lines=last_lines),
        stray_files=tuple(stray_files),
        start_seconds=start_seconds,
        process=process,
        waiting_may_help=waiting_may_help,
        error="Connection refused",
    )


def starting(number: int, *, refusal: str = "", probes: str = "1.33") -> NodeReport:
    """A host whose etcd runs but does not answer yet."""
    return down(number, process=RUNNING, refusal=refusal, probes=probes)


def refusing(number: int, *, refusal: str = "", probes: str = "1.33", held: Hold | None = None) -> NodeReport:
    """A host whose etcd does not take its certificate."""
    return down(number, process=RUNNING, waiting_may_help=False, refusal=refusal, probes=probes, held=held)


def known(*roles: str, quorum: bool = True) -> ClusterReport:
    """What the coordinator's member says of members with these roles."""
    members = [member_report(number, role) for number, role in enumerate(roles, start=1)]
    return cluster_report(*members, quorum=quorum)


WITH_LEADER = known("leader", "follower", "silent")
ALONE = known("follower", "silent", "silent", quorum=False)

# Hosts, what the coordinator's member says of all, None if it is down, and whether it is full; who is brought back.
REVIVALS: list[tuple[str, list[NodeReport], ClusterReport | None, bool, dict[str, str]]] = [
    ("all well", [up(1), up(2), up(3)], known("leader", "follower", "follower"), True, {}),
    ("one down", [up(1), up(2), down(3)], WITH_LEADER, True, {"c": "restart"}),
    ("one down, nothing to do", [up(1), up(2), down(3)], WITH_LEADER, False, {}),
    ("one reads its log", [up(1), up(2), starting(3)], WITH_LEADER, True, {"c": "wait"}),
    ("one refuses its certificate", [up(1), up(2), refusing(3)], WITH_LEADER, True, {}),
    (
        "it does not answer its own host, but others",
        [up(1), up(2), down(3)],
        known("leader", "follower", "follower"),
        True,
        {},
    ),
    ("a learner is down", [up(1), up(2), down(3)], known("leader", "follower", "learner"), True, {}),
    (
        "one was never started",
        [up(1), up(2), down(3)._replace(member_id=None)],
        WITH_LEADER,
        True,
        {"c": "restart"},
    ),
    ("one that is not started yet", [up(1), down(2)], known("leader", "unstarted"), True, {"b": "restart"}),
    ("its kubelet was stopped by someone else", [up(1), up(2), down(3, refusal=STOPPED)], WITH_LEADER, True, {}),
    ("no systemd", [up(1), up(2), down(3, refusal=NO_SYSTEMD)], WITH_LEADER, True, {}),
    (
        "its kubelet is held: it died there",
        [up(1), up(2), down(3, held=held_by("r"))],
        WITH_LEADER,
        True,
        {"c": "restart"},
    ),
    (
        "its kubelet was stopped, but it runs",
        [up(1), up(2), starting(3, refusal=STOPPED)],
        WITH_LEADER,
        True,
        {"c": "wait"},
    ),
    ("all down", [down(1), down(2), down(3)], None, True, {"a": "restart", "b": "restart", "c": "restart"}),
    (
        "no leader: those that answer as well",
        [up(1), down(2), down(3)],
        ALONE,
        True,
        {"a": "restart", "b": "restart", "c": "restart"},
    ),
    (
        "no leader, though not full",
        [up(1), down(2), down(3)],
        ALONE,
        False,
        {"a": "restart", "b": "restart", "c": "restart"},
    ),
    (
        "no leader, one reads its log",
        [up(1), starting(2), down(3)],
        ALONE,
        True,
        {"a": "restart", "b": "wait", "c": "restart"},
    ),
    ("no leader, all read theirs", [starting(1), starting(2)], None, True, {"a": "wait", "b": "wait"}),
    (
        "no leader, one kubelet was stopped",
        [up(1), down(2, refusal=STOPPED), down(3)],
        ALONE,
        True,
        {"a": "restart", "c": "restart"},
    ),
    ("no leader, all kubelets were stopped", [down(1, refusal=STOPPED), down(2, refusal=STOPPED)], None, True, {}),
    ("no leader, a stopped one that answers", [up(1, refusal=STOPPED), down(2)], ALONE, True, {"b": "restart"}),
    (
        "no leader, one refuses its certificate",
        [up(1), refusing(2), down(3)],
        ALONE,
        True,
        {"a": "restart", "c": "restart"},
    ),
    ("all refuse their certificates", [refusing(1), refusing(2)], None, True, {}),
    ("all answer without a leader", [up(1), up(2)], known("follower", "follower", quorum=False), True, {}),
    ("single node", [down(1)], None, True, {"a": "restart"}),
]


def named(*reports: NodeReport) -> Fleet:
    return Fleet(dict(zip("abcde", reports, strict=False)))


@pytest.mark.parametrize(("reports", "seen", "full", "expected"), table(REVIVALS))
def test_revivals(reports: list[NodeReport], seen: ClusterReport | None, full: bool, expected: dict[str, str]) -> None:
    assert revivals(named(*reports), seen, full=full) == expected


@given(st.lists(st.sampled_from([up, down, starting, refusing]), min_size=1, max_size=5), st.data())
def test_nobody_is_restarted_against_somebodys_will(kinds: list[object], data: st.DataObject) -> None:
    peers = named(
        *(kind(number, refusal=data.draw(st.sampled_from(["", STOPPED]))) for number, kind in enumerate(kinds))
    )
    roles = data.draw(st.lists(st.sampled_from(["leader", "follower", "silent"]), max_size=5))
    found = revivals(peers, known(*roles, quorum=data.draw(st.booleans())), full=data.draw(st.booleans()))
    assert list(found) == sorted(found)
    for host, way in found.items():
        assert not peers[host].kubelet.refusal or way == "wait"
        assert peers[host].process or way == "restart"


def cluster(*, alarms: int = 0, has_quorum: bool = True, in_use: int = 100 * MIB) -> ClusterReport:
    members = [member_report(1, "leader", in_use=in_use), member_report(2, in_use=in_use)]
    return cluster_report(*members, quorum=has_quorum, alarms=["NOSPACE"] * alarms)


ALARM = "fails under the alarm"
OLD = "1.30"

SLOW = upkeep(defrag_bytes_per_second=60.0 * MIB)

# A host, its cluster, whether it is brought back; what its kubelet is held for, None if it is not held.
HOLDS: list[tuple[str, NodeReport, ClusterReport | None, bool, str | None]] = [
    ("nothing stands against it", up(1), cluster(), False, None),
    ("alarm, new probes", up(1), cluster(alarms=1), False, None),
    ("alarm, old probes", up(1, probes=OLD), cluster(alarms=1), False, ALARM),
    ("alarm, oldest probes", up(1, probes="1.22"), cluster(alarms=3), False, "its liveness probe (/health) fails"),
    ("no alarm, old probes", up(1, probes=OLD), cluster(), False, None),
    ("no leader: there may be an alarm", up(1, probes=OLD), cluster(has_quorum=False), True, ALARM),
    ("nobody answers: there may be an alarm", down(1, probes=OLD), None, True, ALARM),
    ("nobody answers, new probes", down(1), None, True, None),
    ("down, and not brought back", down(1, probes=OLD), cluster(alarms=1), False, None),
    ("no probes at all", up(1)._replace(probes=()), cluster(alarms=1), False, None),
    (
        "much to read",
        down(1, start_seconds=48.1),
        None,
        True,
        "its startup probe (/readyz) fails while its log and its database are read",
    ),
    ("as much as just fits", down(1, start_seconds=48), None, True, None),
    ("much to read, but it runs", up(1, start_seconds=360), cluster(), False, None),
    (
        "a long defragmentation",
        up(1),
        cluster(in_use=1921 * MIB),
        False,
        "its liveness probe (/livez) fails during the",
    ),
    ("a disk as slow as measured", up(1)._replace(upkeep=SLOW), cluster(in_use=961 * MIB), False, "its liveness probe"),
    ("a slow disk, but little on it", up(1)._replace(upkeep=SLOW), cluster(in_use=960 * MIB), False, None),
    ("a defragmentation that just fits", up(1), cluster(in_use=1920 * MIB), False, None),
    ("its kubelet was stopped by someone else", up(1, probes=OLD, refusal=STOPPED), cluster(alarms=1), False, None),
    ("no systemd", up(1, probes=OLD, refusal=NO_SYSTEMD), cluster(alarms=1), False, None),
    ("an earlier run holds it", up(1, held=held_by("them")), cluster(), False, "an earlier run holds it"),
    ("held, and for a reason", up(1, probes=OLD, held=held_by("them")), cluster(alarms=1), False, ALARM),
    ("held, down, and not brought back", down(1, held=held_by("them")), cluster(), False, None),
    ("a member that is not in the list", up(9), cluster(in_use=9000 * MIB), False, None),
]


@pytest.mark.parametrize(("report", "seen", "revived", "expected"), table(HOLDS))
def test_holds(report: NodeReport, seen: ClusterReport | None, revived: bool, expected: str | None) -> None:
    found = holds(named(report), seen, {"a": "restart"} if revived else {})
    if expected is None:
        assert found == {}
    else:
        assert list(found) == ["a"]
        assert expected in found["a"]


def test_each_host_is_held_for_its_own_reason() -> None:
    peers = named(up(1, probes=OLD), up(2), up(3, held=held_by("me")))
    assert list(holds(peers, cluster(alarms=1), {})) == ["a", "c"]


# While "a" is brought back: a host beside it, and whether that one is held as well.
BESIDE: list[tuple[str, NodeReport, bool]] = [
    ("it answers", up(2, probes=OLD), True),
    ("it is down", down(2, probes=OLD), True),
    ("it starts", starting(2, probes=OLD), True),
    ("it runs, but refuses this node", refusing(2, probes=OLD), False),
    ("it is down, and refused this node before", down(2, probes=OLD, waiting_may_help=False), True),
    ("no probe minds", starting(2), False),
    ("its kubelet was stopped by someone else", down(2, probes=OLD, refusal=STOPPED), False),
    ("an earlier run holds it", down(2, held=held_by("them")), True),
]


@pytest.mark.parametrize(("report", "expected"), table(BESIDE))
def test_all_are_held_while_one_is_brought_back(report: NodeReport, expected: bool) -> None:
    peers = named(down(1), report)
    assert list(holds(peers, None, {"a": "restart"})) == (["b"] if expected else [])
    assert report.answers or holds(peers, None, {}) == {}


def test_held_by_this_run() -> None:
    """Whether they answer, or may be started at all, does not matter: this run stopped them."""
    mine = held_by("me")
    peers = named(up(1, held=mine), up(2), down(3, held=held_by("them")), refusing(4, held=mine, refusal=NO_SYSTEMD))
    assert held_by_run(peers, "me") == {"a": "this run holds it", "d": "this run holds it"}
    assert list(held_by_run(peers, "them")) == ["c"]
    assert held_by_run(peers, "") == {}


UNTIL = "10:05:00 UTC"

HELD_FINDINGS: list[tuple[str, list[NodeReport], list[str]]] = [
    ("none", [up(1), down(2)], []),
    ("my own", [up(1, held=held_by("me"))], []),
    (
        "another's",
        [up(1, held=held_by("them", 1795428300.0)), up(2)],
        [f"The kubelet of a is held (stopped) by an earlier run; its timer starts it at {UNTIL} by that node's clock."],
    ),
    ("another's, which was started meanwhile", [up(1, held=held_by("them"), running=True)], []),
    (
        "two",
        [up(1, held=held_by("them")), up(2), down(3, held=held_by("others"))],
        ["The kubelet of a", "The kubelet of c"],
    ),
]


@pytest.mark.parametrize(("reports", "expected"), table(HELD_FINDINGS))
def test_held_findings(reports: list[NodeReport], expected: list[str]) -> None:
    """Even if nothing is to be done."""
    for seen in (None, cluster()):
        found = kubelet_findings(named(*reports), seen, "me")
        assert len(found) == len(expected)
        assert all(finding.startswith(part) for part, finding in zip(expected, found, strict=True))


STOPPED_FINDING = f"a: {STOPPED}"
NOT_HELD = (
    f"The kubelet of a cannot be held ({NO_SYSTEMD.rstrip('.')}), although its startup probe"
    " (/health?serializable=false)"
)
MASKED = "kubelet is masked, so it was disabled on purpose."

# A host, its cluster, None if nothing is to be done or nobody answers, and what is said of its kubelet.
FINDINGS: list[tuple[str, NodeReport, ClusterReport | None, str | None]] = [
    ("stopped by somebody, and the member is down", down(1, refusal=STOPPED), cluster(), STOPPED_FINDING),
    ("stopped by somebody, and the member starts", starting(1, refusal=STOPPED), cluster(), STOPPED_FINDING),
    ("stopped by somebody, nobody answers", down(1, refusal=STOPPED), None, STOPPED_FINDING),
    ("stopped by somebody, but the member answers", up(1, probes=OLD, refusal=STOPPED), cluster(alarms=1), None),
    ("held, and the member is down", down(1, held=held_by("me")), cluster(), None),
    ("cannot be held, though a probe threatens", up(1, probes=OLD, refusal=NO_SYSTEMD), cluster(alarms=1), NOT_HELD),
    (
        "cannot be held, and no leader is there",
        up(1, probes=OLD, refusal=NO_SYSTEMD),
        cluster(has_quorum=False),
        NOT_HELD,
    ),
    (
        "masked, but it runs",
        up(1, probes=OLD, refusal=MASKED, running=True),
        cluster(alarms=1),
        "The kubelet of a cannot be",
    ),
    ("cannot be held, which no probe needs", up(1, refusal=NO_SYSTEMD), cluster(alarms=1), None),
    ("cannot be held, and nothing is to be done", up(1, probes=OLD, refusal=NO_SYSTEMD), None, None),
    ("cannot be asked, and the member is down", down(1, refusal=NO_SYSTEMD), cluster(alarms=1), f"a: {NO_SYSTEMD}"),
    ("called otherwise, and nobody answers", down(1, refusal=NO_UNIT), None, f"a: {NO_UNIT}"),
    ("can be held", up(1, probes=OLD), cluster(alarms=1), None),
]


@pytest.mark.parametrize(("report", "seen", "expected"), table(FINDINGS))
def test_kubelet_findings(report: NodeReport, seen: ClusterReport | None, expected: str | None) -> None:
    found = kubelet_findings(named(report), seen, "me")
    assert len(found) == (0 if expected is None else 1)
    assert all(finding.startswith(expected or "") for finding in found)


def test_kubelet_findings_show_its_last_lines() -> None:
    (found,) = kubelet_findings(named(down(1, refusal=MASKED, last_lines=["Stopped kubelet."])), None, "me")
    assert found == f"a: {MASKED} Its last lines:\n  Stopped kubelet."


def test_idle_kubelets() -> None:
    peers = named(up(1), up(2, held=held_by("run 7")), up(3, refusal=STOPPED), down(4, held=held_by("run 8")))
    held, stopped = idle_kubelets(peers)
    assert (held.code, stopped.code) == ("kubelet_held", "kubelet_stopped")
    assert held.text == (
        "The kubelet of b (by run 7), d (by run 8) is held: wait until it is released, then run this again."
    )
    assert stopped.text == "The kubelet of c is not running: start it, then run this again."
    assert idle_kubelets(named(up(1), up(2, refusal=NO_SYSTEMD))) == []


def test_stray_refusals() -> None:
    peers = named(up(1), up(2, stray_files=["/m/etcd.yaml.bak", "/m/etcd.yaml~"]), down(3, stray_files=["/m/old"]))
    found = stray_refusals(peers)
    assert [refused.code for refused in found] == ["stray_manifests"] * 2
    assert found[0].text.startswith("b has /m/etcd.yaml.bak, /m/etcd.yaml~ beside the manifest of etcd.")
    assert found[1].text.startswith("c has /m/old beside")
    assert all("Move it out of the folder" in refused.text for refused in found)


LEADERLESS = cluster_report(quorum=False)


def of_unit(number: int, *, process: bool = True, answers: bool = False, **unit: object) -> NodeReport:
    """A host whose etcd is a unit, and whose kubelet nobody minds."""
    return node_report(
        number,
        LEADERLESS if answers else None,
        kubelet=kubelet_report(refusal=NO_UNIT, running=False),
        unit=unit_report(**unit),  # type: ignore[arg-type]
        process=RUNNING if process else None,
        probes="1.22",
        manifest="etcd.service",
    )


def test_units_that_do_not_run_are_restarted_and_no_other() -> None:
    """A restart would end an etcd that runs."""
    peers = Fleet(
        {
            "a": of_unit(1, answers=True),
            "b": of_unit(2, process=False, running=False),
            "c": of_unit(3),
            "d": of_unit(4, process=False, running=False, refusal="etcd.service is masked."),
        }
    )
    assert revivals(peers, LEADERLESS, full=True) == {"b": "restart", "c": "wait"}


def test_no_kubelet_is_held_for_a_unit() -> None:
    peers = Fleet({"a": of_unit(1, answers=True), "b": of_unit(2)})
    assert holds(peers, LEADERLESS, {"b": "wait"}) == {}
    assert idle_kubelets(peers) == []


def test_what_is_said_of_units() -> None:
    peers = Fleet(
        {
            "a": of_unit(1, answers=True, notes=["It has WatchdogSec=30."]),
            "b": of_unit(2, process=False, running=False, lines=["no space left on device"]),
            "c": of_unit(3, process=False, running=False, refusal="etcd.service is masked."),
        }
    )
    found = kubelet_findings(peers, LEADERLESS, "r1")
    assert found == [
        "a: It has WatchdogSec=30.",
        "The etcd of b does not run (etcd.service). Its last lines:\n  no space left on device",
        "c: etcd.service is masked.",
    ]
    assert kubelet_findings(peers, None, "r1") == found[1:]
