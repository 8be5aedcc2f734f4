# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a snapshot of a member has to hold; taking it is tested with the module and the node tool."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import of_member


@pytest.mark.parametrize(("leader_id", "revision"), [(7, 9), (0, 5)])
def test_revision_that_it_has_to_hold(leader_id: int, revision: int) -> None:
    status = SimpleNamespace(member_id=7, leader_id=leader_id, revision=5)
    members = [SimpleNamespace(member_id=7, name="cp1")]
    endpoint = SimpleNamespace(status=lambda: status, members=lambda: members, revision=lambda: 9)
    member: Any = SimpleNamespace(endpoint=endpoint, manifest=None)
    origin = of_member.origin_of(member)
    assert (origin.name, origin.revision) == ("cp1", revision)
    assert of_member.reusable(member, "/nowhere", origin) is None
