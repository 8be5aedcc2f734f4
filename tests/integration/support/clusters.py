# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests wait for in clusters of the lab, see of them, and write to them."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import requests

from integration.support.settings import POLL_SECONDS
from lab.client import Client, Put
from lab.errors import EtcdError
from lab.loopback import bulk
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess


def await_true(condition: Callable[[], Any], what: str, *, seconds: float = 30.0) -> None:
    """Return once ``condition`` holds; an answer that does not come, or is an error, counts as not yet."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(EtcdError, requests.RequestException):
            if condition():
                return
        assert time.monotonic() < deadline, f"not in {seconds:.0f} s: {what}"
        time.sleep(POLL_SECONDS)


def free_port(address: str = "127.0.0.1") -> int:
    """Return a port on which nobody listens there now."""
    with socket.create_server((address, 0)) as server:
        return int(server.getsockname()[1])


def replace_in_manifest(node: MemberProcess, old: str, new: str) -> None:
    """Replace what the manifest of a node has to hold."""
    text = node.manifest.read_text("utf-8")
    assert old in text
    node.manifest.write_text(text.replace(old, new), "utf-8")


def move_http(node: MemberProcess) -> str:
    """Let a node that is yet to be started serve HTTP at an address of its own, and return that: at the other one it
    speaks gRPC alone."""
    url = f"https://{node.address}:{free_port(node.address)}"
    first = f"    - --listen-client-urls={node.client_url}\n"
    replace_in_manifest(node, first, f"{first}    - --listen-client-http-urls={url}\n")
    return url


def await_settled(cluster: Cluster) -> None:
    """Return when all members have applied the same, and their sizes stand still."""
    with contextlib.ExitStack() as stack:
        awake = [node for node in cluster.nodes if node.running and not node.frozen]
        clients = [stack.enter_context(node.client(timeout=5)) for node in awake]

        def inspect() -> list[tuple[int, int, int]]:
            found = [client.status() for client in clients]
            return [(status.raft_applied_index, status.db_size, status.db_size_in_use) for status in found]

        def settled() -> bool:
            first = inspect()
            # etcd counts again with every commit, ten times a second.
            time.sleep(0.15)
            return len({index for index, _size, _in_use in first}) == 1 and first == inspect()

        await_true(settled, "the members stand still")


def compact(cluster: Cluster) -> None:
    """Compact on every voter that runs, by the lab's own client, and wait until all have done so."""
    for node in cluster.nodes:
        if node.running:
            with node.client() as client:
                if client.status().is_learner:
                    continue
                try:
                    client.compact(client.status().revision)
                except EtcdError as error:
                    if "has been compacted" not in error.message:
                        raise
    await_settled(cluster)


@dataclass(frozen=True)
class Marks:
    """All of a cluster that a check mode must not change. ``databases`` are the inodes of the members' files, since a
    defragmentation renames a new one over the old; ``sizes`` are for comparisons of other kinds, etcd adds a page now
    and then by itself."""

    revision: int
    term: int
    leader: int
    alarms: frozenset[tuple[int, str]]
    databases: tuple[int, ...]
    files: tuple[str, ...]
    sizes: tuple[int, ...] = field(compare=False)


def marks(cluster: Cluster) -> Marks:
    """Return what a settled cluster is like: data, alarms, sizes, and all files of its nodes but etcd's own."""
    await_settled(cluster)
    with cluster.leader().client() as client:
        status, alarms = client.status(), client.alarms()
    sizes = []
    for node in cluster.nodes:
        if node.running:
            with node.client() as client:
                sizes.append(client.status().db_size)
    own = [path for node in cluster.nodes for path in (node.data_dir, node.log.parent)]
    files = sorted(
        str(path) for path in cluster.directory.rglob("*") if not any(path.is_relative_to(each) for each in own)
    )
    return Marks(
        status.revision,
        status.raft_term,
        status.leader,
        frozenset((alarm.member_id, alarm.name) for alarm in alarms),
        tuple((node.data_dir / "member/snap/db").stat().st_ino for node in cluster.nodes if node.running),
        tuple(files),
        tuple(sizes),
    )


@dataclass
class Writer:
    """Puts through some members, one after the other, in a thread; every refusal is kept."""

    nodes: Sequence[MemberProcess]
    done: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._write)
        self._thread.start()
        await_true(lambda: self.done or self.failures, "the first put")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _write(self) -> None:
        with contextlib.ExitStack() as stack:
            clients: list[Client] = [stack.enter_context(node.client()) for node in self.nodes]
            number = 0
            while not self._stop.is_set():
                client = clients[number % len(clients)]
                try:
                    client.put(f"/writer/{number % 50}".encode(), b"x" * 100)
                except (EtcdError, requests.RequestException) as error:
                    self.failures.append(f"{client.url}: {error}")
                number += 1
                self.done = number
                self._stop.wait(0.002)


@dataclass
class Retrying:
    """Clients that repeat a refused write at once, ``threads`` of them on each member, and write on after a moment when
    one was accepted. They end when the block does, and after ``seconds`` in any case."""

    nodes: Sequence[MemberProcess]
    threads: int = 8
    seconds: float = 300.0
    accepted: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._until = time.monotonic() + self.seconds
        self._clients = [threading.Thread(target=self._write, args=(node,)) for node in self.nodes * self.threads]
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for client in self._clients:
            client.join()

    def _write(self, node: MemberProcess) -> None:
        # At full speed, but members and Ansible come first on a small machine. Linux has one value for each thread.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
        key = f"/retrying/{node.name}/{threading.get_ident()}".encode()
        with bulk.Writer(node, timeout=10.0) as writer:
            while not self._stop.is_set() and time.monotonic() < self._until:
                try:
                    writer.txn([Put(key, b"x" * 100)])
                except EtcdError as error:
                    self.refused[error.message] += 1
                else:
                    self.accepted += 1
                    self._stop.wait(0.5)
