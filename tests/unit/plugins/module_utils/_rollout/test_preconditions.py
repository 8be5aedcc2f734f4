# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a node would take a changed manifest, and a member may be restarted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from unit.builders import member, table, view
from unit.fake_machine import Machine

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.quota import Capacity
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm import manifest_edit
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.flag_values import quota_bytes
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet, kubelet_hold, process
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet import Unit
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet_hold import Hold
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout import preconditions

NOSPACE, CORRUPT = Alarm(2, "NOSPACE"), Alarm(2, "CORRUPT")
THREE = (member(1), member(2), member(3))

ALARMS: list[tuple[str, ClusterView, bool, str]] = [
    ("none", view(*THREE), False, ""),
    ("none, in a recovery", view(*THREE), True, ""),
    ("full", view(*THREE, alarms=[NOSPACE]), False, "The NOSPACE alarm is armed (by cp2)"),
    ("full, in a recovery", view(*THREE, alarms=[NOSPACE]), True, ""),
    ("corrupt", view(*THREE, alarms=[CORRUPT]), False, "A CORRUPT alarm is armed (by cp2)"),
    ("corrupt, in a recovery", view(*THREE, alarms=[CORRUPT, NOSPACE]), True, "A CORRUPT alarm is armed"),
]


@pytest.mark.parametrize(("seen", "recovery", "expected"), table(ALARMS))
def test_alarm_refusal(seen: ClusterView, recovery: bool, expected: str) -> None:
    refusal = preconditions.alarm_refusal(seen, during_recovery=recovery)
    assert (refusal.reason if refusal else "").startswith(expected)
    assert (refusal is None) is (expected == "")


DOWN = "Connection refused"
FIVE = (*THREE, member(4), member(5))

RESTARTS: list[tuple[str, ClusterView, bool, str]] = [
    ("three", view(*THREE), False, ""),
    ("five, one down", view(*FIVE[:4], member(5, error=DOWN)), False, ""),
    ("five, two down", view(*FIVE[:3], member(4, error=DOWN), member(5, error=DOWN)), True, "Without cp1 the cluster"),
    ("three, one down", view(*THREE[:2], member(3, error=DOWN)), False, "Without cp1 the cluster would have no quorum"),
    ("three, one down: no word helps", view(*THREE[:2], member(3, error=DOWN)), True, "Without cp1 the cluster"),
    ("three, one never started", view(*THREE[:2], member(3, started=False)), True, "Without cp1 the cluster"),
    ("three and a learner that is down", view(*THREE, member(4, learner=True, error=DOWN)), False, ""),
    ("two and a learner: it does not vote", view(*THREE[:2], member(3, learner=True)), False, "cp1 is one of only two"),
    ("two", view(*THREE[:2]), False, "cp1 is one of only two members"),
    ("two, allowed", view(*THREE[:2]), True, ""),
    ("one", view(member(1)), False, "cp1 is the only member: the whole cluster would be down for about 20 s"),
    ("one, allowed", view(member(1)), True, ""),
    ("no leader", view(*THREE, leader=0), True, "The cluster has no leader"),
    ("one is behind", view(*THREE[:2], member(3, applied=3999)), True, "cp3 has not applied"),
    ("one is a little behind", view(*THREE[:2], member(3, applied=4000)), False, ""),
    ("a learner itself", view(member(1, learner=True), *THREE[1:], leader=2), True, "The learner cp1"),
]


@pytest.mark.parametrize(("seen", "allowed", "expected"), table(RESTARTS))
def test_restart_refusal(seen: ClusterView, allowed: bool, expected: str) -> None:
    refusal = preconditions.restart_refusal(seen, seen.members[0], allow_downtime=allowed, seconds=19.6)
    assert (refusal.reason if refusal else "").startswith(expected)
    assert (refusal is None) is (expected == "")


HIDDEN = (member(1), *(member(number, error=DOWN) for number in (2, 3)))

