# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate before a disarm."""

from __future__ import annotations

import pytest
from unit.builders import MIB, member, table, view

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.over_quota import quota_headroom
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.quota import Capacity
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView

HEADROOMS: list[tuple[str, ClusterView, str, str, int]] = [
    ("half full", view(member(1), member(2)), "", "", 0),
    ("a byte below 85 %", view(member(1, size=850 * MIB - 1)), "", "", 0),
    ("exactly 85 %", view(member(1, size=850 * MIB)), "", "", 1),
    ("a byte below 95 %", view(member(1, size=950 * MIB - 1)), "", "", 1),
    (
        "exactly 95 %, free pages",
        view(member(1, size=950 * MIB)),
        "not_enough_reclaimed",
        "Defragment every one of them first",
        0,
    ),
    (
        "exactly 95 %, all live",
        view(member(1, size=950 * MIB, in_use=950 * MIB)),
        "live_data_too_large",
        "The live data itself does not fit",
        0,
    ),
    (
        "one live, one to be defragmented",
        view(member(1, size=990 * MIB, in_use=990 * MIB), member(2, size=990 * MIB)),
        "not_enough_reclaimed",
        "Defragment every one of them first",
        0,
    ),
    ("quota off", view(member(1, size=9000 * MIB, quota=-1)), "", "", 0),
    (
        "a full learner",
        view(member(1), member(2, size=990 * MIB, learner=True)),
        "learner_full",
        "The learner cp2 holds",
        0,
    ),
    ("a full member that is silent", view(member(1), member(2, size=990 * MIB, error="down")), "", "", 0),
    ("a full member that is cut off", view(member(1), member(2, size=990 * MIB, leader=0)), "", "", 0),
    (
        "over a quota that is only assumed",
        view(member(1, size=9000 * MIB, quota=2048 * MIB, source="default")),
        "",
        "",
        1,
    ),
    (
        "one over, one close",
        view(member(1, size=990 * MIB), member(2, size=900 * MIB)),
        "not_enough_reclaimed",
        "cp1 uses 990.0 MiB",
        1,
    ),
]


def test_a_quota_that_is_only_assumed_is_no_reason_to_refuse() -> None:
    (warning,) = quota_headroom(view(member(1, size=4096 * MIB, quota=2048 * MIB, source="default"))).warnings
    assert warning.startswith(
        "cp1 uses 4096.0 MiB (100.0 MiB live) of its quota of 2048.0 MiB (200 %, which is etcd's default and only"
        " assumed: its own could not be read): writes will be refused again soon."
    )


@pytest.mark.parametrize(("seen", "code", "text", "warnings"), table(HEADROOMS))
def test_headroom(seen: ClusterView, code: str, text: str, warnings: int) -> None:
    headroom = quota_headroom(seen)
    assert len(headroom.warnings) == warnings
    if not code:
        assert headroom.refusal is None
    else:
        assert headroom.refusal is not None
        assert headroom.refusal.code == code
        assert headroom.refusal.reason.startswith("The next writes would raise the alarm again: cp")
        assert text in headroom.refusal.text


LIVE = view(member(1, size=8000 * MIB, in_use=8000 * MIB, quota=8192 * MIB))
# Memory and free disk in MiB.
ADVICES: list[tuple[str, Capacity | None, str]] = [
    ("nothing is known of the node", None, "with recover_quota_backend_bytes=10GiB), or delete what fills"),
    (
        "the node carries it",
        Capacity(64000 * MIB, 64000 * MIB, 8000 * MIB),
        "with recover_quota_backend_bytes=10GiB), or delete what fills",
    ),
    (
        "the node carries no more",
        Capacity(9500 * MIB, 64000 * MIB, 8000 * MIB),
        (
            "No larger quota would do: 7.8 GiB are live, and the memory and the disk of this node carry a quota of 7.0"
            " GiB at most. Delete what fills the database (deletes are accepted while writes are not:"
        ),
    ),
    ("its container carries no more", Capacity(64000 * MIB, 64000 * MIB, 0, 9000 * MIB), "8.0 GiB at most."),
]


@pytest.mark.parametrize(("capacity", "expected"), table(ADVICES))
def test_the_next_quota_is_advised_or_that_there_is_none(capacity: Capacity | None, expected: str) -> None:
    refusal = quota_headroom(LIVE, capacity).refusal
    assert refusal is not None
    assert refusal.code == "live_data_too_large"
    assert expected in refusal.text
    assert "=8GiB" not in refusal.text
