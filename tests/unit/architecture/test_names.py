# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names tell where things are, and what is not for users begins with an underscore."""

from __future__ import annotations

import ast
import re

import pytest
from unit.architecture.sources import MODULES, PLUGINS, PUBLIC_ROLES, ROOT, SOURCES, tree

TESTS = ROOT / "tests/unit/plugins"
MAX_LINES = 100  # of code in a module after its documentation


def own_test(name: str) -> str:
    """The place of a source's test: the same, and its name without a leading underscore."""
    directory, _slash, file = name.rpartition("/")
    return f"{directory}/test_{file.lstrip('_')}.py"


# What is documentation, or five lines that name a function which has a test of its own.
UNTESTED = ("action/", "doc_fragments/", "filter/", "lookup/")


@pytest.mark.parametrize("name", [name for name in SOURCES if not name.startswith(UNTESTED)])
def test_every_source_has_its_test(name: str) -> None:
    assert (TESTS / own_test(name)).is_file(), f"tests/unit/plugins/{own_test(name)} is missing"


def test_every_test_has_its_source() -> None:
    """More than one may be about a source; their names begin with its own test's."""
    expected = [own_test(name)[:-3] for name in SOURCES]
    found = {path.relative_to(TESTS).with_suffix("").as_posix() for path in TESTS.rglob("test_*.py")}
    assert {name for name in found if not any(re.fullmatch(rf"{own}(_\w+)?", name) for own in expected)} == set()


@pytest.mark.parametrize("kind", ["filter", "lookup", "module_utils", "plugin_utils", "doc_fragments"])
def test_nothing_public_by_accident(kind: str) -> None:
    names = {path.name for path in (PLUGINS / kind).iterdir() if path.name != "__pycache__"}
    assert {name for name in names if not name.startswith("_")} == set()


def test_helper_roles_are_private() -> None:
    assert PUBLIC_ROLES == ["harden", "recover", "status"]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_an_edge(name: str) -> None:
    """Its documentation ends with RETURN; what decides is in module_utils."""
    source = tree(name)
    documentation = [node for node in source.body if isinstance(node, ast.Assign)]
    end = next(node.end_lineno for node in documentation if getattr(node.targets[0], "id", "") == "RETURN")
    assert end is not None
    lines = SOURCES[name].read_text("utf-8").splitlines()[end:]
    assert sum(bool(line.strip()) for line in lines) <= MAX_LINES
