# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory of a node, and what limits it."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.builders import MIB, table

from ansible_collections.controlplane.etcd.plugins.module_utils._node import memory

MEMINFOS: list[tuple[str, str, int | None]] = [
    ("Linux", "MemTotal:       24684084 kB\nMemFree:        18116324 kB\n", 24684084 * 1024),
    ("not at the head", "X: 1 kB\nMemTotal: 7 kB\n", 7168),
    ("something else", "HugePages_Total:       0\n", None),
    ("another unit", "MemTotal: 7 MB\n", None),
    ("nothing", "", None),
]


@pytest.mark.parametrize(("text", "expected"), table(MEMINFOS))
def test_memory_of_the_machine(text: str, expected: int | None) -> None:
    assert memory.parse_memory(text) == expected


KIB_7 = "MemTotal: 7 kB\n"
V1, V2 = "memory/memory.limit_in_bytes", "memory.max"
NODES: list[tuple[str, str, dict[str, str], int | None]] = [
    ("a machine", KIB_7, {}, 7168),
    ("a machine with cgroup v1", KIB_7, {V1: "9223372036854771712\n"}, 7168),
    ("a container with cgroup v2", KIB_7, {V2: "4096\n"}, 4096),
    ("a container with cgroup v1", KIB_7, {V1: "4096\n"}, 4096),
    ("a container without a limit", KIB_7, {V2: "max\n"}, 7168),
    ("a limit above what there is", KIB_7, {V2: "8192\n"}, 7168),
    ("only a limit is known", "", {V2: "4096\n"}, 4096),
    ("nothing is known", "", {}, None),
    ("no limit and nothing else", "", {V1: "9223372036854771712\n"}, None),
]


@pytest.mark.parametrize(("meminfo", "limits", "expected"), table(NODES))
def test_memory_of_the_node(meminfo: str, limits: dict[str, str], expected: int | None, tmp_path: Path) -> None:
    files = {**{f"sys/fs/cgroup/{name}": text for name, text in limits.items()}, "proc/meminfo": meminfo}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    assert memory.memory_bytes(str(tmp_path)) == expected


def test_this_machine() -> None:
    found = memory.memory_bytes()
    assert found
    assert found > 100 * MIB


QUANTITIES: list[tuple[str, int | None]] = [
    ("4Gi", 4 * 1024**3),
    ("4G", 4 * 10**9),
    ("1.5Gi", 3 * 1024**3 // 2),
    ("128974848", 128974848),
    ("129e6", 129000000),
    ("129E6", 129000000),
    ("128974848000m", 128974848),
    ("100k", 100000),
    (".5M", 500000),
    ("2E", 2 * 10**18),
    ("", None),
    ("4GiB", None),
    ("-1", None),
    ("1e999999999", None),
]


@pytest.mark.parametrize(("text", "expected"), QUANTITIES)
def test_quantities_of_kubernetes(text: str, expected: int | None) -> None:
    assert memory.quantity_bytes(text) == expected
