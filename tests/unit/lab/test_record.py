# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of all keys, and what counts as a loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.record import Entry, Record

BEFORE = Record({"a": Entry(2, "x"), "b": Entry(3, "y"), "leased": Entry(4, "z")}, frozenset({"leased"}))


@pytest.mark.parametrize(
    ("entries", "options", "losses"),
    [
        pytest.param({"a": Entry(2, "x"), "b": Entry(3, "y")}, {}, [], id="a lease expired"),
        pytest.param({"a": Entry(9, "x"), "b": Entry(3, "y")}, {}, [], id="written again as it was"),
        pytest.param({"a": Entry(2, "x")}, {}, ["b is gone"], id="a key is gone"),
        pytest.param({"a": Entry(2, "x"), "b": Entry(9, "?")}, {}, ["b has another value"], id="another value"),
        pytest.param({"a": Entry(2, "x"), "b": Entry(9, "?")}, {"living": ("b",)}, [], id="one that changes by itself"),
        pytest.param({"a": Entry(2, "x"), "b": Entry(9, "?")}, {"changed": ["b"]}, [], id="one that had to change"),
        pytest.param(BEFORE.entries, {"changed": ["b"]}, ["b has still its old value"], id="one that did not"),
    ],
)
def test_losses(entries: dict[str, Entry], options: Any, losses: list[str]) -> None:
    assert BEFORE.losses(Record(entries, frozenset()), **options) == losses


def test_a_record_comes_back_from_its_file(tmp_path: Path) -> None:
    BEFORE.write(tmp_path / "record.json")
    assert Record.read(tmp_path / "record.json") == BEFORE
