# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a NOSPACE alarm is healed, when not yet, and when not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, member, probes_of, table, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import (
    alarms,
    compaction,
    defragmentation,
    write_check,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.compaction import Compaction
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.defragmentation import Defragmentation
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import Unreachable
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.write_check import WriteCheck
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import due, heal, state
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.state import State

GIB = 1024 * MIB
NOW = 1795478400.0

# The probes of a kubeadm, what is in use before and after the compaction; whether it is begun, and the member done.
HEALABLE: list[tuple[str, str, int, int, bool, bool]] = [
    ("1.20: liveness kills", "1.20", GIB, 0, False, True),
    ("1.22: liveness kills", "1.22", GIB, 0, False, True),
    ("1.30: a startup probe that was passed", "1.30", GIB, 100 * MIB, True, True),
    ("1.33", "1.33", GIB, 100 * MIB, True, True),
    ("1.33, 2 GiB of history", "1.33", 2 * GIB, 100 * MIB, True, True),
    ("1.37, 5 GiB of history", "1.37", 5 * GIB, 100 * MIB, True, True),
    ("1.37, 5 GiB of live data", "1.37", 5 * GIB, 5 * GIB, True, False),
    ("1.37, 4 GiB of live data", "1.37", 4 * GIB, 4 * GIB, True, True),
]


@pytest.mark.parametrize(("version", "before", "after", "begun", "done"), table(HEALABLE))
def test_healing_and_probes(version: str, before: int, after: int, begun: bool, done: bool) -> None:
    seen = view(member(1, in_use=before, size=before), alarms=[Alarm(1, "NOSPACE")])
    refusal = heal.heal_refusal(seen, probes_of(version), allow_unsafe=False)
    assert (refusal is None) == begun
    assert begun or "its liveness probe (/health) fails under the alarm" in str(refusal)
    assert (due.run_threat(member(1, in_use=after, size=before), probes_of(version)) is None) == done


def test_who_was_passed_over_is_named_only_if_there_is_no_headroom() -> None:
    said = ["cp2 was not defragmented: its liveness probe fails."]
    assert heal.headroom_refusal(view(member(1), member(2)), said) is None
    assert heal.headroom_refusal(view(member(1)), []) is None
    over = view(member(1), member(2, size=1000 * MIB))
    assert "free pages count as well." in str(heal.headroom_refusal(over, said))
    assert str(heal.headroom_refusal(over, said)).endswith(f" then run this again. {said[0]}")


HEALS: list[tuple[str, State, str | None, str | None]] = [
    ("ready", State(led_since=NOW - 60), None, None),
    ("led too short", State(led_since=NOW - 44), "has not led", None),
    ("does not lead", State(), "has not led", None),
    ("just tried", State(led_since=NOW - 60, heals=(NOW - 60,)), "1 min ago", None),
    ("tried long ago", State(led_since=NOW - 60, heals=(NOW - 2000, NOW - 1000)), None, None),
    ("three times", State(led_since=NOW - 60, heals=(NOW - 9, NOW - 8, NOW - 7)), "0 min ago", "3 times"),
    ("others did it three times", State(led_since=NOW - 60, alarms=(1.0, 2.0, 3.0)), None, None),
    ("and a fourth", State(led_since=NOW - 60, alarms=(1.0, 2.0, 3.0, 4.0)), None, "saw the alarm 4 times"),
    ("led when the alarm came", State(led_since=NOW - 60, alarms=(NOW - 60,)), None, None),
    ("another one led then", State(led_since=NOW - 60, alarms=(NOW - 90,)), "may have tried", None),
    ("and it stays", State(led_since=NOW - 60, alarms=(NOW - 990, NOW)), None, None),
]


@pytest.mark.parametrize(("known", "wait", "often"), table(HEALS))
def test_when_to_heal(known: State, wait: str | None, often: str | None) -> None:
    for said, expected in ((heal.wait_reason(known, NOW), wait), (heal.attempts_exhausted(known), often)):
        assert (said is None) == (expected is None)
        assert expected is None or expected in str(said)


