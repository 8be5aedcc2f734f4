# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the etcd of a changed manifest is verified to be back."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from unit.builders import DATA, member, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Status
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import EtcdError, Unreachable
from ansible_collections.controlplane.etcd.plugins.module_utils._node import process, start_up
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import read_manifest
from ansible_collections.controlplane.etcd.plugins.module_utils._rollout import verification


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
    ("the old process", {"old_pid": 7}, "running etcd (process 7) is still the old one"),
    ("another process", {"old_pid": 6}, ""),
    ("no leader", {"status": STATUS._replace(leader_id=0)}, "etcd is running (process 7) but knows no leader"),
    ("another quota", {"quota": 1}, "etcd is running (process 7) with a quota of 1 bytes"),
    ("nobody tells the quota", {"quota": None}, ""),
    ("behind", {"applied": 5007}, "etcd is running (process 7) but still has 7 entries of its log to apply"),
    ("no cluster to be seen", {"inspect_cluster": DEAF}, "etcd is running (process 7) but does not answer"),
]


class Watched:
    """A kubelet that is restarted when somebody says so; `given` is what it was told, `seconds` what it answers."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.given: list[tuple[int | None, bool, bool]] = []
        self.note = ""

    def watch(self, *, old_pid: int | None, new: bool, giving_up: bool) -> float:
        self.given.append((old_pid, new, giving_up))
        return self.seconds.pop(0) if self.seconds else 0.0


def watch(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], kubelet: Any = None, **options: Any
) -> verification.Verification:
    said = {"pid": 7, "flags": MANIFEST.flags, "status": STATUS, "quota": QUOTA, "old_pid": None, "applied": 5000}
    said |= {"inspect_cluster": view(member(1), member(2, applied=changes.get("applied", 5000))), **changes}

    def tell(name: str) -> Callable[..., Any]:
        def told(*_arguments: object) -> Any:
            if isinstance(said[name], EtcdError):
                raise said[name]
            return said[name]

        return told

    monkeypatch.setattr(process, "activity", lambda _pid: None)
    monkeypatch.setattr(process, "find", tell("pid"))
    monkeypatch.setattr(process, "flags", tell("flags"))
    return verification.Verification(
        MANIFEST,
        kubelet or Watched(),
        status=tell("status"),
        inspect_cluster=tell("inspect_cluster"),
        quota=tell("quota"),
        old_pid=said["old_pid"],
        **options,
    )


@pytest.mark.parametrize(("changes", "expected"), table(OBSTACLES))
def test_obstacle(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], expected: str) -> None:
    found = watch(monkeypatch, changes).obstacle()
    assert expected in found
    assert bool(found) is bool(expected)


def test_what_it_has_to_catch_up_with_does_not_move_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others go on writing; a member is always a little behind them."""
    applied = iter([100, 100, 100, 150])
    views = iter([view(member(1, applied=120)), view(member(1, applied=900))])
    found = watch(monkeypatch, {})
    monkeypatch.setattr(found, "_inspect_cluster", lambda: next(views))
    monkeypatch.setattr(found, "_status", lambda: _status()._replace(raft_applied_index=next(applied)))
    assert "has 20 entries" in found.obstacle()
    assert found.obstacle() == ""


def _status() -> Status:
    assert STATUS is not None
    return STATUS


# Process and whether it answers, poll by poll; one poll is one second.
POLLS: list[tuple[str, list[tuple[int | None, bool]], float]] = [
    ("at once", [(8, True)], 0.0),
    ("away for two polls", [(7, True), (None, False), (None, False), (8, True)], 3.0),
    ("away between two polls", [(7, True), (8, True)], 1.0),
    ("the old one for long", [(7, True), (7, True), (7, True), (8, False), (8, True)], 2.0),
    ("never back", [(7, True), (None, False), (None, False)], 2.0),
]


