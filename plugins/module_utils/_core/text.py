# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Lists and tables in the form that people read."""

from __future__ import annotations

import typing as t


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


__all__ = ("join", "sentences", "table")
