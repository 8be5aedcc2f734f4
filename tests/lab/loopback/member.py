# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Members of a loopback cluster: each a directory like a host's root, and the etcd process that runs from it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from lab import programs
from lab.client import Client
from lab.errors import EtcdError, LabError, MemberFailedError
from lab.loopback import manifest
from lab.loopback.addresses import Endpoint
from lab.loopback.process import Process
from lab.pki import KeyPair
from lab.record import Record
from lab.waiting import wait_until_clear

# Enough for a long log on a busy machine.
START_SECONDS = 60.0
STOP_SECONDS = 15.0
_POLL_SECONDS = 0.05
_LEADER_SECONDS = 30.0
_TOLD_LINES = 15


@dataclass(frozen=True)
class Layout:
    """The paths of one node below its root directory, as on a kubeadm host."""

    root: Path

    @property
    def manifest(self) -> Path:
        """The static pod manifest."""
        return self.root / "etc/kubernetes/manifests/etcd.yaml"

    @property
    def pki(self) -> Path:
        """The directory of all certificates; etcd's own are in ``etcd`` below it."""
        return self.root / "etc/kubernetes/pki"

    @property
    def data_dir(self) -> Path:
        """etcd's data directory."""
        return self.root / "var/lib/etcd"

    @property
    def log(self) -> Path:
        """What etcd printed, over all its starts."""
        return self.root / "var/log/etcd.log"

    def create(self) -> None:
        """Create all directories."""
        for directory in (self.manifest.parent, self.pki / "etcd", self.log.parent, self.root / "var/backups"):
            directory.mkdir(parents=True)
        (self.root / "run").mkdir()
        self.data_dir.mkdir(parents=True, mode=0o700)


