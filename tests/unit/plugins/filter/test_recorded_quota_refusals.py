# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from what would be replaced to why it stands against the plan."""

from __future__ import annotations

from ansible_collections.controlplane.etcd.plugins.filter._recorded_quota_refusals import (
    FilterModule,
    recorded_quota_refusals,
)

WANTED = {"quota-backend-bytes": "5368709120"}
RESULTS = [{"skipped": True, "changed": False}, {"replaced": {"quota-backend-bytes": "8589934592"}}]


def test_refusals() -> None:
    (found,) = recorded_quota_refusals(RESULTS, WANTED)
    assert found["code"] == "recorded_quota_larger"
    assert found["text"].endswith("No member was touched.")
    assert recorded_quota_refusals(RESULTS[:1], WANTED) == []


def test_late() -> None:
    (found,) = recorded_quota_refusals(RESULTS, WANTED, late=True)
    assert found["text"].endswith("The members have it already; the ConfigMap was not changed.")


def test_filter() -> None:
    assert FilterModule().filters() == {"_recorded_quota_refusals": recorded_quota_refusals}
