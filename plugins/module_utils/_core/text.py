# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Lists and tables in the form that people read."""

from __future__ import annotations

import typing as t
import unicodedata

# Control characters, those that turn the direction of a text, and halves of characters.
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Zl", "Zp")


def printable(text: str) -> str:
    """The text in one line, without what a terminal, a journal or a file of metrics would take for more than text:
    names and errors come from others."""
    return "".join(map(_printable, text.replace("\t", " ")))


def _printable(character: str) -> str:
    return f"\\x{ord(character):02x}" if unicodedata.category(character) in _UNPRINTABLE else character


def join(names: t.Iterable[str]) -> str:
    """The names with commas between them, "none" if there are none."""
    return ", ".join(names) or "none"


def sentences(*parts: str) -> str:
    """The parts with one blank between them, without those that are empty."""
    return " ".join(" ".join(parts).split())


def table(rows: t.Sequence[t.Sequence[str]]) -> list[str]:
    """The lines of a table, its head first."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


__all__ = ("join", "printable", "sentences", "table")
