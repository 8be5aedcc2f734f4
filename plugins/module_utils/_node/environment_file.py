# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Variables in the files that `EnvironmentFile=` of a systemd unit names: reading them as systemd does, and edits that
leave every other byte alone.

The rules are those of systemd's `parse_env_file_internal` (src/basic/env-file.c) since 254; an older one goes on with a
comment behind a backslash at its end.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

_NEWLINE = "\n\r"
_BLANK = " \t\n\r"
_ESCAPED_IN_QUOTES = '"\\`$'
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# What systemd, a shell and Docker's --env-file read alike without quotes.
_PLAIN = re.compile(r"[\w./:,@%+=\[\]-]*", re.ASCII)

# The variable behind which an installer's template has another one: with the same bytes its next run changes nothing,
# and restarts nothing (kubespray, roles/etcd/templates/etcd.env.j2, 2.22 to 2.31).
_BEHIND = {"ETCD_QUOTA_BACKEND_BYTES": "ETCD_SNAPSHOT_COUNT", "ETCD_AUTO_COMPACTION_RETENTION": "ETCD_INITIAL_CLUSTER"}


@dataclass(frozen=True)
class Assignment:
    """One variable that systemd takes from a file. `first` and `last` are the numbers of its lines, from 1;
    `start` and `end` are where the text of the value is, with its quotes."""

    name: str
    value: str
    first: int
    last: int
    start: int
    end: int


def assignments(text: str) -> list[Assignment]:
    """The variables of a file in order; of one given twice the last counts. What systemd ignores is not among them,
    such as `export NAME=value`. Lines end at a line feed or a carriage return."""
    return [each for each in _Reader(text).read() if _NAME.fullmatch(each.name)]


def values(text: str) -> dict[str, str]:
    """The variables that a service has from a file."""
    return {each.name: each.value for each in assignments(text)}


def edit(text: str, wanted: t.Mapping[str, str], remove: t.Collection[str] = ()) -> str:
    """Set these variables, remove those. The place of the value that counts is kept, and its quotes if they can hold
    the new one. Raises ValueError if the file cannot be edited safely."""
    found = assignments(text)
    expected = {name: value for name, value in values(text).items() if name not in remove}
    expected.update(wanted)
    result = text
    counting = {each.name: each for each in found}
    spans = [(*_lines_of(text, each), "") for each in found if each.name in remove and each.name not in wanted]
    spans += [
        (each.start, each.end, _written(wanted[name], text[each.start : each.end][:1]))
        for name, each in counting.items()
        if name in wanted and each.value != wanted[name]
    ]
    for start, end, new in sorted(spans, reverse=True):
        result = result[:start] + new + result[end:]
    for name, value in wanted.items():
        if name not in counting:
            result = _added(result, name, value)
    if values(result) != expected:
        raise ValueError("it is written in a way that cannot be edited safely")
    return result


def _lines_of(text: str, each: Assignment) -> tuple[int, int]:
    """The whole lines of an assignment."""
    start = each.start
    while start > 0 and text[start - 1] not in _NEWLINE:
        start -= 1
    ending = re.compile(r"[^\n\r]*(?:\r\n|\n|\r|\Z)").match(text, each.end)
    return start, ending.end() if ending else each.end


def _added(text: str, name: str, value: str) -> str:
    """The text with one more line: where a template has it, else at the end."""
    line = f"{name}={_written(value)}"
    ending = "\r\n" if "\r\n" in text else "\n"
    before = [each for each in assignments(text) if each.name == _BEHIND.get(name)]
    at = _lines_of(text, before[-1])[1] if before else len(text)
    head, tail = text[:at], text[at:]
    if head and head[-1] not in _NEWLINE:
        return f"{head}{ending}{line}{tail}"
    return f"{head}{line}{ending}{tail}"


def _written(value: str, quote: str = "") -> str:
    """A value as it is written, in these quotes if that is possible, without any if it needs none."""
    if quote == "'" and "'" not in value:
        return f"'{value}'"
    if quote != '"' and _PLAIN.fullmatch(value):
        return value
    return '"' + re.sub(r'(["\\`$])', r"\\\1", value) + '"'


