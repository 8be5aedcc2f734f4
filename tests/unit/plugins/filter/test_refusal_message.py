# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One message of all refusals."""

from __future__ import annotations

from ansible_collections.controlplane.etcd.plugins.filter._refusal_message import FilterModule, refusal_message

ONE = {"code": "no_leader", "text": "There is no leader."}
OTHER = {"code": "disk_full", "text": "The disk of cp1 is full."}
SAME = {"code": "disk_full", "text": "The disk of cp2 is full."}


def test_refusal_message() -> None:
    assert refusal_message([ONE]) == "There is no leader. [no_leader]"
    assert refusal_message([ONE, OTHER, SAME], "Nothing was changed.") == (
        "There is no leader. The disk of cp1 is full. The disk of cp2 is full. Nothing was changed."
        " [no_leader, disk_full]"
    )


def test_filter() -> None:
    assert FilterModule().filters() == {"_refusal_message": refusal_message}
