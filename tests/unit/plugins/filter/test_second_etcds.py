# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from what was registered of all hosts."""

from __future__ import annotations

from unit.builders import as_json, node_report, results_of

from ansible_collections.controlplane.etcd.plugins.filter._second_etcds import FilterModule, second_etcds_of


def test_second_etcds() -> None:
    events = node_report(1, further=("etcd-events.service",))
    api = {"present": False, "apiserver_etcd_urls": ["https://192.0.2.1:2379"]}
    results = as_json({**results_of({"a": events, "b": node_report(2)}), "api": api, "lost": {"unreachable": True}})
    assert second_etcds_of(results) == {"a": "etcd-events.service", "api": ""}


def test_filter() -> None:
    assert FilterModule().filters() == {"_second_etcds": second_etcds_of}
