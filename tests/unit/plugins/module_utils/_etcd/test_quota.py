# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quota of a member, and the largest one that a node can carry."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.builders import Reply, endpoint, member, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.units import GIB
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import quota
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import EtcdError
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.quota import Quota

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
    assert quota.automatic_quota(int(memory * GIB), int(free * GIB), int(database * GIB)) == expected * GIB


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


@pytest.mark.parametrize(("size", "memory", "free", "database", "expected"), table(REFUSALS))
def test_capacity_refusal(size: float, memory: float, free: float, database: float, expected: str | None) -> None:
    refusal = quota.capacity_refusal(*(int(each * GIB) for each in (size, memory, free, database)))
    assert (refusal.text if refusal else None) == expected
    assert (refusal.code if refusal else "quota_too_large") == "quota_too_large"


@pytest.mark.parametrize("memory", range(1, 100, 3))
@pytest.mark.parametrize("free", [4, 5, 9, 17, 40])
def test_auto_is_never_refused_if_the_default_fits(memory: int, free: int) -> None:
    size = quota.automatic_quota(memory * GIB, free * GIB, 0)
    assert quota.capacity_refusal(size, memory * GIB, free * GIB, 0) is None


MEMINFOS: list[tuple[str, str, int | None]] = [
    ("Linux", "MemTotal:       24684084 kB\nMemFree:        18116324 kB\n", 24684084 * 1024),
    ("not at the head", "X: 1 kB\nMemTotal: 7 kB\n", 7168),
    ("something else", "HugePages_Total:       0\n", None),
    ("another unit", "MemTotal: 7 MB\n", None),
    ("nothing", "", None),
]


@pytest.mark.parametrize(("text", "expected"), table(MEMINFOS))
def test_memory(text: str, expected: int | None) -> None:
    assert quota.parse_memory(text) == expected


SOURCES: list[tuple[str, int | None, Reply, int | None, Quota]] = [
    ("the status says it", 7, {"text": "etcd_server_quota_backend_bytes 8"}, 9, Quota(7, "status")),
    ("the metrics say it", None, {"text": "etcd_server_quota_backend_bytes 8e+09"}, 9, Quota(8 * 10**9, "metrics")),
    ("the manifest says it", None, {"text": ""}, 9, Quota(9, "manifest")),
    ("no metrics there", None, EtcdError("404"), 9, Quota(9, "manifest")),
    ("nobody says it", None, {"text": ""}, None, Quota(2 * GIB, "default")),
]


@pytest.mark.parametrize(("status", "metrics", "manifest", "expected"), table(SOURCES))
def test_member_quota(status: int | None, metrics: Reply, manifest: int | None, expected: Quota) -> None:
    found = member(1).status
    assert found is not None
    asked, _transport = endpoint({"/metrics": metrics})
    assert quota.member_quota(replace(found, quota_bytes=status), asked, manifest) == expected


SHARES: list[tuple[str, int, int, float]] = [
    ("half", 500, 1000, 0.5),
    ("over", 1500, 1000, 1.5),
    ("off", 500, -1, 0.0),
]


@pytest.mark.parametrize(("size", "limit", "expected"), table(SHARES))
def test_share(size: int, limit: int, expected: float) -> None:
    assert Quota(limit, "status").share(size) == expected
