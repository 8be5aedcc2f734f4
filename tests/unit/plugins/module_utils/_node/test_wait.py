# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module kubelet on a node that is told what happens when: no systemd, no etcd, and no second of waiting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from unit.builders import MIB, FakeRun, Json, main_of, systemd_shows, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import TlsRejected, Unreachable
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet_hold
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet import UnitError
from ansible_collections.controlplane.etcd.plugins.modules import kubelet

STARTED = 100.0  # when the kubelet was started last; what follows begins at 1000


class Node(FakeRun):
    """Its clock goes on only when somebody sleeps. `at` says what happens when; `told` is what its systemd was told."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.now = 1000.0
        self.active = "active"
        self.started = STARTED
        self.restarts = 0
        self.pid: int | None = None
        self.born = 0.0
        self.leader: int | Exception = Unreachable("Connection refused")
        self.programs: set[str] = set()
        self.told: list[tuple[str, float]] = []
        self._events: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, argv: Sequence[str], timeout: float) -> CommandResult:
        done = super().__call__(argv, timeout)
        if done != CommandResult(0, ""):
            return done
        verb = argv[1] if argv[0] == "systemctl" else argv[0]
        if verb == "show":
            return systemd_shows(self.active, started=int(self.started), restarts=self.restarts)
        if argv[-1].startswith("etcd-maintenance-release-"):  # a timer is stopped
            return done
        if verb in ("start", "stop", "restart", "systemd-run"):
            self.told.append((verb, round(self.now - 1000, 1)))
        if verb in ("start", "restart"):
            self.active, self.started = "active", self.now
        elif verb == "stop":
            self.active = "inactive"
        return done

    def at(self, seconds: float, event: Callable[[], None]) -> None:
        self._events.append((1000 + seconds, event))

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        due = [event for moment, event in self._events if moment <= self.now]
        self._events = [(moment, event) for moment, event in self._events if moment > self.now]
        for event in due:
            event()

    def born_etcd(self, pid: int) -> None:
        """A kubelet starts it."""
        if self.active == "active":
            self.pid, self.born = pid, self.now

    def dies(self) -> None:
        self.pid, self.leader = None, Unreachable("Connection refused")

    def answers(self, leader: int = 1) -> None:
        self.leader = leader

    def status(self) -> Any:
        if isinstance(self.leader, Exception):
            raise self.leader
        return SimpleNamespace(leader_id=self.leader)

    @property
    def verbs_told(self) -> list[str]:
        return [verb for verb, _moment in self.told]

    @property
    def held(self) -> kubelet_hold.Hold | None:
        return kubelet_hold.read_hold("kubelet")


def write_pod(folder: Path, name: str, program: str) -> None:
    container = {"name": name, "command": [program, "--name=cp1", f"--data-dir={folder}"] if program else []}
    pod = {"metadata": {"name": name}, "spec": {"containers": [container]}}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(pod), "utf-8")


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    made = Node(tmp_path)
    write_pod(tmp_path, "etcd", "etcd")
    write_pod(tmp_path, "kube-apiserver", "kube-apiserver")
    monkeypatch.setattr(kubelet_hold, "_record", lambda name, _records: str(tmp_path / f".hold.{name}"))
    monkeypatch.setattr(kubelet.command, "run", made)
    monkeypatch.setattr(kubelet.process, "find", lambda _manifest: made.pid)
    monkeypatch.setattr(kubelet.process, "age", lambda _pid: made.now - made.born)
    monkeypatch.setattr(kubelet.process, "running", lambda program: program in made.programs)
    monkeypatch.setattr(kubelet.pod_log, "last_words", lambda: ["panic: no space left"])
    clocks = {"monotonic": lambda: made.now, "clock_gettime": lambda _clock: made.now, "CLOCK_MONOTONIC": 1}
    monkeypatch.setattr(kubelet, "time", SimpleNamespace(sleep=made.sleep, **clocks))
    member = SimpleNamespace(endpoint=SimpleNamespace(status=made.status))
    monkeypatch.setattr(kubelet, "LocalMember", lambda _params: member)
    return made


def options(node: Node, state: str, **given: Any) -> Json:
    return {
        "after": 0.0,
        "hold": False,
        "hold_seconds": 300.0,
        "manifest": str(node.folder / "etcd.yaml"),
        "only_if_backed_off": False,
        "owner": "r1",
        "revive": False,
        "state": state,
        "kubelet_unit": "kubelet",
        "wait_timeout": 120.0,
        **given,
    }


def awaited(node: Node, *, check: bool = False, **given: Any) -> Json:
    return kubelet.awaited(options(node, "awaited", **given), check=check)


def comes(node: Node, seconds: float, *, answers: float, pid: int = 7, leader: int = 1) -> None:
    """Etcd is started after so many seconds, and answers after so many."""
    node.at(seconds, lambda: node.born_etcd(pid))
    node.at(answers, lambda: node.answers(leader))


def test_awaited(node: Node) -> None:
    comes(node, 2, answers=5)
    found = awaited(node)
    seconds = found["etcd"].pop("seconds")
    assert found == {
        "changed": False,
        "held_until": None,
        "etcd": {"pid": 7, "answers": True, "knows_leader": True, "new": True},
    }
    assert 5 <= seconds < 5.5
    assert node.told == []


def test_awaited_at_once(node: Node) -> None:
    node.born_etcd(7)
    node.answers()
    assert awaited(node)["etcd"]["seconds"] == 0.0


NEW: list[tuple[str, float, float, bool]] = [
    ("started by this kubelet", 100.0, 101.4, True),
    ("older than this kubelet", 100.0, 99.0, False),
    ("a kubelet that never ran", 0.0, 50.0, False),
]


@pytest.mark.parametrize(("started", "born", "expected"), table(NEW))
def test_new(node: Node, started: float, born: float, expected: bool) -> None:
    node.pid, node.started, node.born = 7, started, born
    node.answers()
    assert awaited(node)["etcd"]["new"] is expected


def test_waiting_needs_no_systemd(node: Node) -> None:
    node.replies = {"systemctl": CommandResult(127, "No such file or directory")}
    comes(node, 1, answers=2)
    etcd = awaited(node)["etcd"]
    assert (etcd["answers"], etcd["new"]) == (True, False)


# The time to wait, when a member answers without a leader, and after how long that is enough.
LEADERLESS: list[tuple[str, float, float, float]] = [
    ("as long as an election may take", 120.0, 2.0, 32.0),
    ("that long from its first answer on", 120.0, 50.0, 80.0),
    ("the time is over before", 120.0, 100.0, 120.0),
    ("less", 10.0, 2.0, 10.0),
]


@pytest.mark.parametrize(("wait_timeout", "answers", "expected"), table(LEADERLESS))
def test_answers_without_a_leader(node: Node, wait_timeout: float, answers: float, expected: float) -> None:
    comes(node, 1, answers=answers, leader=0)
    etcd = awaited(node, wait_timeout=wait_timeout)["etcd"]
    assert (etcd["answers"], etcd["knows_leader"]) == (True, False)
    assert expected <= etcd["seconds"] < expected + 0.5


def test_leader_is_elected_long_after_it_was_started(node: Node) -> None:
    """It read its log for as long as an election may take, and is not given up on that account."""
    comes(node, 1, answers=40, leader=0)
    node.at(60, node.answers)
    etcd = awaited(node)["etcd"]
    assert etcd["knows_leader"]
    assert 60 <= etcd["seconds"] < 60.5


def test_no_leader_and_then_no_answer(node: Node) -> None:
    comes(node, 1, answers=2, leader=0)
    node.at(20, node.dies)
    with pytest.raises(UnitError, match="did not come up within 120 s: it is not running"):
        awaited(node)


def test_a_leader_is_elected_while_it_waits(node: Node) -> None:
    comes(node, 1, answers=2, leader=0)
    node.at(9, node.answers)
    etcd = awaited(node)["etcd"]
    assert etcd["knows_leader"]
    assert 9 <= etcd["seconds"] < 9.5


def test_in_vain(node: Node) -> None:
    node.replies = {"journalctl": CommandResult(0, "no such image")}
    with pytest.raises(UnitError) as caught:
        awaited(node)
    assert str(caught.value) == (
        "etcd did not come up within 120 s: it is not running. Last lines:\n  panic: no space left\n  no such image"
    )


def test_one_that_refuses_this_node_is_not_waited_for(node: Node) -> None:
    node.born_etcd(7)
    node.leader = TlsRejected("bad certificate")
    with pytest.raises(UnitError) as caught:
        awaited(node)
    assert str(caught.value) == "etcd runs, but it will not answer this node: bad certificate"


def test_in_vain_for_a_log_that_is_too_long(node: Node) -> None:
    """For what it reads, it gets time of its own: 10 s for 250 MiB."""
    (node.folder / "member/wal").mkdir(parents=True)
    with (node.folder / "member/wal/0.wal").open("wb") as file:
        file.truncate(250 * MIB)
    node.born_etcd(7)
    node.leader = Unreachable("Connection refused")
    with pytest.raises(UnitError) as caught:
        awaited(node)
    assert str(caught.value) == (
        "etcd did not come up within 130 s: its process 7 is running but does not answer: a starting member reads its"
        " log first, which is 250.0 MiB here. Last lines:\n  panic: no space left"
    )


def test_hold(node: Node) -> None:
    """The kubelet is stopped when the process is there, long before it answers."""
    comes(node, 2, answers=9)
    found = awaited(node, hold=True)
    (_timer, set_at), (_stop, stopped_at) = node.told[:2]
    assert node.verbs_told[:2] == ["systemd-run", "stop"]
    assert 2 <= set_at <= stopped_at < 2.5
    # Its time begins anew when it answers.
    assert node.verbs_told[2:] == ["systemd-run", "stop"]
    assert node.told[2][1] >= 9
    assert node.active == "inactive"
    assert found["changed"]
    assert node.held is not None
    assert node.held.owner == "r1"
    assert found["held_until"] == node.held.until


def test_hold_of_one_that_answers(node: Node) -> None:
    node.born_etcd(7)
    node.answers()
    assert awaited(node, hold=True)["changed"]
    assert node.verbs_told == ["systemd-run", "stop"]


def test_hold_by_nobody_in_particular(node: Node) -> None:
    node.born_etcd(7)
    node.answers()
    awaited(node, hold=True, owner=None)
    assert node.held is not None
    assert node.held.owner == "somebody"


def test_hold_again(node: Node) -> None:
    """Only the timer is another one."""
    node.born_etcd(7)
    node.answers()
    first = awaited(node, hold=True)
    node.told.clear()
    node.sleep(60)
    second = awaited(node, hold=True, hold_seconds=900.0)
    assert not second["changed"]
    assert second["held_until"] > first["held_until"]
    assert node.verbs_told == ["systemd-run", "stop"]


def test_hold_of_one_that_dies(node: Node) -> None:
    """It gets its kubelet back, is waited for and held again."""
    comes(node, 1, answers=20)
    node.at(5, node.dies)
    node.at(8, lambda: node.born_etcd(8))
    found = awaited(node, hold=True)
    assert [verb for verb in node.verbs_told if verb != "systemd-run"] == ["stop", "start", "stop", "stop"]
    (woken,) = [moment for verb, moment in node.told if verb == "start"]
    assert 5 <= woken < 5.5
    assert (found["etcd"]["pid"], found["changed"], node.active) == (8, True, "inactive")


def test_revival_of_one_in_back_off(node: Node) -> None:
    """The kubelet has been running for long, and would let etcd lie for minutes."""
    node.at(65, lambda: comes(node, 1, answers=2))
    found = awaited(node, revive=True)
    restarts = [moment for verb, moment in node.told if verb == "restart"]
    assert [round(moment) for moment in restarts] == [0, 60]
    assert found["changed"]


def test_no_revival_of_one_that_runs(node: Node) -> None:
    node.born_etcd(7)
    node.at(25, node.answers)
    assert not awaited(node, revive=True)["changed"]
    assert node.verbs_told == []


def test_no_revival_of_a_kubelet_that_somebody_stopped(node: Node) -> None:
    node.active = "inactive"
    with pytest.raises(UnitError, match="did not come up within"):
        awaited(node, revive=True, wait_timeout=30.0)
    assert node.verbs_told == []


def test_hold_of_one_that_dies_in_that_very_moment(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.born_etcd(7)
    stop = kubelet_hold.hold

    def hold(*arguments: Any, **given: Any) -> kubelet_hold.Hold:
        if node.pid == 7:
            node.dies()
            comes(node, 2, answers=3, pid=8)
        return stop(*arguments, **given)

    monkeypatch.setattr(kubelet_hold, "hold", hold)
    found = awaited(node, hold=True)
    assert node.told[:3] == [("systemd-run", 0.0), ("stop", 0.0), ("start", 0.0)]
    assert (found["etcd"]["pid"], node.active) == (8, "inactive")


def test_hold_whose_timer_fires_meanwhile(node: Node) -> None:
    node.born_etcd(7)
    node.at(5, lambda: setattr(node, "active", "active"))
    node.at(9, node.answers)
    awaited(node, hold=True)
    stops = [moment for verb, moment in node.told if verb == "stop"]
    assert stops[0] == 0.0
    assert 5 <= stops[1] < 5.5
    assert node.active == "inactive"


def test_hold_in_vain_keeps_the_timer(node: Node) -> None:
    node.born_etcd(7)
    with pytest.raises(UnitError, match="did not come up within"):
        awaited(node, hold=True, wait_timeout=5.0)
    assert node.active == "inactive"
    assert node.held is not None


def test_hold_of_a_kubelet_that_somebody_stopped(node: Node) -> None:
    node.active = "inactive"
    node.replies = {"journalctl": CommandResult(0, "Stopped kubelet.")}
    with pytest.raises(
        UnitError, match=r"^kubelet was stopped by someone else(.|\n)* Its last lines:\n  Stopped kubelet\.$"
    ):
        awaited(node, hold=True)
    assert node.told == []


@pytest.mark.parametrize("hold", [True, False])
def test_awaited_in_check_mode(node: Node, hold: bool) -> None:
    assert awaited(node, check=True, hold=hold) == {
        "changed": hold,
        "held_until": None,
        "etcd": {"pid": None, "answers": False, "knows_leader": False, "new": False, "seconds": 0.0},
    }
    node.born_etcd(7)
    node.answers(0)
    assert awaited(node, check=True, hold=hold)["etcd"] == {
        "pid": 7,
        "answers": True,
        "knows_leader": False,
        "new": True,
        "seconds": 0.0,
    }
    assert node.told == []
    assert node.now == 1000.0


def restarted(node: Node, *, check: bool = False, **given: Any) -> Json:
    return kubelet.restarted(options(node, "restarted", **given), check=check)


@pytest.mark.parametrize("check", [True, False])
def test_restarted(node: Node, check: bool) -> None:
    """It does not wait."""
    assert restarted(node, check=check) == {"changed": True, "held_until": None}
    assert node.verbs_told == ([] if check else ["restart"])
    assert node.now == 1000.0


def test_restarted_ends_a_hold(node: Node) -> None:
    kubelet_hold.hold(node, "kubelet", owner="r0", seconds=60.0)
    assert restarted(node)["changed"]
    assert node.held is None
    assert node.active == "active"


NOT_STARTED: list[tuple[str, CommandResult, str]] = [
    ("stopped by somebody", systemd_shows("inactive"), "kubelet was stopped by someone else"),
    ("masked", systemd_shows("inactive", loaded="masked"), "kubelet is masked"),
    ("called otherwise", systemd_shows("inactive", loaded="not-found"), "There is no unit kubelet on this node"),
    ("no systemd", CommandResult(127, "No such file or directory"), "systemd cannot be asked about kubelet"),
]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("shown", "message"), table(NOT_STARTED))
def test_not_restarted(node: Node, shown: CommandResult, message: str, check: bool) -> None:
    node.replies = {"systemctl show": shown}
    with pytest.raises(UnitError, match=f"^{message}"):
        restarted(node, check=check)
    assert node.told == []


BOTH = {"etcd", "kube-apiserver"}


def syncing(pod: str, wait: str) -> CommandResult:
    text = f'"back-off {wait} restarting failed container={pod} pod={pod}-cp1_kube-system(0a)"'
    return CommandResult(0, text)


# What runs, what the kubelet says, and which pods are in back-off.
BACKED_OFF: list[tuple[str, set[str], CommandResult, list[str]]] = [
    ("all run", BOTH, CommandResult(0, ""), []),
    ("all run, though one did not before", BOTH, syncing("etcd", "5m0s"), []),
    ("one is in back-off", {"etcd"}, syncing("kube-apiserver", "1m20s"), ["kube-apiserver (back-off 1m20s)"]),
    ("one does not run", {"etcd"}, syncing("kube-scheduler", "1m20s"), ["kube-apiserver"]),
    ("none runs", set(), syncing("etcd", "10s"), ["etcd (back-off 10s)", "kube-apiserver"]),
]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(("programs", "journal", "expected"), table(BACKED_OFF))
def test_only_if_backed_off(
    node: Node, programs: set[str], journal: CommandResult, expected: list[str], check: bool
) -> None:
    node.programs = programs
    node.replies = {"journalctl": journal}
    found = restarted(node, only_if_backed_off=True, check=check)
    assert found == {"changed": bool(expected), "held_until": None, "backed_off": expected}
    assert node.verbs_told == (["restart"] if expected and not check else [])


def test_only_if_backed_off_waits_for_what_is_just_started(node: Node) -> None:
    node.programs = {"etcd"}
    node.at(3, lambda: node.programs.add("kube-apiserver"))
    assert not restarted(node, only_if_backed_off=True)["changed"]
    assert 1003 <= node.now < 1004
    assert node.told == []


# What the kubelet says of a pod that leaves its program to the image.
UNKNOWN: list[tuple[str, CommandResult, list[str]]] = [
    ("nothing", CommandResult(0, ""), []),
    ("that it waits", syncing("kube-vip", "2m40s"), ["kube-vip (back-off 2m40s)"]),
]


@pytest.mark.parametrize(("journal", "expected"), table(UNKNOWN))
def test_backed_off_without_a_program(node: Node, journal: CommandResult, expected: list[str]) -> None:
    write_pod(node.folder, "kube-vip", "")
    node.programs = BOTH
    node.replies = {"journalctl": journal}
    assert restarted(node, only_if_backed_off=True)["backed_off"] == expected
    assert any("--since=-30s" in word for command in node.calls for word in command)


def test_a_kubelet_that_was_just_started_gets_time(node: Node) -> None:
    node.programs = {"etcd"}
    node.started = node.now - 10
    node.at(15, lambda: node.programs.add("kube-apiserver"))
    assert not restarted(node, only_if_backed_off=True)["changed"]
    assert 1015 <= node.now < 1016


CRASHING: list[tuple[str, str, int, float, bool]] = [
    ("waits for its next start", "activating", 3, 100.0, True),
    ("has given up", "failed", 5, 100.0, True),
    ("started again a moment ago", "active", 1, 999.0, True),
    ("started again once, long ago", "active", 1, 100.0, False),
]


@pytest.mark.parametrize(("active", "restarts", "started", "crashes"), table(CRASHING))
def test_kubelet_that_does_not_stay_up(node: Node, active: str, restarts: int, started: float, crashes: bool) -> None:
    node.active, node.restarts, node.started, node.programs = active, restarts, started, BOTH
    node.replies = {"journalctl": CommandResult(0, "failed to load Kubelet config file")}
    if crashes:
        with pytest.raises(
            UnitError, match=r"^kubelet does not stay up(.|\n)*:\n  failed to load Kubelet config file$"
        ):
            restarted(node, only_if_backed_off=True)
    else:
        assert not restarted(node, only_if_backed_off=True)["changed"]
    assert node.told == []


def released(node: Node, *, check: bool = False, **given: Any) -> Json:
    return kubelet.released(options(node, "released", **given), check=check)


@pytest.mark.parametrize("active", ["active", "inactive", "failed"])
@pytest.mark.parametrize("after", [0.0, 60.0])
def test_released_though_nobody_holds_it(node: Node, active: str, after: float) -> None:
    """It may have been stopped by somebody, who wants it so."""
    node.active = active
    assert released(node, after=after) == {"changed": False, "held_until": None}
    assert node.calls == []


@pytest.mark.parametrize("owner", ["r0", None])
def test_released(node: Node, owner: str | None) -> None:
    """By who holds it, or whoever does."""
    kubelet_hold.hold(node, "kubelet", owner="r0", seconds=300.0)
    node.told.clear()
    assert released(node, owner=owner) == {"changed": True, "held_until": None}
    assert node.verbs_told == ["start"]
    assert node.held is None
    assert released(node, owner=owner) == {"changed": False, "held_until": None}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("owner", ["r1", "somebody", ""])
@pytest.mark.parametrize("after", [0.0, 60.0])
def test_hold_of_another_is_not_released(node: Node, after: float, owner: str, check: bool) -> None:
    held = kubelet_hold.hold(node, "kubelet", owner="r0", seconds=300.0)
    node.calls.clear()
    assert released(node, after=after, owner=owner, check=check) == {"changed": False, "held_until": None}
    assert node.calls == []
    assert node.held == held


@pytest.mark.parametrize("owner", ["r0", None])
def test_released_later(node: Node, owner: str | None) -> None:
    held = kubelet_hold.hold(node, "kubelet", owner="r0", seconds=300.0)
    node.told.clear()
    found = released(node, after=60.0, owner=owner)
    assert node.verbs_told == ["systemd-run"]
    assert node.active == "inactive"
    assert node.held is not None
    assert (node.held.owner, found["held_until"], found["changed"]) == ("r0", node.held.until, True)
    assert node.held.until < held.until


def test_released_in_check_mode(node: Node) -> None:
    held = kubelet_hold.hold(node, "kubelet", owner="r0", seconds=300.0)
    node.told.clear()
    assert released(node, check=True, owner="r0") == {"changed": True, "held_until": held.until}
    assert node.told == []


def test_main(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    comes(node, 1, answers=2)
    assert main_of(kubelet, options(node, "awaited"), monkeypatch)["etcd"]["answers"]
    assert main_of(kubelet, options(node, "restarted"), monkeypatch, check=True)["changed"]
    assert not main_of(kubelet, options(node, "released"), monkeypatch)["changed"]


def failure(node: Node, state: str, monkeypatch: pytest.MonkeyPatch, **given: Any) -> str:
    ended = main_of(kubelet, options(node, state, **given), monkeypatch)
    assert ended["failed"]
    return str(ended["msg"])


def test_main_without_a_manifest(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    path = node.folder / "etcd.yaml"
    path.unlink()
    assert failure(node, "awaited", monkeypatch) == (
        f"Waiting for etcd failed: there is no {path} on this node. Nothing else was changed."
    )


def test_main_with_a_wrong_manifest(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    path = node.folder / "etcd.yaml"
    path.write_text("", "utf-8")
    said = failure(node, "awaited", monkeypatch)
    assert said.startswith(f"Waiting for etcd failed. {path} cannot be read as a static pod manifest: it is empty")
    assert said.endswith(". Nothing else was changed.")


def test_main_keeps_lines_apart(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.replies = {"systemctl restart": CommandResult(1, "Job failed."), "journalctl": CommandResult(0, "a\nb")}
    assert failure(node, "restarted", monkeypatch) == (
        "Restarting the kubelet failed. systemctl restart kubelet failed: Job failed. Its last lines:\n  a\n  b\n"
        "What is running keeps running."
    )


def test_main_where_a_release_fails(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    kubelet_hold.hold(node, "kubelet", owner="r0", seconds=300.0)
    node.replies = {"systemctl start": CommandResult(None, "timed out after 60 s")}
    assert failure(node, "released", monkeypatch, owner="r0") == (
        "Releasing the kubelet failed. systemctl start kubelet failed: timed out after 60 s."
        " Its timer, if it has one, still starts it."
    )
    assert node.held is not None


def test_main_with_a_wrong_unit(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    assert failure(node, "restarted", monkeypatch, kubelet_unit="a b") == (
        "Restarting the kubelet failed. 'a b' is not a valid systemd unit name. What is running keeps running."
    )
