# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a member may be restarted, and when it is proved to be back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from unit.builders import DATA, member, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm, Status
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import EtcdError, Unreachable
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._node import process
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import read_manifest
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout import preconditions, verification

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
    said = preconditions.alarm_refusal(seen, during_recovery=recovery)
    assert (said or "").startswith(expected)
    assert (said is None) is (expected == "")


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
    said = preconditions.restart_refusal(seen, seen.members[0], allow_downtime=allowed, seconds=19.6)
    assert (said or "").startswith(expected)
    assert (said is None) is (expected == "")


def test_drift() -> None:
    assert verification.drift({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "3", "d": "4"}) == ["--b", "--c", "--d"]
    assert verification.drift({"a": "1"}, {"a": "1"}) == []


MANIFEST = read_manifest(str(DATA / "manifests/1.33/quota.manifest"))
QUOTA = int(MANIFEST.flags["quota-backend-bytes"])
STATUS = member(1).status
assert STATUS is not None
DEAF = Unreachable("Connection refused")

OBSTACLES: list[tuple[str, dict[str, Any], str]] = [
    ("all is well", {}, ""),
    ("it does not run", {"pid": None}, "etcd is not running"),
    ("it does not answer", {"status": DEAF}, "etcd is running (process 7) but does not answer (Connection refused)"),
    ("the old flags", {"flags": {**MANIFEST.flags, "max-wals": "7"}}, "was started with other flags (--max-wals)"),
    ("gone in that moment", {"flags": None}, "was started with other flags"),
    ("the old process", {"gone": 7}, "running etcd (process 7) is still the old one"),
    ("another process", {"gone": 6}, ""),
    ("no leader", {"status": replace(STATUS, leader_id=0)}, "etcd is running (process 7) but knows no leader"),
    ("another quota", {"quota": 1}, "etcd is running (process 7) with a quota of 1 bytes"),
    ("nobody tells the quota", {"quota": None}, ""),
    ("behind", {"applied": 5007}, "etcd is running (process 7) but still has 7 entries of its log to apply"),
    ("no cluster to be seen", {"look": DEAF}, "etcd is running (process 7) but does not answer"),
]


def watch(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]) -> verification.Verification:
    said = {"pid": 7, "flags": MANIFEST.flags, "status": STATUS, "quota": QUOTA, "gone": None, "applied": 5000}
    said |= {"look": view(member(1), member(2, applied=changes.get("applied", 5000))), **changes}

    def tell(name: str) -> Callable[..., Any]:
        def told(*_arguments: object) -> Any:
            if isinstance(said[name], EtcdError):
                raise said[name]
            return said[name]

        return told

    monkeypatch.setattr(process, "find", tell("pid"))
    monkeypatch.setattr(process, "flags", tell("flags"))
    return verification.Verification(
        MANIFEST, status=tell("status"), look=tell("look"), quota=tell("quota"), gone=said["gone"]
    )


@pytest.mark.parametrize(("changes", "expected"), table(OBSTACLES))
def test_obstacle(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], expected: str) -> None:
    found = watch(monkeypatch, changes).obstacle()
    assert expected in found
    assert bool(found) is bool(expected)


def test_what_it_has_to_catch_up_with_does_not_move_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others go on writing; a member is always a little behind them."""
    applied = iter([100, 100, 100, 150])
    looks = iter([view(member(1, applied=120)), view(member(1, applied=900))])
    found = watch(monkeypatch, {})
    monkeypatch.setattr(found, "_look", lambda: next(looks))
    monkeypatch.setattr(found, "_status", lambda: replace(_status(), raft_applied_index=next(applied)))
    assert "has 20 entries" in found.obstacle()
    assert found.obstacle() == ""


def _status() -> Status:
    assert STATUS is not None
    return STATUS


# Process and whether it answers, look by look; one look is one second.
SEEN: list[tuple[str, list[tuple[int | None, bool]], float]] = [
    ("at once", [(8, True)], 0.0),
    ("away for two looks", [(7, True), (None, False), (None, False), (8, True)], 3.0),
    ("away between two looks", [(7, True), (8, True)], 1.0),
    ("the old one for long", [(7, True), (7, True), (7, True), (8, False), (8, True)], 2.0),
    ("never back", [(7, True), (None, False), (None, False)], 2.0),
]


@pytest.mark.parametrize(("seen", "expected"), table(SEEN))
def test_away(monkeypatch: pytest.MonkeyPatch, seen: list[tuple[int | None, bool]], expected: float) -> None:
    clock = [100.0]
    looks = iter(seen)
    found = watch(monkeypatch, {})

    def obstacle() -> str:
        found._pid, found._answers = next(looks)
        return "" if (found._pid, found._answers) == (8, True) else "not yet"

    monkeypatch.setattr(found, "obstacle", obstacle)
    monkeypatch.setattr(verification.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(verification.time, "sleep", lambda _seconds: clock.__setitem__(0, clock[0] + 1))
    outcome = found.until_proved(len(seen) - 1.5)
    assert outcome == verification.VerificationResult(
        "" if seen[-1][1] else "not yet", expected, seen[-1][0], len(seen) - 1.0
    )


def test_a_flag_that_etcd_refuses_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = watch(monkeypatch, {"pid": None})
    monkeypatch.setattr(found, "_refused", lambda: "flag provided but not defined: -no-such")
    outcome = found.until_proved(3600)
    assert outcome.problem == "etcd does not start (flag provided but not defined: -no-such)"
    assert outcome.pid is None


def test_a_flag_that_was_refused_once_does_not_count_while_etcd_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    found = watch(monkeypatch, {})
    monkeypatch.setattr(found, "_refused", lambda: "flag provided but not defined: -no-such")
    assert found.until_proved(0).problem == ""
