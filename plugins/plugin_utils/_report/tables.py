# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Tables of the report, before they are drawn."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .fill_bar import Bar
from .formatting import UNKNOWN


@dataclass(frozen=True)
class Cell:
    """A cell: its text, smaller text below it, and what else it may show."""

    text: str
    note: str = ""
    verdict: str = ""
    commands: tuple[str, ...] = ()
    href: str = ""
    fill_bar: Bar | None = None

    @property
    def empty(self) -> bool:
        return not (self.text or self.note or self.verdict)

    @property
    def known(self) -> bool:
        return self.text != UNKNOWN or bool(self.note)


@dataclass(frozen=True)
class Column:
    title: str
    numeric: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Rows below columns; the first cell of a row is its heading. `unknown` names the columns that were left out,
    because nothing is known of any row."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    unknown: tuple[str, ...] = ()

    def known(self) -> Table:
        """The table without columns of which nothing is known."""
        kept = [at for at in range(len(self.columns)) if at == 0 or any(row[at].known for row in self.rows)]
        left_out = [column.title for at, column in enumerate(self.columns) if at not in kept]
        return replace(
            self,
            columns=tuple(self.columns[at] for at in kept),
            rows=tuple(tuple(row[at] for at in kept) for row in self.rows),
            unknown=tuple(left_out),
        )


def table(caption: str, columns: t.Sequence[Column], rows: t.Iterable[t.Sequence[Cell | str]]) -> Table:
    """A table whose cells may be plain text."""
    cells = (tuple(each if isinstance(each, Cell) else Cell(each) for each in row) for row in rows)
    return Table(caption, tuple(columns), tuple(cells))


__all__ = ("Cell", "Column", "Table", "table")
