# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network for nodes: a subnet that neither Docker nor the host uses already."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

from lab.docker.engine import docker
from lab.errors import CommandFailedError, DockerError

# Out of what is for private use, and last in what Docker itself gives out.
_CANDIDATES = tuple(ipaddress.IPv4Network(f"172.31.{number}.0/24") for number in range(200, 220))
_FIRST_NODE = 11


def create(name: str, label: str) -> list[str]:
    """Make a network and return addresses for its nodes; raises ``DockerError`` if every candidate is taken."""
    taken = [*_routes(), *_networks()]
    refusal = ""
    for subnet in _CANDIDATES:
        if any(subnet.overlaps(other) for other in taken):
            continue
        try:
            docker("network", "create", f"--label={label}", f"--subnet={subnet}", name)
        except CommandFailedError as error:  # another process may have taken it in this moment
            refusal = f", or is refused: {error}"
        else:
            return [str(subnet[_FIRST_NODE + number]) for number in range(20)]
    raise DockerError(
        f"no network for the nodes: each subnet from {_CANDIDATES[0]} to {_CANDIDATES[-1]} is a route of this host or "
        f"a network of Docker already (see `ip route` and `docker network ls`){refusal}"
    )


def _networks() -> list[ipaddress.IPv4Network]:
    found = json.loads(docker("network", "inspect", *docker("network", "ls", "--quiet").split()))
    configs = [config for network in found for config in network["IPAM"]["Config"] or ()]
    return [ipaddress.IPv4Network(config["Subnet"]) for config in configs if ":" not in config.get("Subnet", ":")]


def _routes() -> list[ipaddress.IPv4Network]:
    """Return where this host routes to on its own, the default route left out."""
    routes = []
    for line in Path("/proc/net/route").read_text("ascii").splitlines()[1:]:
        _interface, destination, _gateway, _flags, _references, _use, _metric, mask, *_rest = line.split()
        if int(mask, 16):
            address, netmask = (ipaddress.IPv4Address(bytes.fromhex(text)[::-1]) for text in (destination, mask))
            routes.append(ipaddress.IPv4Network(f"{address}/{netmask}"))
    return routes
