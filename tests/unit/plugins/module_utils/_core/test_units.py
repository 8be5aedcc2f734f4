# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes and shares for people."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import units


def test_sizes() -> None:
    assert units.mib(0) == "0.0 MiB"
    assert units.mib(1536 * 1024) == "1.5 MiB"
    assert units.gib(units.GIB) == units.mib(1024 * units.MIB).replace("1024.0 MiB", "1.0 GiB")
    assert units.gib(2.25 * 1024**3) == "2.2 GiB"


SHARES: list[tuple[str, float, str]] = [
    ("none", 0.0, "0 %"),
    ("rounded", 0.854, "85 %"),
    ("all", 1.0, "100 %"),
    ("more than all", 1.5, "150 %"),
]


@pytest.mark.parametrize(("share", "expected"), table(SHARES))
def test_percent(share: float, expected: str) -> None:
    assert units.percent(share) == expected
