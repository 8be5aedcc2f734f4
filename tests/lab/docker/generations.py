# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The generations of kubeadm that nodes can be of: what they are made of and how they are told what to do."""

from __future__ import annotations

from dataclasses import dataclass

from lab.errors import DockerError


@dataclass(frozen=True)
class Generation:
    """A Kubernetes release, the etcd that goes with it, and the API that its kubeadm is configured by."""

    name: str
    kubernetes: str
    etcd: str
    kubeadm_api: str

    def arguments(self, arguments: dict[str, str]) -> dict[str, str] | list[dict[str, str]]:
        """Return flags as a ``ClusterConfiguration`` has them: from v1beta4 on they are a list."""
        if self.kubeadm_api == "v1beta3":
            return arguments
        return [{"name": name, "value": value} for name, value in arguments.items()]


GENERATIONS = {
    generation.name: generation
    for generation in (
        Generation("1.30", kubernetes="1.30.4", etcd="3.5.35", kubeadm_api="v1beta3"),
        Generation("1.33", kubernetes="1.33.13", etcd="3.5.35", kubeadm_api="v1beta4"),
        Generation("1.37", kubernetes="1.37.2", etcd="3.7.3", kubeadm_api="v1beta4"),
    )
}


def generation(name: str) -> Generation:
    """Return a generation by its name, such as ``1.33``; raises ``DockerError`` if there is none of that name."""
    try:
        return GENERATIONS[name]
    except KeyError:
        raise DockerError(f"there is no generation {name}; there are {', '.join(GENERATIONS)}") from None
