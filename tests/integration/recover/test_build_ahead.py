# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is built while a node is at work is what Ansible looks for when a later task needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from integration.support.ansible_commands import Run
from lab import inventory

# Ansible keeps what it has built in its own directory, under a name that has the module's in it.
PLAYS = """
- hosts: all
  gather_facts: false
  vars:
    built: "{{ lookup('ansible.builtin.pipe', 'ls ' ~ kept ~ ' | grep etcd_usage_info | grep -cv lock || true') }}"
  tasks:
    - ansible.builtin.debug:
        msg: "{{ built }} before"

    - controlplane.etcd.run_lock:
        lock_path: "{{ lock_path }}"
        run: test
        owner: somebody
      vars:
        __build_ahead: [controlplane.etcd.no_such, controlplane.etcd.etcd_usage_info]

    - ansible.builtin.debug:
        msg: "{{ built }} meanwhile"

    - controlplane.etcd.etcd_usage_info:
        path: /nowhere/snapshot.db
      ignore_errors: true

    - ansible.builtin.debug:
        msg: "{{ built }} after"
"""


def test_a_later_task_finds_it_built(playbook: Callable[..., Run], tmp_path: Path) -> None:
    hosts = inventory.write(
        tmp_path / "hosts.yml",
        {"cp1": {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}},
    )
    plays = tmp_path / "plays.yml"
    plays.write_text(PLAYS, "utf-8")

    kept = tmp_path / "ansible/tmp/*/ansiballz_cache"
    run = playbook(hosts, name=str(plays), extra_vars={"lock_path": str(tmp_path / "lock"), "kept": str(kept)})

    assert run.rc == 0, run.out
    for said in ("0 before", "1 meanwhile", "1 after"):
        assert f"msg: {said}\n" in run.out, run.out
