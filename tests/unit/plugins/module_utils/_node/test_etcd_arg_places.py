# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the items of a list are. Edits at these places are tried in test_etcd_arg, with what reads the result."""

from __future__ import annotations

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_arg_places import (
    Items,
    list_places,
    with_items,
    with_list,
)

KEYS = ("a", "a+")


@pytest.mark.parametrize(
    ("text", "values", "lines", "end"),
    [
        ("a:\n- b\n- 'c'  # d\n# e\nf: g\n", ["b", "'c'"], ["- b\n", "- 'c'  # d\n"], "# e\nf: g\n"),
        ("  a+:  # b\n    - c\n\n    - d", ["c", "d"], ["    - c\n", "    - d"], ""),
        ("a: [b, \"c, d\" , 'e'] # f\ng: h\n", ["b", '"c, d"', "'e'"], [], "g: h\n"),
        ("a: b # c\n", ["b"], [], ""),
        ("a: []\n", [], [], ""),
        ("a: ~\n", [], [], ""),
        ("a:\nb:\n- c\n", [], [], "b:\n- c\n"),
    ],
)
def test_places(text: str, values: list[str], lines: list[str], end: str) -> None:
    (found,) = list_places(text, KEYS)
    assert [text[first:last] for first, last in found.items] == values
    assert [text[first:last] for first, last in found.lines] == lines
    assert text[found.end :] == end
    assert text[: found.start].endswith(":")
    assert with_items(text, found, Items(values, range(len(values)), [])) == (
        text if values else text.replace("~", "[]").replace("a:\n", "a: []\n")
    )


def test_no_list() -> None:
    assert list_places("b: [c]\n", KEYS) == []
    assert with_list("b: [c]\n", "a", ["d"]) == "b: [c]\na:\n  - d\n"


@pytest.mark.parametrize("text", ["a: [b,\n  c]\n", "a:\n- b\n  c\n", "a:\n  - b\n - c\n", "a: >\n  b\n"])
def test_other_ways(text: str) -> None:
    with pytest.raises(ValueError, match=r"line \d is written in a way that cannot be edited safely"):
        list_places(text, KEYS)
