# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installations that nodes can be of."""

from __future__ import annotations

from lab.docker.installations.base import Installation
from lab.docker.installations.etcd_only import EtcdOnly
from lab.docker.installations.kubespray import RELEASES, Kubespray
from lab.docker.installations.rke2 import Rke2
from lab.docker.installations.stacked import Stacked
from lab.docker.installations.systemd import ConfigFile, Debian
from lab.errors import DockerError

INSTALLATIONS: dict[str, Installation] = {
    installation.name: installation
    for installation in (Stacked(), *map(Kubespray, RELEASES), Debian(), ConfigFile(), EtcdOnly(), Rke2())
}


def installation(name: str) -> Installation:
    """Return an installation by its name; raises ``DockerError`` if there is none of that name."""
    try:
        return INSTALLATIONS[name]
    except KeyError:
        raise DockerError(f"there is no installation {name}; there are {', '.join(INSTALLATIONS)}") from None
