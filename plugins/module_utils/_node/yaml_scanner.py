# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The lines and scalars of YAML: a place in a text that moves on over what it reads.

Scalars are plain, quoted or blocks (`|`, `>`), each over as many lines as it likes. They are folded as YAML 1.1 says,
and as PyYAML and go-yaml do it.
"""

from __future__ import annotations

import re
import typing as t


class Unreadable(ValueError):
    """What cannot be read, and the number of its line."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line} {what}")
        self.line = line


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII | re.MULTILINE)


# Control characters, and what ends a line for some readers of YAML only. The characters themselves: all but the others
# take 4 ms to compile, in each start of a module.
_FOREIGN = _pattern("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_END = _pattern(r"[ \t]*(?:(?<!\S)#.*)?$")
_LINES = _pattern(r"\n(?:[ \t]*(?:#.*)?\n)*(?:[ \t]*(?:#.*)?\Z)?")
_GAP = _pattern(r"(?:\s|(?<!\S)#.*)*")
_BREAK = r"[ \t]*\n(?:[ \t]*\n)*(?P<indent>[ \t]*)"

_QUOTED = _pattern(r""" "(?:[^"\\]|\\(?:.|\n))*" | '(?:[^']|'')*' """.replace(" ", ""))
_HEX = "[0-9a-fA-F]"
_CODE = rf"x(?P<x>{_HEX}{{2}})|u(?P<u>{_HEX}{{4}})|U(?P<U>{_HEX}{{8}})"
_ESCAPE = _pattern(rf"\\\n[ \t]*(?P<breaks>(?:\n[ \t]*)*)|\\(?:{_CODE}|(?P<letter>.))|{_BREAK}")
_ESCAPED = dict(zip('0abt\tnvfre "\\/N_LP', '\0\a\b\t\t\n\v\f\r\x1b "\\/\x85\xa0\u2028\u2029'))

# What begins a plain scalar, and its words in one line; inside brackets fewer characters may be in it.
FIRST = r"""(?:[^\s\-?:,\[\]{}#&*!|>%@`"']|[-?:](?=\S))"""
_WORDS = r"(?:[^\s:#]|:(?=\S)|(?<=\S)#|[ \t]+(?=[^\s#]))*"
_FIRST_IN_BRACKETS = FIRST.replace(r"\S", r"[^\s,?\[\]{}]")
_WORDS_IN_BRACKETS = r"(?:[^\s:#,?\[\]{}]|:(?=[^\s,\[\]{}])|(?<=\S)#|[ \t]+(?=[^\s#,?:\[\]{}]))*"
_PLAIN = _pattern(FIRST + _WORDS), _pattern(_FIRST_IN_BRACKETS + _WORDS_IN_BRACKETS)
_MORE = _pattern(rf"{_BREAK}(?=[^\s#]){_WORDS}"), _pattern(rf"{_BREAK}(?=[^\s#,?:\[\]{{}}]){_WORDS_IN_BRACKETS}")

_HEADER = _pattern(r"([|>])(?:([+-]?)([1-9]?)|([1-9])([+-]))(?=\s|\Z)")
_BLANKS = _pattern(r"(?:\n *$)*")


class Scanner:
    """A text and the place in it. `column` is that of the first word of the line that `next_line` went to, -1 at the
    end of the text."""

    def __init__(self, text: str, at: int) -> None:
        """Raises Unreadable for a character that YAML does not allow."""
        self.text = text
        self.at = at
        self.column = -1
        foreign = _FOREIGN.search(self.text)
        if foreign:
            raise self.failure(f"holds the character {foreign.group()!r}", foreign.start())

    def failure(self, what: str = "", at: int | None = None) -> Unreadable:
        """What to raise about the line of that place, by default of this one."""
        at = self.at if at is None else at
        start = self.text.rfind("\n", 0, at) + 1
        line = self.text[start:].partition("\n")[0].strip()
        return Unreadable(self.text.count("\n", 0, at) + 1, what or f"is not understood: {line}")

    def sees(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        return pattern.match(self.text, self.at)

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """What is here, if it is this: then the place is behind it."""
        match = self.sees(pattern)
        self.at = match.end() if match else self.at
        return match

    @property
    def next(self) -> str:
        """The character that is here, empty at the end."""
        return self.text[self.at : self.at + 1]

    @property
    def ends(self) -> bool:
        """Whether there is nothing more in this line but a comment."""
        return self.sees(_END) is not None

    def next_line(self) -> None:
        """Go to the first word of the next line that has one. Raises Unreadable if there is something left in this
        one."""
        if not self.take(_END):
            raise self.failure()
        self.take(_LINES)
        self.first_word()

    def first_word(self) -> None:
        """Go to the first word of the line at whose beginning the place is."""
        start = self.at
        while self.next == " ":
            self.at += 1
        if self.next == "\t":
            raise self.failure("is indented with a tab")
        self.column = self.at - start if self.next else -1

    def skip(self) -> None:
        """Go to the next word, over line breaks and comments."""
        self.take(_GAP)

    def here(self) -> int:
        """The column of this place."""
        return self.at - self.text.rfind("\n", 0, self.at) - 1

    def quoted(self, parent: int = -1) -> str | None:
        """A quoted scalar whose lines are indented more than `parent`, None if there is none."""
        start = self.at
        if self.next not in ("'", '"'):
            return None
        match = self.take(_QUOTED)
        if not match:
            raise self.failure("opens quotes that are not closed")
        for more in re.finditer(r"\n([ \t]*)(?=[^ \t\n])", match.group()):
            if len(more[1]) <= parent:
                raise self.failure("is in quotes, but indented too little", start + more.end())
        return unquoted(match.group(), lambda: self.failure(at=start))

    def plain(self, parent: int = -1, *, in_brackets: bool = False) -> str | None:
        """A plain scalar whose lines are indented more than `parent`, None if there is none."""
        match = self.take(_PLAIN[in_brackets])
        if not match:
            return None
        words = match.group()
        while True:
            more = self.sees(_MORE[in_brackets])
            if not more or len(more["indent"]) <= parent:
                return _folded(words)
            if "\t" in more["indent"]:
                raise self.failure("is indented with a tab", more.end())
            words += more.group()
            self.at = more.end()

    def block(self, parent: int) -> str | None:
        """A block scalar whose lines are indented more than `parent`, None if there is none."""
        header = self.take(_HEADER)
        if not header:
            return None
        if not self.take(_END):
            raise self.failure()
        style, chomp, digit = header[1], header[2] or header[5], header[3] or header[4]
        indent = parent + int(digit) if digit else max(parent + 1, self._indent_of_block())
        start = self.at
        self.take(_pattern(rf"(?:\n(?: {{{indent}}}.*| {{0,{indent - 1}}}$))*"))
        lines = self.text[start : self.at].split("\n")[1:]
        text = "\n".join(line[indent:] for line in lines)
        if lines and self.at < len(self.text):
            text += "\n"
        body = text.rstrip("\n")
        breaks = text[len(body) :]
        if style == ">":
            body = re.sub(r"(?m)^(?=[^ \t\n])(.*)\n(\n*)(?=[^ \t\n])", lambda found: found[1] + (found[2] or " "), body)
        return body + {"-": "", "+": breaks}.get(chomp, breaks[:1] if body else "")

    def _indent_of_block(self) -> int:
        """That of its first line with words, or of a longer one of blanks before it, which is then an error."""
        blanks = self.sees(_BLANKS)
        lines = blanks.group().split("\n") if blanks else []
        first = re.compile(r"\n( *)").match(self.text, blanks.end() if blanks else self.at)
        return max([len(line) for line in lines] + [len(first[1]) if first else 0])


def unquoted(text: str, failure: t.Callable[[], Unreadable]) -> str:
    """The scalar in its quotes. Raises the failure for an escape that YAML does not know."""
    if text[0] == "'":
        return _folded(text[1:-1]).replace("''", "'")

    def decoded(match: re.Match[str]) -> str:
        if not match.group().startswith("\\"):
            return _fold(match)
        if match["breaks"] is not None:
            return "\n" * match["breaks"].count("\n")
        try:
            digits = match["x"] or match["u"] or match["U"]
            found = chr(int(digits, 16)) if digits else _ESCAPED[match["letter"]]
            found.encode("utf-8")  # half of a surrogate pair is no character
        except (KeyError, ValueError, OverflowError):
            raise failure() from None
        return found

    return _ESCAPE.sub(decoded, text[1:-1])


def _folded(text: str) -> str:
    """The text in one line: one break is a blank, of several the first is dropped."""
    return re.sub(_BREAK, _fold, text)


def _fold(match: re.Match[str]) -> str:
    return "\n" * (match.group().count("\n") - 1) or " "


__all__ = ("FIRST", "Scanner", "Unreadable", "unquoted")
