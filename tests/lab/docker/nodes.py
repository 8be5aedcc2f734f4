# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes as containers, and what is done to all of them at once."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from lab.command import run
from lab.docker.engine import docker
from lab.errors import DockerError, LabError
from lab.waiting import wait_until_clear

_POLL_SECONDS = 0.3


@dataclass(frozen=True)
class Spec:
    """What a cluster is made of; two clusters with the same spec are as good as each other."""

    generation: str
    nodes: int
    quota_mib: int
    image: str
    etcd_patch: str = ""
    installation: str = "kubeadm"

    @property
    def quota_bytes(self) -> int:
        """The quota of every etcd."""
        return self.quota_mib << 20


@dataclass(frozen=True)
class File:
    """A file to be put on a node. ``mode`` is octal as a number, owner and group are names there."""

    path: str
    content: bytes
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"


@dataclass(frozen=True)
class Container:
    """A container that is a node. ``hostname`` is the node's name in Kubernetes and Ansible, such as ``cp1``."""

    name: str
    hostname: str
    address: str

    def run(self, *command: str, stdin: str | None = None, seconds: float | None = None) -> str:
        """Run a command on the node and return what it printed; raises ``CommandFailedError`` if it fails."""
        options = ["--interactive"] if stdin is not None else []
        return docker("exec", *options, self.name, *command, stdin=stdin, seconds=seconds)

    def put(self, files: Sequence[File]) -> None:
        """Write files whose directories are there, with owner and mode."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for file in files:
                entry = tarfile.TarInfo(file.path.lstrip("/"))
                entry.size, entry.mode, entry.mtime = len(file.content), file.mode, time.time()
                entry.uname, entry.gname = file.owner, file.group
                archive.addfile(entry, io.BytesIO(file.content))
        command = ("docker", "exec", "--interactive", self.name, "tar", "--extract", "--preserve-permissions")
        run(*command, "--directory=/", stdin=buffer.getvalue())


@dataclass(frozen=True)
class Cluster:
    """A cluster that was made, or found."""

    name: str
    nodes: tuple[Container, ...]
    spec: Spec


def on_all(nodes: Sequence[Container], action: Callable[[Container], object]) -> None:
    """Do something to all nodes at once."""
    with ThreadPoolExecutor(len(nodes)) as pool:
        for done in [pool.submit(action, node) for node in nodes]:
            done.result()


def await_clear(obstacle: Callable[[], str], seconds: float, failure: str) -> None:
    """Return when ``obstacle`` returns nothing; raises ``DockerError`` with the last one after ``seconds``."""

    def heard() -> str:
        try:
            return obstacle()
        except LabError as error:
            return str(error)

    if reason := wait_until_clear(heard, seconds=seconds, poll=_POLL_SECONDS):
        raise DockerError(f"{failure} within {seconds:.0f} s: {reason}")


def active_obstacle(node: Container, unit: str) -> str:
    """Return why a unit does not run on a node, or nothing."""
    try:
        node.run("systemctl", "is-active", unit, seconds=10)
    except LabError as error:
        return f"{unit} on {node.hostname}: {str(error).splitlines()[-1]}"
    return ""
