# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.controlplane.etcd.plugins.plugin_utils._report.formatting import (
    count,
    difference,
    duration,
    moment,
    percent,
    rate,
    size,
    until_full,
)

MIB = 1024**2


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (size(None), "unknown"),
        (size(0), "0.0 MiB"),
        (size(1000), "< 0.1 MiB"),
        (size(1.25 * MIB), "1.2 MiB"),
        (difference(0), "none"),
        (difference(-3 * MIB), "\u22123.0 MiB"),
        (rate(None), "unknown"),
        (rate(0), "none"),
        (rate(2 * MIB), "+2.0 MiB per hour"),
        (percent(None), "unknown"),
        (percent(0.2), "< 1 %"),
        (percent(101.4), "101 %"),
        (count(None), "unknown"),
        (count(1234567), "1\u202f234\u202f567"),
        (duration(None), "unknown"),
        (duration(-4), "0 s"),
        (duration(59), "59 s"),
        (duration(60), "1 minute"),
        (duration(7199), "120 minutes"),
        (duration(7200), "2 hours"),
        (duration(86400 * 3), "3 days"),
        (until_full(0), "now"),
        (until_full(None), "unknown"),
        (moment("2026-11-30T01:02:03Z"), "2026-11-30 01:02 UTC"),
        (moment("2026-11-30T01:02:03.5+00:00"), "2026-11-30 01:02 UTC"),
        (moment("yesterday"), "yesterday"),
        (moment(""), "unknown"),
    ],
)
def test_how_it_is_said(said: str, expected: str) -> None:
    assert said == expected
