# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Where the entries of etcd's configuration file are: those of its outermost map, in YAML or JSON.

Found by their form, so whoever edits at such a place reads the result again.
"""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

_KEY = re.compile(
    r"""(?P<indent> *)(?P<key>"[^"\\]*"|'[^']*'|[^\s:#'"\[\]{}&*!|>%@`-][^:#]*?)[ \t]*:(?=[ \t\r]|$)[ \t]*"""
)
# A scalar of one line, in quotes or plain.
QUOTED = r""""(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'"""
SCALAR = rf"""{QUOTED}|[^\s#"'\[\]{{}}&*!|>%@`](?:[^\s]|[ \t]+(?=[^\s#]))*"""
_VALUE = re.compile(rf"{SCALAR}|\[[^\[\]{{}}#\n]*\]|")
_REST = re.compile(r"[ \t]*(?:(?<=[ \t])#[^\n]*)?\r?\Z")
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Place:
    """One entry: its key, the number of its line, and what its value looks like, with its quotes; `raw` is None if that
    goes over several lines or is no scalar. `start` and `end` are where the value is, `entry_start` and `entry_end`
    what to take out to remove it."""

    key: str
    line: int
    raw: str | None
    indent: str
    key_start: int
    start: int
    end: int
    entry_start: int
    entry_end: int


def yaml_places(text: str) -> list[Place]:
    """The entries of a block map in lines of their own."""
    found: list[Place] = []
    indent: str | None = None
    at = 0
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    for number, line in enumerate(lines, 1):
        match = _KEY.match(line)
        if match and indent is None and line.strip():
            indent = match["indent"]
        if match and match["indent"] == indent:
            found.append(_yaml_place(lines, number, line, at, match))
        at += len(line)
    return found


def _yaml_place(lines: t.Sequence[str], number: int, line: str, at: int, match: re.Match[str]) -> Place:
    value = _VALUE.match(line, match.end())
    end = value.end() if value else match.end()
    raw: str | None = line[match.end() : end]
    if not _REST.match(line.rstrip("\n"), end) or _goes_on(lines[number:], len(match["indent"])):
        raw = None
    start = at + match.end()
    key = match["key"].strip("\"'")
    return Place(key, number, raw, match["indent"], at + match.start("key"), start, at + end, at, at + len(line))


def _goes_on(lines: t.Iterable[str], column: int) -> bool:
    """Whether the next line with words belongs to the entry before it."""
    for line in lines:
        words = line.strip()
        if words and not words.startswith("#"):
            return len(line) - len(line.lstrip(" ")) > column or words.startswith("- ")
    return False


def json_places(text: str) -> list[Place]:
    """The entries of a JSON object. Raises ValueError if it is none."""
    decoder = json.JSONDecoder()
    found: list[Place] = []
    at = _skip(text, text.index("{") + 1)
    before = at
    while text[at : at + 1] == '"':
        key_start = at
        key, at = decoder.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        value, end = decoder.raw_decode(text, start)
        raw = None if isinstance(value, dict) else text[start:end]
        at = _skip(text, end)
        more = text[at : at + 1] == ","
        after = _skip(text, at + 1) if more else end
        entry_start = key_start if more or not found else before
        number = text.count("\n", 0, key_start) + 1
        found.append(Place(key, number, raw, "", key_start, start, end, entry_start, after))
        before = end
        at = after
        if not more:
            break
    return found


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


__all__ = ("QUOTED", "SCALAR", "Place", "json_places", "yaml_places")
