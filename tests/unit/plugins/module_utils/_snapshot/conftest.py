# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A member whose database is a recorded one."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.builders import recorded_snapshot

from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings


@pytest.fixture
def node(tmp_path: Path) -> MemberSettings:
    manifest = MemberSettings("etcd.yaml", "", {"data-dir": str(tmp_path / "data"), "name": "cp1"}, {}, ())
    Path(manifest.database).parent.mkdir(parents=True)
    Path(manifest.database).write_bytes(recorded_snapshot("3.6.16")[:-32])
    return manifest
