# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _usage_hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _usage_hosts
short_description: Choose the hosts on which the databases of etcd are read
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - One host of each cluster, that of a follower if there is one that is up.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: What M(controlplane.etcd.etcd_node_info) returned, by host, also where it failed.
    type: dict
    required: true
"""

EXAMPLES = r"""
---
- name: Show which they are
  ansible.builtin.debug:
    msg: "{{ results | controlplane.etcd._usage_hosts }}"
"""

RETURN = r"""
_value:
  description: The hosts.
  type: list
  elements: str
"""

import typing as t

from ..plugin_utils._fleet.status_sources import read_inspected, usage_host


def usage_hosts(results: object) -> list[str]:
    chosen = map(usage_host, read_inspected(results).clusters)
    return [host for host in chosen if host is not None]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_usage_hosts": usage_hosts}
