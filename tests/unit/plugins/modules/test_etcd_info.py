# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""etcd_info: the cluster and its diagnosis."""

from __future__ import annotations

import pytest
from unit.builders import member, view
from unit.fake_cluster import FakeMember, FakeModule

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import cluster_result
from ansible_collections.controlplane.etcd.plugins.modules import etcd_info


@pytest.mark.parametrize("allowed", [False, True])
def test_inspect(allowed: bool) -> None:
    seen = view(member(1, version="3.5.5"), alarms=[Alarm(1, "NOSPACE")])
    found = etcd_info.inspect(FakeModule(allow_unsafe_version=allowed), FakeMember(seen))  # type: ignore[arg-type]  # both are made
    assert found["changed"] is False
    assert found["cluster"] == cluster_result(seen)
    assert [refusal["code"] for refusal in found["diagnosis"]["refusals"]] == (
        [] if allowed else ["unsafe_etcd_version"]
    )
