# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reader of manifests beside PyYAML: the same answer or none."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.builders import DATA, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.block_yaml import load
from ansible_collections.controlplane.etcd.plugins.module_utils._node.yaml_scanner import Unreadable

MANIFESTS = sorted((DATA / "manifests").glob("*/*"))
# See write.go beside them.
PODS = json.loads((DATA / "pods/pods.json").read_text("utf-8"))
WRITTEN_BY_GO = re.split(r"(?m)^---\n", (DATA / "pods/go-yaml.documents").read_bytes().decode())[1:]


def base(text: str) -> Any:
    """The document as PyYAML reads it if every scalar stays a string."""
    return yaml.load(text, Loader=yaml.BaseLoader)


def comparable(value: Any) -> Any:
    """An empty value is an empty string for PyYAML's BaseLoader, and null keeps its letters there."""
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items()}
    if isinstance(value, list):
        return [comparable(each) for each in value]
    return "" if value in (None, "null", "Null", "NULL", "~") else value


def in_words(value: Any) -> Any:
    """A value of JSON if every scalar but null is a string."""
    if isinstance(value, dict):
        return {key: in_words(each) for key, each in value.items()}
    if isinstance(value, list):
        return [in_words(each) for each in value]
    return value if value is None or isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: f"{path.parent.name} {path.stem}")
def test_manifest_of_kubeadm(path: Path) -> None:
    text = path.read_text("utf-8")
    assert comparable(load(text)) == comparable(base(text))


def test_there_are_manifests() -> None:
    assert len({path.parent.name for path in MANIFESTS}) == 11


@pytest.mark.parametrize("number", range(len(PODS)))
def test_pod_written_by_go(number: int) -> None:
    """As kubeadm and kubectl write it: values over several lines, quotes, blocks."""
    text = WRITTEN_BY_GO[number]
    if "\u2028" in text:  # ends a line for some readers only
        with pytest.raises(Unreadable, match=r"line 10 holds the character '\\u2028'"):
            load(text)
    else:
        assert load(text) == in_words(PODS[number])


def test_there_are_pods() -> None:
    assert len(WRITTEN_BY_GO) == len(PODS)
    assert sum("\u2028" in text for text in WRITTEN_BY_GO) == 1


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
    ("value over several lines", "a: b\n  c\n\n  d: e\nf: g\n".replace("d: e", "d:e")),
    ("item over several lines", "- b\n  c\n- d\n"),
    ("value on the next line", "a:\n  b\n  c\n"),
    ("dash in a value over several lines", "a: b\n  - c\n"),
    ("quotes over several lines", "a: 'b\n  c\n\n  d'\ne: \"f\n  g \\\n  \\ h\\n\n  i\"\n"),
    ("blanks at the ends of lines in quotes", 'a: "b \n\t c\\t \n  d "\n'),
    ("escapes", 'a: "\\x41\\u00e9\\U0001f600\\0\\a\\e\\_\\N\\L\\P\\/\\ \\\t"\n'),
    ("literal block", "a: |\n  b\n   c # none\n\n  d: e\nf: g\n"),
    ("literal block of an item", "- |\n  b\n- c\n"),
    ("literal block of a map in an item", "- a: |\n    b\n  c: d\n"),
    ("literal block at the end", "a: |\n  b"),
    ("literal block, stripped", "a: |-\n  b\n\nc: d\n"),
    ("literal block, kept", "a: |+\n  b\n\n\nc: d\n"),
    ("literal block with its indentation", "a: |2\n    b\n   c\nd:\n- |1-\n   e\n"),
    ("literal block with blank lines first", "a: |\n\n \n  b\n"),
    ("literal block with a comment", "a: | # b\n  c\n# d\n"),
    ("literal block with a tab", "a: |\n  \tb\n"),
    ("literal block with a mark", "a: |\n  ---\n  ...\n"),
    ("empty block", "a: |\nb: >+\n\nc: d\n"),
    ("folded block", "a: >\n  b\n  c\n\n  d\n\n\n   e\n  f\n  g\n"),
    ("folded block, stripped", "c: >-\n  d\n  e\n"),
    ("flow of YAML", "a: {b: c, 'd': [e, \"f\"], g: , h: {}, i}\n"),
    ("flow over several lines", "a: [ # one\n  b c,\n  d\n  e, # two\n  f,\n]\ng: h\n"),
    ("flow of addresses", "a: [https://[::1]:2379]\n".replace("[::1]", "x")),
    ("quoted key without a blank in a flow", 'a: {"b":c}\n'),
    ("anchor and alias", "a: &b c\nd: *b\n"),
    ("anchor of a list", "a: &b\n- c\nd: *b\ne: [*b, *b]\n"),
    ("anchor in a flow", "a: [&b {c: d}, *b]\n"),
    ("anchor of nothing", "a: &b\nc: *b\n"),
]


