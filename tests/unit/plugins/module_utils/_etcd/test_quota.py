# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quota of a member, and the largest one that a node can carry."""

from __future__ import annotations

import pytest
from unit.builders import Reply, endpoint, member, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.units import GIB
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import quota
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import EtcdError
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.quota import Capacity, Quota

MUCH = 1000.0


def capacity(memory: float, free: float, database: float, limit: float | None = None) -> Capacity:
    """Of a node with so many GiB."""
    sizes = (int(each * GIB) for each in (memory, free, database))
    return Capacity(*sizes, memory_limit_bytes=None if limit is None else int(limit * GIB))


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
    assert capacity(memory, free, database).automatic() == expected * GIB


MEMORY = (
    "A quota of {quota} GiB is too large: the database is mapped into memory, which needs {needed} GiB (the quota,"
    " and 2.0 GiB for everything else); there are {memory} GiB."
)
NOT_EVEN = "Not even etcd's default of 2.0 GiB fits here: make room for it, or enlarge what is too small."
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
        MEMORY.format(quota="8.0", needed="10.0", memory="7.7") + " At most 6.0 GiB fit here.",
    ),
    (
        "too small a disk",
        5,
        32,
        8,
        1.5,
        (
            f"A quota of 5.0 GiB is too large: {DISK.format(needed='10.0', free='8.0')} 1.5 GiB in use by the database."
            " At most 4.0 GiB fit here."
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
            f" {NOT_EVEN}"
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
            f" {NOT_EVEN}"
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
        " At most 2.0 GiB fit here.",
    ),
]


@pytest.mark.parametrize(("size", "memory", "free", "database", "expected"), table(REFUSALS))
def test_refusal(size: float, memory: float, free: float, database: float, expected: str | None) -> None:
    refusal = capacity(memory, free, database).refusal(int(size * GIB))
    assert (refusal.text if refusal else None) == expected
    assert (refusal.code if refusal else "quota_too_large") == "quota_too_large"


@pytest.mark.parametrize("memory", range(1, 100, 3))
@pytest.mark.parametrize("free", [4, 5, 9, 17, 40])
def test_auto_is_never_refused_if_the_default_fits(memory: int, free: int) -> None:
    node = capacity(memory, free, 0)
    assert node.refusal(node.automatic()) is None


# The container's limit in GiB, the quota; whether it is refused, the largest, auto; on a node with all else.
LIMITS: list[tuple[str, float | None, float, bool, int, int]] = [
    ("none", None, 8, False, 500, 8),
    ("exactly enough", 8.5, 8, False, 8, 8),
    ("a little too small", 8.4, 8, True, 7, 7),
    ("also for etcd's default", 2, 2, True, 1, 2),
    ("less than its own reserve", 0.1, 0.03, True, 0, 2),
]


@pytest.mark.parametrize(("limit", "size", "refused", "largest", "auto"), table(LIMITS))
def test_limit_of_the_container(limit: float | None, size: float, refused: bool, largest: int, auto: int) -> None:
    node = capacity(MUCH, MUCH, 0, limit)
    refusal = node.refusal(int(size * GIB))
    assert bool(refusal) is refused
    assert refusal is None or "the container of etcd has a memory limit of" in refusal.reason
    assert max(node.largest(), 0) == largest * GIB
    assert node.automatic() == auto * GIB


# Live data, quota, memory and free disk; the quota that is advised. All in GiB.
NEXTS: list[tuple[str, float, float, float | None, float, int | None]] = [
    ("etcd's suggestion", 1.9, 2, 64, MUCH, 8),
    ("nothing is known of the node", 1.9, 2, None, 0, 8),
    ("as much as the memory carries", 1.9, 2, 7.7, MUCH, 6),
    ("as much as the disk carries", 1.9, 2, 64, 8, 4),
    ("the disk carries too little", 1.9, 2, 64, 4, None),
    ("8 GiB are set and full", 7.9, 8, 64, MUCH, 10),
    ("live data beyond what is set", 9.9, 8, 64, MUCH, 12),
    ("8 GiB are set, and the memory carries no more", 7.9, 8, 9.5, MUCH, None),
    ("not one that is full at once: 85 % of 10 GiB", 8.5, 8, 64, MUCH, 11),
    ("a small quota", 0.03, 0.03, 7.7, 2.5, 1),
]


@pytest.mark.parametrize(("live", "limit", "memory", "free", "expected"), table(NEXTS))
def test_next_quota(live: float, limit: float, memory: float | None, free: float, expected: int | None) -> None:
    node = None if memory is None else capacity(memory, free, 0)
    found = quota.next_quota(int(live * GIB), int(limit * GIB), node)
    assert found == (None if expected is None else expected * GIB)
    assert found is None or node is None or node.refusal(found) is None


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
    assert quota.member_quota(found._replace(quota_bytes=status), asked, manifest) == expected


SHARES: list[tuple[str, int, int, float]] = [
    ("half", 500, 1000, 0.5),
    ("over", 1500, 1000, 1.5),
    ("off", 500, -1, 0.0),
]


@pytest.mark.parametrize(("size", "limit", "expected"), table(SHARES))
def test_share(size: int, limit: int, expected: float) -> None:
    assert Quota(limit, "status").share(size) == expected
