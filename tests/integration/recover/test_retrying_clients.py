# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that repeat every refused write at once, through all members, from before a recovery until after it.

A member over its quota proposes the alarm anew for each write that it refuses; one that is small again proposes the
write itself. So members fall thousands of entries behind for moments, and answer ``too many requests``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from integration.support.ansible_commands import Run
from integration.support.clusters import Retrying, await_true
from integration.support.recovery import QUICK, assert_recovered, defragmented, full_cluster, inventory
from lab.loopback.cluster import Cluster


@pytest.mark.long
def test_a_recovery_under_clients_that_retry_without_a_pause(
    make_cluster: Callable[..., Cluster], playbook: Callable[..., Run], tmp_path: Path
) -> None:
    cluster = full_cluster(make_cluster)
    hosts = inventory(tmp_path / "hosts.yml", cluster)

    with Retrying(cluster.nodes) as clients:
        await_true(lambda: clients.refused, "the first refusals")
        run = playbook(hosts, extra_vars=QUICK)
        assert run.rc == 0, run.out
        # Whoever was refused all the time gets through now.
        before = clients.accepted
        await_true(lambda: clients.accepted > before, "a write of theirs is accepted")

    assert sorted(defragmented(cluster)) == ["cp1", "cp2", "cp3"]
    assert_recovered(cluster)
