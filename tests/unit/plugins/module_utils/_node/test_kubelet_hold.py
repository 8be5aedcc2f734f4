# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holding the kubelet, with a systemd that answers as it is told to: what is run, in which order, and what stays."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from unit.builders import FakeRun, systemd_shows, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet, kubelet_hold
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet_hold import Hold

HELD = Hold("r1", "etcd-maintenance-release-0a1b2c3d4e5f", 4102444800.0)


class Systemd(FakeRun):
    """It remembers whose timer was in the record at each call."""

    def __init__(self, records: Path, replies: dict[str, CommandResult] | None = None) -> None:
        super().__init__(replies)
        self._records = str(records)
        self.recorded: list[str | None] = []

    def __call__(self, argv: Sequence[str], timeout: float) -> CommandResult:
        held = kubelet_hold.read_hold("kubelet", self._records)
        self.recorded.append(held.timer if held else None)
        return super().__call__(argv, timeout)


def hold(run: FakeRun, records: Path, owner: str = "r1", seconds: float = 300.0) -> Hold:
    return kubelet_hold.hold(run, "kubelet", owner=owner, seconds=seconds, records=str(records))


def stop_of(held: Hold) -> list[str]:
    """Its timer, and what that may be starting just now."""
    return ["systemctl", "stop", "--", f"{held.timer}.timer", f"{held.timer}.service"]


def record_of(directory: Path) -> Path:
    (path,) = directory.iterdir()
    return path


def test_hold_sets_the_timer_before_the_record_and_both_before_it_stops(tmp_path: Path) -> None:
    run = Systemd(tmp_path)
    before = time.time()
    held = hold(run, tmp_path)
    assert [argv[0] for argv in run.calls] == ["systemd-run", "systemctl"]
    assert run.verbs[1] == "stop kubelet"
    assert run.recorded == [None, held.timer]
    assert held.owner == "r1"
    assert before + 300 <= held.until <= time.time() + 300
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == held
    assert stat.S_IMODE(record_of(tmp_path).stat().st_mode) == 0o600
    command = run.calls[0]
    assert f"--unit={held.timer}" in command
    assert {"--on-active=300s", "--timer-property=AccuracySec=1s", "--collect"} <= set(command)


def test_hold_again_stops_the_old_timer_before_its_record_is_gone(tmp_path: Path) -> None:
    first = hold(FakeRun(), tmp_path, "r1")
    run = Systemd(tmp_path)
    second = hold(run, tmp_path, "r2", 60.0)
    assert [argv[0] for argv in run.calls] == ["systemd-run", "systemctl", "systemctl"]
    assert run.calls[1] == stop_of(first)
    assert run.verbs[2] == "stop kubelet"
    assert run.recorded == [first.timer, first.timer, second.timer]
    assert first.timer != second.timer
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == second
    assert second.owner == "r2"
    assert second.until < first.until


SECONDS: list[tuple[str, float, str]] = [("none", 0.0, "0s"), ("less than none", -5.0, "0s"), ("half", 90.6, "91s")]


@pytest.mark.parametrize(("seconds", "expected"), table(SECONDS))
def test_time_of_the_timer(tmp_path: Path, seconds: float, expected: str) -> None:
    run = FakeRun()
    hold(run, tmp_path, seconds=seconds)
    assert f"--on-active={expected}" in run.calls[0]


def test_without_a_timer_it_is_not_stopped(tmp_path: Path) -> None:
    run = FakeRun({"systemd-run": CommandResult(1, "Failed to start transient timer unit")})
    with pytest.raises(
        Failure,
        match=r"^kubelet was not held: the timer to start it again could not be set \(Failed to start transient",
    ) as caught:
        hold(run, tmp_path)
    assert caught.value.code == "kubelet_not_held"
    assert [argv[0] for argv in run.calls] == ["systemd-run"]
    assert list(tmp_path.iterdir()) == []


UNKNOWN = CommandResult(1, "systemd-run: unrecognized option '--collect'")


def test_systemd_that_cannot_collect(tmp_path: Path) -> None:
    """One before 236: what the timer ran stays there, which does no harm."""
    run = FakeRun({"systemd-run --quiet --collect": UNKNOWN})
    held = hold(run, tmp_path)
    assert [argv[0] for argv in run.calls] == ["systemd-run", "systemd-run", "systemctl"]
    assert run.calls[1] == [word for word in run.calls[0] if word != "--collect"]
    assert len(run.calls[1]) == len(run.calls[0]) - 1
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == held


def test_systemd_that_can_do_neither(tmp_path: Path) -> None:
    refused = CommandResult(1, "systemd-run: unrecognized option '--timer-property'")
    run = FakeRun({"systemd-run --quiet --collect": UNKNOWN, "systemd-run": refused})
    with pytest.raises(Failure, match=r"^kubelet was not held: .* \(systemd-run: unrecognized option '--timer-prop"):
        hold(run, tmp_path)
    assert [argv[0] for argv in run.calls] == ["systemd-run", "systemd-run"]
    assert list(tmp_path.iterdir()) == []