@pytest.mark.parametrize("stays", [True, False], ids=["an alarm that stays", "one that comes back after each healing"])
@pytest.mark.parametrize("moves", [0, 3, 7, 14, 16, 40, 120, 500], ids="the leadership moves every {} min".format)
def test_attempts_of_all_nodes_in_a_day(moves: int, stays: bool) -> None:
    """Every node inspects its member each minute, and who leads heals when it may."""
    nodes, attempts, healed = [State()] * 3, 0, -60
    for minute in range(23 * 60):
        now, leader = NOW + 60 * minute, minute // moves % 3 if moves else 0
        term = minute // moves if moves else 1
        armed = stays or minute - healed > 20
        for number in range(3):
            leads = number == leader
            nodes[number] = state.record_observation(
                nodes[number], now=now + number, armed=armed, leads=leads, term=term, heal=True
            )
        if armed and not (heal.wait_reason(nodes[leader], now + leader) or heal.attempts_exhausted(nodes[leader])):
            attempts += 1
            nodes[leader] = replace(nodes[leader], heals=(*nodes[leader].heals, now), armed=stays)
            healed = minute
    assert 1 <= attempts <= heal.MAX_ATTEMPTS_PER_DAY


FULL, NOT_FULL = {"size": 1000 * MIB, "in_use": 100 * MIB}, {"size": 120 * MIB, "in_use": 100 * MIB}
ARMED = [Alarm(1, "NOSPACE")]
STILL = " The alarm is still armed. Run the playbook controlplane.etcd.recover.\n"


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    """Its own member leads a cluster that is full, and whose members shrink when they are defragmented."""
    found = FakeNode(tmp_path, view(member(1, **FULL), member(2, **FULL), alarms=ARMED))

    def defragment(_inspect: object, endpoint: Any, *, refusal: Any, **_options: object) -> Defragmentation:
        """As the real one, it asks for the caller's own reason last."""
        cluster = found.local.cluster
        url = endpoint if isinstance(endpoint, str) else endpoint.url
        again = next(each for each in cluster.members if each.endpoint == url)
        why = refusal(cluster, again)
        if why:
            raise why
        found.local.endpoint.calls.append(f"defragment {again.name}")
        members = [member(each.id, **NOT_FULL) if each is again else each for each in cluster.members]
        found.local.cluster = cluster._replace(members=tuple(members))
        return Defragmentation(again.name, True, 1000 * MIB, 120 * MIB, 0.9)

    def disarm(cluster: ClusterView, _endpoint: object) -> tuple[Alarm, ...]:
        found.local.endpoint.calls.append("disarm")
        found.local.cluster = cluster._replace(alarms=())
        return ()

    def check_writes(inspect: Any, _connect: object, *, settle_seconds: float) -> WriteCheck:
        return WriteCheck((), inspect(), inspect(), settle_seconds, None, ())

    monkeypatch.setattr(defragmentation, "defragment", defragment)
    monkeypatch.setattr(compaction, "compact", lambda _view, _connect, at, **_options: Compaction(at, True, 0.1, {}))
    monkeypatch.setattr(alarms, "disarm", disarm)
    monkeypatch.setattr(write_check, "check_writes", check_writes)
    return found


def attempt(node: FakeNode, **known: Any) -> int:
    node.remember(lambda _before: State(**{"armed": True, "led_since": 0.0, **known}))
    return heal.heal(node, node.member(), node.remembered(), allow_unsafe=False)


