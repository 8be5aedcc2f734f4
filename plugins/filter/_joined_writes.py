# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
name: _joined_writes
short_description: Join write checks that were made on several nodes of an etcd cluster
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - If the coordinator cannot ask a member, that one is written through on its own node. This makes one result of both.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: What M(controlplane.etcd.etcd_write_check) returned on the coordinator.
    type: dict
    required: true
  more:
    description: What it returned on the other nodes.
    type: list
    elements: dict
    required: true
positional: more
"""

EXAMPLES = r"""
---
- name: Show through whom writes were accepted
  ansible.builtin.debug:
    msg: "{{ (first | controlplane.etcd._joined_writes(own.results)).writes }}"
"""

RETURN = r"""
_value:
  description: One result of M(controlplane.etcd.etcd_write_check).
  type: dict
"""

import typing as t

from ..plugin_utils._fleet.merged_view import joined_writes


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_joined_writes": joined_writes}
