# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The node tool as one executable file: the library's sources as they are, and a few lines that start it."""

from __future__ import annotations

import ast
import importlib
import io
import pkgutil
import typing as t
import zipfile

# It imports all the others, so that Ansible sends them to the node as well.
from .._node_tool import cli

# The second line of the file, which tells it from the files of others.
MARKER = b"# etcd-maintenance, installed by the Ansible module controlplane.etcd.etcd_schedule\n"

_PACKAGE = "etcd_maintenance"
_MAIN = f"""\
import sys

if sys.version_info < (3, 8):
    sys.exit("etcd-maintenance needs Python 3.8 or newer; this is Python %d.%d." % sys.version_info[:2])

from {_PACKAGE}._node_tool.cli import main

sys.exit(main())
"""
# The oldest that the format knows, so that the same sources always make the same file.
_MOMENT = (1980, 1, 1, 0, 0, 0)


def build(interpreter: str) -> bytes:
    """The whole file, to be run by this Python, isolated from its user's environment."""
    files = {"__main__.py": _MAIN.encode(), f"{_PACKAGE}/__init__.py": b""}
    for (package, name), source in sources().items():
        files[f"{_PACKAGE}/{package}/__init__.py"] = b""
        files[f"{_PACKAGE}/{package}/{name}.py"] = source
    archive = io.BytesIO()
    archive.write(f"#!{interpreter} -I\n".encode() + MARKER)
    # Not compressed: compression differs from one distribution to the next.
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_STORED) as zipped:
        for path in sorted(files):
            zipped.writestr(zipfile.ZipInfo(path, _MOMENT), files[path])
    return archive.getvalue()


def sources() -> dict[tuple[str, str], bytes]:
    """The sources of the command line and of all that it imports, by package and module."""
    root, *start = cli.__name__.rsplit(".", 2)
    found: dict[tuple[str, str], bytes] = {}
    wanted = [(start[0], start[1])]
    while wanted:
        package, name = wanted.pop()
        if (package, name) not in found:
            found[package, name] = _source(f"{root}.{package}.{name}")
            wanted += _imported(found[package, name], package)
    return found


def _imported(source: bytes, package: str) -> t.Iterator[tuple[str, str]]:
    """Package and module of each relative import of a module of `package`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level:
            path = [*([package] if node.level == 1 else []), *filter(None, (node.module or "").split("."))]
            for each in node.names:
                names = [*path, each.name]
                yield names[0], names[1]


def _source(module: str) -> bytes:
    """The source of a module, wherever it was loaded from: on a node, that is Ansible's own archive."""
    package, _dot, name = module.rpartition(".")
    importlib.import_module(module)
    data = pkgutil.get_data(module, f"{name}.py")
    if data is None:
        raise OSError(f"the source of {package}.{name} cannot be read")
    return data


def is_ours(data: bytes) -> bool:
    """Whether a file was made by `build`, by whichever version of it."""
    return data.startswith(b"#!") and data.partition(b"\n")[2].startswith(MARKER)


__all__ = ("MARKER", "build", "is_ours", "sources")
