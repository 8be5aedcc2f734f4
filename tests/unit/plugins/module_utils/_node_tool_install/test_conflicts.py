# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of crontabs, scripts and units defragment etcd as well."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install import (
    conflicts,
)

LINES: list[tuple[str, str, bool]] = [
    ("etcdctl", "0 4 * * * root etcdctl defrag --cluster", True),
    ("capital letters", "Description=Defragment etcd", True),
    ("a script", "0 4 * * * /root/etcd_defrag.sh", True),
    ("a comment", "  # etcdctl defrag", False),
    ("a comment of systemd", "; etcdctl defrag", False),
    ("a disk", "e4defrag /", False),
    ("the memory", "ExecStart=/bin/sh -c 'echo never > /sys/kernel/mm/transparent_hugepage/defrag'", False),
    ("another disk", "btrfs fi defrag /", False),
    ("nothing", "0 4 * * * root etcdctl snapshot save", False),
]


@pytest.mark.parametrize(("line", "expected"), table(LINES))
def test_says_defrag(line: str, expected: bool) -> None:
    assert conflicts.says_defrag(line) is expected
