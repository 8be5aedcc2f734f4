# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin quota_refusals."""

from __future__ import annotations

DOCUMENTATION = r"""
name: quota_refusals
short_description: Say why a recovery may not raise the quota of an etcd cluster
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Looks, before anything is changed, whether every member can be given a quota - it has to be larger than what they
    have, it has to fit memory and disk of each node, and all of them have to answer and to be among the hosts.
options:
  _input:
    description: The cluster, from P(controlplane.etcd.cluster_of#filter).
    type: dict
    required: true
  looks:
    description: What M(controlplane.etcd.etcd_node_info) returned, by host.
    type: dict
    required: true
  quota:
    description: In bytes, or with a unit such as V(8GiB).
    type: str
    required: true
positional: looks, quota
"""

EXAMPLES = r"""
---
- name: Show why a larger quota is refused
  ansible.builtin.debug:
    msg: "{{ clusters_mine | controlplane.etcd.quota_refusals(looks, '8GiB') }}"
"""

RETURN = r"""
_value:
  description: One sentence for each reason, none if it may be raised.
  type: list
  elements: str
"""

import math
import typing as t

from ..module_utils._core import units
from ..module_utils._core.failures import Refused
from ..module_utils._kubeadm import flag_values
from ..plugin_utils._fleet.quotas import Look, Looks, Node, absent, node_of, out_of_reach, votes


def quota_refusals(cluster: Look, looks: Looks, quota: str) -> list[str]:
    """Why a recovery may not raise the quota of all members to `quota`; nothing where that cannot be said yet, because
    there is no leader."""
    if not cluster["has_quorum"]:
        return []
    mates = {host: looks[host] for host in cluster["hosts"]}
    try:
        wanted = flag_values.quota_bytes(quota)
    except Refused as exc:
        return [f"{exc} {exc.advice}".rstrip()]
    nodes = [node_of(member, mates) for member in cluster["members"] if votes(member)]
    return [
        *_lowered(nodes, wanted),
        *(f"{node.host}: {said}" for node in nodes for said in (node.refusal(wanted),) if said),
        *absent(cluster["members"]),
        *out_of_reach(cluster["order"]),
    ]


def _lowered(nodes: t.Sequence[Node], wanted: int) -> list[str]:
    more = [
        f"{node.name} {'none at all' if node.quota_bytes == math.inf else units.gib(node.quota_bytes)}"
        for node in nodes
        if node.quota_bytes > wanted
    ]
    said = (
        f"A quota of {units.gib(wanted)} is less than members have already ({', '.join(more)}), and a recovery lowers"
        " none. Name a larger one."
    )
    return [said] if more else []


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"quota_refusals": quota_refusals}
