# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubelet's unit, with a systemd that answers as it is told to: what is run, in which order, and what stays."""

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
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet, kubelet_hold
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet import Unit, UnitError
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet_hold import Hold

HELD = Hold("r1", "etcd-maintenance-release-0a1b2c3d4e5f", 4102444800.0)
NOT_FOUND = systemd_shows("inactive", loaded="not-found", file_state="", started=0)
MASKED = systemd_shows("inactive", loaded="masked", file_state="masked")

UNITS: list[tuple[str, CommandResult, Unit]] = [
    ("runs", systemd_shows(started=9), Unit("kubelet", "loaded", "active", "enabled", 9.0)),
    ("crashes", systemd_shows("activating", restarts=4), Unit("kubelet", "loaded", "activating", "enabled", 7.0, 4)),
    ("not there", NOT_FOUND, Unit("kubelet", "not-found", "inactive", "", 0.0)),
    (
        "an old systemd, which counts no restarts",
        CommandResult(0, "LoadState=loaded"),
        Unit("kubelet", "loaded", "", "", 0.0),
    ),
    ("a warning before it", CommandResult(0, "Warning: x\nActiveState=active"), Unit("kubelet", "", "active", "", 0.0)),
    ("silence", CommandResult(0, ""), Unit("kubelet", "", "", "", 0.0)),
]


@pytest.mark.parametrize(("shown", "expected"), table(UNITS))
def test_unit(shown: CommandResult, expected: Unit) -> None:
    run = FakeRun({"systemctl show": shown})
    assert kubelet.unit(run, "kubelet") == expected
    (argv,) = run.calls
    assert argv[-2:] == ["--", "kubelet"]


NO_SYSTEMD: list[tuple[str, CommandResult]] = [
    ("no systemctl", CommandResult(127, "[Errno 2] No such file or directory: 'systemctl'")),
    ("not booted with it", CommandResult(1, "System has not been booted with systemd as init system")),
    ("no answer", CommandResult(None, "timed out after 60 s")),
]


@pytest.mark.parametrize("shown", table(NO_SYSTEMD))
def test_no_systemd(shown: CommandResult) -> None:
    with pytest.raises(UnitError) as caught:
        kubelet.unit(FakeRun({"systemctl": shown}), "kubelet")
    assert str(caught.value) == f"systemd cannot be asked about kubelet: {shown.output}."


@pytest.mark.parametrize("name", ["", "a b", "a;b", "../x", "a/b", "kubelet\n", "$(x)", "k*"])
def test_bad_name(name: str) -> None:
    run = FakeRun()
    with pytest.raises(UnitError, match=r"is not a valid systemd unit name\.$"):
        kubelet.unit(run, name)
    assert run.calls == []


@pytest.mark.parametrize("name", ["kubelet", "kubelet.service", "snap.microk8s.daemon-kubelet", "kubelet@1", "k3s_x:y"])
def test_good_name(name: str) -> None:
    assert kubelet.unit(FakeRun(), name).name == name


STATES: list[tuple[str, CommandResult, bool, bool, bool]] = [
    ("active", systemd_shows(), True, True, False),
    ("activating", systemd_shows("activating"), True, True, False),
    ("reloading", systemd_shows("reloading"), True, True, False),
    ("inactive", systemd_shows("inactive"), False, True, False),
    ("deactivating", systemd_shows("deactivating"), False, True, False),
    ("failed", systemd_shows("failed"), False, True, False),
    ("not found", NOT_FOUND, False, False, False),
    ("masked", MASKED, False, True, True),
    ("masked until the next start", systemd_shows(file_state="masked-runtime"), True, True, True),
]


@pytest.mark.parametrize(("shown", "running", "exists", "masked"), table(STATES))
def test_state(shown: CommandResult, running: bool, exists: bool, masked: bool) -> None:
    found = kubelet.unit(FakeRun({"systemctl": shown}), "kubelet")
    assert (found.running, found.exists, found.masked) == (running, exists, masked)


CRASHES: list[tuple[str, CommandResult, float, bool]] = [
    ("runs", systemd_shows(started=100), 101.0, False),
    ("runs again for 59 s", systemd_shows(started=100, restarts=1), 159.9, True),
    ("runs again for a minute", systemd_shows(started=100, restarts=1), 160.0, False),
    ("waits for its next start", systemd_shows("activating", started=100), 900.0, True),
    ("failed", systemd_shows("failed", started=100), 900.0, True),
    ("stopped", systemd_shows("inactive", started=100), 101.0, False),
]