@pytest.mark.parametrize(("polled", "expected"), table(POLLS))
def test_away(monkeypatch: pytest.MonkeyPatch, polled: list[tuple[int | None, bool]], expected: float) -> None:
    clock = [100.0]
    polls = iter(polled)
    found = watch(monkeypatch, {})

    def obstacle() -> str:
        found._pid, found._answers = next(polls)
        return "" if (found._pid, found._answers) == (8, True) else "not yet"

    monkeypatch.setattr(found, "obstacle", obstacle)
    monkeypatch.setattr(verification.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(verification.time, "sleep", lambda _seconds: clock.__setitem__(0, clock[0] + 1))
    outcome = found.until_verified(len(polled) - 1.5)
    assert outcome == verification.VerificationResult(
        "" if polled[-1][1] else "not yet", expected, polled[-1][0], len(polled) - 1.0
    )


def test_a_flag_that_etcd_refuses_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    found = watch(monkeypatch, {"pid": None})
    monkeypatch.setattr(found, "_refused_flag", lambda: "flag provided but not defined: -no-such")
    outcome = found.until_verified(3600)
    assert outcome.problem == "etcd does not start (flag provided but not defined: -no-such)"
    assert outcome.pid is None


def test_a_flag_that_was_refused_once_does_not_count_while_etcd_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    found = watch(monkeypatch, {})
    monkeypatch.setattr(found, "_refused_flag", lambda: "flag provided but not defined: -no-such")
    assert found.until_verified(0).problem == ""


class Clock:
    """One poll is one second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        times = SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep)
        for module in (verification, start_up):
            monkeypatch.setattr(module, "time", times)

    def _sleep(self, _seconds: float) -> None:
        self.now += 1


def test_kubelet_is_told_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    Clock(monkeypatch)
    for changes, told in (
        ({"pid": None}, (None, False)),
        ({"old_pid": 7}, (7, False)),
        ({"flags": {}}, (7, False)),
        ({"status": DEAF}, (None, True)),
    ):
        kubelet = Watched()
        watch(monkeypatch, changes, kubelet).until_verified(1.5)
        assert kubelet.given == [(*told, False), (*told, False), (*told, True)]


def test_restart_of_the_kubelet_gives_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the time was over: that is when it is restarted at the latest."""
    Clock(monkeypatch)
    kubelet = Watched(0.0, 0.0, 4.0)
    outcome = watch(monkeypatch, {"pid": None}, kubelet, start_seconds=3.0).until_verified(1.0)
    assert (outcome.problem, outcome.seconds) == ("etcd is not running", 10.0)


READERS: list[tuple[str, dict[str, Any], bool, float, bool]] = [
    ("reads", {"status": DEAF}, True, 51.0, True),
    ("does not read, which takes 15 s to see", {"status": DEAF}, False, 15.0, False),
    ("the old one reads", {"old_pid": 7}, True, 11.0, False),
    ("is not there", {"pid": None}, True, 11.0, False),
    ("has log to apply", {"applied": 9000}, True, 51.0, True),
    ("is well", {}, True, 0.0, False),
]


@pytest.mark.parametrize(("changes", "reads", "seconds", "reading"), table(READERS))
def test_one_that_reads_is_waited_for_longer(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], reads: bool, seconds: float, reading: bool
) -> None:
    clock = Clock(monkeypatch)
    found = watch(monkeypatch, changes, start_seconds=20.0)
    size = 10**9 if reads else 0
    monkeypatch.setattr(process, "activity", lambda _pid: process.Activity(int(clock.now * size), 0.0))
    outcome = found.until_verified(10.0)
    assert (outcome.seconds, outcome.reading) == (seconds, reading)


def test_one_that_does_not_read_any_more_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    found = watch(monkeypatch, {"status": DEAF}, start_seconds=100.0)
    monkeypatch.setattr(process, "activity", lambda _pid: process.Activity(int(min(clock.now, 130.0) * 10**9), 0.0))
    outcome = found.until_verified(10.0)
    assert (outcome.seconds, outcome.reading) == (45.0, False)
