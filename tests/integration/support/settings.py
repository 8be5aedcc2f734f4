# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions, sizes and times of the integration tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

# The way to etcd, an option of the modules, so that the same tests can be run over each.
WAY = os.environ.get("ETCD_TRANSPORT", "auto")
OVER_GATEWAY = WAY in ("auto", "gateway")
REPOSITORY = Path(__file__).resolve().parents[3]
# For the PYTHONPATH of whatever starts modules, so that each is compiled once.
COMPILED = Path(__file__).parent / "compiled"
RECOVER = "controlplane.etcd.recover"
# The newest patch of each minor version that is supported; others are named where they matter.
VERSIONS = ("3.7.3", "3.6.16", "3.5.35", "3.4.23")
# For what takes long, and asks nothing of etcd that a faster test does not ask of all of them.
SOME_VERSIONS = ("3.7.3", "3.5.35")
# For what is long, and differs between versions: the newest and the oldest, and those between them in make test-all.
_ENDS = (VERSIONS[0], VERSIONS[-1])
FAR_APART = [each if each in _ENDS else pytest.param(each, marks=pytest.mark.long) for each in VERSIONS]
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
