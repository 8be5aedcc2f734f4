# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sources of the collection as text, and what each of them imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
PLUGINS = ROOT / "plugins"


def name_of(path: Path) -> str:
    """Its place below plugins, such as module_utils/_etcd/api."""
    return path.relative_to(PLUGINS).with_suffix("").as_posix()


SOURCES = {name_of(path): path for path in sorted(PLUGINS.rglob("*.py"))}
MODULES = [name for name in SOURCES if name.startswith("modules/")]
PUBLIC_ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if not path.name.startswith("_"))
TASK_FILES = sorted(ROOT.glob("roles/*/tasks/*.yml"))


def tree(name: str) -> ast.Module:
    return ast.parse(SOURCES[name].read_text("utf-8"))


def imports(name: str) -> set[str]:
    """The sources of the collection that a source imports, for types alone, too."""
    package = name.split("/")[:-1]
    found = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *filter(None, (node.module or "").split("."))]
            for each in node.names:
                path = "/".join([*base, each.name])
                found.add(path if path in SOURCES else "/".join(base))
    return found


def packages_of(name: str) -> set[str]:
    """The packages of others that a source imports, wherever in it."""
    found = set()
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found


def strings(name: str) -> set[str]:
    """All text constants of a source."""
    return {
        node.value for node in ast.walk(tree(name)) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def load(path: str) -> Any:
    """A YAML file of the collection."""
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def tasks_of(found: Any) -> Iterator[dict[str, Any]]:
    """Tasks, and those in their blocks."""
    for task in found or ():
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks_of(task.get(part))
