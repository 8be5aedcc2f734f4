# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters, members and modules for tests, which answer as they are told to."""

from __future__ import annotations

from typing import Any

from unit.builders import MIB, FakeTransport, Reply, endpoint

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Endpoint
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.estimates import DiskRoom
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.quota import Capacity
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings


class FakeCluster:
    """Members cp1 and up, each with its own answers."""

    def __init__(self, *members: dict[str, Reply]) -> None:
        self.transports = {
            f"https://192.0.2.{number}:2379": FakeTransport(replies, endpoint=f"https://192.0.2.{number}:2379")
            for number, replies in enumerate(members, start=1)
        }

    def connect(self, url: str) -> Endpoint:
        return Endpoint(self.transports[url])

    def calls(self, path: str) -> list[str]:
        """The numbers of the members that were asked for this path."""
        return [
            url[16] for url, transport in self.transports.items() for called, _body in transport.calls if called == path
        ]


class Views:
    """The cluster at every inspection, one view after the other; the last one stays."""

    def __init__(self, *views: ClusterView) -> None:
        self.views = list(views)

    def __call__(self) -> ClusterView:
        return self.views.pop(0) if len(self.views) > 1 else self.views[0]


class FakeModule:
    """As much of AnsibleModule as the body of a module uses."""

    def __init__(self, *, check: bool = False, **params: Any) -> None:
        self.check_mode = check
        self.params = params
        self.warnings: list[str] = []

    def warn(self, text: str) -> None:
        self.warnings.append(text)


class FakeMember:
    """A member whose cluster is always the same."""

    def __init__(
        self, seen: ClusterView, replies: dict[str, Reply] | None = None, manifest: MemberSettings | None = None
    ) -> None:
        self.endpoint, self.transport = endpoint(replies or {})
        self.tls = None
        self.manifest = manifest
        self.fingerprints = ["aa"]
        self.disk: int | None = None
        self._seen = seen

    def inspect_cluster(self) -> ClusterView:
        return self._seen

    def connect(self, _url: str) -> Endpoint:
        return self.endpoint

    def ca_sha256(self) -> list[str]:
        return self.fingerprints

    def disk_room(self) -> DiskRoom | None:
        return None if self.disk is None else DiskRoom(self.disk)

    def capacity(self, db_bytes: int) -> Capacity | None:
        return None if self.disk is None else Capacity(16_000 * MIB, self.disk, db_bytes)