PEERS: list[tuple[str, ClusterView, set[int], bool]] = [
    ("closed client ports", view(*HIDDEN), {2, 3}, True),
    ("closed client ports, one of three is away", view(*HIDDEN), {3}, False),
    ("closed client ports, one of five is away", view(*HIDDEN, member(4), member(5)), {2}, True),
    ("a learner does not vote", view(*HIDDEN[:2], member(3, learner=True, error=DOWN), member(4)), {3}, False),
    ("it answers, and knows no leader", view(*THREE[:2], member(3, leader=0)), {2, 3}, False),
]


@pytest.mark.parametrize(("seen", "peers", "may"), table(PEERS))
def test_peers_that_do_not_answer_this_node(seen: ClusterView, peers: set[int], may: bool) -> None:
    refusal = preconditions.restart_refusal(seen, seen.members[0], peers, allow_downtime=False, seconds=19.6)
    assert (refusal is None) is may


OLD = Unit("kubelet", "loaded", "active", "enabled", 1.0)

KUBELETS: list[tuple[str, Unit | None, Hold | None, bool, str, str]] = [
    ("it runs", OLD, None, True, "", ""),
    ("no systemd, and it runs", None, None, True, "", ""),
    ("no systemd, and it does not", None, None, False, "kubelet_missing", "kubelet is not running on this node"),
    ("no unit, and it runs", Unit("kubelet", "not-found", "inactive", "", 0.0), None, True, "", ""),
    (
        "held",
        Unit("kubelet", "loaded", "inactive", "enabled", 1.0),
        Hold("run 7", "t", 9e9),
        False,
        "kubelet_held",
        "is held by run 7",
    ),
    (
        "stopped",
        Unit("kubelet", "loaded", "inactive", "enabled", 1.0),
        None,
        False,
        "kubelet_stopped",
        "was stopped by someone else",
    ),
    (
        "failed",
        Unit("kubelet", "loaded", "failed", "enabled", 1.0),
        None,
        False,
        "kubelet_stopped",
        "is not running (failed)",
    ),
    ("masked", Unit("kubelet", "masked", "inactive", "masked", 0.0), None, False, "kubelet_masked", "is masked"),
    (
        "starts again and again",
        Unit("kubelet", "loaded", "activating", "enabled", 1.0),
        None,
        True,
        "kubelet_unstable",
        "does not stay up",
    ),
]


@pytest.mark.parametrize(("unit", "held", "runs", "code", "expected"), table(KUBELETS))
def test_kubelet_refusal(
    monkeypatch: pytest.MonkeyPatch, unit: Unit | None, held: Hold | None, runs: bool, code: str, expected: str
) -> None:
    def found(_run: object, _name: str) -> Unit:
        if unit is None:
            raise Failure("systemd_failed", "systemd cannot be asked about kubelet.")
        return unit

    monkeypatch.setattr(kubelet, "unit", found)
    monkeypatch.setattr(kubelet_hold, "read_hold", lambda _name: held)
    monkeypatch.setattr(process, "running", lambda _name: runs)
    refusal = preconditions.kubelet_refusal("kubelet")
    assert (refusal.code if refusal else "") == code
    assert expected in (refusal.reason if refusal else "")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_node_that_is_ready(machine: Machine) -> None:
    assert preconditions.refuse_node(machine.rollout()) == 4711 + len(machine.flags)


def _stray(machine: Machine) -> None:
    machine.path.with_name("etcd.yaml.bak").write_bytes(machine.path.read_bytes())


def _without_wal(machine: Machine) -> None:
    machine.wal.unlink()


def _held(machine: Machine) -> None:
    machine.kubelet_refusal = Refused("kubelet_held", "kubelet is held by run 7.")


def _down(machine: Machine) -> None:
    machine.down = True


def _other_flags(machine: Machine) -> None:
    machine.started_with = {**machine.flags, "max-wals": "5"}


NODES: list[tuple[str, Callable[[Machine], None], str, str]] = [
    ("a copy beside it", _stray, "stray_manifests", "etcd.yaml.bak is beside the manifest"),
    ("no log", _without_wal, "data_missing", "There is no log of a member in"),
    ("kubelet", _held, "kubelet_held", "kubelet is held by run 7."),
    ("etcd is down", _down, "etcd_not_running", "The etcd of this manifest is not running."),
    ("other flags run", _other_flags, "manifest_not_applied", "was started with other flags than the manifest has"),
]


