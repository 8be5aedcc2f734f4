# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node for the node tool, whose member is one of a cluster made of plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Member, Status
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.estimates import DiskRoom
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.context import Context, Paths


def _answer(told: object) -> None:
    """Raise what a test wants to be raised."""
    if isinstance(told, Exception):
        raise told


class FakeEndpoint:
    """The first member of the cluster; `calls` is what it was asked to do, `lease` its answer to who wants one."""

    url = "https://192.0.2.1:2379"

    def __init__(self, member: FakeMember) -> None:
        self._member = member
        self.calls: list[str] = []
        self.lease: Exception | bool = True

    def status(self) -> Status:
        cluster = self._member.cluster
        found = cluster.members[0].status
        assert found is not None
        return found._replace(leader_id=cluster.leader_id, alarms=cluster.alarms)

    def members(self) -> tuple[Member, ...]:
        return tuple(each.member for each in self._member.cluster.members)

    def revision(self) -> int:
        return 900

    def grant_lease(self, _seconds: int, _lease: int) -> None:
        self.calls.append("grant")
        _answer(self.lease)

    def renew_lease(self, _lease: int) -> bool:
        return bool(self.lease)

    def revoke_lease(self, _lease: int) -> None:
        self.calls.append("revoke")


class FakeMember:
    """What the tool uses of its own member."""

    manifest = None

    def __init__(self, cluster: ClusterView) -> None:
        self.cluster = cluster
        self.endpoint = FakeEndpoint(self)
        self.free_bytes: int | None = None

    def inspect_cluster(self) -> ClusterView:
        return self.cluster

    def connect(self, url: str) -> str:
        return url

    def free_disk_bytes(self) -> int | None:
        return self.free_bytes

    def disk_room(self) -> DiskRoom | None:
        return None if self.free_bytes is None else DiskRoom(self.free_bytes)


class FakeNode(Context):
    """A node that keeps its files below a directory; `error` is why its member cannot be asked."""

    def __init__(self, directory: Path, cluster: ClusterView) -> None:
        self.metrics_dir = directory / "metrics"
        self.metrics_dir.mkdir()
        (directory / "etcd.yaml").touch()
        names = ("etcd.yaml", "lock", "state", "metrics")
        super().__init__(Paths(*(str(directory / name) for name in names)), 1.0)
        self.local = FakeMember(cluster)
        self.error: Exception | None = None

    def member(self) -> Any:
        _answer(self.error)
        return self.local

    @property
    def metrics(self) -> str:
        """What was published."""
        return (self.metrics_dir / "etcd_maintenance.prom").read_text("utf-8")
