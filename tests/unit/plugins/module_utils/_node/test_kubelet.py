# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubelet's unit, with a systemd that answers as it is told to, and the pods that it keeps in back-off."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from unit.builders import FakeRun, systemd_shows, table
from unit.fake_node import FakeNode, fake_node, syncing, write_pod

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet import Unit

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
    with pytest.raises(Failure) as caught:
        kubelet.unit(FakeRun({"systemctl": shown}), "kubelet")
    assert str(caught.value) == f"systemd cannot be asked about kubelet: {shown.output}."
    assert caught.value.code == "systemd_failed"


@pytest.mark.parametrize("name", ["", "a b", "a;b", "../x", "a/b", "kubelet\n", "$(x)", "k*"])
def test_bad_name(name: str) -> None:
    run = FakeRun()
    with pytest.raises(Failure, match=r"is not a valid systemd unit name\.$"):
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
    ("has died", systemd_shows("activating", sub="auto-restart", started=100), 900.0, True),
    ("is starting, as rke2-server for minutes", systemd_shows("activating", sub="start", started=100), 200.0, False),
    ("has died and is starting", systemd_shows("activating", sub="start", started=100, restarts=1), 101.0, True),
    ("failed", systemd_shows("failed", started=100), 900.0, True),
    ("stopped", systemd_shows("inactive", started=100), 101.0, False),
]


@pytest.mark.parametrize(("shown", "now", "expected"), table(CRASHES))
def test_crashes(shown: CommandResult, now: float, expected: bool) -> None:
    assert kubelet.unit(FakeRun({"systemctl": shown}), "kubelet").crashes(now) is expected


REFUSALS: list[tuple[str, CommandResult, bool, str | None]] = [
    ("runs", systemd_shows(), False, None),
    ("runs and is said to be held", systemd_shows(), True, None),
    ("held", systemd_shows("inactive"), True, None),
    ("failed: starting it is what is wanted", systemd_shows("failed"), False, None),
    (
        "stopped by somebody",
        systemd_shows("inactive"),
        False,
        "kubelet was stopped by someone else, so it is not started",
    ),
    ("not there", NOT_FOUND, False, "There is no unit kubelet on this node."),
    ("not there, though held", NOT_FOUND, True, "There is no unit kubelet on this node."),
    ("masked", MASKED, False, "kubelet is masked, so it was disabled on purpose."),
    ("masked, though held", MASKED, True, "kubelet is masked"),
    ("masked, though it runs", systemd_shows(file_state="masked-runtime"), False, "kubelet is masked"),
]


@pytest.mark.parametrize(("shown", "held", "expected"), table(REFUSALS))
def test_refusal(shown: CommandResult, held: bool, expected: str | None) -> None:
    refusal = kubelet.start_refusal(kubelet.unit(FakeRun({"systemctl": shown}), "kubelet"), held=held)
    if expected is None:
        assert refusal is None
    else:
        assert refusal is not None
        assert refusal.reason.startswith(expected)
        assert refusal.reason.endswith(".")


def test_last_lines() -> None:
    run = FakeRun({"journalctl": CommandResult(0, "a\n \n" + "b" * 400)})
    assert kubelet.last_lines(run, "kubelet", 7) == ["a", "b" * 300]
    assert "--lines=7" in run.calls[0]
    assert (
        kubelet.last_lines(FakeRun({"journalctl": CommandResult(1, "No journal files were found.")}), "kubelet") == []
    )


def error_syncing(wait: str, container: str = "etcd", pod: str = "etcd-cp1") -> str:
    """A line of a real kubelet."""
    return (
        'E1123 09:12:41.123456     107 pod_workers.go:1301] "Error syncing pod, skipping" err="failed to'
        rf" \"StartContainer\" for \"{container}\" with CrashLoopBackOff: \"back-off {wait} restarting failed"
        rf' container={container} pod={pod}_kube-system(0a1b2c)\"" pod="kube-system/{pod}" podUID="0a1b2c"'
    )


OTHER = 'I1123 09:11:11.1     107 kubelet.go:2643] "SyncLoop (probe)" probe="startup" status="unhealthy" pod="x/y"'

