# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease that only one node of a cluster can have."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from unit.builders import member, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import LeaseExists
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import cluster_lease


def test_it_is_given_back_unless_it_may_be_that_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = FakeNode(tmp_path, view(member(1))).local.endpoint
    with pytest.raises(RuntimeError), cluster_lease.held(endpoint):  # type: ignore[arg-type]
        raise RuntimeError
    assert endpoint.calls == ["grant", "revoke"]
    moments = iter([0.0, float(cluster_lease.SECONDS)])
    monkeypatch.setattr(time, "clock_gettime", lambda _clock: next(moments))
    with cluster_lease.held(endpoint):  # type: ignore[arg-type]
        pass
    assert endpoint.calls == ["grant", "revoke", "grant"]


def test_another_node_has_it(tmp_path: Path) -> None:
    endpoint = FakeNode(tmp_path, view(member(1))).local.endpoint
    endpoint.lease = LeaseExists("lease already exists")
    with pytest.raises(LeaseExists), cluster_lease.held(endpoint):  # type: ignore[arg-type]
        pass
    assert endpoint.calls == ["grant"]
