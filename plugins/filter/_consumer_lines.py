# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _consumer_lines."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: _consumer_lines
short_description: Say what fills an etcd cluster
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Makes the lines on the largest consumers of a database, and on what cures each.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: What M(controlplane.etcd.etcd_usage_info) returned. If it failed, there is a line that says why.
    type: dict
    required: true
"""

EXAMPLES = r"""
---
- name: Say what fills it
  ansible.builtin.debug:
    msg: "{{ usage | controlplane.etcd._consumer_lines }}"
"""

RETURN = r"""
_value:
  description: One line with the largest consumers, and one on each of them; empty if nothing was asked.
  type: list
  elements: str
"""

import typing as t

from ..plugin_utils._fleet.consumers import consumer_lines


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_consumer_lines": consumer_lines}
