# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loopback addresses and ports that no other lab on this machine uses at the same time."""

from __future__ import annotations

import contextlib
import random
import socket
from dataclasses import dataclass

from lab.errors import LabError

CLIENT_PORT, PEER_PORT, METRICS_PORT = 2379, 2380, 2381
MAX_NODES = 20
_ATTEMPTS = 100


@dataclass(frozen=True)
class Endpoint:
    """The address and ports on which one member listens; ``address`` is without brackets."""

    address: str
    client_port: int
    peer_port: int
    metrics_port: int

    @property
    def host(self) -> str:
        """The address as it stands in a URL."""
        return f"[{self.address}]" if ":" in self.address else self.address


class Range:
    """A reserved range of endpoints for one cluster: 127.A.B.1 and up, or ports on ::1.

    The reservation is one bound socket, so it is gone with the process at the latest. Two labs can never hold the same
    range; that other programs do not use it is checked by binding every port once.
    """

    def __init__(self, *, ipv6: bool = False) -> None:
        """Reserve a range; raises ``LabError`` when none is free."""
        pick = _pick_ipv6 if ipv6 else _pick_ipv4
        # Not the seeded generator of a test: labs that run side by side must not try the same ranges.
        chance = random.SystemRandom()
        for _attempt in range(_ATTEMPTS):
            guard, endpoints = pick(chance)
            try:
                self._guard = _bind(*guard)
            except OSError:
                continue
            if all(_is_free(endpoint) for endpoint in endpoints):
                self._endpoints = endpoints
                return
            self._guard.close()
        raise LabError(f"no free range of {'ports on ::1' if ipv6 else '127.0.0.0/8'} found for a cluster")

    def __getitem__(self, index: int) -> Endpoint:
        """Return the endpoint of the cluster's node number ``index``, from 0."""
        return self._endpoints[index]

    def close(self) -> None:
        """Give the range back."""
        self._guard.close()


def _pick_ipv4(chance: random.SystemRandom) -> tuple[tuple[str, int], list[Endpoint]]:
    # From 127.16 on: distributions use addresses of 127.0 and 127.1 themselves.
    network = f"127.{chance.randint(16, 254)}.{chance.randint(1, 254)}"
    endpoints = [Endpoint(f"{network}.{n + 1}", CLIENT_PORT, PEER_PORT, METRICS_PORT) for n in range(MAX_NODES)]
    return (f"{network}.254", CLIENT_PORT), endpoints


def _pick_ipv6(chance: random.SystemRandom) -> tuple[tuple[str, int], list[Endpoint]]:
    # Below the kernel's ephemeral ports, so that no client's connection takes one of them.
    base = chance.randrange(12000, 32000, 100)
    ports = [base + 1 + 3 * n for n in range(MAX_NODES)]
    return ("::1", base), [Endpoint("::1", port, port + 1, port + 2) for port in ports]


def _is_free(endpoint: Endpoint) -> bool:
    with contextlib.ExitStack() as sockets:
        try:
            for port in (endpoint.client_port, endpoint.peer_port, endpoint.metrics_port):
                sockets.enter_context(_bind(endpoint.address, port))
        except OSError:
            return False
    return True


def _bind(address: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.bind((address, port))
    except OSError:
        bound.close()
        raise
    return bound