def test_without_a_new_timer_the_old_one_stays(tmp_path: Path) -> None:
    first = hold(FakeRun(), tmp_path)
    run = FakeRun({"systemd-run": CommandResult(None, "timed out after 60 s")})
    with pytest.raises(Failure, match=r"^kubelet was not held"):
        hold(run, tmp_path)
    assert [argv[0] for argv in run.calls] == ["systemd-run"]
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == first


def test_without_a_record_it_is_not_stopped(tmp_path: Path) -> None:
    """Nobody would know whose timer starts it."""
    run = FakeRun()
    with pytest.raises(OSError, match="gone"):
        hold(run, tmp_path / "gone")
    assert [argv[0] for argv in run.calls] == ["systemd-run"]


def test_hold_that_cannot_stop_it_leaves_the_timer(tmp_path: Path) -> None:
    run = FakeRun({"systemctl stop -- kubelet": CommandResult(1, "Access denied")})
    with pytest.raises(Failure, match=r"^systemctl stop kubelet failed: Access denied\.$"):
        hold(run, tmp_path)
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) is not None


def test_units_do_not_share_a_record(tmp_path: Path) -> None:
    hold(FakeRun(), tmp_path)
    assert kubelet_hold.read_hold("kubelet-2", str(tmp_path)) is None


def script_of(run: FakeRun) -> str:
    """What the timer runs."""
    command = run.calls[0]
    assert command[-3:-1] == ["/bin/sh", "-c"]
    return command[-1]


@pytest.mark.parametrize("taken_over", [False, True])
def test_what_the_timer_runs(tmp_path: Path, taken_over: bool) -> None:
    """It starts the kubelet, and takes its own record with it."""
    records, programs, log = tmp_path / "a run", tmp_path / "bin", tmp_path / "log"
    records.mkdir()
    programs.mkdir()
    (programs / "systemctl").write_text(f'#!/bin/sh\necho "$@" >{shlex.quote(str(log))}\n', "utf-8")
    (programs / "systemctl").chmod(0o755)
    run = FakeRun()
    hold(run, records)
    latest = hold(FakeRun(), records, "r2") if taken_over else None
    env = {"PATH": f"{programs}:{os.defpath}"}
    subprocess.run(["/bin/sh", "-c", script_of(run)], env=env, check=True, timeout=20)
    assert log.read_text("utf-8") == "start -- kubelet\n"
    assert kubelet_hold.read_hold("kubelet", str(records)) == latest
    # Without a record, as after an answer that came too late, it starts it all the same.
    log.unlink()
    subprocess.run(["/bin/sh", "-c", script_of(run)], env=env, check=True, timeout=20)
    assert log.exists()


def test_release(tmp_path: Path) -> None:
    held = hold(FakeRun(), tmp_path)
    run = Systemd(tmp_path)
    kubelet_hold.release(run, "kubelet", str(tmp_path))
    assert run.verbs[0] == "start kubelet"
    assert run.calls[1:] == [stop_of(held)]
    assert run.recorded == [held.timer, held.timer]
    assert list(tmp_path.iterdir()) == []


def test_release_without_a_hold(tmp_path: Path) -> None:
    run = FakeRun()
    kubelet_hold.release(run, "kubelet", str(tmp_path))
    assert run.verbs == ["start kubelet"]


LINES = "\n".join(f"line {number}" for number in range(3)) + "\n\n"


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_start_that_fails_leaves_the_timer(tmp_path: Path, verb: str) -> None:
    held = hold(FakeRun(), tmp_path)
    refused = CommandResult(1, "Failed to start kubelet.service: Unit kubelet.service is masked.")
    run = FakeRun({f"systemctl {verb}": refused, "journalctl": CommandResult(0, LINES)})
    with pytest.raises(Failure) as caught:
        {"start": kubelet_hold.release, "restart": kubelet_hold.restart_and_release}[verb](
            run, "kubelet", str(tmp_path)
        )
    assert str(caught.value) == (
        f"systemctl {verb} kubelet failed: {refused.output} Its last lines:\n  line 0\n  line 1\n  line 2"
    )
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == held
    assert [argv[0] for argv in run.calls] == ["systemctl", "journalctl"]


def test_schedule_release(tmp_path: Path) -> None:
    """It stays stopped until then."""
    held = hold(FakeRun(), tmp_path)
    run = Systemd(tmp_path)
    later = kubelet_hold.schedule_release(run, "kubelet", owner=held.owner, seconds=60.0, records=str(tmp_path))
    assert [argv[0] for argv in run.calls] == ["systemd-run", "systemctl"]
    assert run.calls[1] == stop_of(held)
    assert run.recorded == [held.timer, held.timer]
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == later
    assert later.owner == held.owner
    assert later.until < held.until


def test_restart(tmp_path: Path) -> None:
    run = FakeRun()
    kubelet_hold.restart_and_release(run, "kubelet", str(tmp_path))
    assert run.verbs == ["restart kubelet"]


def test_restart_ends_a_hold(tmp_path: Path) -> None:
    held = hold(FakeRun(), tmp_path)
    run = FakeRun()
    kubelet_hold.restart_and_release(run, "kubelet", str(tmp_path))
    assert run.verbs[0] == "restart kubelet"
    assert run.calls[1:] == [stop_of(held)]
    assert list(tmp_path.iterdir()) == []