class MemberProcess:
    """A member with the node it stands for. Made by ``Cluster``; its files are written before it is.

    ``version`` names the etcd that the next start runs. All methods that start etcd belong in the main thread.
    """

    def __init__(self, name: str, layout: Layout, endpoint: Endpoint, version: str) -> None:
        self.name = name
        self.version = version
        self._layout = layout
        self._endpoint = endpoint
        self._process: Process | None = None
        self._log_start = 0

    def __repr__(self) -> str:
        return f"MemberProcess({self.name}, {self.client_url}, pid={self.pid})"

    @property
    def directory(self) -> Path:
        """The node's root directory."""
        return self._layout.root

    @property
    def manifest(self) -> Path:
        """The static pod manifest, which the next start obeys."""
        return self._layout.manifest

    @property
    def pki(self) -> Path:
        """The node's ``/etc/kubernetes/pki``."""
        return self._layout.pki

    @property
    def data_dir(self) -> Path:
        """etcd's data directory."""
        return self._layout.data_dir

    @property
    def log(self) -> Path:
        """What etcd printed, over all its starts."""
        return self._layout.log

    @property
    def endpoint(self) -> Endpoint:
        """The address and ports on which the member listens."""
        return self._endpoint

    @property
    def address(self) -> str:
        """The node's IP address, without brackets."""
        return self._endpoint.address

    @property
    def client_url(self) -> str:
        """The URL for clients."""
        return f"https://{self._endpoint.host}:{self._endpoint.client_port}"

    @property
    def peer_url(self) -> str:
        """The URL for other members."""
        return f"https://{self._endpoint.host}:{self._endpoint.peer_port}"

    @property
    def metrics_url(self) -> str:
        """The URL of metrics and health, without TLS."""
        return f"http://{self._endpoint.host}:{self._endpoint.metrics_port}"

    @property
    def ca(self) -> Path:
        """The certificate of etcd's authority."""
        return self.pki / "etcd" / "ca.crt"

    @property
    def client_pair(self) -> KeyPair:
        """The health check's client certificate and key."""
        stem = self.pki / "etcd" / "healthcheck-client"
        return KeyPair(stem.with_suffix(".crt"), stem.with_suffix(".key"))

    @property
    def pid(self) -> int | None:
        """The pid of the running etcd, else None."""
        return self._process.pid if self._process and self._process.running else None

    @property
    def running(self) -> bool:
        """Whether etcd runs; a frozen one does."""
        return self.pid is not None

    @property
    def frozen(self) -> bool:
        """Whether etcd is stopped by ``freeze``."""
        return bool(self._process and self._process.frozen)

    @property
    def leads(self) -> bool:
        """Whether the member answers and says that it is the leader."""
        if self.frozen:
            return False
        try:
            with self.client(timeout=2.0) as client:
                status = client.status()
        except (EtcdError, requests.RequestException):
            return False
        return status.leader == status.member_id

    def client(self, *, timeout: float = 30.0) -> Client:
        """Return a new client for this member."""
        return Client(self.client_url, self.ca, self.client_pair, timeout=timeout)

    def record(self) -> Record:
        """Read every key through this member."""
        with self.client() as client:
            return Record.take(client)

    def etcdctl(self, *arguments: str) -> list[str]:
        """Return the command line of this version's etcdctl for this member."""
        return [
            str(programs.etcd(self.version) / "etcdctl"),
            f"--endpoints={self.client_url}",
            f"--cacert={self.ca}",
            f"--cert={self.client_pair.certificate}",
            f"--key={self.client_pair.key}",
            *arguments,
        ]

    def start(self, *, wait: bool = True) -> None:
        """Start etcd as the manifest says; with ``wait`` return when it serves and knows a leader.

        Without quorum nothing is served, so start all but the last of the needed members with ``wait=False``.
        """
        if self.running:
            return
        container = manifest.read_container(self.manifest)
        program = programs.etcd(self.version) / container.command[0]
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._process = Process((str(program), *container.command[1:]), container.env, self.log)
        if wait:
            self.await_ready()

    def await_ready(self, *, seconds: float = START_SECONDS) -> None:
        """Return when the member answers and knows a leader; raises ``MemberFailedError`` with what it printed."""
        with self.client(timeout=2.0) as client:
            self._await(lambda: _unreadiness(client), seconds)

    def await_answer(self, *, seconds: float = START_SECONDS) -> None:
        """Like ``await_ready``, for an etcd that somebody else has started."""
        with self.client(timeout=2.0) as client:
            if wait_until_clear(lambda: _unreadiness(client), seconds=seconds, poll=_POLL_SECONDS):
                raise LabError(f"etcd of {self.name} was not ready in {seconds:.0f} s:\n{self.words()}")

    def await_serving(self, *, seconds: float = START_SECONDS) -> None:
        """Return when etcd has read its data and serves, though perhaps without a leader yet, hence no clients."""

        def obstacle() -> str:
            try:
                # Its other ports are open, and unattended, long before.
                socket.create_connection((self.address, self._endpoint.metrics_port), timeout=2.0).close()
            except OSError as error:
                return str(error)
            return ""

        self._await(obstacle, seconds)

    def _await(self, obstacle: Callable[[], str], seconds: float) -> None:
        def unless_exited() -> str:
            # Asked first and used last: a member that exits in between still had its chance to answer.
            running = self.running
            if (reason := obstacle()) and not running:
                raise MemberFailedError(f"etcd of {self.name} {self._how_it_exited()}; it printed:\n{self.words()}")
            return reason

        if reason := wait_until_clear(unless_exited, seconds=seconds, poll=_POLL_SECONDS):
            raise MemberFailedError(
                f"etcd of {self.name} was not ready in {seconds:.0f} s ({reason}); it printed:\n{self.words()}"
            )

    def stop(self) -> None:
        """Stop etcd in its own way (SIGTERM); it is killed if that takes longer than 15 s."""
        self.terminate()
        self.await_exit()

    def terminate(self) -> None:
        """Send SIGTERM and do not wait."""
        if self._process:
            self._process.terminate()

    def await_exit(self) -> None:
        """Wait until etcd has exited; it is killed if that takes longer than 15 s."""
        if self._process:
            self._process.wait(STOP_SECONDS)

    def kill(self) -> None:
        """Kill etcd at once (SIGKILL), like a power cut for the process."""
        if self._process:
            self._process.kill()

    def restart(self, *, wait: bool = True) -> None:
        """Stop etcd and start it again from the manifest as it is now."""
        self.stop()
        self.start(wait=wait)

    def freeze(self) -> None:
        """Stop etcd where it stands: it holds its connections and answers nobody."""
        if self._process:
            self._process.freeze()

    def thaw(self) -> None:
        """Let a frozen etcd go on."""
        if self._process:
            self._process.thaw()

    def words(self, lines: int = _TOLD_LINES) -> str:
        """Return what etcd printed since its last start: the first line and the last ones.

        The first is where etcd says which flag it refuses; all its usage comes after it.
        """
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            printed = log.read().decode("utf-8", "replace").splitlines()
        if len(printed) > lines:
            printed = [printed[0], "...", *printed[-lines:]]
        return "\n".join(printed)

    def _how_it_exited(self) -> str:
        return f"exited with code {self._process.exit_code}" if self._process else "was not started"


class Members:
    """The members of one cluster, also of one that another process runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.nodes: list[MemberProcess] = []

    def __getitem__(self, name: str) -> MemberProcess:
        """Return the member of that name."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    def leader(self, *, seconds: float = _LEADER_SECONDS) -> MemberProcess:
        """Return the leader, waiting for an election under way; raises ``MemberFailedError`` without one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for node in self.nodes:
                if node.leads:
                    return node
            time.sleep(_POLL_SECONDS)
        raise MemberFailedError(f"no member of {self.directory} was leader within {seconds:.0f} s")

    def followers(self) -> list[MemberProcess]:
        """Return all members that do not lead, learners and stopped ones included."""
        leader = self.leader()
        return [node for node in self.nodes if node is not leader]

    def record(self) -> Record:
        """Read every key through the leader."""
        return self.leader().record()


def _unreadiness(client: Client) -> str:
    try:
        return "" if client.status().leader else "it knows no leader"
    except (EtcdError, requests.RequestException) as error:
        return str(error)