@pytest.mark.parametrize("text", table(SAME))
def test_same_as_pyyaml(text: str) -> None:
    assert base(text)
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
    ("only a mark", "---", "it is empty"),
    ("alias without an anchor", "a: b\nc: *b\n", "line 2 names b, which is not defined above it"),
    ("alias of itself", "a: &b [*b]\n", "line 1 names b"),
    ("tag", "a: !!str b\n", "line 1 is not understood: a: !!str b"),
    ("directive", "%YAML 1.1\n---\na: b\n", "line 1 is not understood: %YAML 1.1"),
    ("tab", "a:\n\tb: c\n", "line 2 is indented with a tab"),
    ("tab after blanks", "a:\n  \tb: c\n", "line 2 is indented with a tab"),
    ("tab in a value over several lines", "a: b\n \tc\n", "line 2 is indented with a tab"),
    ("second document", "a: b\n---\nc: d\n", "line 2 begins a second document"),
    ("second document after the end", "a: b\n...\nc: d\n", "line 3 begins a second document"),
    ("content on the mark", "--- {a: b}\nc: d\n", "line 1 is not understood: --- {a: b}"),
    ("map in a value over several lines", "a: b\n  c: d\n", "line 2 is not understood: c: d"),
    ("map in a value", "a: b: c\n", "line 1 is not understood: a: b: c"),
    ("list in a value", "a: - b\n", "line 1 is not understood: a: - b"),
    ("comment in a value over several lines", "a: b # c\n  d\n", "line 2 is not understood: d"),
    ("duplicate key", "a: b\nc: d\na: e\n", "line 3 gives a a second time"),
    ("duplicate key in an item", "- a: b\n  a: c\n", "line 2 gives a a second time"),
    ("duplicate key in a flow", "a: {b: c,\n  'b': d}\n", "line 2 gives b a second time"),
    ("merge key", "a: &c {d: e}\n<<: *c\n", "line 2 merges entries from elsewhere"),
    ("complex key", "? a\n: b\n", r"line 1 is not understood: \? a"),
    ("complex key in one line", "? a: b\n", "line 1 is not understood"),
    ("key of a flow over several lines", "a: {b\n  c: d}\n", "line 1 has a key over several lines"),
    ("pair in a list in brackets", "a: [b: c]\n", "line 1 is not understood"),
    ("comma for nothing", "a: [b,,c]\n", "line 1 is not understood"),
    ("no map", "a\n", "it is neither a map nor a list"),
    ("half a key", "a: b\nc\n", "line 2 is not understood: c"),
    ("text after quotes", "a: 'b' c\n", "line 1 is not understood"),
    ("text after brackets", "a: [b] c\n", "line 1 is not understood"),
    ("comment right behind quotes", "a: 'b'#c\n", "line 1 is not understood"),
    ("text after the head of a block", "a: | b\n", "line 1 is not understood"),
    ("quotes that are not closed", "a: b\nc: 'd\ne: f\n", "line 2 opens quotes that are not closed"),
    ("quotes that are closed elsewhere", "a: 'b\nc: 'd'\n", "line 2 is in quotes, but indented too little"),
    ("bracket that is not closed", "a: b\nc: [d,\n  e\n", "line 2 opens a bracket that is not closed"),
    ("escape that YAML lacks", 'a: "\\q"\n', "line 1 is not understood"),
    ("half an escape", 'a: "\\x4"\n', "line 1 is not understood"),
    ("half a character", 'a: "\\ud83d"\n', "line 1 is not understood"),
    ("no character", 'a: "\\UFFFFFFFF"\n', "line 1 is not understood"),
    ("control character", "a: b\nc: d\x07\n", r"line 2 holds the character '\\x07'"),
    ("line end of old Macs", "a: b\rc: d\n", r"line 1 holds the character '\\r'"),
    ("less indented than the first", "  a: b\nc: d\n", "line 2 is not understood: c: d"),
    ("less indented than a block's first line", "a: |\n   b\n  c\n", "line 3 is not understood: c"),
    ("dedent to nowhere", "a:\n    b: c\n  d: e\n", "line 3 is not understood: d: e"),
    ("list and map at once", "- a\nb: c\n", "line 2 is not understood: b: c"),
    ("brackets without an end", "a: " + 5000 * "[", "it is nested too deeply"),
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


lines = st.lists(
    st.sampled_from(["a", "to", "many words", "b:", "# c", "'", '"', " ", "\n", "\n\n", "\t", "-", "x: y", "\\"])
)


@given(
    documents.filter(lambda document: isinstance(document, (dict, list)) and document),
    lines,
    st.sampled_from([None, "'", '"', "|", ">"]),
    st.sampled_from([False, None, True]),
    st.integers(10, 80),
)
@settings(max_examples=60)
def test_dumped_by_pyyaml(document: Any, parts: list[str], style: str | None, flow: bool | None, width: int) -> None:
    document = [document, " ".join(parts), document]
    text = yaml.safe_dump(document, default_style=style, default_flow_style=flow, width=width)
    assert base(text) == document
    try:
        found = load(text)
    except Unreadable:
        refused = "? ", "\x85", "\ufeff"  # a key over several lines or with too many characters, odd ends of lines
        assert any(each in text for each in refused)
        return
    assert comparable(found) == comparable(document)


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


PARTS = [
    "a: b",
    "- a",
    "  ",
    "- ",
    "a:",
    ":",
    "#",
    " #",
    "'",
    '"',
    "{",
    "}",
    "[",
    "]",
    ", ",
    "c",
    "\n",
    "\n  ",
    "? ",
    "---",
]
PARTS += ["|", ">-", "&x ", "*x", "!", "\\", "~", "...", "d: "]


@given(st.lists(st.sampled_from(PARTS)), st.sampled_from(["", "k:", "- "]))
def test_any_text_is_read_as_pyyaml_reads_it_or_refused(parts: list[str], head: str) -> None:
    text = head + "".join(parts)
    try:
        found = load(text)
    except ValueError:
        return
    if not text.lstrip().startswith("{"):
        assert comparable(found) == comparable(base(text))


@given(st.sampled_from(MANIFESTS), st.integers(0, 3000), st.sampled_from(PARTS), st.integers(0, 3))
def test_damaged_manifest_is_read_as_pyyaml_reads_it_or_refused(path: Path, at: int, part: str, lost: int) -> None:
    text = path.read_text("utf-8")
    text = text[:at] + part + text[at + lost :]
    try:
        found = load(text)
    except ValueError:
        return
    if not text.lstrip().startswith("{"):
        assert comparable(found) == comparable(base(text))
