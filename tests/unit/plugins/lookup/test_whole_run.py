# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that refuses half a run."""

from __future__ import annotations

import pytest
from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.module_utils.common.collections import ImmutableDict

from ansible_collections.controlplane.etcd.plugins.lookup._whole_run import LookupModule


def test_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(tags=("x",), skip_tags=()))
    assert LookupModule().run([]) == [""]


def test_what_is_left_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "CLIARGS", ImmutableDict(start_at_task="Disarm"))
    with pytest.raises(AnsibleLookupError, match=r"--start-at-task Disarm would leave out tasks.*Nothing was changed"):
        LookupModule().run([])
