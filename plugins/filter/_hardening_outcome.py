# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _hardening_outcome."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _hardening_outcome
short_description: Say for machines what came of the hardening of an etcd cluster
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Makes the record that the role P(controlplane.etcd.harden#role) hands to AWX, and writes into a file.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: The cluster, from P(controlplane.etcd._cluster_of#filter).
    type: dict
    required: true
  check:
    description: Whether this was check mode.
    type: bool
    default: false
  failures:
    description: What tasks returned, a list for each host; those that did not fail are passed over.
    type: dict
    default: {}
  done:
    description: Whether all phases were reached.
    type: bool
    default: false
  over:
    description: Whether the work is over.
    type: bool
    default: true
  recorded:
    description: What M(controlplane.etcd.kubeadm_config) and M(controlplane.etcd.kubeadm_configmap) returned.
    type: list
    elements: dict
    default: []
  refusals:
    description: The V(refusals) of P(controlplane.etcd._hardening_plan#filter).
    type: list
    elements: dict
    default: []
  rolled:
    description: What M(controlplane.etcd.etcd_manifest) returned, by host.
    type: dict
    default: {}
  scheduled:
    description: What M(controlplane.etcd.etcd_schedule) returned, by host.
    type: dict
    default: {}
  seconds:
    description: How long it took.
    type: float
    required: true
positional: seconds
"""

EXAMPLES = r"""
---
- name: Show what came of it
  ansible.builtin.debug:
    msg: "{{ clusters_mine | controlplane.etcd._hardening_outcome(61.0, rolled=rolled, done=true) }}"
"""

RETURN = r"""
_value:
  description: The record of the cluster, with its V(outcome).
  type: dict
"""

import typing as t

from ..module_utils._core.records import Json
from ..plugin_utils._fleet.cluster import Cluster
from ..plugin_utils._fleet.outcomes import Ending, hardening_outcome
from ..plugin_utils._fleet.results import RolledMember, has_changed


def outcome(
    cluster: object,
    seconds: float,
    rolled: t.Mapping[str, t.Mapping[str, object]] | None = None,
    recorded: t.Iterable[object] = (),
    scheduled: t.Mapping[str, object] | None = None,
    refusals: t.Iterable[object] = (),
    failures: t.Mapping[str, t.Iterable[object]] | None = None,
    done: bool = False,
    over: bool = True,
    check: bool = False,
) -> Json:
    return hardening_outcome(
        Cluster.from_result(cluster),
        Ending.of(refusals=refusals, results=failures or {}, over=over, seconds=seconds, check=check),
        done=done,
        rolled={host: RolledMember.from_result(each) for host, each in (rolled or {}).items() if "flags" in each},
        recorded=any(map(has_changed, recorded)),
        scheduled=[host for host, each in (scheduled or {}).items() if has_changed(each)],
    )


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_hardening_outcome": outcome}
