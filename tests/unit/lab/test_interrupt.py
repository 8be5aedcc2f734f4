# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are cut off."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lab.interrupt import main


def test_killed_when_a_line_fits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = tmp_path / "mark"
    assert main(["--printed", "two$", "sh", "-c", f"echo one; echo two; sleep 5; touch {mark}"]) == 0
    assert "one\ntwo\n" in capsys.readouterr().out
    assert not mark.exists()


def test_workers_in_sessions_of_their_own_end_as_well(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    worker = f"setsid sh -c 'echo begun; sleep 1; touch {mark}' & wait"
    assert main(["--printed", "begun", "sh", "-c", worker]) == 0
    time.sleep(1.5)
    assert not mark.exists()


def test_killed_when_something_has_changed(tmp_path: Path) -> None:
    file, mark = tmp_path / "file", tmp_path / "mark"
    file.write_text("before")
    command = f"echo after > {file}; sleep 5; touch {mark}"
    assert main(["--until", f"until grep --quiet after {file}; do sleep 0.05; done", "sh", "-c", command]) == 0
    assert not mark.exists()


def test_one_that_exits_before_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--printed", "never", "sh", "-c", "exit 3"]) == 1
    assert "exited with code 3 before it could be killed" in capsys.readouterr().err
