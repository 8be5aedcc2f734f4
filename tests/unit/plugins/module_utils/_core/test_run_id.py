# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run this is, and whether another one is still there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_id
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult, RunCommand
from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_id import Run

BOOT, SPACE = "4f1c", "pid:[4026531836]"


def make_proc(directory: Path, processes: dict[int, str], *, boot: str = BOOT, space: str = SPACE) -> Path:
    """A /proc with these processes, by id, and the moment when each began."""
    (directory / "sys/kernel/random").mkdir(parents=True)
    (directory / "sys/kernel/random/boot_id").write_text(f"{boot}\n", "ascii")
    (directory / "self/ns").mkdir(parents=True)
    (directory / "self/ns/pid").symlink_to(space)
    for pid, started in processes.items():
        (directory / str(pid)).mkdir()
        # A name with blanks and brackets; the start is field 22.
        between = " ".join(str(number) for number in range(4, 22))
        (directory / str(pid) / "stat").write_text(f"{pid} (a) b) S {between} {started} 99 98\n", "utf-8")
    return directory


def sysctl(*, path: str = "/usr/sbin/sysctl", **values: str) -> RunCommand:
    """A machine whose sysctl knows these keys below `kern`."""

    def run(argv: Sequence[str], _timeout: float) -> CommandResult:
        if argv[0] != path:
            return CommandResult(127, "No such file or directory")
        assert argv[1] == "-n"
        value = values.get(argv[2].partition(".")[2])
        return CommandResult(1, "", f"unknown oid {argv[2]}") if value is None else CommandResult(0, f"{value}\n")

    return run


MAC = sysctl(bootsessionuuid="5E5A")
FREEBSD = sysctl(path="/sbin/sysctl", boot_id="9c2f")
NEITHER = sysctl(path="")
NODE = os.uname().nodename


def test_current(tmp_path: Path) -> None:
    found = run_id.current(7, "t", proc=make_proc(tmp_path, {7: "8812345"}), run=NEITHER)
    assert found == Run(f"{BOOT}/{SPACE}", 7, "8812345")
    assert run_id.parse(str(found)) == found


WITHOUT_PROC: list[tuple[str, RunCommand, str]] = [
    ("macOS", MAC, f"{NODE}/5E5A"),
    ("FreeBSD", FREEBSD, f"{NODE}/9c2f"),
    ("a machine that does not name its boots", NEITHER, NODE),
    ("an empty answer", sysctl(bootsessionuuid=""), NODE),
]


@pytest.mark.parametrize(("run", "place"), table(WITHOUT_PROC))
def test_current_without_proc(tmp_path: Path, run: RunCommand, place: str) -> None:
    found = run_id.current(7, "a1b2", proc=tmp_path, run=run)
    assert found == Run(place, 7, "a1b2")
    assert run_id.parse(str(found)) == found
    assert not run_id.ended(run_id.current(os.getpid(), "a1b2", proc=tmp_path, run=run), proc=tmp_path, run=run)


@given(st.integers(0, 2**22), st.from_regex(r"[0-9a-f]{16}", fullmatch=True), st.booleans())
def test_one_run_has_one_id(pid: int, token: str, has_proc: bool) -> None:
    """Whoever works it out, and never the one of another run."""
    with TemporaryDirectory() as directory:
        proc = make_proc(Path(directory), {pid: "8812345"}) if has_proc else Path(directory)
        found = run_id.current(pid, token, proc=proc, run=MAC)
        assert run_id.current(pid, token, proc=proc, run=MAC) == found == run_id.parse(str(found))
        assert run_id.current(pid, f"{token}0", proc=proc, run=MAC) != found or has_proc
        assert run_id.current(pid + 1, token, proc=proc, run=MAC) != found


# Above any that a kernel gives away (pid_max is at most 2**22).
GONE = 2**22 + 1
PLACE = f"{BOOT}/{SPACE}"

