# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records to plain results, and results read with a type for every value."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.records import Fields, plain


@dataclass(frozen=True)
class Inner:
    size: int
    names: tuple[str, ...]


@dataclass(frozen=True)
class Outer:
    inner: Inner | None
    by_host: dict[str, Inner]


def test_plain() -> None:
    inner = Inner(5, ("a", "b"))
    found = plain(Outer(inner, {"h": inner}))
    assert found == {"inner": {"size": 5, "names": ["a", "b"]}, "by_host": {"h": {"size": 5, "names": ["a", "b"]}}}
    assert json.loads(json.dumps(found)) == found
    assert plain(Outer(None, {})) == {"inner": None, "by_host": {}}


BODY = {
    "text": "x",
    "whole": 5,
    "number": 1.5,
    "flag": False,
    "none": None,
    "texts": ["a", "b"],
    "by_key": {"k": "v"},
    "record": {"text": "y"},
    "records": [{"text": "z"}],
    "mixed": ["a", 5],
    "numbers_by_key": {"k": 5},
}


def test_values() -> None:
    found = Fields(BODY, "it")
    assert (found.text("text"), found.whole("whole"), found.flag("flag")) == ("x", 5, False)
    assert (found.number("number"), found.number("whole")) == (1.5, 5)
    assert (found.text_or_none("none"), found.whole_or_none("none"), found.number_or_none("none")) == (None,) * 3
    assert (found.text_or_none("text"), found.whole_or_none("whole"), found.number_or_none("number")) == ("x", 5, 1.5)
    assert (found.texts("texts"), found.texts_by_key("by_key")) == (("a", "b"), {"k": "v"})
    assert found.record("record").text("text") == "y"
    assert found.record_or_none("none") is None
    assert [each.text("text") for each in found.records("records")] == ["z"]
    assert (found.has("text"), found.has("none"), found.has("missing")) == (True, False, False)
    assert found.names() == tuple(BODY)


WRONG: list[tuple[str, Callable[[Fields], object], str]] = [
    ("missing", lambda found: found.text("missing"), "it.missing is missing."),
    ("missing, and may be null", lambda found: found.text_or_none("missing"), "it.missing is missing."),
    ("no text", lambda found: found.text("whole"), "it.whole is not text, but int 5."),
    ("null", lambda found: found.text("none"), "it.none is not text, but NoneType None."),
    ("a boolean is no number", lambda found: found.whole("flag"), "it.flag is not a whole number, but bool False."),
    ("of no kind", lambda found: found.number("flag"), "it.flag is not a number, but bool False."),
    ("half", lambda found: found.whole("number"), "it.number is not a whole number, but float 1.5."),
    ("a number is no boolean", lambda found: found.flag("whole"), "it.whole is not true or false, but int 5."),
    ("text is no list", lambda found: found.texts("text"), "it.text is not a list, but str 'x'."),
    ("a list of anything", lambda found: found.texts("mixed"), "it.mixed is not a list of texts, but list ['a', 5]."),
    ("no dictionary", lambda found: found.record("texts"), "it.texts is no dictionary, but list ['a', 'b']."),
    ("no dictionaries", lambda found: found.records("texts"), "it.texts[0] is no dictionary, but str 'a'."),
    ("deep", lambda found: found.records("records")[0].whole("text"), "it.records[0].text is not a whole number, but"),
    ("no texts", lambda found: found.texts_by_key("numbers_by_key"), "it.numbers_by_key.k is not text, but int 5."),
]


@pytest.mark.parametrize(("read", "message"), table(WRONG))
def test_wrong_values_name_their_place(read: Callable[[Fields], object], message: str) -> None:
    with pytest.raises(ValueError, match=r"^it") as caught:
        read(Fields(BODY, "it"))
    assert str(caught.value).startswith(message)
