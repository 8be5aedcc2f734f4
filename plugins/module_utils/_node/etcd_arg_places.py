# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Where the items of a list are in a configuration file of RKE2 or k3s, and the text with other items: one in each
line, in brackets in one line, or a single one behind the key, as people write them.

Found by their form, as in `config_file_places`, so whoever edits at such a place reads the result again.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .config_file_places import QUOTED, SCALAR, Place, yaml_places

_END = r"[ \t]*(?:(?<=[ \t])#[^\n]*)?\r?(?:\n|\Z)"
_ITEM = re.compile(rf"(?P<indent> *)-[ ]+(?P<value>{SCALAR}){_END}")
_IN_BRACKETS = re.compile(rf"""{QUOTED}|[^\s,\[\]'"](?:[^,\[\]]*[^\s,\[\]])?""")
_NO_WORDS = re.compile(r"[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)")
_NOTHING = ("", "~", "null", "Null", "NULL")
Span = t.Tuple[int, int]  # evaluated, also on Python 3.8


@dataclass(frozen=True)
class ListPlace:
    """One list: the place of its key, and of the value of each item, with its quotes; `lines` are those of the items if
    each has its own. It begins at `start`, behind the colon, and its last item ends before `end`."""

    place: Place
    items: tuple[Span, ...]
    lines: tuple[Span, ...]
    start: int
    end: int


class Items(t.NamedTuple):
    """What is to be in a list, all in their quotes: the `values` of the items that are there, the numbers of those that
    are `kept`, and `new` ones behind them."""

    values: t.Sequence[str]
    kept: t.Sequence[int]
    new: t.Sequence[str]


def list_places(text: str, keys: t.Container[str]) -> list[ListPlace]:
    """The lists under these keys. Raises ValueError if one is written in another way."""
    return [_list_place(text, place) for place in yaml_places(text) if place.key in keys]


def _list_place(text: str, place: Place) -> ListPlace:
    start = len(text[: place.start].rstrip(" \t"))
    if place.raw is None:
        return _block(text, place, start)
    items: tuple[Span, ...] = ((place.start, place.end),)
    if place.raw.startswith("["):
        items = tuple(match.span() for match in _IN_BRACKETS.finditer(text, place.start + 1, place.end - 1))
    return ListPlace(place, () if place.raw in _NOTHING else items, (), start, place.entry_end)


def _block(text: str, place: Place, start: int) -> ListPlace:
    if not _NO_WORDS.match(text, start):
        raise _unsafe(text, start)
    at = end = place.entry_end
    items, lines = [], []
    indent: str | None = None
    while at < len(text):
        item, nothing = _ITEM.match(text, at), _NO_WORDS.match(text, at)
        if item and len(item["indent"]) >= len(place.indent) and indent in (None, item["indent"]):
            indent = item["indent"]
            items.append(item.span("value"))
            lines.append((at, item.end()))
            at = end = item.end()
        elif nothing:
            at = nothing.end()
        elif text[at : at + len(place.indent) + 1].strip(" ") and not item:
            break  # the next key
        else:
            raise _unsafe(text, at)
    return ListPlace(place, tuple(items), tuple(lines), start, end)


def with_items(text: str, there: ListPlace, items: Items) -> str:
    """The text with these items in the list."""
    if there.lines:
        return _in_lines(text, there, items)
    if text[there.place.start : there.place.end].startswith("["):
        return _in_brackets(text, there, items)
    return _behind_the_key(text, there, items)


def _in_lines(text: str, there: ListPlace, items: Items) -> str:
    body, at = "", there.place.entry_end
    for number, ((start, end), (first, last)) in enumerate(zip(there.lines, there.items)):
        body += text[at:start]
        if number in items.kept:
            body += text[start:first] + items.values[number] + text[last:end]
        at = end
    head = text[there.lines[0][0] : there.items[0][0]]
    for item in items.new:
        body += _line(body, head + item, _ending(text))
    empty = "" if items.kept or items.new else " []"
    return text[: there.start] + empty + text[there.start : there.place.entry_end] + body + text[at:]


def _in_brackets(text: str, there: ListPlace, items: Items) -> str:
    if len(items.kept) < len(there.items):  # what was between them goes, too
        words = [*(items.values[at] for at in items.kept), *items.new]
        return f"{text[: there.place.start]}[{', '.join(words)}]{text[there.place.end :]}"
    end = there.items[-1][1] if there.items else there.place.start + 1
    gap = ", " if there.items and items.new else ""
    text = text[:end] + gap + ", ".join(items.new) + text[end:]
    for (first, last), value in reversed(list(zip(there.items, items.values))):
        text = text[:first] + value + text[last:]
    return text


def _behind_the_key(text: str, there: ListPlace, items: Items) -> str:
    place = there.place
    words = [*(items.values[at] for at in items.kept), *items.new]
    if not words:
        return f"{text[: there.start]} []{text[place.end :]}"
    if not items.new:
        return text[: place.start] + words[0] + text[place.end :]
    result = text[: there.start] + text[place.end : place.entry_end]
    for word in words:
        result += _line(result, f"{place.indent}  - {word}", _ending(text))
    return result + text[place.entry_end :]


def with_list(text: str, key: str, items: t.Sequence[str]) -> str:
    """The text with a new list at its end."""
    ending = _ending(text)
    indents = [place.indent for place in yaml_places(text)]
    indent = indents[0] if indents else ""
    head = text if not text or text.endswith("\n") else text + ending
    lines = [f"{indent}{key}:", *(f"{indent}  - {item}" for item in items)]
    return head + ending.join(lines) + (ending if head == text else "")


def _ending(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _line(before: str, line: str, ending: str) -> str:
    """A line to add behind others; of a text that does not end its last line, neither does the new one."""
    return f"{line}{ending}" if not before or before.endswith("\n") else f"{ending}{line}"


def _unsafe(text: str, at: int) -> ValueError:
    return ValueError(f"line {text.count(chr(10), 0, at) + 1} is written in a way that cannot be edited safely")


__all__ = ("Items", "ListPlace", "list_places", "with_items", "with_list")
