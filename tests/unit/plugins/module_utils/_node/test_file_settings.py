# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration file of an etcd: read, or said why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._node.file_settings import file_flags


def test_file_of_json(tmp_path: Path) -> None:
    path = tmp_path / "etcd.json"
    path.write_text('{"name": "a", "quota-backend-bytes": 5, "peer-transport-security": {"cert-file": "/p"}}', "utf-8")
    assert file_flags(str(path)) == {"name": "a", "quota-backend-bytes": "5", "peer-cert-file": "/p"}


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "etcd.yml"
    with pytest.raises(Failure, match=f"{path}, from which etcd is to read its settings, does not exist"):
        file_flags(str(path))
    path.write_text("a: [", "utf-8")
    with pytest.raises(Failure, match=f"{path}, from which etcd reads its settings, cannot be read"):
        file_flags(str(path))
