# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node tool's decisions: who is due, whose turn it is, when to heal, what is said and measured."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, FakeRun, member, probes_of, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._core import files
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import defragmentation
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import (
    cli,
    cron,
    due,
    heal,
    metrics,
    next_run,
    state,
    status,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.context import Context, Paths
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.state import DAY, State
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install import zipapp

GIB = 1024 * MIB
NOW = 1795478400.0
FRAGMENTED, FULL = defragmentation.Rule(100 * MIB, 0.45), defragmentation.Rule(32 * MIB)

# Size, in use, quota; the rule by which it is due.
DUE: list[tuple[str, int, int, int, defragmentation.Rule | None]] = [
    ("fresh", 100 * MIB, 99 * MIB, 2 * GIB, None),
    ("half of much", 400 * MIB, 200 * MIB, 2 * GIB, FRAGMENTED),
    ("just 45 % and 100 MiB", 2000 * MIB, 1100 * MIB, 8 * GIB, FRAGMENTED),
    ("just below 45 %", 2000 * MIB, 1101 * MIB, 8 * GIB, None),
    ("much fragmented, too little of it", 190 * MIB, 91 * MIB, 2 * GIB, None),
    ("over 80 % with 32 MiB to gain", 900 * MIB, 868 * MIB, 1000 * MIB, FULL),
    ("over 80 % with less", 900 * MIB, 869 * MIB, 1000 * MIB, None),
    ("80 % and no more", 800 * MIB, 700 * MIB, 1000 * MIB, None),
    ("no quota", 900 * MIB, 700 * MIB, -1, None),
    ("empty", 0, 0, 2 * GIB, None),
]


@pytest.mark.parametrize(("size", "in_use", "quota", "expected"), table(DUE))
def test_due(size: int, in_use: int, quota: int, expected: defragmentation.Rule | None) -> None:
    found = due.Limits().rule_for(member(1, size=size, in_use=in_use, quota=quota))
    assert found == expected


DUE_ONE = {"size": 500 * MIB, "in_use": 100 * MIB, "quota": 2 * GIB}
NOT_DUE = {"size": 500 * MIB, "in_use": 490 * MIB, "quota": 2 * GIB}
# Four GiB in use take longer than half of what the probes allow, 80 s; 15 % less does not.
TOO_LONG = {"size": 16 * GIB, "in_use": 5 * GIB, "quota": -1}

# The three members, cp1 of which leads; the others that are due, whether the leader is, and who is left.
TURNS: list[tuple[str, list[dict[str, Any]], list[str], bool, list[str]]] = [
    ("nobody", [NOT_DUE, NOT_DUE, NOT_DUE], [], False, []),
    ("all", [DUE_ONE, DUE_ONE, DUE_ONE], ["cp2", "cp3"], True, []),
    ("the leader alone", [DUE_ONE, NOT_DUE, NOT_DUE], [], True, []),
    ("a learner", [NOT_DUE, DUE_ONE, {**DUE_ONE, "learner": True}], ["cp2"], False, []),
    ("one is silent", [NOT_DUE, {**DUE_ONE, "error": "refused"}, DUE_ONE], ["cp3"], False, []),
    ("one takes too long", [NOT_DUE, TOO_LONG, DUE_ONE], ["cp3"], False, ["cp2"]),
    ("the leader takes too long: it does not hand over", [TOO_LONG, NOT_DUE, NOT_DUE], [], False, ["cp1"]),
]


@pytest.mark.parametrize(("members", "others", "own", "left"), table(TURNS))
def test_turns(members: list[dict[str, Any]], others: list[str], own: bool, left: list[str]) -> None:
    seen = view(*(member(number, **given) for number, given in enumerate(members, start=1)))
    found = due.due_members(seen, 1, due.Limits(), probes_of("1.33"), None)
    assert [turn.member.name for turn in found.others] == others
    assert (found.own is not None) == own
    assert [sentence.split(" is due but left alone: ")[0] for sentence in found.left] == left


# What is free on the disk of this node, where one with 100 MiB in use needs 180 MiB; others, own, left.
DISKS: list[tuple[str, int | None, list[str], bool, list[str]]] = [
    ("not known", None, ["cp2", "cp3"], True, []),
    ("just enough", 180 * MIB, ["cp2", "cp3"], True, []),
    ("too little", 180 * MIB - 1, [], False, ["cp2", "cp3", "cp1"]),
    ("full", 0, [], False, ["cp2", "cp3", "cp1"]),
]


@pytest.mark.parametrize(("free", "others", "own", "left"), table(DISKS))
def test_turns_and_the_disk(free: int | None, others: list[str], own: bool, left: list[str]) -> None:
    """The leadership is not handed over by a node on whose disk its member could not be defragmented."""
    found = due.due_members(view(*(member(number, **DUE_ONE) for number in (1, 2, 3))), 1, due.Limits(), (), free)
    assert [turn.member.name for turn in found.others] == others
    assert (found.own is not None) == own
    assert [sentence.split(" is due and left alone: ")[0] for sentence in found.left] == left
    # Whose disk was looked at is said of those that it is not of.
    assert ["the others are judged" in sentence for sentence in found.left] == [name != "cp1" for name in left]


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


def test_who_was_passed_over_is_named_only_where_there_is_no_room() -> None:
    said = ["cp2 was not defragmented: its liveness probe fails."]
    assert heal.headroom_refusal(view(member(1), member(2)), said) is None
    assert heal.headroom_refusal(view(member(1)), []) is None
    over = view(member(1), member(2, size=1000 * MIB))
    assert "free pages count as well." in str(heal.headroom_refusal(over, said))
    assert str(heal.headroom_refusal(over, said)).endswith(f" then run this again. {said[0]}")


def test_half_of_what_the_probes_allow() -> None:
    limit = int(40 * 120 * MIB)  # a liveness probe that fails eight times, every ten seconds
    assert due.run_threat(member(1, in_use=limit), probes_of("1.33")) is None
    assert "during the defragmentation" in str(due.run_threat(member(1, in_use=limit + 2 * MIB), probes_of("1.33")))
    # The alarm of which old probes fail is not armed then.
    assert due.run_threat(member(1, in_use=limit), probes_of("1.29")) is None


NOT_MINE: list[tuple[str, int, int, str | None]] = [
    ("still", 1, 2, None),
    ("another one leads", 2, 2, "cp2 leads now."),
    ("nobody leads", 0, 2, "There is no leader now."),
    ("it led again", 1, 1, "The leadership moved away and came back in between."),
]


@pytest.mark.parametrize(("leader", "term", "expected"), table(NOT_MINE))
def test_not_mine(leader: int, term: int, expected: str | None) -> None:
    """The members that are made know term 2."""
    moved = due.leadership_moved(view(member(1), member(2), leader=leader), 1, term)
    assert (str(moved) if moved else None) == expected


def test_run_refusal() -> None:
    assert due.run_refusal(view(member(1))) is None
    assert "NOSPACE" in str(due.run_refusal(view(member(1), alarms=[Alarm(1, "NOSPACE")])))
    assert "CORRUPT" in str(due.run_refusal(view(member(1), alarms=[Alarm(1, "CORRUPT")])))
    assert "no leader" in str(due.run_refusal(view(member(1), leader=0)))


KNOWN_LONG = State(armed=True, alarms=(NOW - 900,), term=2)
SEEN: list[tuple[str, State, dict[str, Any], State]] = [
    ("at first", State(), {}, State(term=2)),
    ("it leads", State(), {"leads": True}, State(term=2, led_since=NOW)),
    ("it goes on leading", State(term=2, led_since=5.0), {"leads": True}, State(term=2, led_since=5.0)),
    ("the clock was set back", State(term=2, led_since=NOW + 7200), {"leads": True}, State(term=2, led_since=NOW)),
    ("in a new term", State(term=1, led_since=5.0), {"leads": True}, State(term=2, led_since=NOW)),
    ("no more", State(term=2, led_since=5.0), {}, State(term=2)),
    ("the alarm comes", State(), {"armed": True}, State(armed=True, alarms=(NOW,), term=2)),
    ("it stays", State(armed=True, alarms=(NOW - 5,)), {"armed": True}, State(armed=True, alarms=(NOW - 5,), term=2)),
    ("it goes", State(armed=True, alarms=(NOW - 5,), heal_failed=True), {}, State(alarms=(NOW - 5,), term=2)),
    ("it stays, and may not be healed", KNOWN_LONG, {"armed": True, "heal": False}, KNOWN_LONG),
    ("it stays for long", KNOWN_LONG, {"armed": True}, replace(KNOWN_LONG, alarms=(NOW - 900, NOW))),
    ("it stays since yesterday", State(armed=True), {"armed": True}, State(armed=True, alarms=(NOW,), term=2)),
    ("days pass", State(alarms=(NOW - DAY,), heals=(NOW - DAY, NOW - 1)), {}, State(heals=(NOW - 1,), term=2)),
    ("a clock set back", State(heals=(NOW + 9999,)), {}, State(heals=(NOW,), term=2)),
]


@pytest.mark.parametrize(("before", "seen", "expected"), table(SEEN))
def test_seen(before: State, seen: dict[str, Any], expected: State) -> None:
    usual = {"now": NOW, "armed": False, "leads": False, "term": 2, "heal": True}
    assert state.record_observation(before, **{**usual, **seen}) == expected


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


def test_memory_of_the_disk(tmp_path: Path) -> None:
    folder = str(tmp_path / "state")
    assert state.load(folder) == State()
    state.update(folder, lambda known: replace(known, heals=(1.0, 2.0), last_run=3.0))
    assert state.load(folder) == State(heals=(1.0, 2.0), last_run=3.0)
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"lock", "state.json"}
    for text in ("", "[]", "7", "{", '{"heals": 7}', '{"heals": ["x"]}', '{"unknown": 1}'):
        assert state.parse(text) == State()