class _Reader:
    """systemd's state machine: one step for each character."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: list[Assignment] = []
        self._at = 0
        self._reset()

    def _reset(self) -> None:
        self._key = ""
        self._value = ""
        self._key_at = self._start = self._end = self._at
        self._length = 0  # of the value without the blanks at its end

    def read(self) -> list[Assignment]:
        state: t.Callable[[str], t.Any] = self._before_key
        for at, character in enumerate(self._text):
            self._at = at
            state = state(character)
        if state not in (self._before_key, self._in_key, self._in_comment, self._escaped_in_comment):
            self._at = len(self._text)
            self._push(chomp=state == self._in_value)
        return self._found

    def _push(self, *, chomp: bool) -> t.Callable[[str], t.Any]:
        value = self._value[: self._length] if chomp else self._value
        first, last = (self._text.count("\n", 0, at) + 1 for at in (self._key_at, self._end))
        self._found.append(Assignment(self._key.rstrip(_BLANK), value, first, last, self._start, self._end))
        return self._before_key

    def _take(self, text: str) -> None:
        """Text of the value that does not fall away at its end."""
        self._value += text
        self._length = len(self._value)
        self._end = self._at + 1

    def _before_key(self, character: str) -> t.Callable[[str], t.Any]:
        self._reset()
        if character in "#;":
            return self._in_comment
        if character in _BLANK:
            return self._before_key
        self._key = character
        return self._in_key

    def _in_key(self, character: str) -> t.Callable[[str], t.Any]:
        if character in _NEWLINE:
            return self._before_key
        if character == "=":
            self._start = self._end = self._at + 1
            return self._before_value
        self._key += character
        return self._in_key

    def _before_value(self, character: str) -> t.Callable[[str], t.Any]:
        """Also behind closed quotes: what follows is more of the value."""
        if character in _NEWLINE:
            return self._push(chomp=False)
        if character in _BLANK:
            return self._before_value
        if self._end == self._start:
            self._start = self._at
        self._end = self._at + 1
        if character in "'\"":
            return self._in_single_quotes if character == "'" else self._in_double_quotes
        if character == "\\":
            return self._escaped
        self._take(character)
        return self._in_value

    def _in_value(self, character: str) -> t.Callable[[str], t.Any]:
        if character in _NEWLINE:
            return self._push(chomp=True)
        if character == "\\":
            self._end = self._at + 1
            self._length = len(self._value)
            return self._escaped
        if character in _BLANK:
            self._value += character
        else:
            self._take(character)
        return self._in_value

    def _escaped(self, character: str) -> t.Callable[[str], t.Any]:
        self._end = self._at + 1
        if character not in _NEWLINE:
            self._take(character)
        return self._in_value

    def _in_single_quotes(self, character: str) -> t.Callable[[str], t.Any]:
        if character == "'":
            self._end = self._at + 1
            return self._before_value
        self._take(character)
        return self._in_single_quotes

    def _in_double_quotes(self, character: str) -> t.Callable[[str], t.Any]:
        if character == '"':
            self._end = self._at + 1
            return self._before_value
        if character == "\\":
            return self._escaped_in_quotes
        self._take(character)
        return self._in_double_quotes

    def _escaped_in_quotes(self, character: str) -> t.Callable[[str], t.Any]:
        if character in _ESCAPED_IN_QUOTES:
            self._take(character)
        elif character != "\n":
            self._take("\\" + character)
        return self._in_double_quotes

    def _in_comment(self, character: str) -> t.Callable[[str], t.Any]:
        if character == "\\":
            return self._escaped_in_comment
        return self._before_key if character in _NEWLINE else self._in_comment

    def _escaped_in_comment(self, character: str) -> t.Callable[[str], t.Any]:
        return self._before_key if character in _NEWLINE else self._in_comment


__all__ = ("Assignment", "assignments", "edit", "values")