ENDED: list[tuple[str, Run, bool]] = [
    ("still there", Run(PLACE, 7, "8812345"), False),
    ("gone", Run(PLACE, GONE, "8812345"), True),
    ("hidden from us, but the kernel knows it", Run(PLACE, os.getpid(), "8812345"), False),
    ("its id was given to another process", Run(PLACE, 7, "8812344"), True),
    ("before the last boot", Run(f"0000/{SPACE}", GONE, "8812345"), False),
    ("another PID namespace", Run(f"{BOOT}/pid:[1]", GONE, "8812345"), False),
    ("another controller", Run("admin", GONE, "8812345"), False),
]


@pytest.mark.parametrize(("run", "expected"), table(ENDED))
def test_ended(tmp_path: Path, run: Run, expected: bool) -> None:
    assert run_id.ended(run, proc=make_proc(tmp_path, {7: "8812345"}), run=MAC) is expected


ENDED_WITHOUT_PROC: list[tuple[str, Run, RunCommand, bool]] = [
    ("gone", Run(f"{NODE}/5E5A", GONE, "a1b2"), MAC, True),
    ("gone, on FreeBSD", Run(f"{NODE}/9c2f", GONE, "a1b2"), FREEBSD, True),
    ("still there, or another one with its id", Run(f"{NODE}/5E5A", os.getpid(), "a1b2"), MAC, False),
    ("before the last boot", Run(f"{NODE}/0000", GONE, "a1b2"), MAC, False),
    ("another machine", Run("other/5E5A", GONE, "a1b2"), MAC, False),
    ("another machine of this name, and nothing else is known", Run(NODE, GONE, "a1b2"), NEITHER, False),
    ("another machine of this name, without a name for its boot", Run(NODE, GONE, "a1b2"), MAC, False),
    ("of a time with /proc", Run(PLACE, GONE, "8812345"), MAC, False),
]


@pytest.mark.parametrize(("found", "run", "expected"), table(ENDED_WITHOUT_PROC))
def test_ended_without_proc(tmp_path: Path, found: Run, run: RunCommand, expected: bool) -> None:
    assert run_id.ended(found, proc=tmp_path, run=run) is expected


KERNEL: list[tuple[str, Exception | None, bool]] = [
    ("it is there", None, False),
    ("it is somebody else's", PermissionError(1, "Operation not permitted"), False),
    ("no such process", ProcessLookupError(3, "No such process"), True),
    ("any other trouble", OSError(22, "Invalid argument"), False),
]


@pytest.mark.parametrize(("answer", "expected"), table(KERNEL))
def test_ended_if_proc_hides_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Exception | None, expected: bool
) -> None:
    """Else the lock of a run that is at work would be taken from it (hidepid)."""
    asked: list[tuple[int, int]] = []

    def kill(pid: int, signal: int) -> None:
        asked.append((pid, signal))
        if answer:
            raise answer

    proc = make_proc(tmp_path, {})
    monkeypatch.setattr(os, "kill", kill)
    assert run_id.ended(Run(PLACE, 8, "8812345"), proc=proc) is expected
    assert asked == [(8, 0)]


TEXTS: list[tuple[str, str, Run | None]] = [
    ("a run", "place:7:8", Run("place", 7, "8")),
    ("colons in the place", "boot/pid:[1]:7:8", Run("boot/pid:[1]", 7, "8")),
    ("by hand", "maintenance", None),
    ("two parts", "place:7", None),
    ("no number", "place:x:8", None),
    ("a digit that is no number", "place:\u00b2:8", None),
    ("negative", "place:-7:8", None),
    ("empty", "", None),
]


@pytest.mark.parametrize(("text", "expected"), table(TEXTS))
def test_parse(text: str, expected: Run | None) -> None:
    assert run_id.parse(text) == expected


@given(st.text())
def test_any_text_is_a_run_or_none(text: str) -> None:
    found = run_id.parse(text)
    assert found is None or found.pid >= 0


def test_ended_runs_of_real_processes() -> None:
    """A process that lives, one that has exited, and ids of others."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        gone = str(run_id.current(child.pid, "t"))
        mine = str(run_id.current(os.getpid(), "t"))
        assert run_id.ended_runs([gone, mine]) == []
    assert run_id.ended_runs(["by hand", gone, mine, "admin:4711:8812345"]) == [gone]
