# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reader of manifests beside PyYAML: the same answer or none."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from unit.builders import DATA, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.block_yaml import load

MANIFESTS = sorted((DATA / "manifests").glob("*/*"))


def base(text: str) -> Any:
    """The document as PyYAML reads it if every scalar stays a string."""
    return yaml.load(text, Loader=yaml.BaseLoader)


def comparable(value: Any) -> Any:
    """An empty value is an empty string for PyYAML's BaseLoader, and null keeps its letters there."""
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [comparable(each) for each in value]
    return "" if value in (None, "null", "~") else value


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_manifest_of_kubeadm(path: Path) -> None:
    text = path.read_text("utf-8")
    assert comparable(load(text)) == comparable(base(text))


def test_there_are_manifests() -> None:
    assert len({path.parent.name for path in MANIFESTS}) == 11


SAME: list[tuple[str, str]] = [
    ("map", "a: b\nc: d\n"),
    ("nested", "a:\n  b:\n    c: d\ne: f\n"),
    ("list under its key", "a:\n- b\n- c\nd: e\n"),
    ("list deeper than its key", "a:\n  - b\n  - c\nd: e\n"),
    ("list of maps", "a:\n- b: c\n  d: e\n- b: f\n"),
    ("list in a list", "- - a\n  - b\n- - c\n"),
    ("map of a list of maps", "a:\n- b:\n  - c: d\n  e: f\n"),
    ("wide dashes", "-   a: b\n    c: d\n-   e\n"),
    ("item on the next line", "-\n  a: b\n"),
    ("empty item", "- a\n-\n- b\n"),
    ("empty value", "a:\nb: c\n"),
    ("comments", "# one\na: b # two\n# three\n\nc: # four\n  d: e\n"),
    ("hash that is none", "a: b#c\n"),
    ("colon in a value", "a: https://127.0.0.1:2379\n"),
    ("flag", "- --initial-cluster=a=https://[::1]:2380\n"),
    ("flag with a blank after the colon", "- '--x=a: b'\n"),
    ("single quotes", "a: 'it''s: # no comment'\n"),
    ("double quotes", 'a: "b\\n\\"c\\": # \\u00e9"\n'),
    ("quoted key", "'a: b': c\n\"d\": e\n"),
    ("quoted list item", "- 'a'\n- \"b\" # c\n"),
    ("empty flows", "a: {}\nb: []\n"),
    ("flow list", 'a: ["b", "c"] # d\n'),
    ("document marks", "---\na: b\n...\n"),
    ("mark with a comment", "--- # head\na: b\n"),
    ("byte order mark", "\ufeffa: b\n"),
    ("line ends of Windows", "a: b\r\nc:\r\n- d\r\n"),
    ("blanks at the end", "a: b   \nc:  \n  d: e\n"),
    ("key with blanks", "a b: c\n"),
    ("key that begins with a dash", "-a: b\n"),
    ("numbers and bools stay strings", "a: 010\nb: yes\nc: 1e3\n"),
]


@pytest.mark.parametrize("text", table(SAME))
def test_same_as_pyyaml(text: str) -> None:
    assert comparable(load(text)) == comparable(base(text))


NULLS: list[tuple[str, str, Any]] = [
    ("null", "a: null", {"a": None}),
    ("tilde", "a: ~ # none", {"a": None}),
    ("empty", "a:", {"a": None}),
    ("quoted null", "a: 'null'", {"a": "null"}),
    ("JSON", ' {"a": [1, true, null]}\n', {"a": [1, True, None]}),
]


@pytest.mark.parametrize(("text", "expected"), table(NULLS))
def test_null(text: str, expected: Any) -> None:
    assert load(text) == expected


