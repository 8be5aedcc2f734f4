# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin ended_runs."""

from __future__ import annotations

DOCUMENTATION = r"""
name: ended_runs
short_description: Which runs of Ansible are known to have ended
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Keeps those ids of P(controlplane.etcd.run_id#lookup) whose run was started on this controller and is gone.
  - A run of another controller is never among them, because nothing is known about it here.
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
    msg: "{{ [node.lock.run] | controlplane.etcd.ended_runs }}"
"""

RETURN = r"""
_value:
  description: The ids of runs that have ended.
  type: list
  elements: str
"""

import typing as t

from ..module_utils._core import run_id


def ended_runs(ids: t.Iterable[str]) -> list[str]:
    """The ids among `ids` whose run was started on this controller and is gone."""
    known = ((text, run_id.parse(text)) for text in ids)
    return [text for text, run in known if run and run_id.ended(run)]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"ended_runs": ended_runs}
