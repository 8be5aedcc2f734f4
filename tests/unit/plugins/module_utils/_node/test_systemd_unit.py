# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units as systemd 257 printed them on nodes of kubespray and Debian, and what is told of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.builders import DATA, FakeRun, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node import systemd_unit
from ansible_collections.controlplane.etcd.plugins.module_utils._node.systemd_unit import EtcdUnit, parse_shown

UNITS = DATA / "units"
UNIT = EtcdUnit("etcd.service", ("/usr/bin/etcd",), {}, (), kind="notify", active="active", restart="always")


def shown(name: str) -> str:
    return (UNITS / f"{name}.show").read_text("utf-8")


def test_two_units_of_kubespray() -> None:
    main, events = parse_shown(shown("kubespray"))
    assert (main.name, main.words, main.environment_files) == (
        "etcd.service",
        ("/usr/local/bin/etcd",),
        (("/etc/etcd.env", False),),
    )
    assert (main.kind, main.user, main.main_pid, main.active) == ("notify", "root", 455, "active")
    assert (main.memory_max_bytes, main.start_timeout, main.watchdog) == (None, 90.0, None)
    assert (events.name, events.invocation) == ("etcd-events.service", "94c5b97b4a424e819dc994743447999b")


def test_unit_of_debian() -> None:
    (unit,) = parse_shown(shown("debian"))
    assert unit.words == ("/usr/bin/etcd", "$DAEMON_ARGS")
    assert unit.environment == {"DAEMON_ARGS": "", "ETCD_NAME": "cp2", "ETCD_DATA_DIR": "/var/lib/etcd/default"}
    assert unit.environment_files == (("/etc/default/etcd", True),)


def test_unit_that_was_generated() -> None:
    (unit,) = parse_shown("Id=etcd.service\nSourcePath=/etc/containers/systemd/etcd.container\n")
    assert (unit.source, unit.fragment) == ("/etc/containers/systemd/etcd.container", "")


def test_variables_with_blanks_and_a_limit() -> None:
    (unit,) = parse_shown('Id=etcd.service\nEnvironment=A=b "C=d e"\nMemoryMax=2147483648\nDropInPaths=/a.conf /b.conf')
    assert unit.environment == {"A": "b", "C": "d e"}
    assert (unit.memory_max_bytes, unit.drop_ins) == (2**31, ("/a.conf", "/b.conf"))


RUNS: list[tuple[str, tuple[str, ...], bool]] = [
    ("etcd", ("/opt/bin/etcd", "--name=a"), True),
    ("by a shell", ("/bin/bash", "-c", 'GOMAXPROCS=$(nproc) /usr/bin/etcd --name="${ETCD_NAME}"'), True),
    ("another program", ("/usr/bin/etcd-maintenance", "watch"), False),
    ("another one by a shell", ("/bin/sh", "-c", "etcdctl snapshot save x"), False),
    ("a container", ("/usr/bin/podman", "run", "quay.io/coreos/etcd", "etcd"), False),
    ("nothing", (), False),
]


@pytest.mark.parametrize(("words", "expected"), table(RUNS))
def test_runs_etcd(words: tuple[str, ...], expected: bool) -> None:
    assert replace(UNIT, words=words).runs_etcd is expected


SPANS: list[tuple[str, str, float | None]] = [
    ("minutes", "1min 30s", 90.0),
    ("hours", "1h 5min", 3900.0),
    ("part", "100ms", 0.1),
    ("none", "infinity", None),
    ("zero", "0", None),
    ("missing", "", None),
    ("a month", "1month", None),
]


@pytest.mark.parametrize(("text", "expected"), table(SPANS))
def test_seconds(text: str, expected: float | None) -> None:
    assert systemd_unit.seconds(text) == expected


