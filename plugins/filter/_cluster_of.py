# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _cluster_of."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _cluster_of
short_description: Find the etcd cluster of a host among all hosts of a play
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Groups hosts into clusters by the CA of their etcd, chooses who coordinates, and says in which order its members are
    to be worked on.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description:
      - What M(controlplane.etcd.etcd_node_info) returned, by host. Hosts that failed or could not be reached, and hosts
        without etcd, belong to no cluster.
    type: dict
    required: true
  host:
    description: The host whose cluster is wanted.
    type: str
    required: true
  revive:
    description:
      - Whether members that do not answer can still be brought back. Without them, a cluster that has no leader is
        refused.
    type: bool
    default: false
  run:
    description: Id of this run, so that a kubelet that it holds itself is not mistaken for one that another run holds.
    type: str
    default: ""
positional: host
"""

EXAMPLES = r"""
---
- name: Show who coordinates the work on the cluster of this host
  ansible.builtin.debug:
    msg: "{{ (results | controlplane.etcd._cluster_of(inventory_hostname)).coordinator }}"
"""

RETURN = r"""
_value:
  description:
    - The cluster, as a dictionary of V(name), V(unit_of_events), V(hosts), V(coordinator), V(snapshot_host), V(order),
      V(members), V(has_quorum), V(has_work), V(full), V(refusals), V(findings), V(expected_seconds), V(lock_runs),
      V(revive), V(hold), V(hidden_hosts), V(units) and V(apiserver_hosts).
    - V(order) lists the voters that answer, the leader last, each with its V(name), the V(host) to work on it from, and
      its V(endpoint), which is empty if that host is its own.
    - V(full) says that the alarm is armed, is about to be raised, or that nobody can tell, and V(has_work) that there
      is anything to do. V(refusals) lists V(code) and V(text) of each reason why nothing may be done.
    - V(revive) says by host whether its kubelet is to be restarted (V(restart)) or its etcd is to be waited for
      (V(wait)); V(hold) says by host why its kubelet is to be held.
  type: dict
"""

import typing as t

from ..module_utils._core.records import Json
from ..plugin_utils._fleet import assessment
from ..plugin_utils._fleet.reports import Fleet


def cluster_of(results: object, host: str, revive: bool = False, run: str = "") -> Json:
    return assessment.cluster_of(Fleet.from_results(results), host, revive=revive, run=run).as_result()


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_cluster_of": cluster_of}
