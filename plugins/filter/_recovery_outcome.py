# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _recovery_outcome."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _recovery_outcome
short_description: Say for machines what came of the recovery of an etcd cluster
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Makes the record that the role P(controlplane.etcd.recover#role) hands to AWX, and writes into a file.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: The cluster as it was, from P(controlplane.etcd._cluster_of#filter).
    type: dict
    required: true
  check:
    description: Whether this was check mode.
    type: bool
    default: false
  deleted:
    description: What M(controlplane.etcd.etcd_delete) returned, empty if it did not run.
    type: dict
    default: {}
  failures:
    description: What tasks returned, a list for each host; those that did not fail are passed over.
    type: dict
    default: {}
  over:
    description: Whether the work is over.
    type: bool
    default: true
  refusals:
    description: The V(refusals) of P(controlplane.etcd._recovery_plan#filter).
    type: list
    elements: dict
    default: []
  seconds:
    description: How long it took.
    type: float
    required: true
  snapshot:
    description: What M(controlplane.etcd.etcd_snapshot) returned, empty if nobody came as far.
    type: dict
    default: {}
  work:
    description: Whether there was anything to do.
    type: bool
    default: true
  write_check:
    description: What M(controlplane.etcd.etcd_write_check) returned, empty if nobody came as far.
    type: dict
    default: {}
positional: seconds
"""

EXAMPLES = r"""
---
- name: Show what came of it
  ansible.builtin.debug:
    msg: "{{ clusters_mine | controlplane.etcd._recovery_outcome(21.4, write_check=write_check) }}"
"""

RETURN = r"""
_value:
  description: The record of the cluster, with its V(outcome).
  type: dict
"""

import typing as t

from ..module_utils._core.records import Json
from ..plugin_utils._fleet.cluster import Cluster
from ..plugin_utils._fleet.outcomes import Ending, recovery_outcome
from ..plugin_utils._fleet.results import DeletedKeys, TakenSnapshot, WriteCheck


def outcome(
    before: object,
    seconds: float,
    write_check: t.Mapping[str, object] | None = None,
    snapshot: object = None,
    refusals: t.Iterable[object] = (),
    failures: t.Mapping[str, t.Iterable[object]] | None = None,
    work: bool = True,
    over: bool = True,
    check: bool = False,
    deleted: object = None,
) -> Json:
    return recovery_outcome(
        Cluster.from_result(before),
        Ending.of(refusals=refusals, results=failures or {}, over=over, seconds=seconds, check=check),
        work=work,
        write_check=WriteCheck.from_result(write_check) if write_check and "writes" in write_check else None,
        snapshot=TakenSnapshot.from_result(snapshot or {}),
        deleted=DeletedKeys.from_result(deleted or {}),
    )


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_recovery_outcome": outcome}
