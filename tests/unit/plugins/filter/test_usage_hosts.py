# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter that chooses where a database is read."""

from __future__ import annotations

from unit.plugins.plugin_utils._fleet.test_status import results

from ansible_collections.controlplane.etcd.plugins.filter._usage_hosts import FilterModule, usage_hosts


def test_one_host_of_each_cluster() -> None:
    assert usage_hosts(results()) == ["down1", "full1", "good2"]


def test_filter() -> None:
    assert FilterModule().filters() == {"_usage_hosts": usage_hosts}
