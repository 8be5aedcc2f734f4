# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup plugin _whole_run."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _whole_run
short_description: Refuse a run of Ansible that would leave out tasks
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Fails if C(ansible-playbook) was called with C(--start-at-task), C(--step), or tags to skip that would leave out
    tasks of this collection. Half a recovery can be worse than none, and one that did nothing must not end well.
  - Other tags make no difference; the roles do all their work whichever are given.
  - Private to this collection. It may change at any time, without notice.
options:
  _terms:
    description: Not used.
"""

EXAMPLES = r"""
---
- name: Refuse half a run
  ansible.builtin.debug:
    msg: "{{ lookup('controlplane.etcd._whole_run') }}"
"""

RETURN = r"""
_raw:
  description: Nothing, one empty string.
  type: list
  elements: str
"""

import typing as t

from ansible import context
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase

from ..plugin_utils._fleet.partial_runs import options_that_leave_out_tasks


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        given = options_that_leave_out_tasks(
            start_at_task=context.CLIARGS.get("start_at_task"),
            step=context.CLIARGS.get("step"),
            skip_tags=context.CLIARGS.get("skip_tags") or (),
        )
        if given:
            raise AnsibleLookupError(
                f"This work is done as a whole or not at all, but {' and '.join(given)} would leave out tasks. Run it"
                " again without; what is done already is left alone. Nothing was changed."
            )
        return [""]
