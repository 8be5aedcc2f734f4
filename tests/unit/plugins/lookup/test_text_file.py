# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that writes a text on the controller."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from ansible.errors import AnsibleError

from ansible_collections.controlplane.etcd.plugins.lookup._text_file import LookupModule


def write(*paths: str, text: object) -> list[str]:
    return LookupModule().run(list(paths), text=text)


def test_text_and_documents(tmp_path: Path) -> None:
    path = tmp_path / "x"
    assert write(str(path), text="<p>one</p>") == [str(path)]
    assert path.read_text("utf-8") == "<p>one</p>"
    write(str(path), text={"clusters": [1]})
    assert json.loads(path.read_text("utf-8")) == {"clusters": [1]}
    assert [each.name for each in tmp_path.iterdir()] == ["x"]
    assert os.stat(path).st_mode & 0o777 == 0o644


def test_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write("", text="x") == []
    assert list(tmp_path.iterdir()) == []
    assert write("y", text="x") == [str(tmp_path / "y")]


def test_half_a_character_of_a_key(tmp_path: Path) -> None:
    write(str(tmp_path / "x"), text="\ud800")
    assert (tmp_path / "x").exists()


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AnsibleError, match=r"It cannot be written to .*/none/x: .*No such file"):
        write(str(tmp_path / "none/x"), text="x")
