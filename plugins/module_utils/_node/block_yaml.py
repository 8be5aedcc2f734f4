# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The part of YAML that static pod manifests are written in, so that a node needs no PyYAML at recovery time.

Maps and lists in lines or brackets, all scalars, anchors, comments; JSON. Everything else (tags, merge keys, keys over
several lines, a second document) is refused with its line: better no answer than a wrong one. All scalars of YAML stay
strings, except an empty value, which is None.
"""

from __future__ import annotations

import json
import re
import typing as t

from .yaml_scanner import FIRST, Scanner, Unreadable, unquoted

_NULLS = ("null", "Null", "NULL", "~")


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII | re.MULTILINE)


_BLANK_LINES = r"(?:[ \t]*(?:#.*)?\n)*"
_HEAD = _pattern(rf"{_BLANK_LINES}(?:---(?=\s|\Z)[ \t]*(?:#.*)?\n?{_BLANK_LINES})?")
_MARK = _pattern(r"^(?:---|\.\.\.)(?=\s|\Z)")
_NOTHING = _pattern(r"(?:^\.\.\.(?=\s|\Z)|\s|(?<!\S)#.*)*")
_DASH = _pattern(r"-(?=\s|\Z) *")
_KEY = _pattern(
    rf"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*'|{FIRST}(?:[^\n:#]|:(?=\S)|(?<=\S)#)*?)[ \t]*:(?=\s|\Z)[ \t]*"""
)
_COLON = _pattern(r"[ \t]*:")
_ANCHOR = _pattern(r"&([\w-]+)(?=\s|\Z)[ \t]*")
_ALIAS = _pattern(r"\*([\w-]+)(?=[\s,\]}]|\Z)")


def load(text: str) -> t.Any:
    """The one document in `text`, a map or a list. Raises ValueError with the line that cannot be read, Unreadable if
    it is YAML."""
    text = text[1:] if text.startswith("\ufeff") else text
    try:
        # The kubelet, too, takes for JSON whatever begins like it.
        return json.loads(text) if text.lstrip().startswith("{") else _document(text.replace("\r\n", "\n"))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _document(text: str) -> t.Any:
    head = _HEAD.match(text)
    start = head.end() if head else 0
    mark = _MARK.search(text, start)
    scanner = Scanner(text[: mark.start()] if mark else text, start)
    if scanner.here() and scanner.next:
        raise scanner.failure()
    scanner.first_word()
    if scanner.column < 0:
        raise ValueError("it is empty")
    value = _Builder(scanner).node(-1)
    if scanner.column >= 0:
        raise scanner.failure()
    rest = _NOTHING.match(text, mark.start()) if mark else None
    if rest and rest.end() < len(text):
        raise Unreadable(text.count("\n", 0, rest.end()) + 1, "begins a second document")
    if not isinstance(value, (dict, list)):
        raise ValueError("it is neither a map nor a list")
    return value


class _Builder:
    """Builds values from the place of a scanner on. `parent` is the column that they have to be indented more than."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._anchors: dict[str, t.Any] = {}

    def node(self, parent: int) -> t.Any:
        """The value that begins in a line of its own, or behind a dash."""
        if self._scanner.sees(_DASH):
            return self._list()
        return self._map() if self._scanner.sees(_KEY) else self._inline(parent)

    def _list(self) -> list[t.Any]:
        scanner, column = self._scanner, self._scanner.column
        items = []
        while scanner.column == column and scanner.take(_DASH):
            items.append(self._entry(column, of_list=True))
        return items

    def _map(self) -> dict[str, t.Any]:
        scanner, column = self._scanner, self._scanner.column
        found: dict[str, t.Any] = {}
        while scanner.column == column and not scanner.sees(_DASH):
            start = scanner.at
            match = scanner.take(_KEY)
            if not match:
                raise scanner.failure()
            self._put(found, start, match[1], lambda: self._entry(column, of_list=False))
        return found

    def _put(self, found: dict[str, t.Any], start: int, key: str, value: t.Callable[[], t.Any]) -> None:
        """Add what stands under a key. Raises Unreadable for one that is there already."""
        if key == "<<":
            raise self._scanner.failure("merges entries from elsewhere, which is not understood", start)
        if key[0] in "\"'":
            key = unquoted(key, lambda: self._scanner.failure(at=start))
        if key in found:
            raise self._scanner.failure(f"gives {key} a second time", start)
        found[key] = value()

    def _entry(self, parent: int, *, of_list: bool) -> t.Any:
        """The value behind a dash or a key, or below it: a list may stand right under its key."""
        scanner = self._scanner
        anchor = scanner.take(_ANCHOR)
        if scanner.ends:
            scanner.next_line()
            below = scanner.column > parent or (not of_list and scanner.column == parent and scanner.sees(_DASH))
            value = self.node(parent) if below else None
        elif of_list and not anchor:
            scanner.column = scanner.here()
            value = self.node(parent)
        else:
            value = self._inline(parent)
        if anchor:
            self._anchors[anchor[1]] = value
        return value

    def _inline(self, parent: int) -> t.Any:
        """A scalar or something in brackets, with nothing behind it."""
        scanner = self._scanner
        block = scanner.block(parent)
        value = self._flow(parent, in_brackets=False) if block is None else block
        scanner.next_line()
        return value

    def _flow(self, parent: int = -1, *, in_brackets: bool = True) -> t.Any:
        scanner = self._scanner
        if scanner.next == "[":
            return self._list_in_brackets()
        if scanner.next == "{":
            return self._map_in_brackets()
        start = scanner.at
        alias = scanner.take(_ALIAS)
        if alias:
            if alias[1] not in self._anchors:
                raise scanner.failure(f"names {alias[1]}, which is not defined above it", start)
            return self._anchors[alias[1]]
        quoted = scanner.quoted(parent)
        if quoted is not None:
            return quoted
        plain = scanner.plain(parent, in_brackets=in_brackets)
        if plain is None:
            raise scanner.failure()
        return None if plain in _NULLS else plain

    def _list_in_brackets(self) -> list[t.Any]:
        return [self._anchored(of_list=True) for _start in self._until("]")]

    def _map_in_brackets(self) -> dict[str, t.Any]:
        scanner = self._scanner
        found: dict[str, t.Any] = {}
        for start in self._until("}"):
            if scanner.quoted() is None and scanner.plain(in_brackets=True) is None:
                raise scanner.failure()
            key = scanner.text[start : scanner.at]
            if "\n" in key:
                raise scanner.failure("has a key over several lines, which is not understood", start)
            self._put(found, start, key, lambda: self._anchored(of_list=False) if scanner.take(_COLON) else None)
        return found

    def _until(self, bracket: str) -> t.Iterator[int]:
        """The places at which entries begin, up to the bracket."""
        scanner, start = self._scanner, self._scanner.at
        separated = True
        while True:
            scanner.at += separated
            scanner.skip()
            if scanner.next == bracket:
                scanner.at += 1
                return
            if not scanner.next:
                raise scanner.failure("opens a bracket that is not closed", start)
            if not separated:
                raise scanner.failure()
            yield scanner.at
            scanner.skip()
            separated = scanner.next == ","

    def _anchored(self, *, of_list: bool) -> t.Any:
        """A value inside brackets. There may be none behind a colon."""
        scanner = self._scanner
        scanner.skip()
        anchor = scanner.take(_ANCHOR)
        scanner.skip()
        value = None if not of_list and scanner.next in (",", "}") else self._flow()
        if anchor:
            self._anchors[anchor[1]] = value
        return value


__all__ = ("load",)
