# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Data disks that are too full for etcd, or too small for a defragmentation."""

from __future__ import annotations

import pytest
from unit.builders import MIB, cluster_report, member_report, node_report, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import ClusterReport
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.disks import full_disks, small_disk_findings
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.reports import Fleet

CLUSTER = cluster_report(member_report(1, "leader"), member_report(2), member_report(3, "learner"))
SEGMENT = 64 * MIB
# 100 MiB in use, 16 MiB that bbolt grows by, 64 MiB for the log.
ENOUGH = 180 * MIB


def peers(*free: int | None) -> Fleet:
    """Hosts a, b, c of the members 1, 2, 3, with so much free on their disks."""
    return Fleet(
        {
            host: node_report(number, CLUSTER, free_disk_bytes=size)
            for number, (host, size) in enumerate(zip("abc", free, strict=False), start=1)
        }
    )


FULL: list[tuple[str, tuple[int | None, ...], list[str]]] = [
    ("room for one segment of the log", (SEGMENT, SEGMENT), []),
    ("a byte too small", (SEGMENT, SEGMENT - 1), ["The data disk of b has only 64.0 MiB free"]),
    ("two, one of a learner", (0, SEGMENT, 0), ["disk of a has only 0.0 MiB free", "disk of c has only 0.0 MiB free"]),
    ("not known", (None, None), []),
]


@pytest.mark.parametrize(("free", "expected"), table(FULL))
def test_full_disks(free: tuple[int | None, ...], expected: list[str]) -> None:
    found = full_disks(peers(*free))
    assert [refused.code for refused in found] == ["disk_full"] * len(expected)
    assert all(part in refused.text for part, refused in zip(expected, found, strict=True))


SMALL: list[tuple[str, ClusterReport | None, tuple[int | None, ...], list[str]]] = [
    ("exactly large enough", CLUSTER, (ENOUGH, ENOUGH), []),
    ("the leader's last", CLUSTER, (0, 0), ["The data disk of b has", "The data disk of a has"]),
    ("a byte too small", CLUSTER, (ENOUGH, ENOUGH - 1), ["The data disk of b has 180.0 MiB free; a defragmentation"]),
    ("of a learner, which is not defragmented", CLUSTER, (ENOUGH, ENOUGH, 0), []),
    ("not known", CLUSTER, (None, None), []),
    ("nobody knows the members", None, (0, 0), []),
    ("the member of no host", CLUSTER, (ENOUGH,), []),
]


@pytest.mark.parametrize(("cluster", "free", "expected"), table(SMALL))
def test_small_disks(cluster: ClusterReport | None, free: tuple[int | None, ...], expected: list[str]) -> None:
    found = small_disk_findings(cluster, peers(*free))
    assert len(found) == len(expected)
    assert all(finding.startswith(head) for head, finding in zip(expected, found, strict=True))