@pytest.mark.parametrize(("shown", "now", "expected"), table(CRASHES))
def test_crashes(shown: CommandResult, now: float, expected: bool) -> None:
    assert kubelet.unit(FakeRun({"systemctl": shown}), "kubelet").crashes(now) is expected


REFUSALS: list[tuple[str, CommandResult, Hold | None, str | None]] = [
    ("runs", systemd_shows(), None, None),
    ("runs and is said to be held", systemd_shows(), HELD, None),
    ("held", systemd_shows("inactive"), HELD, None),
    ("failed: starting it is what is wanted", systemd_shows("failed"), None, None),
    (
        "stopped by somebody",
        systemd_shows("inactive"),
        None,
        "kubelet was stopped by someone else, so it is not started",
    ),
    ("not there", NOT_FOUND, None, "There is no unit kubelet on this node."),
    ("not there, though held", NOT_FOUND, HELD, "There is no unit kubelet on this node."),
    ("masked", MASKED, None, "kubelet is masked, so it was disabled on purpose."),
    ("masked, though held", MASKED, HELD, "kubelet is masked"),
    ("masked, though it runs", systemd_shows(file_state="masked-runtime"), None, "kubelet is masked"),
]


@pytest.mark.parametrize(("shown", "held", "expected"), table(REFUSALS))
def test_refusal(shown: CommandResult, held: Hold | None, expected: str | None) -> None:
    refusal = kubelet.start_refusal(kubelet.unit(FakeRun({"systemctl": shown}), "kubelet"), held=held is not None)
    if expected is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert refusal.startswith(expected)
        assert refusal.endswith(".")


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


def record_of(folder: Path) -> Path:
    (path,) = folder.iterdir()
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
        UnitError,
        match=r"^kubelet was not held: the timer to start it again could not be set \(Failed to start transient",
    ):
        hold(run, tmp_path)
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
    with pytest.raises(UnitError, match=r"^kubelet was not held: .* \(systemd-run: unrecognized option '--timer-prop"):
        hold(run, tmp_path)
    assert [argv[0] for argv in run.calls] == ["systemd-run", "systemd-run"]
    assert list(tmp_path.iterdir()) == []


def test_without_a_new_timer_the_old_one_stays(tmp_path: Path) -> None:
    first = hold(FakeRun(), tmp_path)
    run = FakeRun({"systemd-run": CommandResult(None, "timed out after 60 s")})
    with pytest.raises(UnitError, match=r"^kubelet was not held"):
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
    with pytest.raises(UnitError, match=r"^systemctl stop kubelet failed: Access denied\.$"):
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


def test_let_go(tmp_path: Path) -> None:
    held = hold(FakeRun(), tmp_path)
    run = Systemd(tmp_path)
    kubelet_hold.release(run, "kubelet", str(tmp_path))
    assert run.verbs[0] == "start kubelet"
    assert run.calls[1:] == [stop_of(held)]
    assert run.recorded == [held.timer, held.timer]
    assert list(tmp_path.iterdir()) == []


def test_let_go_without_a_hold(tmp_path: Path) -> None:
    run = FakeRun()
    kubelet_hold.release(run, "kubelet", str(tmp_path))
    assert run.verbs == ["start kubelet"]


LINES = "\n".join(f"line {number}" for number in range(3)) + "\n\n"


@pytest.mark.parametrize("verb", ["start", "restart"])
def test_start_that_fails_leaves_the_timer(tmp_path: Path, verb: str) -> None:
    held = hold(FakeRun(), tmp_path)
    refused = CommandResult(1, "Failed to start kubelet.service: Unit kubelet.service is masked.")
    run = FakeRun({f"systemctl {verb}": refused, "journalctl": CommandResult(0, LINES)})
    with pytest.raises(UnitError) as caught:
        {"start": kubelet_hold.release, "restart": kubelet_hold.restart_and_release}[verb](
            run, "kubelet", str(tmp_path)
        )
    assert str(caught.value) == (
        f"systemctl {verb} kubelet failed: {refused.output} Its last lines:\n  line 0\n  line 1\n  line 2"
    )
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == held
    assert [argv[0] for argv in run.calls] == ["systemctl", "journalctl"]


