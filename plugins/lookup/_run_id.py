# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lookup plugin _run_id."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _run_id
short_description: Return the id of this run of Ansible
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Returns an id that is the same for all hosts of one run, and differs from that of every other run.
  - P(controlplane.etcd._ended_runs#filter) says later, on the same controller, whether that run has ended.
  - Private to this collection. It may change at any time, without notice.
options:
  _terms:
    description: Not used.
"""

EXAMPLES = r"""
---
- name: Show the id of this run
  ansible.builtin.debug:
    msg: "{{ lookup('controlplane.etcd._run_id') }}"
"""

RETURN = r"""
_raw:
  description: One id.
  type: list
  elements: str
"""

import os
import typing as t

from ansible.plugins.lookup import LookupBase

from ..module_utils._core import run_id


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        # Templates are rendered in a worker, which the main process forks for every host and task.
        return [str(run_id.current(os.getppid()))]
