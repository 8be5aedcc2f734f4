# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of members, letter by letter."""

from __future__ import annotations

import pytest
from unit.builders import MIB, Json, table

from ansible_collections.controlplane.etcd.plugins.filter.member_table import FilterModule, member_table


def entry(name: str, role: str, size: int, in_use: int, quota: int = 2048 * MIB) -> Json:
    return {
        "member_id": name,
        "name": name,
        "role": role,
        "db_size_bytes": size,
        "db_size_in_use_bytes": in_use,
        "quota_bytes": quota,
    }


def alarm(name: str, kind: str = "NOSPACE") -> Json:
    return {"member_id": name, "alarm": kind}


TABLES: list[tuple[str, list[Json], list[Json], list[Json], list[str]]] = [
    (
        "before and after",
        [entry("cp1", "follower", 297 * MIB, 296 * MIB), entry("cp2", "leader", 298 * MIB, 296 * MIB)],
        [],
        [entry("cp2", "follower", 2047 * MIB, 0), entry("cp1", "leader", 2048 * MIB, 0)],
        [
            "member  role      before      after      in use     quota       alarm",
            "cp1     follower  2048.0 MiB  297.0 MiB  296.0 MiB  2048.0 MiB  none",
            "cp2     leader    2047.0 MiB  298.0 MiB  296.0 MiB  2048.0 MiB  none",
        ],
    ),
    (
        "alarms",
        [entry("cp1", "leader", MIB, MIB), entry("control-plane-2", "follower", MIB, MIB)],
        [alarm("cp1"), alarm("gone"), alarm("cp1", "CORRUPT")],
        [entry("cp1", "leader", MIB, MIB)],
        [
            "member           role      before   after    in use   quota       alarm",
            "cp1              leader    1.0 MiB  1.0 MiB  1.0 MiB  2048.0 MiB  NOSPACE,CORRUPT",
            "control-plane-2  follower  -        1.0 MiB  1.0 MiB  2048.0 MiB  none",
        ],
    ),
    (
        "silent, quota off",
        [entry("cp1", "silent", 0, 0, -1)],
        [],
        [],
        ["member  role    before  after  in use  quota  alarm", "cp1     silent  -       -      -       off    none"],
    ),
    ("nobody", [], [], [], ["member  role  before  after  in use  quota  alarm"]),
]


@pytest.mark.parametrize(("members", "alarms", "before", "expected"), table(TABLES))
def test_table(members: list[Json], alarms: list[Json], before: list[Json], expected: list[str]) -> None:
    assert member_table({"members": members, "alarms": alarms}, before) == expected


def test_filter() -> None:
    assert FilterModule().filters() == {"member_table": member_table}
