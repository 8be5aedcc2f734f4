# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation is to the lab: what has made and runs the etcd of a cluster's nodes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from lab import inventory
from lab.docker import control_plane, images
from lab.docker.access import Access, members_obstacle
from lab.docker.generations import Generation
from lab.docker.nodes import Cluster, Container
from lab.errors import DockerError


@dataclass(frozen=True)
class GatewayOff:
    """The line with which an installation has one of its etcds serve no JSON gateway.

    It goes into the file at ``path``, behind the line ``after``, or at the end. ``restart`` is the command that has the
    file read again; without one a kubelet notices.
    """

    path: str
    line: str
    after: str = ""
    restart: Sequence[str] = ()

    def edited(self, text: str, *, on: bool) -> str:
        """Return the file's text without the line, or with it; raises ``DockerError`` if it has no place there."""
        lines = [line for line in text.splitlines(keepends=True) if line != f"{self.line}\n"]
        if on:
            return "".join(lines)
        try:
            place = lines.index(f"{self.after}\n") + 1 if self.after else len(lines)
        except ValueError:
            raise DockerError(f"{self.path} has no line {self.after!r}") from None
        return "".join([*lines[:place], f"{self.line}\n", *lines[place:]])


class Installation(ABC):
    """One kind of nodes, by its ``name``."""

    name: str
    # The files that say how etcd is run, as words for a shell: a cluster with others is not as good as a new one.
    settings: str
    # What every node of the inventory is in.
    groups: Sequence[str] = (inventory.GROUP,)
    # Of every node, beside those that are known to the API server already; without API servers there are none.
    static_pods: int = 0
    # Each with a file of its own, and separate members on the same nodes.
    etcds: Sequence[str] = ("main",)
    # Of each of its etcds, in their order.
    gateways_off: Sequence[GatewayOff]
    # Directories with data, beside those of the image.
    volumes: Sequence[str] = ()
    # What runs on a node that has booted.
    boots: str = "containerd"

    def image(self, generation: Generation) -> str:
        """Return the id of the image that nodes are made from."""
        return images.obtain(generation)

    @abstractmethod
    def install(self, cluster: Cluster) -> None:
        """Make a healthy cluster of nodes that have booted."""

    @abstractmethod
    def access(self, node: Container, etcd: str = "main") -> Access:
        """Return the way to a node's member of one of the ``etcds``."""

    def holding(self, resource: str) -> str:
        """Return which of the ``etcds`` has objects of a resource such as ``events``."""
        return resource if resource in self.etcds else "main"

    def obstacle(self, cluster: Cluster) -> str:
        """Return why a cluster is not as good as a new one, or nothing; its settings are somebody else's matter."""
        if self.static_pods and (reason := control_plane.obstacle(cluster, self.static_pods)):
            return reason
        return self.etcd_obstacle(cluster)

    def etcd_obstacle(self, cluster: Cluster) -> str:
        """Return why one of the ``etcds`` has no headroom or does not take writes, or nothing."""
        for etcd in self.etcds:
            if reason := members_obstacle([self.access(node, etcd) for node in cluster.nodes]):
                return f"{etcd}: {reason}" if len(self.etcds) > 1 else reason
        return ""
