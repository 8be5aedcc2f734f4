# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A cluster before a recovery beside what it is now."""

from __future__ import annotations

import typing as t

from .formatting import difference, percent, size
from .reading import Part
from .tables import Cell, Column, Table, table
from .verdicts import verdict_of

_COLUMNS = (Column(""), Column("Before", numeric=True), Column("After", numeric=True))


def comparison(before: Part, after: Part) -> Table:
    """The table with before and after side by side."""
    rows: list[t.Sequence[Cell | str]] = [
        ("Verdict", _verdict(before), _verdict(after)),
        ("Alarms", _alarms(before), _alarms(after)),
    ]
    rows += [(name, *_sizes(before, after, key)) for name, key in _SIZES if _known(before, after, key)]
    for name, key in (("Full", "full_percent"), ("Fragmented", "fragmentation_percent")):
        if _known(before, after, key):
            rows.append((name, percent(before.number(key)), percent(after.number(key))))
    return table("Before and after", _COLUMNS, rows)


_SIZES = (("Size of the database", "size_bytes"), ("In use", "in_use_bytes"), ("Quota", "quota_bytes"))


def _known(before: Part, after: Part, key: str) -> bool:
    return before.number(key) is not None or after.number(key) is not None


def _sizes(before: Part, after: Part, key: str) -> tuple[Cell, Cell]:
    first, last = before.number(key), after.number(key)
    change = difference(last - first) if first is not None and last is not None and first != last else ""
    return Cell(size(first)), Cell(size(last), note=change)


def _verdict(cluster: Part) -> Cell:
    return Cell("", verdict=verdict_of(cluster))


def _alarms(cluster: Part) -> str:
    return ", ".join(cluster.texts("alarms")) or "none"


def same_cluster(cluster: Part, clusters: t.Iterable[Part]) -> Part:
    """The cluster among others that has the same name, an empty one if there is none."""
    name = cluster.text("name")
    return next((each for each in clusters if name and each.text("name") == name), Part(None))


__all__ = ("comparison", "same_cluster")
