# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The place in a text, and the scalars that begin there. What they make together is in test_block_yaml.py."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.yaml_scanner import Scanner, Unreadable, unquoted


def test_lines() -> None:
    scanner = Scanner("a # b\n\n  # c\n    d\n", 0)
    scanner.first_word()
    assert (scanner.column, scanner.next) == (0, "a")
    assert not scanner.ends
    assert scanner.plain() == "a"
    assert scanner.ends
    scanner.next_line()
    assert (scanner.column, scanner.here(), scanner.next) == (4, 4, "d")
    scanner.plain()
    scanner.next_line()
    assert (scanner.column, scanner.next) == (-1, "")


def test_what_is_left_in_a_line_is_not_passed_over() -> None:
    scanner = Scanner("a: b\nc 'd'\n", 5)
    with pytest.raises(Unreadable, match="line 2 is not understood: c 'd'") as caught:
        scanner.next_line()
    assert caught.value.line == 2


SCALARS: list[tuple[str, str, str | None, str | None, str | None, str]] = [
    ("plain", "a b # c", None, "a b", None, " # c"),
    ("plain up to a colon", "a: b", None, "a", None, ": b"),
    ("plain over lines that are indented", "a\n  b\nc", None, "a b", None, "\nc"),
    ("single quotes", "'a''b' c", "a'b", None, None, " c"),
    ("double quotes", '"a\\nb" c', "a\nb", None, None, " c"),
    ("block", "|\n  a\n  b\nc", None, None, "a\nb\n", "\nc"),
    ("folded block", ">-\n  a\n  b\nc", None, None, "a b", "\nc"),
    ("none", "[a]", None, None, None, "[a]"),
]


@pytest.mark.parametrize(("text", "quoted", "plain", "block", "rest"), table(SCALARS))
def test_scalars(text: str, quoted: str | None, plain: str | None, block: str | None, rest: str) -> None:
    scanner = Scanner(text, 0)
    assert (scanner.quoted(0), scanner.plain(0), scanner.block(0)) == (quoted, plain, block)
    assert text[scanner.at :] == rest


def test_plain_scalar_in_brackets_ends_at_a_bracket() -> None:
    scanner = Scanner("a\nb]", 0)
    assert scanner.plain(in_brackets=True) == "a b"
    assert scanner.next == "]"


def test_comments_are_skipped() -> None:
    scanner = Scanner(" # a\n # b\n\n c#d", 0)
    scanner.skip()
    assert (scanner.next, scanner.here()) == ("c", 1)


def test_unquoted_tells_by_the_failure_that_it_is_given() -> None:
    with pytest.raises(Unreadable, match="line 7 here"):
        unquoted('"\\q"', lambda: Unreadable(7, "here"))
