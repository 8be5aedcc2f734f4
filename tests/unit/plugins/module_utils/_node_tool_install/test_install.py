# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What starts the tool, what differs on a node, and what is done about it."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool_install import (
    install,
)

TOOL = "/usr/local/sbin/etcd-maintenance"
CRON = "/etc/cron.d/etcd-maintenance"
METRICS = "/var/lib/prometheus/node-exporter"
TIMER_RUNS = CommandResult(0, "LoadState=loaded\nActiveState=active\nUnitFileState=enabled")

CHOICES: list[tuple[str, str, bool, bool, str]] = [
    ("cron before systemd", "auto", True, True, "cron"),
    ("no cron", "auto", False, True, "systemd"),
    ("no systemd", "auto", True, False, "cron"),
    ("as told", "systemd", True, True, "systemd"),
    ("neither", "auto", False, False, "Neither a cron daemon that reads /etc/cron.d nor systemd runs"),
    ("no cron, which was told", "cron", False, True, "There is no cron daemon that reads /etc/cron.d"),
    ("no systemd, which was told", "systemd", True, False, "There is no systemd on this node"),
]


@pytest.mark.parametrize(("wanted", "cron", "systemd", "expected"), table(CHOICES))
def test_backend(wanted: str, cron: bool, systemd: bool, expected: str) -> None:
    if expected in ("cron", "systemd"):
        assert install.choose_backend(wanted, cron=cron, systemd=systemd) == expected
    else:
        with pytest.raises(Refused, match=expected):
            install.choose_backend(wanted, cron=cron, systemd=systemd)
