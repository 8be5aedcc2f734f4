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
  - Returns an id that is the same for all hosts of one run, and differs from that of every other run. It is the same
    wherever a template is rendered, in Ansible's main process or in one of its workers.
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

import hashlib
import multiprocessing
import os
import typing as t

from ansible.executor.process.worker import WorkerProcess
from ansible.plugins.lookup import LookupBase

from ..module_utils._core import run_id


class LookupModule(LookupBase):
    def run(self, terms: list[t.Any], variables: t.Any = None, **kwargs: t.Any) -> list[str]:
        return [str(run_id.current(main_pid(), token()))]


def main_pid() -> int:
    """The id of Ansible's main process. Most templates are rendered in a worker, which it forks for every host and
    task; names of tasks and the conditions of some are rendered in itself."""
    parent = multiprocessing.parent_process()
    # Not os.getppid(): a worker whose main process was killed goes on, and has another parent then.
    forked = isinstance(multiprocessing.current_process(), WorkerProcess)
    return parent.pid if forked and parent and parent.pid else os.getpid()


def token() -> str:
    """What the main process and all its workers have in common, and nobody else has: they inherit the random key by
    which Python's processes know each other."""
    return hashlib.sha256(b"run id " + bytes(multiprocessing.current_process().authkey)).hexdigest()[:16]