def test_let_go_later(tmp_path: Path) -> None:
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


def test_wake_keeps_the_hold(tmp_path: Path) -> None:
    held = hold(FakeRun(), tmp_path)
    run = FakeRun()
    kubelet.start(run, "kubelet")
    assert run.verbs == ["start kubelet"]
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == held


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
    hold(FakeRun(), tmp_path, seconds=-60.0)
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) is None
    run = FakeRun()
    held = hold(run, tmp_path, "r2")
    assert [argv[0] for argv in run.calls] == ["systemd-run", "systemctl"]
    assert run.verbs[1] == "stop kubelet"
    assert kubelet_hold.read_hold("kubelet", str(tmp_path)) == held


def test_timer_of_a_record_that_was_tampered_with_is_not_stopped(tmp_path: Path) -> None:
    hold(FakeRun(), tmp_path)
    record_of(tmp_path).write_text('{"owner": "r1", "timer": "-H x ssh", "until": 4102444800}', "utf-8")
    run = FakeRun()
    kubelet_hold.release(run, "kubelet", str(tmp_path))
    assert run.verbs == ["start kubelet"]


def test_last_lines() -> None:
    run = FakeRun({"journalctl": CommandResult(0, "a\n \n" + "b" * 400)})
    assert kubelet.last_lines(run, "kubelet", 7) == ["a", "b" * 300]
    assert "--lines=7" in run.calls[0]
    assert (
        kubelet.last_lines(FakeRun({"journalctl": CommandResult(1, "No journal files were found.")}), "kubelet") == []
    )


def syncing(wait: str, container: str = "etcd", pod: str = "etcd-cp1") -> str:
    """A line of a real kubelet."""
    return (
        'E1123 09:12:41.123456     107 pod_workers.go:1301] "Error syncing pod, skipping" err="failed to'
        rf" \"StartContainer\" for \"{container}\" with CrashLoopBackOff: \"back-off {wait} restarting failed"
        rf' container={container} pod={pod}_kube-system(0a1b2c)\"" pod="kube-system/{pod}" podUID="0a1b2c"'
    )


OTHER = 'I1123 09:11:11.1     107 kubelet.go:2643] "SyncLoop (probe)" probe="startup" status="unhealthy" pod="x/y"'

BACK_OFFS: list[tuple[str, list[str], dict[str, str]]] = [
    ("none", [OTHER], {}),
    ("the shortest", [syncing("10s")], {"etcd-cp1": "10s"}),
    ("the longest", [syncing("5m0s")], {"etcd-cp1": "5m0s"}),
    ("the last one counts", [syncing("40s"), OTHER, syncing("1m20s")], {"etcd-cp1": "1m20s"}),
    (
        "two pods",
        [syncing("20s"), syncing("2m40s", "kube-apiserver", "kube-apiserver-node.example.org")],
        {"etcd-cp1": "20s", "kube-apiserver-node.example.org": "2m40s"},
    ),
]


@pytest.mark.parametrize(("lines", "expected"), table(BACK_OFFS))
def test_back_offs(lines: list[str], expected: dict[str, str]) -> None:
    run = FakeRun({"systemctl show": systemd_shows(), "journalctl": CommandResult(0, "\n".join(lines))})
    assert kubelet.back_offs(run, "kubelet") == expected


AGES: list[tuple[str, int, str]] = [
    ("just now", 0, "--since=-1s"),
    ("a minute ago", 60, "--since=-60s"),
    ("long ago", 90000, "--since=-600s"),
    ("never", -1, "--since=-600s"),
]


@pytest.mark.parametrize(("age", "expected"), table(AGES))
def test_only_since_its_last_start(monkeypatch: pytest.MonkeyPatch, age: int, expected: str) -> None:
    monkeypatch.setattr(time, "clock_gettime", lambda _clock: 100000.0)
    run = FakeRun({"systemctl show": systemd_shows(started=100000 - age if age >= 0 else 0)})
    assert kubelet.back_offs(run, "kubelet") == {}
    assert expected in run.calls[-1]


def test_no_journal() -> None:
    run = FakeRun({"journalctl": CommandResult(127, syncing("40s"))})
    assert kubelet.back_offs(run, "kubelet") == {}
