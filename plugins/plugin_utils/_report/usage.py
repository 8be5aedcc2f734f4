# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What is said of a usage record: who has how much of a database, how fast it grows, and what to do about it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .formatting import MINUS, UNKNOWN, count, difference, duration, moment, percent, plural, rate, size
from .links import documentation
from .reading import Part
from .tables import Cell, Column, Table, table
from .treemap import Treemap, name_of, treemap

_AMOUNTS = (
    Column("Live", numeric=True),
    Column("History", numeric=True),
    Column("Keys", numeric=True),
    Column("Of all", numeric=True),
)
_RATES = (Column("Live data", numeric=True), Column("Keys", numeric=True), Column("Revisions", numeric=True))
_ALL = "*"  # what is not told apart


@dataclass(frozen=True)
class UsageSection:
    """What fills the database of one member. `summary` are sentences; `advice` is that on all resources together;
    `lists` are less needed than `resources`."""

    summary: str
    treemap: Treemap | None
    resources: Table
    advice: tuple[Cell, ...]
    lists: tuple[Table, ...]


def usage_section(usage: Part) -> UsageSection | None:
    """None if no file was read."""
    record = usage.part("record")
    if not record:
        return None
    tables = (
        table("Namespaces", (Column("Namespace"), *_AMOUNTS), _amounts(record, "namespaces", _namespace)),
        table("Resources in one namespace", (Column("Resource"), *_AMOUNTS), _amounts(record, "consumers", _both)),
        table(
            "Largest objects",
            (Column("Key", wide=True), Column("Size", numeric=True)),
            ((each.text("key") or UNKNOWN, size(each.number("bytes"))) for each in record.parts("largest")),
        ),
        table(
            "Keys with most revisions",
            (Column("Key", wide=True), Column("Revisions kept", numeric=True)),
            ((each.text("key") or UNKNOWN, count(each.number("revisions"))) for each in record.parts("hottest")),
        ),
    )
    return UsageSection(
        _summary(usage),
        treemap(record),
        _resources(record, usage.parts("advice")),
        tuple(_advice(each) for each in usage.parts("advice") if each.text("resource") == _ALL),
        tuple(each for each in tables if each.rows),
    )


def _summary(usage: Part) -> str:
    record = usage.part("record")
    total = record.part("total")
    keys, revisions = (int(total.amount(each)) for each in ("live_keys", "history_revisions"))
    sentences = [
        f"{plural(keys, 'key')} with {size(total.number('live_bytes'))} of live data.",
        f"{plural(revisions, 'older revision')} with {size(total.number('history_bytes'))}: a compaction removes them."
        if revisions
        else "There is no history.",
    ]
    if total.number("managed_fields_bytes") is not None:
        sentences.append(f"managedFields take {size(total.number('managed_fields_bytes'))} of the live data.")
    if total.amount("encrypted_keys"):
        sentences.append(f"{count(total.amount('encrypted_keys'))} values are encrypted by the API server.")
    read_from = f"Read from {record.text('path') or 'the database'} on {usage.text('host') or 'a member'}"
    sentences.append(
        f"{read_from} while etcd wrote to it: the numbers may be off by what was written meanwhile."
        if record.flag("consistent") is False
        else f"{read_from}."
    )
    return " ".join(sentences)


def _resources(record: Part, advice: t.Sequence[Part]) -> Table:
    """The resources with what each of them usually is, and what cures it."""
    by_name = {name_of(each): each for each in advice if each.text("resource") != _ALL}
    columns, rows = [Column("Resource"), *_AMOUNTS], list(_amounts(record, "resources", _resource_cell))
    if by_name:
        columns.append(Column("What it usually is, and what helps", wide=True))
        rows = [(*row, _advice(by_name.get(row[0].text, Part(None)))) for row in rows]
    return table("Resources, the largest first", columns, rows).known()


def _advice(advice: Part) -> Cell:
    if not advice:
        return Cell("")
    return Cell(
        " ".join(filter(None, (advice.text("what"), advice.text("remedy")))),
        commands=tuple(filter(None, (advice.text("command"), advice.text("setting")))),
        href=documentation(advice.text("anchor")),
    )


def _amounts(record: Part, key: str, heading: t.Callable[[Part], Cell]) -> t.Iterator[tuple[Cell, ...]]:
    total = record.part("total")
    all_bytes = total.amount("live_bytes") + total.amount("history_bytes")
    for each in record.parts(key):
        own = each.amount("live_bytes") + each.amount("history_bytes")
        yield (
            heading(each),
            Cell(size(each.number("live_bytes"))),
            Cell(size(each.number("history_bytes"))),
            Cell(count(each.number("live_keys"))),
            Cell(percent(own / all_bytes * 100) if all_bytes else UNKNOWN),
        )


def _resource_cell(consumer: Part) -> Cell:
    return Cell(name_of(consumer))


def _namespace(consumer: Part) -> Cell:
    return Cell(consumer.text("namespace") or "in no namespace")


def _both(consumer: Part) -> Cell:
    return Cell(name_of(consumer), note=_namespace(consumer).text)


@dataclass(frozen=True)
class GrowthSection:
    """How fast a cluster grows, in a sentence, and who makes it grow."""

    summary: str
    tables: tuple[Table, ...]


def growth_section(cluster: Part) -> GrowthSection | None:
    """None if nothing is known of it."""
    growth, detail = cluster.part("growth"), cluster.part("usage").part("record").part("growth")
    if not growth and not detail:
        return None
    tables = (
        table(
            f"Growth by {what}, per hour",
            (Column(what.capitalize()), *_RATES),
            ((heading(each), *_rates(each)) for each in detail.parts(key)),
        )
        for what, key, heading in (
            ("resource", "resources", _resource_cell),
            ("namespace", "namespaces", _namespace),
        )
    )
    return GrowthSection(_growth(growth, detail), tuple(each for each in tables if each.rows))


def _growth(growth: Part, detail: Part) -> str:
    speed = growth.number("bytes_per_hour")
    speed = detail.number("size_bytes_per_hour") if speed is None else speed
    since = f" since {moment(growth.text('since'))}" if growth.text("since") else ""
    if since == "" and detail.number("seconds") is not None:
        since = f" over {duration(detail.number('seconds'))}"
    if speed is None:
        return "How fast the database grows is not known."
    if speed <= 0:
        return f"The database has not grown{since}."
    full = growth.number("seconds_to_full")
    until = ""
    if full is not None:
        until = f" At that rate it is full in about {duration(full)}." if full > 0 else " It is full."
    return f"The database grew by {rate(speed).lstrip('+')}{since}.{until}"


def _rates(each: Part) -> tuple[str, str, str]:
    return (
        _signed(each.number("live_bytes_per_hour"), difference),
        _signed(each.number("live_keys_per_hour")),
        _signed(each.number("revisions_per_hour")),
    )


def _signed(number: float | None, said: t.Callable[[float], str] | None = None) -> str:
    if not number:
        return UNKNOWN if number is None else "none"
    return said(number) if said else f"{MINUS if number < 0 else '+'}{count(abs(number))}"


__all__ = ("GrowthSection", "UsageSection", "growth_section", "usage_section")
