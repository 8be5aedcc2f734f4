# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, from the groups of an inventory to a pattern."""

from __future__ import annotations

from ansible_collections.controlplane.etcd.plugins.filter._targets import FilterModule, targets


def test_pattern() -> None:
    found = {"pattern": "masters", "refusals": []}
    assert targets({"all": ["a"], "masters": ["a"]}, ["/hosts"], extra=[]) == found
    assert targets({"all": ["a"]}, ["/hosts"], extra=["etcd_target"], asked=["masters"]) == found


def test_refusals() -> None:
    found = targets({"all": ["a"], "others": ["a"]}, ["/hosts"], extra=[])
    assert found["pattern"] == "!all"
    assert [refusal["code"] for refusal in found["refusals"]] == ["no_target_group"]


def test_filter() -> None:
    assert FilterModule().filters() == {"_targets": targets}
