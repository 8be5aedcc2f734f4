# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kubeadm takes plain words for."""

from __future__ import annotations

import pytest

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
