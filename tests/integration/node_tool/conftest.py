# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The node tool on the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from integration.support.node_tool import Tool, archive
from lab.loopback.cluster import Cluster


@pytest.fixture(scope="session")
def built(collections: Path) -> bytes:
    """The node tool, as one file."""
    return archive()


@pytest.fixture
def tools_of(built: bytes) -> Callable[[Cluster], dict[str, Tool]]:
    """``tools_of(cluster)``: the tool on each of its nodes, by the node's name."""
    return lambda cluster: {node.name: Tool(node, built) for node in cluster.nodes}
