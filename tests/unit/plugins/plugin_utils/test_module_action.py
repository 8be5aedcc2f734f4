# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one sentence about a Python that is too old."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.plugin_utils import _module_action

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
MODULES = sorted(path.stem for path in (PLUGINS / "modules").glob("*.py"))
PACKAGE = "ansible_collections.controlplane.etcd.plugins"

VERSIONS: list[tuple[str, tuple[int, int], str, str]] = [
    ("older", (3, 8), "3.7\n", "3.7"),
    ("much older", (3, 8), "2.7\n", "2.7"),
    ("the oldest that will do", (3, 8), "3.8\n", ""),
    ("3.10 is not 3.1", (3, 8), "3.10\n", ""),
    ("newer", (3, 8), "3.14\n", ""),
    ("a whole number newer", (3, 8), "4.0\n", ""),
    ("older, where Ansible itself needs more", (3, 9), "3.8\n", "3.8"),
    ("just enough there", (3, 9), "3.9\n", ""),
    ("no answer", (3, 8), "", ""),
    ("an error", (3, 8), "bash: python3: command not found\n", ""),
    ("one number", (3, 8), "3\n", ""),
    ("three numbers", (3, 8), "3.7.1\n", ""),
    ("no numbers", (3, 8), "3.x\n", ""),
]


@pytest.mark.parametrize(("oldest", "printed", "version"), table(VERSIONS))
def test_too_old(monkeypatch: pytest.MonkeyPatch, oldest: tuple[int, int], printed: str, version: str) -> None:
    monkeypatch.setattr(_module_action, "OLDEST", oldest)
    said = _module_action.too_old(printed, "/usr/bin/python3")
    if version:
        assert said is not None
        assert said.startswith(f"/usr/bin/python3 on this node is Python {version}; Python 3.{oldest[1]} or newer is")
        assert said.endswith("name it in ansible_python_interpreter. Nothing was changed.")
    else:
        assert said is None


def test_oldest() -> None:
    assert _module_action.OLDEST in ((3, 8), (3, 9))


def test_every_module_has_it() -> None:
    plugins = sorted(path.stem for path in (PLUGINS / "action").glob("*.py"))
    assert plugins == MODULES
    for name in plugins:
        assert issubclass(importlib.import_module(f"{PACKAGE}.action.{name}").ActionModule, _module_action.ActionModule)
