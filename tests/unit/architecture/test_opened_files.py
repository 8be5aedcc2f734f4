# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file is opened in one place, which refuses what is no file: a pipe would be waited for for ever."""

from __future__ import annotations

import ast

import pytest
from unit.architecture.sources import SOURCES, tree

OPENER = "module_utils/_core/files"
# They open directories only (O_DIRECTORY).
DIRECTORIES = {"module_utils/_snapshot/take"}
# On the controller, whose user chose the files.
CONTROLLER = ("lookup/", "callback/")


def opens(name: str) -> set[int]:
    """The lines in which a source opens a file by itself."""
    found = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in ("open", "io.open", "os.open") or called.endswith(
                (".read_text", ".read_bytes", ".write_text")
            ):
                found.add(node.lineno)
    return found


@pytest.mark.parametrize(
    "name", [name for name in SOURCES if name not in {OPENER, *DIRECTORIES} and not name.startswith(CONTROLLER)]
)
def test_files_are_opened_in_one_place(name: str) -> None:
    assert opens(name) == set(), f"use {OPENER}.py"


def test_they_are_opened_somewhere() -> None:
    assert opens(OPENER)
