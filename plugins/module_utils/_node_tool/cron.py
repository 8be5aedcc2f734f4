# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Cron expressions: what their five fields mean, when they come next, and the same for systemd."""

from __future__ import annotations

import calendar
import datetime as dt
import re
import typing as t
from dataclasses import dataclass

from .._core.failures import Refused

_MONTHS = tuple(name.lower() for name in calendar.month_abbr)[1:]
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Name, first and last value, and the names that stand for values from the first on.
_FIELDS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_PART = re.compile(r"(\*|\w+)(?:-(\w+))?(?:/(\d+))?", re.ASCII)


@dataclass(frozen=True)
class Expression:
    """The values of each field, ascending; Sunday is 0. `either_day` means that one of the two days is enough, as cron
    has it when both are given."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]
    either_day: bool

    def on(self, day: dt.date) -> bool:
        weekday = (day.weekday() + 1) % 7 in self.weekdays
        of_month = day.day in self.days
        return day.month in self.months and (weekday or of_month if self.either_day else weekday and of_month)


def with_minute(text: str, minute: int) -> str:
    """The expression with this minute if its own is H, as some schedulers have it: one for each, whichever it is."""
    fields = text.split()
    return " ".join([str(minute), *fields[1:]]) if fields[:1] == ["H"] else text


def parse(text: str) -> Expression:
    """The expression that the text is. Raises Refused."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise _invalid(
            f"{text!r} has {len(fields)} fields; minute, hour, day of month, month and day of week are five."
        )
    values = [_values(field, *known) for field, known in zip(fields, _FIELDS)]
    values[4] = sorted({value % 7 for value in values[4]})
    either = not (fields[2].startswith("*") or fields[4].startswith("*"))
    minutes, hours, days, months, weekdays = map(tuple, values)
    return Expression(minutes, hours, days, months, weekdays, either)


def _values(field: str, name: str, first: int, last: int, names: t.Sequence[str]) -> list[int]:
    found: set[int] = set()
    for part in field.split(","):
        match = _PART.fullmatch(part)
        if not match:
            raise _invalid(f"{part!r} is not a valid {name} in a cron line.")
        begin, end, step = match.groups()
        if begin == "*" and end is None:
            low, high = first, last
        else:
            low = _number(begin, name, first, names)
            # Without a last value, a step goes on to the last one of the field.
            high = _number(end, name, first, names) if end else (last if step else low)
        if not (first <= low <= high <= last) or step == "0":
            raise _invalid(f"{part!r} is not a valid {name} in a cron line: it goes from {first} to {last}.")
        found.update(range(low, high + 1, int(step or 1)))
    return sorted(found)


def _number(word: str, name: str, first: int, names: t.Sequence[str]) -> int:
    if word.isdecimal():
        return int(word)
    if word.lower() in names:
        return names.index(word.lower()) + first
    raise _invalid(f"{word!r} is not a valid {name} in a cron line.")


def following(expression: Expression, after: dt.datetime) -> dt.datetime | None:
    """The next moment, None if it never comes (30 February)."""
    for later in range(366 * 8 + 1):
        day = after.date() + dt.timedelta(days=later)
        if not expression.on(day):
            continue
        for hour in expression.hours:
            for minute in expression.minutes:
                moment = dt.datetime.combine(day, dt.time(hour, minute))
                if moment > after:
                    return moment
    return None


def on_calendar(text: str) -> str:
    """The expression as systemd's OnCalendar. Raises Refused if systemd cannot express it."""
    found = parse(text)
    if found.either_day:
        raise _invalid(
            f"{text!r} gives a day of the month and a day of the week, but cron runs on days that match either, and"
            " systemd only on days that match both.",
            "Give one of them, or use cron.",
        )
    names = ",".join(_DAYS[day].capitalize() for day in found.weekdays)
    weekdays = "" if len(found.weekdays) == len(_DAYS) else f"{names} "
    date = f"*-{_listed(found.months, 1, 12)}-{_listed(found.days, 1, 31)}"
    return f"{weekdays}{date} {_listed(found.hours, 0, 23)}:{_listed(found.minutes, 0, 59)}:00"


def _invalid(reason: str, advice: str = "") -> Refused:
    return Refused("invalid_schedule", reason, advice)


def _listed(values: t.Sequence[int], first: int, last: int) -> str:
    return "*" if len(values) == last - first + 1 else ",".join(f"{value:02d}" for value in values)


__all__ = ("Expression", "following", "on_calendar", "parse", "with_minute")
