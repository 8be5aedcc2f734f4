# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines: their columns, what a task says, and failures that were expected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import Json, table

from ansible_collections.controlplane.etcd.plugins.plugin_utils._progress.layout import (
    Columns,
    failure_text,
    message_lines,
)


def test_columns() -> None:
    assert Columns().line(3.14, "cp1", "locked") == "    3.1 s  cp1  locked"
    assert Columns(host_width=6).line(12345.6, "cp1", "locked") == "12345.6 s  cp1     locked"
    assert Columns(host_width=6).line(0, "cp1", "") == "    0.0 s  cp1"


def test_a_column_for_clusters_if_there_is_more_than_one() -> None:
    assert Columns({"cp1": "prod"}).line(1, "cp1", "locked") == "    1.0 s  cp1  locked"
    two = Columns({"cp1": "production", "t1": "test"}, 3)
    assert two.line(1, "t1", "locked") == "    1.0 s  test        t1   locked"
    assert two.line(1, "else", "locked") == "    1.0 s              else  locked"


MESSAGES: list[tuple[str, object, list[str] | None]] = [
    ("text", "one", ["one"]),
    ("lines", "one \ntwo", ["one", "two"]),
    ("a list", ["member  role", "cp1     leader  "], ["member  role", "cp1     leader"]),
    ("a list with a blank line", ["one", "", "two"], ["one", "", "two"]),
    ("nothing", "", []),
    ("a number", 5, None),
    ("a list of others", [5], None),
    ("none", None, None),
]


@pytest.mark.parametrize(("msg", "expected"), table(MESSAGES))
def test_message_lines(msg: object, expected: list[str] | None) -> None:
    assert message_lines(msg) == expected


@given(st.one_of(st.text(), st.lists(st.text())))
def test_no_line_of_a_message_ends_in_blanks(msg: object) -> None:
    lines = message_lines(msg)
    assert lines is not None
    assert all(line == line.rstrip() for line in lines)


FAILURES: list[tuple[str, Json, bool, bool, str | None]] = [
    ("of a module", {"msg": "No.", "code": "no_leader"}, True, False, "FAILED (no_leader): No."),
    ("ignored", {"msg": "No.", "code": "no_leader"}, True, True, "FAILED (no_leader), but the run goes on: No."),
    ("of a condition", {"msg": "No."}, False, False, "FAILED: No."),
    ("with more", {"msg": "No.", "code": "a", "error": "ssh: x"}, True, False, "FAILED (a): No. (ssh: x)"),
    ("a bug", {"msg": "MODULE FAILURE", "module_stderr": "Traceback"}, True, False, None),
    ("no message", {"code": "a"}, True, False, None),
    ("another message", {"code": "a", "msg": ["No."]}, True, False, None),
]


@pytest.mark.parametrize(("result", "code_needed", "ignored", "expected"), table(FAILURES))
def test_failure_text(result: Json, code_needed: bool, ignored: bool, expected: str | None) -> None:
    assert failure_text(result, code_needed=code_needed, ignored=ignored) == expected