def test_start_keeps_the_hold(tmp_path: Path) -> None:
    held = hold(FakeRun(), tmp_path)
    run = FakeRun()
    kubelet.start(run, "kubelet")
    assert run.verbs == ["start kubelet"]
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == held


def test_the_service_of_rke2_is_not_waited_for(tmp_path: Path) -> None:
    """It is ready only when its etcd has found the others, which may be never."""
    run = FakeRun()
    kubelet_hold.hold(run, "rke2-server", owner="r1", seconds=60.0, records=str(tmp_path))
    kubelet_hold.release(run, "rke2-server", str(tmp_path))
    kubelet_hold.restart_and_release(run, "rke2-server", str(tmp_path))
    timer, stop, start, _stop_timer, restart = run.calls
    assert timer[-1].endswith("; exec systemctl start --no-block -- rke2-server")
    assert stop == ["systemctl", "stop", "--", "rke2-server"]
    assert start == ["systemctl", "start", "--no-block", "--", "rke2-server"]
    assert restart == ["systemctl", "restart", "--no-block", "--", "rke2-server"]


RECORDS: list[tuple[str, bytes, Hold | None]] = [
    ("whole", json.dumps({"owner": "r1", "timer": HELD.timer, "until": HELD.until}).encode(), HELD),
    ("whole number", b'{"owner": "r1", "timer": "etcd-maintenance-release-0a1b2c3d4e5f", "until": 4102444800}', HELD),
    ("empty", b"", None),
    ("cut off", b'{"owner": "r1"', None),
    ("a list", b"[]", None),
    ("without a timer", b'{"owner": "r1", "until": 1.0}', None),
    ("no number", b'{"owner": "r1", "timer": "t", "until": "soon"}', None),
    ("no text", b"\xff\xfe", None),
]


@pytest.mark.parametrize(("content", "expected"), table(RECORDS))
def test_read_hold(tmp_path: Path, content: bytes, expected: Hold | None) -> None:
    hold(FakeRun(), tmp_path)
    record_of(tmp_path).write_bytes(content)
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == expected


STALE: list[tuple[str, float, bool]] = [
    ("its time has come", 0.0, True),
    ("just before a minute", 59.9, True),
    ("a minute after it", 60.0, False),
    ("long after it", 86400.0, False),
]


@pytest.mark.parametrize(("after", "expected"), table(STALE))
def test_record_that_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: float, expected: bool) -> None:
    """Its timer has started the kubelet: whoever stopped it since was somebody else."""
    held = hold(FakeRun(), tmp_path)
    monkeypatch.setattr(kubelet_hold, "time", SimpleNamespace(time=lambda: held.until + after))
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == (held if expected else None)


def test_stale_record_makes_room_for_a_new_one(tmp_path: Path) -> None:
    """Its timer is stopped all the same: that has not fired if somebody has set the clock forward."""
    stale = hold(FakeRun(), tmp_path, seconds=-60.0)
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) is None
    run = FakeRun()
    held = hold(run, tmp_path, "r2")
    assert [argv[0] for argv in run.calls] == ["systemd-run", "systemctl", "systemctl"]
    assert run.verbs[1:] == [f"stop {stale.timer}.service", "stop kubelet"]
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == held


def test_timer_of_a_record_that_was_tampered_with_is_not_stopped(tmp_path: Path) -> None:
    hold(FakeRun(), tmp_path)
    record_of(tmp_path).write_text('{"owner": "r1", "timer": "-H x ssh", "until": 4102444800}', "utf-8")
    run = FakeRun()
    kubelet_hold.release(run, "kubelet", str(tmp_path))
    assert run.verbs == ["start kubelet"]


def test_held_until(tmp_path: Path) -> None:
    assert kubelet_hold.held_until("kubelet", str(tmp_path)) is None
    held = hold(FakeRun(), tmp_path)
    assert kubelet_hold.held_until("kubelet", str(tmp_path)) == held.until


def test_startable_while_it_is_held(tmp_path: Path) -> None:
    run = FakeRun({"systemctl show": systemd_shows("inactive"), "journalctl": CommandResult(0, "Stopped kubelet.")})
    with pytest.raises(
        Refused, match=r"^kubelet was stopped by someone else(.|\n)* Its last lines:\n  Stopped kubelet\.$"
    ) as caught:
        kubelet_hold.startable(run, "kubelet", str(tmp_path))
    assert caught.value.code == "kubelet_stopped"
    hold(FakeRun(), tmp_path)
    assert kubelet_hold.startable(run, "kubelet", str(tmp_path)).active == "inactive"


def test_not_startable_without_a_unit(tmp_path: Path) -> None:
    """It has no lines."""
    run = FakeRun({"systemctl show": systemd_shows("inactive", loaded="not-found")})
    with pytest.raises(Refused, match=r"^There is no unit kubelet on this node\.") as caught:
        kubelet_hold.startable(run, "kubelet", str(tmp_path))
    assert caught.value.code == "kubelet_missing"
    assert run.verbs == ["show kubelet"]
