# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes and shares for people."""

from __future__ import annotations

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import units
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.flag_values import quota_bytes


def test_sizes() -> None:
    assert units.mib(0) == "0.0 MiB"
    assert units.mib(1536 * 1024) == "1.5 MiB"
    assert units.gib(units.GIB) == units.mib(1024 * units.MIB).replace("1024.0 MiB", "1.0 GiB")
    assert units.gib(2.25 * 1024**3) == "2.2 GiB"


EXACT: list[tuple[int, str]] = [
    (8 * units.GIB, "8GiB"),
    (1536 * units.MIB, "1536MiB"),
    (8_000_000_000, "8000000000"),
]


@pytest.mark.parametrize(("size", "expected"), EXACT)
def test_exact(size: int, expected: str) -> None:
    """An option takes it, and it means the very same."""
    assert units.exact(size) == expected
    assert quota_bytes(expected) == size


SHARES: list[tuple[str, float, str]] = [
    ("none", 0.0, "0 %"),
    ("rounded", 0.854, "85 %"),
    ("all", 1.0, "100 %"),
    ("more than all", 1.5, "150 %"),
]


@pytest.mark.parametrize(("share", "expected"), table(SHARES))
def test_percent(share: float, expected: str) -> None:
    assert units.percent(share) == expected
