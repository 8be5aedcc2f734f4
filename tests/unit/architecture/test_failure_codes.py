# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every code of a failure has a row that says what it means and what to do, and every row a code."""

from __future__ import annotations

import ast
import re

from unit.architecture.sources import ROOT, SOURCES, strings, tree

PAGES = ("runbook", "hardening")
_ROW = re.compile(r'^\| `([a-z_]+)` <a id="\1"></a> \|', re.MULTILINE)
# What makes a failure takes its code first; what only passes one on names it `code`.
_MAKERS = re.compile(r"\w*(Failure|Failed|Finding|Refused|failure|refused|Meaning|__init__)")


def codes_of(name: str) -> set[str]:
    """The codes in a source: the first argument of a failure, the `code` of a class, and names called `code`."""
    found = set()
    for node in ast.walk(tree(name)):
        values: list[ast.expr | None] = []
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if _MAKERS.fullmatch(called):
                values += node.args[:1]
            values += [keyword.value for keyword in node.keywords if keyword.arg == "code"]
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id == "code":
                    values.append(node.value)
                elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = zip(target.elts, node.value.elts, strict=False)
                    values += [value for each, value in pairs if isinstance(each, ast.Name) and each.id == "code"]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "code":
            values.append(node.value)
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=False)
            values += [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "code"]
        for value in filter(None, values):
            for each in ast.walk(value):
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    found.add(each.value)
    return {code for code in found if re.fullmatch(r"[a-z]+(_[a-z]+)*", code)}


def rows() -> list[str]:
    return [code for page in PAGES for code in _ROW.findall((ROOT / f"docs/{page}.md").read_text("utf-8"))]


def test_no_code_has_two_rows() -> None:
    found = rows()
    assert sorted(found) == sorted(set(found))


def test_codes_and_rows_agree() -> None:
    codes = set().union(*map(codes_of, SOURCES))
    known = codes.union(*map(strings, SOURCES))  # some are constants, or the value of a table
    missing = 'a code has no row in the runbook or in hardening that begins with | `code` <a id="code"></a> |'
    assert codes - set(rows()) == set(), missing
    assert set(rows()) - known == set(), "a row has no code any more"
