# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of program sets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lab.errors import ProgramMissingError
from lab.programs.store import CHECKSUMS, Recipe, Store


def test_a_cached_program_set_is_hashed_only_if_it_seems_changed(tmp_path: Path) -> None:
    def make(_store: Store, target: Path) -> None:
        (target / "program").write_text("whole")

    recipe = Recipe("set", "1.0", ("program",), "no time", make)
    for _time in range(2):
        program = Store(tmp_path).obtain(recipe) / "program"
    made = program.stat().st_mtime_ns
    program.write_text("other")
    os.utime(program, ns=(made, made))
    Store(tmp_path).obtain(recipe)
    assert program.read_text() == "other"
    program.touch()
    Store(tmp_path).obtain(recipe)
    assert program.read_text() == "whole"


def test_what_a_killed_build_left_is_no_version(tmp_path: Path) -> None:
    leftover = tmp_path / "set" / ".making-killed"
    leftover.mkdir(parents=True)
    (leftover / CHECKSUMS).touch()
    assert Store(tmp_path).versions("set") == []


def test_a_damaged_program_set_is_made_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made: list[Path] = []

    def make(_store: Store, target: Path) -> None:
        made.append(target)
        (target / "program").write_text("whole")

    recipe = Recipe("set", "1.0", ("program",), "no time", make)
    leftover = tmp_path / "set/.making-killed"
    leftover.mkdir(parents=True)
    program = Store(tmp_path).obtain(recipe) / "program"
    assert Store(tmp_path).versions("set") == ["1.0"]
    assert not leftover.exists()
    Store(tmp_path).obtain(recipe)
    assert len(made) == 1
    program.write_text("damaged")
    Store(tmp_path).obtain(recipe)
    assert program.read_text() == "whole"
    assert "does not match its checksums any more" in capsys.readouterr().err


def test_a_half_made_program_set_is_not_put_in_place(tmp_path: Path) -> None:
    recipe = Recipe("set", "1.0", ("program", "other"), "no time", lambda _store, target: (target / "program").touch())
    with pytest.raises(ProgramMissingError, match="left out other"):
        Store(tmp_path).obtain(recipe)
    assert not list((tmp_path / "set").iterdir())
