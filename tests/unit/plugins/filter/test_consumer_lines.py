# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, by its name."""

from __future__ import annotations

from ansible_collections.controlplane.etcd.plugins.filter._consumer_lines import FilterModule
from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.consumers import consumer_lines


def test_filter() -> None:
    assert FilterModule().filters() == {"_consumer_lines": consumer_lines}
