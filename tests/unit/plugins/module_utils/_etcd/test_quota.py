# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which quota a node can carry."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.units import GIB
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import quota as sizing
from ansible_collections.controlplane.etcd.plugins.modules import etcd_node_info

MUCH = 1000.0

# Memory, free disk, database, quota; all in GiB.
AUTOS: list[tuple[str, float, float, float, int]] = [
    ("2 GiB of memory", 1.9, MUCH, 0, 2),
    ("8", 7.7, MUCH, 0, 2),
    ("16", 15.6, MUCH, 0, 2),
    ("exactly 16", 16, MUCH, 0, 2),
    ("a bit less than 24", 22.7, MUCH, 0, 2),
    ("24, as Linux shows it", 23.4, MUCH, 0, 3),
    ("exactly 24", 24, MUCH, 0, 3),
    ("32, as Linux shows it", 31.2, MUCH, 0, 4),
    ("48", 46.9, MUCH, 0, 6),
    ("64, as Linux shows it", 62.7, MUCH, 0, 8),
    ("a terabyte", 1000, MUCH, 0, 8),
    ("half of the disk", 64, 12, 0, 6),
    ("what the database has counts", 64, 10, 2, 6),
    ("whole GiB, downwards", 64, 13.9, 0, 6),
    ("a little less than another one", 64, 11.999, 0, 5),
    ("exactly 2 GiB", 64, 4, 0, 2),
    ("never less than etcd's default", 64, 0.1, 0, 2),
    ("the database fills the disk", 64, 0, 8, 4),
]


@pytest.mark.parametrize(("memory", "free", "database", "expected"), table(AUTOS))
def test_auto(memory: float, free: float, database: float, expected: int) -> None:
    assert sizing.automatic_quota(int(memory * GIB), int(free * GIB), int(database * GIB)) == expected * GIB


MEMORY = (
    "A quota of {quota} GiB is too large: the database is mapped into memory, which needs {needed} GiB (the quota,"
    " and 2.0 GiB for everything else); there are {memory} GiB."
)
DISK = "a database of that size and one copy of it need {needed} GiB on etcd's disk; there are {free} GiB free and"

REFUSALS: list[tuple[str, float, float, float, float, str | None]] = [
    ("fits", 5, 16, 20, 0, None),
    ("5 on 8 GiB, as Linux shows it", 5, 7.7, 20, 0, None),
    ("8 on 16 GiB", 8, 15.6, 20, 0, None),
    ("exactly the memory", 8, 9.5, 20, 0, None),
    ("exactly the disk", 5, 16, 10, 0, None),
    ("exactly the disk, with the database", 5, 16, 6, 4, None),
    ("etcd's default on the smallest node", 2, 1.7, 20, 0, None),
    (
        "too little memory",
        8,
        7.7,
        20,
        0,
        MEMORY.format(quota="8.0", needed="10.0", memory="7.7") + " The value auto would be 2.0 GiB here.",
    ),
    (
        "too small a disk",
        5,
        32,
        8,
        1.5,
        (
            f"A quota of 5.0 GiB is too large: {DISK.format(needed='10.0', free='8.0')} 1.5 GiB in use by the database."
            " The value auto would be 4.0 GiB here."
        ),
    ),
    (
        "not even the default",
        5,
        32,
        3,
        0.5,
        (
            f"A quota of 5.0 GiB is too large: {DISK.format(needed='10.0', free='3.0')} 0.5 GiB in use by the database."
            " Not even etcd's default of 2.0 GiB fits there: make room on that disk, or enlarge it."
        ),
    ),
    (
        "the default itself",
        2,
        2,
        3,
        0,
        (
            f"A quota of 2.0 GiB is too large: {DISK.format(needed='4.0', free='3.0')} 0.0 GiB in use by the database."
            " Not even etcd's default of 2.0 GiB fits there: make room on that disk, or enlarge it."
        ),
    ),
    (
        "both",
        8,
        4,
        10,
        0,
        MEMORY.format(quota="8.0", needed="10.0", memory="4.0")[:-1]
        + f"; and {DISK.format(needed='16.0', free='10.0')} 0.0 GiB in use by the database."
        " The value auto would be 2.0 GiB here.",
    ),
]


@pytest.mark.parametrize(("quota", "memory", "free", "database", "expected"), table(REFUSALS))
def test_refusal(quota: float, memory: float, free: float, database: float, expected: str | None) -> None:
    sizes = [int(size * GIB) for size in (quota, memory, free, database)]
    assert sizing.capacity_refusal(*sizes) == expected


@pytest.mark.parametrize("memory", range(1, 100, 3))
@pytest.mark.parametrize("free", [4, 5, 9, 17, 40])
def test_auto_is_never_refused_where_the_default_fits(memory: int, free: int) -> None:
    quota = sizing.automatic_quota(memory * GIB, free * GIB, 0)
    assert sizing.capacity_refusal(quota, memory * GIB, free * GIB, 0) is None


MEMINFOS: list[tuple[str, str, int | None]] = [
    ("Linux", "MemTotal:       24684084 kB\nMemFree:        18116324 kB\n", 24684084 * 1024),
    ("not at the head", "X: 1 kB\nMemTotal: 7 kB\n", 7168),
    ("something else", "HugePages_Total:       0\n", None),
    ("another unit", "MemTotal: 7 MB\n", None),
    ("nothing", "", None),
]


@pytest.mark.parametrize(("text", "expected"), table(MEMINFOS))
def test_memory(text: str, expected: int | None, tmp_path: Path) -> None:
    assert sizing.parse_memory(text) == expected
    path = tmp_path / "meminfo"
    path.write_text(text, "utf-8")
    assert etcd_node_info.of_memory(str(path)) == expected


def test_no_meminfo(tmp_path: Path) -> None:
    assert etcd_node_info.of_memory(str(tmp_path / "none")) is None
