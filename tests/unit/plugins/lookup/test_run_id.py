# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The id of this run, the same in the main process and in every worker, however deep it runs."""

from __future__ import annotations

import multiprocessing
import os
import re
import subprocess
import sys
from typing import Any

from ansible.executor.process.worker import WorkerProcess

from ansible_collections.controlplane.etcd.plugins.lookup import _run_id as lookup
from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_id

FORK = multiprocessing.get_context("fork")


class Worker(WorkerProcess):
    """One of Ansible's workers, which renders a template and nothing else."""

    def __init__(self, results: Any) -> None:
        # Ansible's own wants a whole play.
        super(WorkerProcess, self).__init__()
        self.results = results

    def run(self) -> None:
        self.results.put(rendered())


def rendered() -> str:
    (found,) = lookup.LookupModule().run([])
    return found


def start_worker() -> str:
    results = FORK.Queue()
    worker = Worker(results)
    worker.start()
    found = results.get(timeout=20)
    worker.join(20)
    return str(found)


def main_process(results: Any) -> None:
    """A run of Ansible that is itself started by another program's multiprocessing."""
    results.put([rendered(), *(start_worker() for _host in range(3))])


def test_main_process_and_workers_agree() -> None:
    mine = rendered()
    assert {start_worker() for _host in range(3)} == {mine}
    found = run_id.parse(mine)
    assert found
    assert found.pid == os.getpid()


def test_runs_that_one_program_starts_are_told_apart() -> None:
    found = []
    for _run in range(2):
        results = FORK.Queue()
        main = FORK.Process(target=main_process, args=(results,))
        main.start()
        ids = results.get(timeout=60)
        main.join(20)
        assert len(set(ids)) == 1
        found.append(ids[0])
    assert len({rendered(), *found}) == 3


def test_token_is_inherited_and_belongs_to_one_program() -> None:
    mine = lookup.token()
    assert re.fullmatch("[0-9a-f]{16}", mine)
    with FORK.Pool(2) as workers:
        assert set(workers.map(_token, range(4))) == {mine}
    code = f"from {lookup.__name__} import token; print(token())"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True)
    other = done.stdout.strip()
    assert re.fullmatch("[0-9a-f]{16}", other)
    assert other != mine


def _token(_number: int) -> str:
    return lookup.token()
