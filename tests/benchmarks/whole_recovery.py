# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible adds to a recovery: the playbook beside the same steps of the library, on a cluster full anew."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import controller
from lab.errors import EtcdError
from lab.loopback.cluster import Cluster
from lab.loopback.inventory import write_inventory
from lab.loopback.member import MemberProcess

COLLECTIONS = Path(__file__).resolve().parents[2] / ".collections"
PAUSE_SECONDS = 10.0  # between both rounds of the write check, by default
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Measured:
    """The seconds of one recovery by the playbook, and of the same steps by the library alone."""

    steps: float
    playbook: float
    first_write: float

    @property
    def added(self) -> float:
        """What is neither a step nor the pause of the proof."""
        return self.playbook - self.steps - PAUSE_SECONDS


def measure(cluster: Cluster, fill: Callable[[], None], steps: Callable[[], None], directory: Path) -> Measured:
    """Recover twice; ``steps`` does by the library what the playbook does, but for the pause."""
    fill()
    begin = time.monotonic()
    steps()
    alone = time.monotonic() - begin
    fill()
    with FirstWrite(cluster.nodes[0]) as first:
        begin = time.monotonic()
        _play(cluster, directory)
        whole = time.monotonic() - begin
    return Measured(alone, whole, first.at - begin)


class FirstWrite:
    """A writer that tries until a write is accepted; ``at`` is when that was, by the monotonic clock."""

    def __init__(self, node: MemberProcess) -> None:
        self.at = float("nan")
        self._node = node
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._try)

    def __enter__(self) -> FirstWrite:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _try(self) -> None:
        with self._node.client() as client:  # a connection of its own for each try would slow down what is measured
            while not self._over.wait(_POLL_SECONDS):
                try:
                    client.put(b"/registry/benchmark", b"1")
                except (EtcdError, OSError):
                    continue
                self.at = time.monotonic()
                return


def _play(cluster: Cluster, directory: Path) -> None:
    inventory = directory / "hosts.yml"
    write_inventory(inventory, cluster)
    command = [str(controller.program("ansible-playbook")), "controlplane.etcd.recover", "-i", str(inventory)]
    command += ["-e", json.dumps({"ansible_become": False})]
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_PIPELINING": "1"}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
