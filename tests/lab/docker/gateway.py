# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switching the JSON gateway of all members off and on, where their installation has its settings.

The lab itself asks etcd through the gateway: only ``switch`` works while it is off.
"""

from __future__ import annotations

from functools import partial

import requests

from lab.docker.access import Access
from lab.docker.installations import installation
from lab.docker.installations.base import GatewayOff
from lab.docker.nodes import Cluster, Container, await_clear, on_all

_SECONDS = 180.0
_WORDS = {True: "on", False: "off"}


def switch(cluster: Cluster, *, on: bool) -> None:
    """Have all members restarted at once with their gateways on or off, and wait until all are healthy but for NOSPACE.

    Raises ``DockerError`` if they are not in time.
    """
    installed_by = installation(cluster.spec.installation)
    for etcd, off in zip(installed_by.etcds, installed_by.gateways_off, strict=True):
        on_all(cluster.nodes, partial(_edit, off, on=on))
        for node in cluster.nodes:
            reason = partial(_obstacle, installed_by.access(node, etcd), on=on)
            await_clear(reason, _SECONDS, f"etcd ({etcd}) of {node.hostname} is not back, its gateway {_WORDS[on]},")


def _edit(off: GatewayOff, node: Container, *, on: bool) -> None:
    text = node.run("cat", off.path)
    edited = off.edited(text, on=on)
    if edited != text:
        node.run("tee", off.path, stdin=edited)  # which keeps owner and mode
        if off.restart:
            node.run(*off.restart)


def _obstacle(access: Access, *, on: bool) -> str:
    """Return why a member is not as it should be, or nothing. It needs a leader to call itself healthy."""
    try:
        with access.client() as client:
            client.timeout = 10.0
            if (served := client.serves_gateway()) != on:
                return f"its gateway is {_WORDS[served]}"
            return client.complaint()
    except requests.RequestException as error:
        return str(error)
