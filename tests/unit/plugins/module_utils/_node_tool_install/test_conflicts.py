# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lines of crontabs, scripts and units defragment etcd as well."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install import conflicts

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


FILES = {
    "etc/cron.d/etcd-defrag": "# etcdctl defrag\n\n0 4 * * * root etcdctl --user=root:secret defrag\n",
    "etc/cron.d/ours": "0 4 * * * root etcdctl defrag\n",
    "var/spool/cron/crontabs/root": "0 4 * * * /root/defrag.sh\n",
    "etc/systemd/system/e.service": "[Service]\nExecStart=/bin/etcd-defrag --cluster\n",
    "usr/lib/systemd/system/etcd-defrag.timer": "[Timer]\nOnCalendar=daily\n",
    "etc/cron.daily/etcd-defrag-off": "# not any more\n",
    "etc/cron.daily/disks": "btrfs filesystem defragment /\n",
    "srv/etcd-defrag": "etcdctl defrag\n",
}


def test_find(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    (tmp_path / "lib").symlink_to("usr/lib")  # nothing is named twice
    (tmp_path / "etc/cron.daily/dead").symlink_to("/nowhere")
    assert conflicts.find({"/etc/cron.d/ours"}, str(tmp_path)) == [
        ("/etc/cron.d/etcd-defrag", 3),
        ("/var/spool/cron/crontabs/root", 1),
        ("/etc/systemd/system/e.service", 2),
        ("/usr/lib/systemd/system/etcd-defrag.timer", 1),
    ]
