# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _leader_last."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _leader_last
short_description: Put the member that leads by now last in the order of work
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - The leadership may have moved since the order was made. A leader that is restarted before its turn is one election
    more.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: The V(order) of P(controlplane.etcd._cluster_of#filter), or what is left of it.
    type: list
    elements: dict
    required: true
  now:
    description: What M(controlplane.etcd.etcd_info) returned just now. If it failed, the order stays.
    type: dict
    required: true
  hosts:
    description: Keep only members that run on one of these hosts.
    type: list
    elements: str
positional: now
"""

EXAMPLES = r"""
---
- name: Show which member is next
  ansible.builtin.debug:
    msg: "{{ (clusters_mine.order | controlplane.etcd._leader_last(now) | first).name }}"
"""

RETURN = r"""
_value:
  description: The entries in the order in which they are to be worked on.
  type: list
  elements: dict
"""

import typing as t

from ..module_utils._core.records import Json, plain
from ..plugin_utils._fleet import coordination
from ..plugin_utils._fleet.results import leader_of


def leader_last(order: object, now: object, hosts: t.Sequence[str] | None = None) -> list[Json]:
    places = coordination.read_order(order)
    left = places if hosts is None else coordination.on_own_hosts(places, hosts)
    return [plain(place) for place in coordination.leader_last(left, leader_of(now))]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_leader_last": leader_last}
