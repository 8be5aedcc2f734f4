# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time of the next run, from either kind of schedule."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from unit.builders import FakeRun

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import next_run


def test_next_run(tmp_path: Path) -> None:
    path, now = tmp_path / "cron", dt.datetime(2026, 11, 24, 0, 30)
    shown = {"systemctl show": CommandResult(0, "Tue 2026-11-24 03:00:00 UTC")}
    assert next_run.next_run(FakeRun(shown), now, str(path)) == "Tue 2026-11-24 03:00:00 UTC"
    assert next_run.next_run(FakeRun({"systemctl": CommandResult(1, "no")}), now, str(path)) == ""
    path.write_text("* * * * * root /x/tool watch\n00 */3 * * * root /x/tool run --min-free-mib=5 2>&1 | logger\n")
    assert next_run.next_run(FakeRun(shown), now, str(path)) == "2026-11-24 03:00 (cron)"
