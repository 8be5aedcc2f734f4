# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cron expressions: their next moments, the same for systemd, and what is none."""

from __future__ import annotations

import datetime as dt

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import cron

# The expression, systemd's, and the first moment after Tuesday 24 November 2026, 00:30.
CRONS: list[tuple[str, str, str, str]] = [
    ("default", "00 */3 * * *", "*-*-* 00,03,06,09,12,15,18,21:00:00", "2026-11-24 03:00"),
    ("every minute", "* * * * *", "*-*-* *:*:00", "2026-11-24 00:31"),
    ("later today", "15 2 * * *", "*-*-* 02:15:00", "2026-11-24 02:15"),
    ("tomorrow", "30 0 * * *", "*-*-* 00:30:00", "2026-11-25 00:30"),
    ("ranges", "0-5,50 22-23 * * *", "*-*-* 22,23:00,01,02,03,04,05,50:00", "2026-11-24 22:00"),
    ("steps of a range", "10-40/15 4 * * *", "*-*-* 04:10,25,40:00", "2026-11-24 04:10"),
    ("steps from a value", "5/20 4 * * *", "*-*-* 04:05,25,45:00", "2026-11-24 04:05"),
    ("names", "0 4 * DEC mon-wed", "Mon,Tue,Wed *-12-* 04:00:00", "2026-12-01 04:00"),
    ("both Sundays", "0 4 * * 0,7", "Sun *-*-* 04:00:00", "2026-11-29 04:00"),
    ("over Sunday", "0 4 * * 5-7", "Sun,Fri,Sat *-*-* 04:00:00", "2026-11-27 04:00"),
    ("a leap day", "0 4 29 2 *", "*-02-29 04:00:00", "2028-02-29 04:00"),
    ("every second day and a weekday: both", "0 4 */2 * 1", "Mon", "2026-12-07 04:00"),
]


@pytest.mark.parametrize(("text", "calendar", "following"), table(CRONS))
def test_cron(text: str, calendar: str, following: str) -> None:
    assert cron.on_calendar(text) == calendar or cron.on_calendar(text).startswith(f"{calendar} *-*-01,03,")
    moment = cron.following(cron.parse(text), dt.datetime(2026, 11, 24, 0, 30))
    assert f"{moment:%Y-%m-%d %H:%M}" == following


def test_either_day_is_nothing_for_systemd() -> None:
    expression = cron.parse("0 4 13 * 5")
    assert expression.on(dt.date(2026, 11, 27))  # a Friday
    assert expression.on(dt.date(2026, 12, 13))  # a Sunday
    assert not expression.on(dt.date(2026, 12, 14))
    with pytest.raises(Refused, match="cron runs on days that match either, and systemd only on days that match both"):
        cron.on_calendar("0 4 13 * 5")


def test_a_day_that_never_comes() -> None:
    assert cron.following(cron.parse("0 4 30 2 *"), dt.datetime(2026, 11, 24)) is None


NO_CRONS = (
    "",
    "* * * *",
    "* * * * * *",
    "@daily",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * * 13 *",
    "* * * * 8",
    "a * * * *",
    "*/0 * * * *",
    "5-1 * * * *",
    "1,,2 * * * *",
    "-1 * * * *",
    "*-5 * * * *",
    "* * * * mo",
    "1.5 * * * *",
    "\u0663 * * * *",
)


@pytest.mark.parametrize("text", NO_CRONS)
def test_no_cron(text: str) -> None:
    with pytest.raises(Refused):
        cron.parse(text)


def test_a_minute_that_is_left_to_the_cluster() -> None:
    assert cron.with_minute("H */3 * * *", 17) == "17 */3 * * *"
    for text in ("00 */3 * * *", "*/5 H * * *", "H5 * * * *", ""):
        assert cron.with_minute(text, 17) == text
