# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists and tables for people."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.module_utils._core import text


def test_join() -> None:
    assert text.join([]) == "none"
    assert text.join(["cp1"]) == "cp1"
    assert text.join(name for name in ("cp1", "cp2")) == "cp1, cp2"


def test_table() -> None:
    rows = [("NAME", "SIZE"), ("cp1", "2047.2 MiB"), ("a longer one", "")]
    assert text.table(rows) == ["NAME          SIZE", "cp1           2047.2 MiB", "a longer one"]


def test_sentences() -> None:
    assert text.sentences("One.", "", " ", "Two. ") == "One. Two."
    assert text.sentences() == ""


def test_what_is_no_text_is_shown_as_a_number() -> None:
    assert text.printable("cp1\t\x1b[31mred\r\n\u202egnp\ud800é\x9b") == (
        "cp1 \\x1b[31mred\\x0d\\x0a\\x202egnp\\xd800é\\x9b"
    )


@given(st.lists(st.text()))
def test_sentences_neither_begin_nor_end_in_blanks(parts: list[str]) -> None:
    said = text.sentences(*parts)
    assert said == said.strip()
    assert "  " not in said
