# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _second_etcds."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _second_etcds
short_description: Find the hosts that have to do with a second etcd of Kubernetes
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - kubespray, for example, can run a second etcd on the same hosts, which has the events alone.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description:
      - What M(controlplane.etcd.etcd_node_info) returned, by host, of the first one.
    type: dict
    required: true
"""

EXAMPLES = r"""
---
- name: Show the units
  ansible.builtin.debug:
    msg: "{{ results | controlplane.etcd._second_etcds }}"
"""

RETURN = r"""
_value:
  description:
    - By host the unit that runs its second etcd; empty for hosts without etcd whose API server may use it. Nothing if
      no host has a second one.
  type: dict
"""

import typing as t

from ..plugin_utils._fleet.grouping import second_etcds
from ..plugin_utils._fleet.reports import Fleet


def second_etcds_of(results: object) -> dict[str, str]:
    return second_etcds(Fleet.from_results(results))


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_second_etcds": second_etcds_of}
