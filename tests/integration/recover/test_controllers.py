# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers without ``/proc``, as macOS and BSD are: a run has one id there, too, and gives its locks back."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from integration.support.ansible_commands import Run
from integration.support.recovery import QUICK, assert_recovered, full_cluster, inventory, locks
from lab.loopback.cluster import Cluster

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]

WITHOUT_PROC = {"PYTHONPATH": str(Path(__file__).parents[1] / "support/hidden_proc")}
# The names of tasks are rendered in the main process, the rest in workers.
SHOW_IDS = """\
- hosts: all
  gather_facts: false
  vars:
    id: "{{ lookup('controlplane.etcd._run_id') }}"
  tasks:
    - name: "<{{ id }}>"
      ansible.builtin.debug:
        msg: "<{{ id }}>"
    - name: Ask for /proc
      ansible.builtin.debug:
        msg: "/proc is {{ found | ternary('there', 'hidden') }}"
      vars:
        found: "{{ lookup('ansible.builtin.file', '/proc/self/stat', errors='ignore') }}"
"""


@pytest.mark.parametrize(("env", "proc"), [({}, "there"), (WITHOUT_PROC, "hidden")], ids=["proc", "no proc"])
def test_a_run_has_one_id(playbook: Playbook, tmp_path: Path, env: dict[str, str], proc: str) -> None:
    path = tmp_path / "ids.yml"
    path.write_text(SHOW_IDS, "utf-8")
    seen = []
    for _run in range(2):
        run = playbook("a,b,c,", "--connection=local", "--forks=2", env=env, name=str(path))
        assert run.rc == 0, run.out
        assert run.out.count(f"/proc is {proc}") == 3, run.out
        ids = re.findall("<(.*?)>", run.flat)
        assert len(ids) == 4, run.out
        assert len(set(ids)) == 1, run.out
        seen += set(ids)
    assert len(set(seen)) == 2, "two runs have the same id"


def test_a_run_without_proc_gives_its_locks_back(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    cluster = full_cluster(make_cluster, members=1)
    hosts = inventory(tmp_path / "hosts.yml", cluster)

    run = playbook(hosts, extra_vars=QUICK, env=WITHOUT_PROC)

    assert run.rc == 0, run.out
    assert "Nothing was released" not in run.flat
    assert locks(cluster) == []
    assert_recovered(cluster)
