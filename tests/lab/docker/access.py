# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking the etcd of a node from outside, with the node's own certificates."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from lab.client import Client
from lab.docker.nodes import Container
from lab.errors import EtcdError, LabError
from lab.pki import KeyPair

_HEADROOM = 0.85
_ALIVE = b"/lab/alive"


@dataclass(frozen=True)
class Access:
    """A way to one member: the URL it is asked at, and paths of files on its node."""

    node: Container
    url: str
    ca: str
    certificate: str
    key: str

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """Yield a client of the member."""
        with tempfile.TemporaryDirectory(prefix="controlplane-etcd-") as temporary:
            directory = Path(temporary)
            files = {"ca": self.ca, "certificate": self.certificate, "key": self.key}
            for name, path in files.items():
                (directory / name).write_text(self.node.run("cat", path), "ascii")
            pair = KeyPair(directory / "certificate", directory / "key")
            with Client(self.url, directory / "ca", pair) as client:
                yield client


def members_obstacle(accesses: list[Access]) -> str:
    """Return why an etcd, whose members are all named, has no headroom or does not take writes, or nothing."""
    for access in accesses:
        host = access.node.hostname
        try:
            with access.client() as client:
                client.timeout = 10.0
                status, quota = client.status(), client.quota()
                if alarms := client.alarms():
                    return f"alarms are armed: {', '.join(sorted({alarm.name for alarm in alarms}))}"
                if (known := len(client.members())) != len(accesses):
                    return f"{host} knows {known} members, not {len(accesses)}"
                if not status.leader:
                    return f"{host} knows no leader"
                if status.db_size > _HEADROOM * quota:
                    return f"{host} has {status.db_size >> 20} of {quota >> 20} MiB"
                client.put(_ALIVE, host.encode())
                client.delete(_ALIVE)
        except (EtcdError, LabError, requests.RequestException) as error:
            return f"{host}: {str(error).splitlines()[-1]}"
    return ""


def size_and_quota(access: Access) -> tuple[int, int]:
    """Return the size of a member's file and the quota that its process has, in bytes."""
    with access.client() as client:
        return client.status().db_size, client.quota()
