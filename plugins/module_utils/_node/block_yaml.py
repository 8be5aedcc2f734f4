# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The part of YAML that static pod manifests are written in, so that a node needs no PyYAML at recovery time.

Block maps and lists, scalars (plain, quoted), comments, JSON. Everything else is refused with its line: better no
answer than a wrong one. All scalars stay strings, except an empty value, which is None.
"""

from __future__ import annotations

import json
import re
import typing as t

_DOUBLE, _SINGLE = r'"(?:[^"\\]|\\.)*"', r"'(?:[^']|'')*'"
_PLAIN = r"""[^\s\[\]{}"'#&*!|>%@`,-][^#]*?|-[^\s#][^#]*?"""
_KEY = re.compile(rf"({_DOUBLE}|{_SINGLE}|{_PLAIN})\s*:(?:\s+(.*))?$")
_TRAILING_COMMENT = re.compile(r"\s+#.*$")


class _Line(t.NamedTuple):
    number: int
    indent: int
    text: str


def load(text: str) -> t.Any:
    """The one document in `text`. Raises ValueError naming the line that cannot be read."""
    stripped = text.lstrip("\ufeff").strip()
    if stripped.startswith("{"):
        return json.loads(stripped)
    lines = _lines(text.lstrip("\ufeff"))
    if not lines:
        raise ValueError("it is empty")
    value, rest = _block(lines, lines[0].indent)
    if rest:
        raise ValueError(f"line {rest[0].number} is indented less than what is above it")
    return value


def _lines(text: str) -> list[_Line]:
    lines: list[_Line] = []
    document_ended = False
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.rstrip()
        if not line.lstrip() or line.lstrip().startswith("#"):
            continue
        if line == "...":
            document_ended = True
            continue
        if document_ended or (lines and (line == "---" or line.startswith("--- "))):
            raise ValueError(f"a second document begins in line {number}")
        if line == "---" or line.startswith("--- #"):
            continue
        if line.startswith("--- "):
            raise ValueError(f"line {number} is not understood: {line}")
        if "\t" in line[: len(line) - len(line.lstrip())]:
            raise ValueError(f"line {number} is indented with a tab")
        lines.append(_Line(number, len(line) - len(line.lstrip(" ")), line.lstrip(" ")))
    return lines


def _block(lines: list[_Line], indent: int) -> tuple[t.Any, list[_Line]]:
    """The map or list whose first line stands at `indent`, and the lines after it."""
    return _sequence(lines, indent) if _is_item(lines[0].text) else _mapping(lines, indent)


def _is_item(text: str) -> bool:
    return text == "-" or text.startswith("- ")


def _sequence(lines: list[_Line], indent: int) -> tuple[list[t.Any], list[_Line]]:
    items: list[t.Any] = []
    while lines and lines[0].indent == indent and _is_item(lines[0].text):
        head, rest = lines[0], lines[1:]
        content = head.text[1:].lstrip(" ")
        if not content or content.startswith("#"):
            value, lines = _nested(rest, indent)
        elif _is_item(content) or _KEY.match(content):
            column = indent + len(head.text) - len(content)
            value, lines = _block([_Line(head.number, column, content), *rest], column)
        else:
            value, lines = _scalar(content, head.number), rest
            _refuse_continuation(lines, indent)
        items.append(value)
    return items, lines


def _mapping(lines: list[_Line], indent: int) -> tuple[dict[str, t.Any], list[_Line]]:
    mapping: dict[str, t.Any] = {}
    while lines and lines[0].indent == indent and not _is_item(lines[0].text):
        head, rest = lines[0], lines[1:]
        match = _KEY.match(head.text)
        if not match or head.text.startswith("? "):
            raise ValueError(f"line {head.number} is not understood: {head.text}")
        key, content = str(_scalar(match.group(1), head.number)), match.group(2) or ""
        if key in mapping:
            raise ValueError(f"line {head.number} gives {key} a second time")
        if content and not content.startswith("#"):
            mapping[key], lines = _scalar(content, head.number), rest
            _refuse_continuation(lines, indent)
        elif rest and rest[0].indent == indent and _is_item(rest[0].text):  # a list may stand under its key
            mapping[key], lines = _sequence(rest, indent)
        else:
            mapping[key], lines = _nested(rest, indent)
    return mapping, lines


def _nested(lines: list[_Line], indent: int) -> tuple[t.Any, list[_Line]]:
    if not lines or lines[0].indent <= indent:
        return None, lines
    return _block(lines, lines[0].indent)


def _refuse_continuation(lines: list[_Line], indent: int) -> None:
    if lines and lines[0].indent > indent:
        raise ValueError(f"line {lines[0].number} continues a value over several lines, which is not understood")


def _scalar(text: str, number: int) -> t.Any:
    try:
        if text[0] in "[{":
            return json.loads(_TRAILING_COMMENT.sub("", text))
        if text[0] == '"':
            value, end = json.JSONDecoder().raw_decode(text)
            if text[end:] and not _TRAILING_COMMENT.fullmatch(text[end:]):
                raise ValueError
            return value
        if text[0] == "'":
            match = re.match(r"'((?:[^']|'')*)'(?:\s+#.*)?$", text)
            if not match:
                raise ValueError
            return match.group(1).replace("''", "'")
    except ValueError:
        raise ValueError(f"line {number} is not understood: {text}") from None
    if text[0] in "&*!|>%@`":
        raise ValueError(f"line {number} uses YAML that is not understood: {text}")
    plain = _TRAILING_COMMENT.sub("", text)
    return None if plain in ("null", "~") else plain


__all__ = ("load",)