def test_healed(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    assert attempt(node) == 0
    assert node.local.endpoint.calls == ["defragment cp2", "defragment cp1", "disarm"]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "The NOSPACE alarm is armed: compacting, then defragmenting each member that needs it."
    assert said[-1] == "Disarmed, and writes are accepted: cp1 uses 12 % of its quota; cp2 uses 12 % of its quota."
    known = node.remembered()
    assert (known.armed, known.heal_failed, len(known.heals)) == (False, False, 1)


def test_not_yet(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    assert attempt(node, led_since=None) == 0
    assert node.local.endpoint.calls == []
    assert capsys.readouterr().out == (
        "The NOSPACE alarm is armed and not healed now: this node has not led for long enough; the next check, in a"
        " minute, does it.\n"
    )
    assert not node.remembered().heal_failed


def test_not_any_more_today(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    assert attempt(node, heals=(1.0, 2.0, 3.0)) == 3
    assert capsys.readouterr().out == (
        "The NOSPACE alarm is armed and not healed now: in the last 24 hours this node tried to heal 3 times and saw"
        " the alarm 0 times, one that stays again every 15 min; more than 3 a day would only hide what fills the"
        " database. Run the playbook controlplane.etcd.recover, and look for what fills it.\n"
    )
    assert node.remembered().heal_failed


def test_refused(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    node.local.cluster = node.local.cluster._replace(alarms=(*ARMED, Alarm(1, "CORRUPT")))
    assert attempt(node) == 3
    assert node.local.endpoint.calls == []
    said = capsys.readouterr().out
    assert said.startswith("Healing failed: refused. ")
    assert said.endswith(STILL)
    known = node.remembered()
    assert (known.heal_failed, known.heals) == (True, ())


def test_the_leadership_moves_in_between(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing more is done from here, whereas a member that cannot be defragmented is passed over."""

    def compact(*_arguments: object, **_options: object) -> Compaction:
        node.local.cluster = node.local.cluster._replace(leader_id=2)
        return Compaction(900, True, 0.1, {})

    monkeypatch.setattr(compaction, "compact", compact)
    assert attempt(node) == 3
    assert node.local.endpoint.calls == []
    said = capsys.readouterr().out
    assert said.endswith(f"Healing failed: refused. cp2 leads now.{STILL}")
    assert "was not defragmented" not in said


def test_nobody_can_be_defragmented(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    node.local.free_bytes = 0
    assert attempt(node) == 3
    assert node.local.endpoint.calls == []
    said = capsys.readouterr().out.splitlines()
    assert said[2].startswith("cp2 was not defragmented: a defragmentation needs 180.0 MiB for a copy of the file")
    assert said[3].startswith("cp1 was not defragmented: ")
    assert said[-1].startswith("Healing failed: refused. ")
    assert f"{said[2]} {said[3]}{STILL}".rstrip("\n") in said[-1]


def test_etcd_fails(node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_arguments: object, **_options: object) -> Compaction:
        raise Unreachable("connection reset", endpoint="https://192.0.2.1:2379")

    monkeypatch.setattr(compaction, "compact", fail)
    assert attempt(node) == 1
    said = capsys.readouterr().out
    assert said.endswith(f"Healing failed: connection reset (https://192.0.2.1:2379).{STILL}")
    assert len(node.remembered().heals) == 1


def test_another_run_works_here(node: FakeNode, capsys: pytest.CaptureFixture[str]) -> None:
    run_lock.take(node.paths.lock, run_lock.Lock("another", "a recovery", 4e9))
    assert attempt(node) == 0
    assert not node.remembered().heal_failed
    said = capsys.readouterr().out
    assert said.startswith("The NOSPACE alarm is armed and not healed now: another run works on this node: a recovery")


def test_what_came_of_the_disarm(
    node: FakeNode, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is not said that the alarm is still armed: that is not known, or it is another one."""

    def fail(*_arguments: object) -> tuple[Alarm, ...]:
        raise Unreachable("connection reset")

    for disarm, said in (
        (fail, "connection reset, after the disarm was begun: whether the alarm is gone is not known."),
        (lambda *_arguments: tuple(ARMED), "After the disarm an alarm is armed again."),
    ):
        monkeypatch.setattr(alarms, "disarm", disarm)
        assert attempt(node) == 3
        assert capsys.readouterr().out.endswith(f"Healing failed: {said} Run the playbook controlplane.etcd.recover.\n")
        assert node.remembered().heal_failed
