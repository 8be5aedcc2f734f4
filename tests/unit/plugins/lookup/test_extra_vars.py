# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of what was given with -e."""

from __future__ import annotations

import pytest
from ansible.utils import vars as ansible_vars

from ansible_collections.controlplane.etcd.plugins.lookup._extra_vars import LookupModule


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {"recover_hold": False, "etcd_target": "masters"}
    monkeypatch.setattr(ansible_vars.load_extra_vars, "extra_vars", kept, raising=False)
    assert LookupModule().run([]) == ["etcd_target", "recover_hold"]