NOTES: list[tuple[str, dict[str, object], float, str]] = [
    ("nothing", {}, 10.0, ""),
    ("not reloaded", {"needs_reload": True}, 10.0, "systemctl daemon-reload"),
    ("watchdog", {"watchdog": 30.0}, 10.0, "WatchdogSec=30"),
    ("slow start", {"start_timeout": 90.0}, 60.0, "not ready within 90 s"),
    ("fast start", {"start_timeout": 90.0}, 10.0, ""),
    ("simple", {"start_timeout": 90.0, "kind": "simple"}, 60.0, ""),
    ("stays down", {"restart": "on-abnormal"}, 10.0, "Restart=on-abnormal"),
]


@pytest.mark.parametrize(("changes", "start_seconds", "expected"), table(NOTES))
def test_notes(changes: dict[str, object], start_seconds: float, expected: str) -> None:
    notes = replace(UNIT, **changes).notes(start_seconds)  # type: ignore[arg-type]
    assert bool(notes) is bool(expected)
    assert expected in "".join(notes)


REFUSALS: list[tuple[str, dict[str, object], str]] = [
    ("runs", {}, ""),
    ("failed", {"active": "failed", "result": "start-limit-hit"}, ""),
    ("stopped", {"active": "inactive"}, "unit_stopped"),
    ("masked", {"loaded": "masked", "active": "inactive"}, "unit_masked"),
    ("masked until the next boot", {"file_state": "masked-runtime"}, "unit_masked"),
    ("not there", {"loaded": "not-found"}, "unit_missing"),
]


@pytest.mark.parametrize(("changes", "code"), table(REFUSALS))
def test_refusal(changes: dict[str, object], code: str) -> None:
    refused = replace(UNIT, **changes).refusal()  # type: ignore[arg-type]
    assert (refused.code if refused else "") == code


def test_refused_with_its_last_lines() -> None:
    shows = "Id=etcd.service\nLoadState=loaded\nActiveState=inactive"
    run = FakeRun({"systemctl show": CommandResult(0, shows), "journalctl": CommandResult(0, "bye\n")})
    with pytest.raises(Refused, match=r"was stopped by someone.*\n  bye"):
        systemd_unit.startable(run, "etcd.service")


def test_restart_resets_its_failures_and_does_not_wait() -> None:
    run = FakeRun()
    systemd_unit.restart(run, "etcd.service")
    assert [list(call) for call in run.calls] == [
        ["systemctl", "reset-failed", "--", "etcd.service"],
        ["systemctl", "restart", "--no-block", "--", "etcd.service"],
    ]


def test_missing_unit() -> None:
    run = FakeRun({"systemctl show": CommandResult(0, "Id=x.service\nLoadState=not-found\nActiveState=inactive")})
    for name in ("x.service", "no such name"):
        with pytest.raises(Failure) as caught:
            systemd_unit.read_unit(run, name)
        assert caught.value.code == "unit_missing"


def test_loaded_units_that_run_etcd() -> None:
    others = "\n\nId=ssh.service\nLoadState=loaded\nExecStart={ path=/x ; argv[]=/x ; ignore_errors=no }"
    masked = "\n\nId=etcd2.service\nLoadState=masked\nActiveState=inactive"
    run = FakeRun({"systemctl show": CommandResult(0, shown("kubespray").strip() + others + masked)})
    names = [unit.name for unit in systemd_unit.loaded_units(run)]
    assert names == ["etcd-events.service", "etcd.service", "etcd2.service"]


def test_alias_is_no_second_unit() -> None:
    """Debian's is also called etcd2.service."""
    replies = {
        "systemctl list-unit-files": CommandResult(0, "etcd.service enabled\netcd2.service alias\n"),
        "systemctl show": CommandResult(0, shown("debian")),
    }
    assert [unit.name for unit in systemd_unit.loaded_units(FakeRun(replies))] == ["etcd.service"]


def test_no_systemd_has_no_units() -> None:
    assert systemd_unit.loaded_units(FakeRun({"systemctl": CommandResult(127, "not found")})) == []
