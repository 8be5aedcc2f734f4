# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which run this is, and whether another one is still there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_id
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


def test_current(tmp_path: Path) -> None:
    run = run_id.current(7, make_proc(tmp_path, {7: "8812345"}))
    assert run == Run(f"{BOOT}/{SPACE}", 7, "8812345")
    assert run_id.parse(str(run)) == run


def test_current_without_proc(tmp_path: Path) -> None:
    first, second = run_id.current(7, tmp_path), run_id.current(7, tmp_path)
    assert first != second
    assert not run_id.ended(first, tmp_path)
    assert run_id.parse(str(first)) == first


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
    assert run_id.ended(run, make_proc(tmp_path, {7: "8812345"})) is expected


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
    assert run_id.ended(Run(PLACE, 8, "8812345"), proc) is expected
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
        gone = str(run_id.current(child.pid))
        mine = str(run_id.current(os.getpid()))
        assert run_id.ended_runs([gone, mine]) == []
    assert run_id.ended_runs(["by hand", gone, mine, "admin:4711:8812345"]) == [gone]
