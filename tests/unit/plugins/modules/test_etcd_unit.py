# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module etcd_unit without a unit: what it says then. All else is tried on real members
(tests/integration/library)."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.builders import main_of

from ansible_collections.controlplane.etcd.plugins.modules import etcd_unit


def test_node_with_a_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"manifest": str(tmp_path / "etcd.yaml"), "extra_args": {"max-wals": "7"}}
    result = main_of(etcd_unit, options, monkeypatch)
    assert (result["failed"], result["code"]) == (True, "no_unit")
    assert "etcd_manifest" in result["msg"]
    assert "Nothing was changed." in result["msg"]