REFUSED: list[tuple[str, str, str]] = [
    ("empty", "", "it is empty"),
    ("only comments", "# a\n---\n", "it is empty"),
    ("anchor", "a: &b c\n", "line 1 "),
    ("alias", "a: b\nc: *b\n", "line 2 "),
    ("tag", "a: !!str b\n", "line 1 "),
    ("literal block", "a: b\nc: |\n  d\n", "line 2 "),
    ("folded block", "c: >-\n  d\n", "line 1 "),
    ("tab", "a:\n\tb: c\n", "line 2 is indented with a tab"),
    ("tab after blanks", "a:\n  \tb: c\n", "line 2 is indented with a tab"),
    ("second document", "a: b\n---\nc: d\n", "a second document begins in line 2"),
    ("second document after the end", "a: b\n...\nc: d\n", "line 3"),
    ("content on the mark", "--- {a: b}\nc: d\n", "line 1 "),
    ("value over several lines", "a: b\n  c\n", "line 2 continues a value"),
    ("item over several lines", "- b\n  c\n", "line 2 continues a value"),
    ("quotes over several lines", 'a: "b\n  c"\n', "line 1 "),
    ("value on the next line", "a:\n  b\n", "line 2 "),
    ("duplicate key", "a: b\nc: d\na: e\n", "line 3 gives a a second time"),
    ("duplicate key in an item", "- a: b\n  a: c\n", "line 2 gives a a second time"),
    ("flow of YAML", "a: {b: c}\n", "line 1 "),
    ("flow over several lines", "a: [\n  b]\n", "line 1 "),
    ("merge key", "a: b\n<<: *c\n", "line 2 "),
    ("complex key", "? a\n: b\n", "line 1 "),
    ("complex key in one line", "? a: b\n", "line 1 "),
    ("no map", "a\n", "line 1 is not understood"),
    ("text after quotes", "a: 'b' c\n", "line 1 "),
    ("escape that JSON lacks", 'a: "\\x41"\n', "line 1 "),
    ("less indented than the first", "  a: b\nc: d\n", "line 2 is indented less"),
    ("dedent to nowhere", "a:\n    b: c\n  d: e\n", "line 3"),
    ("list and map at once", "- a\nb: c\n", "line 2"),
]


@pytest.mark.parametrize(("text", "message"), table(REFUSED))
def test_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(text)


@pytest.mark.parametrize("text", ['{"a": }', "{a: b}", '{"a": 1} {"b": 2}'], ids=["broken", "YAML flow", "two"])
def test_refused_json(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the text is that of the json module
        load(text)


words = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [
        "--a=b",
        "- a",
        "a: b",
        "#a",
        "null",
        "~",
        "true",
        "0x10",
        "'",
        '"',
        "{}",
        "[]",
        "&a",
        "? a",
        "...",
        "---",
        "a #b",
        "",
    ]
)
documents = st.recursive(
    words, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4), max_leaves=12
)


@given(documents.filter(lambda document: isinstance(document, (dict, list)) and document))
def test_dumped_by_pyyaml(document: Any) -> None:
    text = yaml.safe_dump(document, default_flow_style=False)
    try:
        found = load(text)
    except ValueError:
        return
    assert found == base(text) == document


plain = st.from_regex(r"[a-z][a-zA-Z0-9./=-]{0,15}", fullmatch=True)
ordinary = st.recursive(
    plain,
    lambda inner: st.lists(inner, min_size=1, max_size=4) | st.dictionaries(plain, inner, min_size=1, max_size=4),
    max_leaves=12,
)


@given(ordinary.filter(lambda document: isinstance(document, (dict, list))))
def test_ordinary_documents_are_never_refused(document: Any) -> None:
    text = yaml.safe_dump(document, default_flow_style=False)
    assert load(text) == base(text)


@given(
    st.lists(st.sampled_from(["a: b", "- a", "  ", "- ", "a:", ":", "#", "'", '"', "{}", "[", "\n", "\t", "? ", "---"]))
)
def test_any_text_is_read_or_refused(parts: list[str]) -> None:
    with contextlib.suppress(ValueError):
        load("".join(parts))
