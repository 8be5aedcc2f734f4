# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a condition."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors, polling

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
