# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _recovery_report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _recovery_report
short_description: Say what a recovery of an etcd cluster has done
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Makes the lines that the role P(controlplane.etcd.recover#role) ends with.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: What M(controlplane.etcd.etcd_write_check) returned.
    type: dict
    required: true
  api_servers:
    description: What M(controlplane.etcd.apiserver_write_check) returned, by host.
    type: dict
    default: {}
  before:
    description: The cluster as it was, from P(controlplane.etcd._cluster_of#filter).
    type: dict
    required: true
  check:
    description: Whether this was check mode.
    type: bool
    default: false
  deleted:
    description: What M(controlplane.etcd.etcd_delete) returned, empty if nothing was to be deleted.
    type: dict
    default: {}
  seconds:
    description: How long it took.
    type: float
    required: true
  snapshot:
    description: What M(controlplane.etcd.etcd_snapshot) returned, empty if nobody came as far, null if none was wanted.
    type: dict
positional: before
"""

EXAMPLES = r"""
---
- name: Say what was done
  ansible.builtin.debug:
    msg: "{{ write_check | controlplane.etcd._recovery_report(clusters_mine, seconds=21.4) }}"
"""

RETURN = r"""
_value:
  description: A table of the members, and the remarks below it.
  type: list
  elements: str
"""

import typing as t

from ..plugin_utils._fleet.cluster import Cluster
from ..plugin_utils._fleet.recovery import report_recovery
from ..plugin_utils._fleet.results import ApiServerCheck, DeletedKeys, TakenSnapshot, WriteCheck


def recovery_report(
    write_check: object,
    before: object,
    seconds: float,
    snapshot: object = None,
    check: bool = False,
    api_servers: object = None,
    deleted: object = None,
) -> list[str]:
    return report_recovery(
        WriteCheck.from_result(write_check),
        Cluster.from_result(before),
        seconds=seconds,
        snapshot=None if snapshot is None else TakenSnapshot.from_result(snapshot),
        snapshot_wanted=snapshot is not None,
        deleted=DeletedKeys.from_result(deleted or {}),
        api_servers=ApiServerCheck.from_results(api_servers or {}),
        check_mode=check,
    )


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_recovery_report": recovery_report}
