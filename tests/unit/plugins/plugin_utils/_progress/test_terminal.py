# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a bar is drawn, and that it stays within its line."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.controlplane.etcd.plugins.plugin_utils._progress import terminal

_CODES = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize(
    ("environment", "is_terminal", "encoding", "expected"),
    [
        ({"TERM": "xterm"}, True, "utf-8", True),
        ({"TERM": "xterm"}, True, "UTF8", True),
        ({"TERM": "xterm"}, False, "utf-8", False),
        ({"TERM": "xterm"}, True, "ascii", False),
        ({"TERM": "dumb"}, True, "utf-8", False),
        ({}, True, "utf-8", False),
        ({"TERM": "xterm", "CI": "true"}, True, "utf-8", False),
        ({"TERM": "xterm", "AWX_HOST": "https://awx"}, True, "utf-8", False),
    ],
)
def test_can_draw(environment: dict[str, str], is_terminal: bool, encoding: str, expected: bool) -> None:
    assert terminal.can_draw(environment, terminal=is_terminal, encoding=encoding) is expected


def test_a_bar() -> None:
    drawn = terminal.drawn_bar("cp1  compacting", "30 s of about 48 s", 0.5, width=80, color=True)
    assert re.fullmatch(r"cp1  compacting [━╸╺]{24} 30 s of about 48 s", _CODES.sub("", drawn))
    assert drawn != _CODES.sub("", drawn)
    assert "\n" not in drawn


def test_no_color() -> None:
    drawn = terminal.drawn_bar("cp1  compacting", "30 s of about 48 s", 0.5, width=80, color=False)
    assert "\x1b" not in drawn


@given(st.text("abc ", max_size=90), st.text("abc ", max_size=60), st.floats(0, 9), st.integers(1, 200))
def test_it_is_never_wider_than_the_terminal(head: str, tail: str, share: float, width: int) -> None:
    drawn = terminal.drawn_bar(head, tail, share, width=width, color=True)
    assert len(_CODES.sub("", drawn)) <= max(width - 1, 0)
