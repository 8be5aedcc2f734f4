# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _status."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _status
short_description: Say how the etcd clusters of a play are
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Makes the status that the role P(controlplane.etcd.status#role) prints and writes, from what was found on the nodes.
  - What it returns is never taken for a template, whatever the names and keys in etcd are.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: What M(controlplane.etcd.etcd_node_info) returned, by host, also where it failed.
    type: dict
    required: true
  fail:
    description: How bad a cluster has to be for the run to fail, V(warning) or V(critical); empty if it never does.
    type: str
    default: ""
  now:
    description: The time, in seconds since 1970.
    type: float
    required: true
  top:
    description: How many consumers are shown of each cluster.
    type: int
    default: 10
  usage:
    description: What M(controlplane.etcd.etcd_usage_info) returned, by host.
    type: dict
    default: {}
positional: usage
"""

EXAMPLES = r"""
---
- name: Say how they are
  ansible.builtin.debug:
    msg: "{{ (results | controlplane.etcd._status({}, now=now().timestamp())).lines }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary of V(document), the status for machines, V(lines), the same for people, and V(failure), why the run
      is to fail, empty if it is not.
  type: dict
"""

import typing as t

from ansible.utils.unsafe_proxy import wrap_var

from ..module_utils._core.records import Json
from ..plugin_utils._fleet.status import failure_line, status_of
from ..plugin_utils._fleet.status_text import status_lines


def status(results: object, usage: object = None, now: float = 0.0, top: int = 10, fail: str = "") -> Json:
    found = status_of(results, usage, now=now)
    body = {
        "document": found.as_result(),
        "lines": status_lines(found, top=top),
        "failure": failure_line(found, fail),
    }
    return t.cast(Json, wrap_var(body))


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_status": status}