BACK_OFFS: list[tuple[str, list[str], dict[str, str]]] = [
    ("none", [OTHER], {}),
    ("the shortest", [error_syncing("10s")], {"etcd-cp1": "10s"}),
    ("the longest", [error_syncing("5m0s")], {"etcd-cp1": "5m0s"}),
    ("the last one counts", [error_syncing("40s"), OTHER, error_syncing("1m20s")], {"etcd-cp1": "1m20s"}),
    (
        "two pods",
        [error_syncing("20s"), error_syncing("2m40s", "kube-apiserver", "kube-apiserver-node.example.org")],
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
    run = FakeRun({"journalctl": CommandResult(127, error_syncing("40s"))})
    assert kubelet.back_offs(run, "kubelet") == {}


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    return fake_node(tmp_path, monkeypatch)


BOTH = {"etcd", "kube-apiserver"}

# What runs, what the kubelet says, and which pods are in back-off.
BACKED_OFF: list[tuple[str, set[str], CommandResult, list[str]]] = [
    ("all run", BOTH, CommandResult(0, ""), []),
    ("all run, though one did not before", BOTH, syncing("etcd", "5m0s"), []),
    ("one is in back-off", {"etcd"}, syncing("kube-apiserver", "1m20s"), ["kube-apiserver (back-off 1m20s)"]),
    ("one does not run", {"etcd"}, syncing("kube-scheduler", "1m20s"), ["kube-apiserver"]),
    ("none runs", set(), syncing("etcd", "10s"), ["etcd (back-off 10s)", "kube-apiserver"]),
]


def backed_off(node: FakeNode) -> list[str]:
    return kubelet.backed_off(node, "kubelet", str(node.directory))


@pytest.mark.parametrize(("programs", "journal", "expected"), table(BACKED_OFF))
def test_backed_off(node: FakeNode, programs: set[str], journal: CommandResult, expected: list[str]) -> None:
    node.programs = programs
    node.replies = {"journalctl": journal}
    assert backed_off(node) == expected


def test_what_is_just_started_is_waited_for(node: FakeNode) -> None:
    node.programs = {"etcd"}
    node.at(3, lambda: node.programs.add("kube-apiserver"))
    assert backed_off(node) == []
    assert 1003 <= node.now < 1004
    assert node.told == []


# What the kubelet says of a pod that leaves its program to the image.
UNKNOWN: list[tuple[str, CommandResult, list[str]]] = [
    ("nothing", CommandResult(0, ""), []),
    ("that it waits", syncing("kube-vip", "2m40s"), ["kube-vip (back-off 2m40s)"]),
]


@pytest.mark.parametrize(("journal", "expected"), table(UNKNOWN))
def test_backed_off_without_a_program(node: FakeNode, journal: CommandResult, expected: list[str]) -> None:
    write_pod(node.directory, "kube-vip", "")
    node.programs = BOTH
    node.replies = {"journalctl": journal}
    assert backed_off(node) == expected
    assert any("--since=-30s" in word for command in node.calls for word in command)


def test_a_kubelet_that_was_just_started_gets_time(node: FakeNode) -> None:
    node.programs = {"etcd"}
    node.started = node.now - 10
    node.at(15, lambda: node.programs.add("kube-apiserver"))
    assert backed_off(node) == []
    assert 1015 <= node.now < 1016


CRASHING: list[tuple[str, str, int, float, bool]] = [
    ("waits for its next start", "activating", 3, 100.0, True),
    ("has given up", "failed", 5, 100.0, True),
    ("started again a moment ago", "active", 1, 999.0, True),
    ("started again once, long ago", "active", 1, 100.0, False),
]


@pytest.mark.parametrize(("active", "restarts", "started", "crashes"), table(CRASHING))
def test_kubelet_that_does_not_stay_up(
    node: FakeNode, active: str, restarts: int, started: float, crashes: bool
) -> None:
    node.active, node.restarts, node.started, node.programs = active, restarts, started, BOTH
    node.replies = {"journalctl": CommandResult(0, "failed to load Kubelet config file")}
    if crashes:
        with pytest.raises(Failure, match=r"^kubelet does not stay up(.|\n)*:\n  failed to load Kubelet config file$"):
            kubelet.refuse_unstable(node, "kubelet")
    else:
        kubelet.refuse_unstable(node, "kubelet")
    assert node.told == []
