# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _hardening_plan."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _hardening_plan
short_description: Plan the hardening of an etcd cluster
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Decides on quota and auto-compaction for all members of a cluster, and whether they may be restarted now.
  - A quota is never lowered unless O(lower) is set. If it is raised, it has to fit the smallest node of the cluster,
    unless it is named and a member runs with as much already.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: The cluster, from P(controlplane.etcd._cluster_of#filter).
    type: dict
    required: true
  allow_downtime:
    description: Whether etcd may be down for a while, as it is with one or two members.
    type: bool
    default: false
  extra_args:
    description:
      - Further arguments of etcd, without their leading dashes. They win over C(auto-compaction-mode) V(periodic) and
        C(auto-compaction-retention) V(1h).
      - Also JSON or YAML text of a mapping, as C(-e) gives it.
    type: raw
    default: {}
  kubeconfig:
    description: Path of the administrator's kubeconfig on the nodes.
    type: path
    default: /etc/kubernetes/admin.conf
  lower:
    description: Whether to lower a quota that is higher than O(quota).
    type: bool
    default: false
  quota:
    description:
      - In bytes, or with a unit such as V(5GiB).
      - V(auto) is 2 GiB up to 16 GiB of memory and 1 GiB more for each further 8 GiB, but at most 8 GiB, and at most
        half of what is free on etcd's disk and what the database has already, in whole GiB; the smallest node decides.
    type: str
    required: true
  results:
    description: What M(controlplane.etcd.etcd_node_info) returned, by host.
    type: dict
    required: true
  wait_timeout:
    description: Seconds to wait for a member.
    type: float
    required: true
positional: results
"""

EXAMPLES = r"""
---
- name: Plan
  ansible.builtin.set_fact:
    plan: >-
      {{ clusters_mine | controlplane.etcd._hardening_plan(results, quota='auto', wait_timeout=120) }}
"""

RETURN = r"""
_value:
  description:
    - The plan, as a dictionary of V(extra_args), V(order), V(unfinished), V(recorded), V(refusals), V(lines) and
      V(step_seconds).
    - V(extra_args) holds the flags that every member shall have by name, all as text. V(order) lists the hosts, the
      leader's last. V(unfinished) is the host on which an earlier run may have been interrupted, since its etcd alone
      is down, or empty. V(recorded) says whether there is a ConfigMap of kubeadm's to record it in. V(refusals) lists
      V(code) and V(text) of each reason why nothing may be done. V(lines) says what was found, and what will be done.
      V(step_seconds) is how long a task is waited for.
  type: dict
"""

import typing as t

from ..module_utils._core.records import Json
from ..plugin_utils._fleet.cluster import Cluster
from ..plugin_utils._fleet.hardening import plan_hardening
from ..plugin_utils._fleet.reports import Fleet


def hardening_plan(
    cluster: object,
    results: object,
    quota: object,
    wait_timeout: float,
    lower: bool = False,
    extra_args: object = None,
    allow_downtime: bool = False,
    kubeconfig: str = "/etc/kubernetes/admin.conf",
) -> Json:
    return plan_hardening(
        Cluster.from_result(cluster),
        Fleet.from_results(results),
        quota=str(quota),
        lower=lower,
        extra_args=extra_args,
        allow_downtime=allow_downtime,
        wait_timeout=wait_timeout,
        kubeconfig=kubeconfig,
    ).as_result()


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_hardening_plan": hardening_plan}
