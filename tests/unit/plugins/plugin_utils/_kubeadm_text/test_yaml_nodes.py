# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubeadm takes plain words for."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.plugin_utils._kubeadm_text import yaml_nodes


def test_words() -> None:
    expected = {
        "string": [
            "periodic",
            "1h",
            "1:30",
            "2026-01-01",
            "nan",
            "=",
            "a8",
            "/x",
            "1.2.3",
            "-",
            "+",
            "0x",
            "1e",
            "yes-",
        ],
        "number": ["8", "08", "+5", "-1", "1e9", "1.", ".5", "0x1F", "0o7", "0b1", "1_000", ".inf", "-.inf", ".nan"],
        "boolean": ["y", "N", "yes", "No", "TRUE", "false", "on", "Off"],
        "null": ["", "~", "null", "Null"],
    }
    for kind, words in expected.items():
        assert {each: yaml_nodes.word(each) for each in words} == dict.fromkeys(words, kind)


def test_strings_for_every_reader() -> None:
    """Some are strings for kubeadm alone, or for PyYAML alone."""
    for text, always in (("a", True), ("'8'", True), ("!!str 8", True), ("8", False), ("08", False), ("1:30", False)):
        (node,) = yaml_nodes.read(text)
        assert yaml_nodes.always_string(node) is always, text
    for text, safe in (
        ("max-wals", True),
        ("a.b/c_d", True),
        ("yes", False),
        ("y", False),
        ("8", False),
        ("a b", False),
    ):
        assert yaml_nodes.safe_word(text) is safe, text


def test_places_in_the_text() -> None:
    text = "a: &x [1, 'b']  # c\nd:\n- e: |\n    f\n\n- *x\n"
    (root,) = yaml_nodes.read(text)
    a, d = (value for _key, value in root.pairs)
    assert (text[a.start : a.end], a.flow, a.anchor) == ("&x [1, 'b']", True, "x")
    entry, alias = d.items
    assert text[entry.start : entry.end] == "e: |\n    f"
    assert (alias.kind, alias.resolved.items[1].value) == (yaml_nodes.ALIAS, "b")
    assert list(root.aliases()) == ["x"]
    assert root.get("none") is None


@pytest.mark.parametrize("text", ["a: [", "a: *b", "a: \x00"])
def test_no_yaml(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(line \d+: |unacceptable character|special characters)"):
        yaml_nodes.read(text)


TABS: list[tuple[str, str, str]] = [
    ("before a comment", "a: b\t# c\nd: e\n", "a: b # c\nd: e\n"),
    ("behind a colon", "a:\tb\nc:\t\td\n", "a: b\nc:  d\n"),
    ("at the end of a line", "a: b\t\r\nc:\t\n  d: e \t\n", "a: b\r\nc:\n  d: e\n"),
    ("in brackets", "a: [b,\tc\t]\n", "a: [b, c]\n"),
    ("JSON", '{\n\t"a":\t"b",\n\t\t"c": "\\t d"\n}\n', '{"a": "b", "c": "\\t d"}\n'),
]


@pytest.mark.parametrize(("text", "plain"), table(TABS))
def test_tabs_between_words(text: str, plain: str) -> None:
    found, expected = yaml_nodes.read(text), yaml_nodes.read(plain)
    assert [node.shape() for node in found] == [node.shape() for node in expected]
    for key, value in found[0].pairs:
        assert "\t" not in text[key.start : key.end]
        assert text[value.start] not in "\t "


OTHER_TABS: list[tuple[str, str]] = [
    ("at the beginning of a line", "a:\n\tb: c\n"),
    ("behind a dash", "a:\n- \tb\n"),
    ("in a word", "a: b\tc\n"),
]


@pytest.mark.parametrize("text", table(OTHER_TABS))
def test_other_tabs_are_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"^line \d: found character '\\t' that cannot start any token"):
        yaml_nodes.read(text)
