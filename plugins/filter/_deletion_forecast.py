# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _deletion_forecast."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: _deletion_forecast
short_description: Say what deleting keys from an etcd cluster would gain
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Says how much is below directories of keys, whether what stays fits the quota, and how long it takes.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: What M(controlplane.etcd.etcd_usage_info) returned. If it failed, nothing is refused.
    type: dict
    required: true
  cluster:
    description: The cluster, from P(controlplane.etcd._cluster_of#filter).
    type: dict
    required: true
  directories:
    description: The directories of keys.
    type: list
    elements: str
    required: true
  raises:
    description: Whether members get a larger quota after it.
    type: bool
    default: false
positional: cluster, directories
"""

EXAMPLES = r"""
---
- name: Say what it would gain
  ansible.builtin.debug:
    msg: "{{ (usage | controlplane.etcd._deletion_forecast(clusters_mine, ['/registry/events/'])).lines }}"
"""

RETURN = r"""
_value:
  description: The forecast, as a dictionary of V(lines), V(refusals) (V(code) and V(text) each) and
    V(expected_seconds).
  type: dict
"""

import typing as t

from ..module_utils._core.records import Json
from ..plugin_utils._fleet.cluster import Cluster
from ..plugin_utils._fleet.deletions import forecast


def deletion_forecast(usage: object, cluster: object, directories: t.Sequence[str], raises: bool = False) -> Json:
    return forecast(Cluster.from_result(cluster), usage, directories, raises=raises).as_result()


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_deletion_forecast": deletion_forecast}
