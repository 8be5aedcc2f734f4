# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Sizes, shares, times and rates as the report says them."""

from __future__ import annotations

import re

from ...module_utils._core import units

UNKNOWN = "unknown"
MINUS = "\u2212"
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d(\.\d+)?)?(Z|\+00:00)")


def size(size_bytes: float | None) -> str:
    """A size, in MiB as everywhere; what would be 0.0 is not nothing."""
    if size_bytes is None:
        return UNKNOWN
    return "< 0.1 MiB" if 0 < abs(size_bytes) < units.MIB / 20 else units.mib(size_bytes)


def difference(size_bytes: float) -> str:
    """A change of size, with its sign."""
    return f"{MINUS if size_bytes < 0 else '+'}{size(abs(size_bytes))}" if size_bytes else "none"


def rate(bytes_per_hour: float | None) -> str:
    """Growth per hour, with its sign."""
    if bytes_per_hour is None:
        return UNKNOWN
    return f"{difference(bytes_per_hour)} per hour" if bytes_per_hour else "none"


def percent(value: float | None) -> str:
    """A share that is given in percent."""
    if value is None:
        return UNKNOWN
    return "< 1 %" if 0 < value <= 0.5 else units.percent(value / 100)


def count(number: float | None) -> str:
    """A whole number, with a narrow blank between thousands."""
    return UNKNOWN if number is None else f"{number:,.0f}".replace(",", "\u202f")


def duration(seconds: float | None) -> str:
    """A time in the unit that fits: 45 s, 12 minutes, 5 hours, 3 days."""
    if seconds is None:
        return UNKNOWN
    if seconds < _MINUTE:
        return f"{max(seconds, 0):.0f} s"
    for limit, unit, name in ((2 * _HOUR, _MINUTE, "minute"), (2 * _DAY, _HOUR, "hour")):
        if seconds < limit:
            return plural(round(seconds / unit), name)
    return plural(round(seconds / _DAY), "day")


def until_full(seconds: float | None) -> str:
    """The time that is left, as far as one can tell."""
    return "now" if seconds is not None and seconds <= 0 else duration(seconds)


def plural(number: int, noun: str) -> str:
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def moment(text: str) -> str:
    """A time of ISO 8601 in UTC, to the minute; anything else as it is."""
    found = _MOMENT.fullmatch(text)
    return f"{found[1]} {found[2]} UTC" if found else text or UNKNOWN


__all__ = (
    "MINUS",
    "UNKNOWN",
    "count",
    "difference",
    "duration",
    "moment",
    "percent",
    "plural",
    "rate",
    "size",
    "until_full",
)