@pytest.mark.parametrize(("arrange", "code", "expected"), table(NODES))
def test_refuse_node(machine: Machine, arrange: Callable[[Machine], None], code: str, expected: str) -> None:
    arrange(machine)
    with pytest.raises(Refused) as caught:
        preconditions.refuse_node(machine.rollout())
    assert caught.value.code == code
    assert expected in caught.value.reason


def _alone(machine: Machine) -> None:
    machine.seen = view(member(1))


def _elsewhere(machine: Machine) -> None:
    machine.own = False


def _learner(machine: Machine) -> None:
    machine.seen = view(member(1, learner=True), member(2), leader=2)


CLUSTERS: list[tuple[str, Callable[[Machine], None], str, str]] = [
    ("alone", _alone, "downtime_not_allowed", "the whole cluster would be down for about 50 s"),
    ("another's", _elsewhere, "foreign_member", "is not this node's own"),
    ("learner", _learner, "learner_refuses", "This member is a learner"),
]


@pytest.mark.parametrize(("arrange", "code", "expected"), table(CLUSTERS))
def test_refuse_cluster(machine: Machine, arrange: Callable[[Machine], None], code: str, expected: str) -> None:
    arrange(machine)
    with pytest.raises(Refused) as caught:
        preconditions.refuse_cluster(machine.rollout())
    assert caught.value.code == code
    assert expected in caught.value.reason


GIB = 1024**3
CARRIES_11 = Capacity(13 * GIB, 100 * GIB, 0)
LIMIT = ("      requests:\n", "      limits:\n        memory: 9Gi\n      requests:\n")

# What is known of the node, the wanted quota, what else is changed in the manifest; the warning.
QUOTAS: list[tuple[str, Capacity | None, str, tuple[str, str], str]] = [
    ("it fits", CARRIES_11, "11GiB", ("", ""), ""),
    (
        "too large",
        CARRIES_11,
        "12GiB",
        ("", ""),
        "A quota of 12.0 GiB is too large: the database is mapped into memory",
    ),
    ("the same as before", Capacity(GIB, 0, 0), "8GiB", ("", ""), ""),
    ("less than before", Capacity(GIB, 0, 0), "4GiB", ("", ""), ""),
    ("nothing is known", None, "99GiB", ("", ""), ""),
    (
        "beyond the new limit of the container",
        CARRIES_11,
        "9GiB",
        LIMIT,
        "the container of etcd has a memory limit of 9",
    ),
]


@pytest.mark.parametrize(("carries", "size", "change", "expected"), table(QUOTAS))
def test_a_quota_that_the_node_cannot_carry_is_warned_about(
    machine: Machine, carries: Capacity | None, size: str, change: tuple[str, str], expected: str
) -> None:
    machine.carries = carries
    before = machine.path.read_text("utf-8")
    wanted = manifest_edit.edit(before, {"quota-backend-bytes": str(quota_bytes(size))}).text.replace(*change)
    assert (wanted != before) is (size != "8GiB")
    found = preconditions.quota_warning(machine.rollout(), wanted)
    assert bool(found) is bool(expected)
    assert expected in found


def test_a_quota_beside_a_database_that_is_missing(machine: Machine) -> None:
    machine.carries = Capacity(GIB, 0, 0)
    wanted = manifest_edit.edit(machine.path.read_text("utf-8"), {"quota-backend-bytes": str(9 * GIB)}).text
    assert preconditions.quota_warning(machine.rollout(), wanted)
    (machine.wal.parent.parent / "snap/db").unlink()
    assert preconditions.quota_warning(machine.rollout(), wanted) == ""


def test_alarm_is_returned(machine: Machine) -> None:
    """An earlier step may disarm it."""
    assert preconditions.refuse_cluster(machine.rollout()) is None
    machine.seen = view(*machine.seen.members, alarms=[NOSPACE])
    refusal = preconditions.refuse_cluster(machine.rollout())
    assert refusal is not None
    assert refusal.code == "nospace_alarm"
    assert preconditions.refuse_cluster(machine.rollout(during_recovery=True)) is None
