# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the controller, changed by several at once."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible.errors import AnsibleError

from ansible_collections.controlplane.etcd.plugins.plugin_utils._controller_file import (
    paths_of,
    rewrite,
    why_not_writable,
)


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv/somebody")
    monkeypatch.chdir(tmp_path)
    assert paths_of(["a", "", "~/b", None, "/c"]) == [str(tmp_path / "a"), "/srv/somebody/b", "/c"]


def test_nobody_s_change_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _turn: rewrite(str(path), lambda old: old + "x", what="It"), range(40)))
    assert path.read_text("utf-8") == "x" * 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_directory_that_is_missing(tmp_path: Path) -> None:
    path = str(tmp_path / "missing" / "file")
    with pytest.raises(AnsibleError, match=f"^The report cannot be written to {path}: "):
        rewrite(path, str, what="The report")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("report.html", ""),
        ("missing/report.html", "there is no directory {}/missing. Make it or name another."),
        ("file/report.html", "there is no directory {}/file. Make it or name another."),
        ("", "{} is a directory, and not a file that a report could be written to. Name a file in it."),
    ],
)
def test_why_it_could_not_be_written(tmp_path: Path, path: str, why: str) -> None:
    (tmp_path / "file").touch()
    assert why_not_writable(str(tmp_path / path)).endswith(why.format(tmp_path))


def test_a_directory_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    assert f"{tmp_path} is not writable for you" in why_not_writable(str(tmp_path / "report.html"))
