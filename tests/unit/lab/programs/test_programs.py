# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The places in which programs are searched for before any is built."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import programs
from lab.errors import ProgramMissingError
from lab.programs.store import Recipe, Store


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
