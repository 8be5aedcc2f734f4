# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions, sizes and times of the integration tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
RECOVER = "controlplane.etcd.recover"
# The newest patch of each minor version that is supported; others are named where they matter.
VERSIONS = ("3.7.3", "3.6.16", "3.5.35", "3.4.23")
# For what takes long, and asks nothing of etcd that a faster test does not ask of all of them.
SOME_VERSIONS = ("3.7.3", "3.5.35")
MIB = 1 << 20
# Small enough to be filled in about a second, and still far larger than what etcd needs for itself.
QUOTA = 32 * MIB
# Else etcd takes a new member only once all others have been connected for five seconds.
JOIN_AT_ONCE = {"strict-reconfig-check": "false"}
# Seconds that the leases of the events last, from, to: none expires within a test, so that nothing moves by itself.
LEASES = (1800, 3600)
# Generous: a busy machine may be slow, but nothing here may hang.
PATIENCE = 240.0
POLL_SECONDS = 0.05
Result = dict[str, Any]
