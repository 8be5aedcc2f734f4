# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ansible inventory of a cluster: nodes that are reached by ``docker exec``."""

from __future__ import annotations

import yaml

from nodes.cluster import Cluster

GROUP = "control_plane"


def inventory(cluster: Cluster) -> str:
    """Return a YAML inventory with all nodes in the group ``control_plane``."""
    hosts = {node.name: {"ansible_host": node.container, "address": node.address} for node in cluster.nodes}
    variables = {
        "ansible_connection": "community.docker.docker",
        "ansible_pipelining": True,
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    return yaml.safe_dump({GROUP: {"hosts": hosts, "vars": variables}}, sort_keys=False)
