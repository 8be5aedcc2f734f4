# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What looks cut off, and what is whole but wrong. Every place to cut is tried in test_etcd_manifest.py."""

from __future__ import annotations

import pytest
from unit.builders import DATA, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.block_yaml import load
from ansible_collections.controlplane.etcd.plugins.module_utils._node.cut_off import (
    missing_end,
    no_end,
    unreadable_end,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._node.yaml_scanner import Unreadable

PLAIN = (DATA / "manifests/1.33/plain.manifest").read_text("utf-8")
BY_HAND = (DATA / "cases/manifests/whole-but-called-cut-off.manifest").read_text("utf-8")
SAID = ". The file ends in line {} as if it had been cut off: put the whole manifest back first"


def test_no_end() -> None:
    assert no_end(PLAIN) == ""
    assert no_end("a: b\n") == ""
    assert no_end(PLAIN[:200]) == SAID.format(len(PLAIN[:200].splitlines()))


LINES: list[tuple[str, str, ValueError, bool]] = [
    ("the last", BY_HAND, Unreadable(len(BY_HAND.splitlines()), "x"), True),
    ("one above it", BY_HAND, Unreadable(len(BY_HAND.splitlines()) - 1, "x"), False),
    ("none", BY_HAND, ValueError("x"), False),
    ("the last of a whole one", PLAIN, Unreadable(len(PLAIN.splitlines()), "x"), False),
]


@pytest.mark.parametrize(("text", "error", "expected"), table(LINES))
def test_unreadable_end(text: str, error: ValueError, expected: bool) -> None:
    assert unreadable_end(text, error) == (SAID.format(len(text.splitlines())) if expected else "")


@pytest.mark.parametrize(("left", "expected"), [(0, False), (1, True), (4, True)])
def test_missing_end(left: int, expected: bool) -> None:
    """Without so many lines at its end."""
    lines = BY_HAND.splitlines()[: len(BY_HAND.splitlines()) - left]
    text = "\n".join(lines)
    assert missing_end(text, load(text)) == (SAID.format(len(lines)) if expected else "")


def test_no_pod() -> None:
    assert missing_end(PLAIN[:100], None) == SAID.format(len(PLAIN[:100].splitlines()))