def test_put_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for mode in (0o644, 0o600):
        files.put(str(path), b"data", mode)
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"data", mode)
    with pytest.raises(OSError, match="directory"):
        files.put(str(tmp_path / "nowhere" / "file"), b"", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_a_tool_that_was_removed_writes_nothing_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would take it away."""
    tool, remembered, folder = tmp_path / "tool", tmp_path / "state", tmp_path / "metrics"
    folder.mkdir()
    tool.touch()
    monkeypatch.setattr(sys, "argv", [str(tool), "watch"])
    context = Context(Paths("/nowhere/etcd.yaml", "/nowhere/lock", str(remembered), str(folder)), 1.0)
    tool.unlink()
    assert context.remember(lambda known: replace(known, last_run=3.0)).last_run == 3.0
    context.publish(None)
    assert not remembered.exists()
    assert list(folder.iterdir()) == []
    tool.touch()
    context.publish(None)
    assert [path.name for path in folder.iterdir()] == [metrics.FILE]


def test_who_is_not_root_is_told_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Else the status would say that there never was a run."""

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError

    monkeypatch.setattr("builtins.open", refuse)
    assert cli.main(["status", "--manifest=/m"]) == 1
    assert capsys.readouterr().out == "etcd-maintenance needs root: /m cannot be read. Nothing was done.\n"


LOOK = metrics.Observation(
    has_leader=True,
    is_leader=False,
    term=2,
    version="3.5.1",
    db_size_bytes=7,
    db_in_use_bytes=5,
    quota_bytes=9,
    disk_free_bytes=8,
    alarms=(Alarm(1, "NOSPACE"),),
)
KNOWN = State(last_run=1.0, last_defrag=2.0, last_defrag_seconds=0.5, heals=(3.0,), heal_failed=True)


def names(text: str) -> set[str]:
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return {line.partition(" ")[0].partition("{")[0].removeprefix(metrics.PREFIX) for line in lines}


def test_all_metrics_are_in_the_table() -> None:
    text = metrics.text(LOOK, KNOWN, NOW)
    assert names(text) == set(metrics.HELP)
    for name in metrics.HELP:
        assert text.count(f"# HELP etcd_maintenance_{name} ") == 1
        assert text.count(f"# TYPE etcd_maintenance_{name} gauge\n") == 1
    assert text.endswith("\n")


MEASURED: list[tuple[str, metrics.Observation | None, State, list[str], list[str]]] = [
    ("alarms", LOOK, KNOWN, ['alarm{type="NOSPACE"} 1.0', 'alarm{type="CORRUPT"} 0.0'], []),
    ("version", LOOK, KNOWN, ['version_info{version="3.5.1"} 1.0', "version_unsafe 1.0"], []),
    ("a safe one", replace(LOOK, version="3.5.6"), KNOWN, ["version_unsafe 0.0"], []),
    ("quotes", replace(LOOK, version='a"b\\c'), KNOWN, ['version_info{version="a\\"b\\\\c"} 1.0'], []),
    ("no quota", replace(LOOK, quota_bytes=-1), KNOWN, ["db_size_bytes 7.0"], ["quota_bytes"]),
    ("no disk", replace(LOOK, disk_free_bytes=None), KNOWN, ["db_size_bytes 7.0"], ["disk_free_bytes"]),
    ("a full disk", replace(LOOK, disk_free_bytes=0), KNOWN, ["disk_free_bytes 0.0"], []),
    ("before any run", LOOK, State(), ["heals_today 0.0"], ["last_run_success", "last_defrag_seconds"]),
    ("down", None, KNOWN, ["member_up 0.0", "last_run_success 1.0", "heal_failed 1.0"], ["db_size_bytes", "alarm"]),
]


@pytest.mark.parametrize(("look", "known", "there", "absent"), table(MEASURED))
def test_metrics(look: metrics.Observation | None, known: State, there: list[str], absent: list[str]) -> None:
    text = metrics.text(look, known, NOW)
    assert set(absent).isdisjoint(names(text))
    for line in there:
        assert f"\n{metrics.PREFIX}{line}\n" in text


def test_status_of_all_kinds_of_members() -> None:
    seen = view(
        member(1),
        member(2, quota=-1),
        member(3, error="Connection refused"),
        member(4, learner=True),
        alarms=[Alarm(1, "NOSPACE")],
    )
    lines = status.lines(seen, "", State(last_run=NOW, last_run_success=False), "2026-11-24 03:00 (cron)")
    cells = "cp1 leader 3.6.16 500.0 MiB 100.0 MiB 80 % 1000.0 MiB 50 %"
    assert lines[1].split() == cells.split()
    assert lines[2].split()[-3:] == ["off", "0", "%"]
    assert lines[3].split() == ["cp3", "silent", *"------"]
    assert lines[4].split()[1] == "learner"
    assert "alarms: NOSPACE (cp1)" in lines
    assert "last run: 2026-11-24 00:00:00 UTC, and did not succeed" in lines
    assert "next run: 2026-11-24 03:00 (cron)" in lines
    assert json.loads(json.dumps(status.result(seen, "", State(), "")))["cluster"]["leader"] == "cp1"
    down = status.lines(None, "Connection refused", State(), "")
    assert down[0] == "The etcd member of this node does not answer: Connection refused."
    assert down[-1] == "next run: none is scheduled"


# The expression, systemd's, and the first moment after Tuesday 24 November 2026, 00:30.
CRONS: list[tuple[str, str, str, str]] = [
    ("default", "00 */3 * * *", "*-*-* 00,03,06,09,12,15,18,21:00:00", "2026-11-24 03:00"),
    ("every minute", "* * * * *", "*-*-* *:*:00", "2026-11-24 00:31"),
    ("later today", "15 2 * * *", "*-*-* 02:15:00", "2026-11-24 02:15"),
    ("tomorrow", "30 0 * * *", "*-*-* 00:30:00", "2026-11-25 00:30"),
    ("ranges", "0-5,50 22-23 * * *", "*-*-* 22,23:00,01,02,03,04,05,50:00", "2026-11-24 22:00"),
    ("steps of a range", "10-40/15 4 * * *", "*-*-* 04:10,25,40:00", "2026-11-24 04:10"),
    ("steps from a value", "5/20 4 * * *", "*-*-* 04:05,25,45:00", "2026-11-24 04:05"),
    ("names", "0 4 * DEC mon-wed", "Mon,Tue,Wed *-12-* 04:00:00", "2026-12-01 04:00"),
    ("both Sundays", "0 4 * * 0,7", "Sun *-*-* 04:00:00", "2026-11-29 04:00"),
    ("over Sunday", "0 4 * * 5-7", "Sun,Fri,Sat *-*-* 04:00:00", "2026-11-27 04:00"),
    ("a leap day", "0 4 29 2 *", "*-02-29 04:00:00", "2028-02-29 04:00"),
    ("every second day and a weekday: both", "0 4 */2 * 1", "Mon", "2026-12-07 04:00"),
]


@pytest.mark.parametrize(("text", "calendar", "following"), table(CRONS))
def test_cron(text: str, calendar: str, following: str) -> None:
    assert cron.on_calendar(text) == calendar or cron.on_calendar(text).startswith(f"{calendar} *-*-01,03,")
    moment = cron.following(cron.parse(text), dt.datetime(2026, 11, 24, 0, 30))
    assert f"{moment:%Y-%m-%d %H:%M}" == following


def test_either_day_is_nothing_for_systemd() -> None:
    expression = cron.parse("0 4 13 * 5")
    assert expression.on(dt.date(2026, 11, 27))  # a Friday
    assert expression.on(dt.date(2026, 12, 13))  # a Sunday
    assert not expression.on(dt.date(2026, 12, 14))
    with pytest.raises(Refused, match="cron runs on days that match either, and systemd only on days that match both"):
        cron.on_calendar("0 4 13 * 5")


def test_a_day_that_never_comes() -> None:
    assert cron.following(cron.parse("0 4 30 2 *"), dt.datetime(2026, 11, 24)) is None


NO_CRONS = (
    "",
    "* * * *",
    "* * * * * *",
    "@daily",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * * 13 *",
    "* * * * 8",
    "a * * * *",
    "*/0 * * * *",
    "5-1 * * * *",
    "1,,2 * * * *",
    "-1 * * * *",
    "*-5 * * * *",
    "* * * * mo",
    "1.5 * * * *",
    "\u0663 * * * *",
)


@pytest.mark.parametrize("text", NO_CRONS)
def test_no_cron(text: str) -> None:
    with pytest.raises(Refused):
        cron.parse(text)


def test_next_run(tmp_path: Path) -> None:
    path, now = tmp_path / "cron", dt.datetime(2026, 11, 24, 0, 30)
    shown = {"systemctl show": CommandResult(0, "Tue 2026-11-24 03:00:00 UTC")}
    assert next_run.next_run(FakeRun(shown), now, str(path)) == "Tue 2026-11-24 03:00:00 UTC"
    assert next_run.next_run(FakeRun({"systemctl": CommandResult(1, "no")}), now, str(path)) == ""
    path.write_text("* * * * * root /x/tool watch\n00 */3 * * * root /x/tool run --min-free-mib=5 2>&1 | logger\n")
    assert next_run.next_run(FakeRun(shown), now, str(path)) == "2026-11-24 03:00 (cron)"


def test_the_archive_is_all_that_it_imports() -> None:
    """No more, so that the same sources make the same file whatever else the library has; and no less."""
    code = (
        "import sys; from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import cli;"
        " print('\\n'.join(sys.modules))"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    prefix = zipapp.build.__module__.rpartition("_node_tool_install.")[0]
    loaded = {name.removeprefix(prefix) for name in done.stdout.split() if name.startswith(prefix)}
    assert {f"{package}.{name}" for package, name in zipapp.sources()} == {name for name in loaded if "." in name}


def test_the_archive_is_the_same_each_time() -> None:
    built = zipapp.build("/usr/bin/python3")
    assert built == zipapp.build("/usr/bin/python3")
    assert built.startswith(b"#!/usr/bin/python3 -I\n# etcd-maintenance")
    assert zipapp.is_ours(built)
    assert zipapp.is_ours(zipapp.build("/opt/python"))
    for data in (b"", b"#!/bin/sh\n", zipapp.MARKER, b"#!/bin/sh\necho\n" + zipapp.MARKER):
        assert not zipapp.is_ours(data)


@pytest.mark.parametrize("stays", [True, False], ids=["an alarm that stays", "one that comes back after each healing"])
@pytest.mark.parametrize("moves", [0, 3, 7, 14, 16, 40, 120, 500], ids="the leadership moves every {} min".format)
def test_attempts_of_all_nodes_in_a_day(moves: int, stays: bool) -> None:
    """Every node looks each minute, and who leads heals when it may."""
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
