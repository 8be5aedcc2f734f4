# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, registered."""

from __future__ import annotations

from ansible_collections.controlplane.etcd.plugins.filter._ended_runs import FilterModule
from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_id import ended_runs


def test_filter() -> None:
    assert FilterModule().filters() == {"_ended_runs": ended_runs}
