# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a condition."""

from __future__ import annotations

import pytest
from unit.builders import member, table, view
from unit.fake_cluster import Views

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors, polling
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView

pytestmark = pytest.mark.usefixtures("_no_waiting")

CONDITIONS: list[tuple[str, list[bool | None], bool]] = [
    ("at once", [True], True),
    ("later", [False, False, True], True),
    ("an error is not yet", [None, True], True),
    ("never", [False] * 99, False),
    ("only errors", [None] * 99, False),
]


@pytest.mark.parametrize(("outcomes", "expected"), table(CONDITIONS))
def test_await_true(outcomes: list[bool | None], expected: bool) -> None:
    left = iter(outcomes)

    def condition() -> bool:
        outcome = next(left)
        if outcome is None:
            raise errors.Unreachable("down")
        return outcome

    assert polling.await_true(condition, 10) is expected


HEALTHY, ELECTION = view(member(1), member(2)), view(member(1, leader=0), member(2, leader=0), leader=0)
CUT_OFF, ALONE = view(member(1), member(2, leader=0)), view(member(1, leader=0), member(2, error="down"), leader=0)

ELECTIONS: list[tuple[str, list[ClusterView], ClusterView]] = [
    ("a leader", [HEALTHY, ELECTION], HEALTHY),
    ("an election", [ELECTION, ELECTION, HEALTHY], HEALTHY),
    ("one has not heard of it yet", [CUT_OFF, HEALTHY], HEALTHY),
    ("one that is cut off", [CUT_OFF] * 9, CUT_OFF),
    ("no election can be", [ALONE, HEALTHY], ALONE),
]


@pytest.mark.parametrize(("seen", "expected"), table(ELECTIONS))
def test_await_leader(seen: list[ClusterView], expected: ClusterView) -> None:
    assert polling.await_leader(Views(*seen)) is expected
