# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that one process runs, and others find and take down by its directory."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.loopback.addresses import Endpoint
from lab.loopback.cluster import Cluster
from lab.loopback.member import Layout, MemberProcess, Members
from lab.waiting import wait_until_clear

_FILE = "running.json"
_DOWN_SECONDS = 60.0
_POLL_SECONDS = 0.1


@contextlib.contextmanager
def running(directory: Path) -> Iterator[Callable[[Cluster], None]]:
    """Yield a function that lets other processes find a cluster in that directory, from its call until the exit.

    Enter it before the cluster, so that whoever waits for its exit finds no process of the cluster any more. Raises
    ``LabError`` if another process runs a cluster there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / _FILE
    with path.open("a+") as file:
        try:
            # It is gone with this process at the latest.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LabError(f"a cluster runs in {directory} already") from None
        file.truncate(0)
        if any(other != path for other in directory.iterdir()):
            path.unlink()
            raise LabError(f"{directory} is not empty")

        def announce(cluster: Cluster) -> None:
            members = [
                {"name": node.name, "version": node.version, "endpoint": asdict(node.endpoint)}
                for node in cluster.nodes
            ]
            file.write(json.dumps({"pid": os.getpid(), "members": members}, indent=1))
            file.flush()

        try:
            yield announce
        finally:
            path.unlink()


def find(directory: Path) -> Members:
    """Return the members of the cluster that runs in that directory; raises ``LabError`` if none does."""
    found = Members(directory.resolve())
    for entry in _content(found.directory)["members"]:
        layout, endpoint = Layout(found.directory / entry["name"]), Endpoint(**entry["endpoint"])
        found.nodes.append(MemberProcess(entry["name"], layout, endpoint, entry["version"]))
    return found


def down(directory: Path) -> None:
    """Have the process that runs the cluster in that directory take it down, and return when it has."""
    directory = directory.resolve()
    os.kill(_content(directory)["pid"], signal.SIGTERM)
    if wait_until_clear(lambda: "it runs" if _runs(directory) else "", seconds=_DOWN_SECONDS, poll=_POLL_SECONDS):
        raise LabError(f"the cluster in {directory} is not down after {_DOWN_SECONDS:.0f} s")


def _content(directory: Path) -> dict[str, Any]:
    if not _runs(directory) or not (text := (directory / _FILE).read_text("utf-8")):
        raise LabError(f"no cluster is up in {directory}; `python -m lab up --directory {directory}` makes one")
    return dict(json.loads(text))


def _runs(directory: Path) -> bool:
    with contextlib.suppress(FileNotFoundError), (directory / _FILE).open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
