# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _recovery_plan."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _recovery_plan
short_description: Plan the recovery of an etcd cluster
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Makes the lines that the role P(controlplane.etcd.recover#role) prints before its first change, says why nothing may
    be done, and for how long holds and tasks are to last.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: The cluster, from P(controlplane.etcd._cluster_of#filter).
    type: dict
    required: true
  check:
    description: Whether this is check mode.
    type: bool
    default: false
  delete:
    description: Directories of keys that are to be deleted, also as one text.
    type: raw
    default: []
  delete_anything:
    description: Whether that may be what is not safe to lose.
    type: bool
    default: false
  hold:
    description: Whether kubelets are held if probes would kill members.
    type: bool
    default: true
  hold_seconds:
    description: Seconds for which a kubelet is held at least.
    type: int
    required: true
  play_hosts:
    description: How many hosts this play has, of all clusters.
    type: int
    required: true
  quota:
    description: The larger quota that members shall get if the data does not fit, empty if they keep theirs.
    type: str
    default: ""
  release_seconds:
    description: Seconds between the kubelets that start one after the other.
    type: int
    required: true
  results:
    description: What M(controlplane.etcd.etcd_node_info) returned, by host.
    type: dict
    required: true
  snapshot:
    description: Whether a snapshot is taken first.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait for a member.
    type: float
    required: true
  work_timeout:
    description: Seconds that one member may take for each part of its work.
    type: float
    required: true
positional: results
"""

EXAMPLES = r"""
---
- name: Plan
  ansible.builtin.set_fact:
    plan: >-
      {{ clusters_mine | controlplane.etcd._recovery_plan(results, quota='8GiB', play_hosts=3, hold_seconds=300,
      release_seconds=60, wait_timeout=120, work_timeout=600) }}
"""

RETURN = r"""
_value:
  description:
    - The plan, as a dictionary of V(lines), V(refusals), V(raises), V(delete), V(step_seconds), V(raise_seconds),
      V(revive_seconds), V(revive_patiently), V(revive_limit_seconds), V(hold_seconds), V(release_seconds) and
      V(expected_seconds).
    - V(lines) has the findings, and what follows from them. V(refusals) lists V(code) and V(text) of each reason why
      nothing may be done. V(raises) says whether a larger quota was asked for. V(delete) lists directories of keys.
    - V(step_seconds) and V(raise_seconds) are how long a task is waited for, V(revive_seconds) how long a member that
      comes back, V(revive_patiently) whether it is waited for longer while it reads, V(revive_limit_seconds) how long
      the task that waits for it. V(hold_seconds) says by host for how long its kubelet is held, V(release_seconds)
      after how long it is started if the work fails. V(expected_seconds) says by step how long it is going to take.
  type: dict
"""

import typing as t

from ..module_utils._core.records import Json
from ..plugin_utils._fleet.cluster import Cluster
from ..plugin_utils._fleet.deletions import directories_of
from ..plugin_utils._fleet.recovery import plan_recovery
from ..plugin_utils._fleet.reports import Fleet


def recovery_plan(
    cluster: object,
    results: object,
    check: bool = False,
    delete: object = (),
    delete_anything: bool = False,
    hold: bool = True,
    quota: str = "",
    snapshot: bool = True,
    **times: t.Any,
) -> Json:
    return plan_recovery(
        Cluster.from_result(cluster),
        Fleet.from_results(results),
        check=check,
        delete=directories_of(delete),
        delete_anything=delete_anything,
        hold=hold,
        quota=quota,
        snapshot=snapshot,
        **times,
    ).as_result()


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_recovery_plan": recovery_plan}
