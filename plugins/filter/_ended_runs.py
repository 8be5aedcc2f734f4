# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _ended_runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _ended_runs
short_description: Name the runs of Ansible that are known to have ended
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Keeps those ids of P(controlplane.etcd._run_id#lookup) whose run was started on this controller and is gone.
  - A run of another controller is never among them, because nothing is known about it here.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: Ids of runs.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
---
- name: Name the runs whose lock may be taken over
  ansible.builtin.debug:
    msg: "{{ [node.lock.run] | controlplane.etcd._ended_runs }}"
"""

RETURN = r"""
_value:
  description: The ids of runs that have ended.
  type: list
  elements: str
"""

import typing as t

from ..module_utils._core.run_id import ended_runs


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_ended_runs": ended_runs}
