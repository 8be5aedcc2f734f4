# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of nodes: made by one of the installations, and removed without a trace."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Any

from lab.command import say
from lab.docker import engine, images, network
from lab.docker.control_plane import ENDPOINT
from lab.docker.engine import LABEL, docker
from lab.docker.generations import Generation
from lab.docker.installations import installation
from lab.docker.nodes import Cluster, Container, Spec, active_obstacle, await_clear, on_all
from lab.errors import LabError

_SPEC_LABEL = f"{LABEL}.spec"
_ADDRESS_LABEL = f"{LABEL}.address"
# What the settings were when the cluster was made: a scenario may change them, and the next one wants them as new.
_AS_MADE = "/var/lib/settings-as-made"
_BOOT_SECONDS = 180.0


def up(
    name: str,
    generation: Generation,
    *,
    nodes: int,
    quota_mib: int,
    etcd_patch: str = "",
    installed_by: str = "kubeadm",
    any_manifests: bool = False,
) -> Cluster:
    """Return a healthy cluster: the one of that name if it is as wanted, else a new one in its place.

    ``etcd_patch`` is a strategic merge patch for the static pod of etcd, which kubeadm applies on every node.
    ``installed_by`` names an installation. With ``any_manifests`` a cluster counts as wanted also if its settings are
    not any more as they were made.
    """
    image = installation(installed_by).image(generation)
    spec = Spec(generation.name, nodes, quota_mib, image, etcd_patch, installed_by)
    with engine.alone(f"{name}.making"):
        found = find(name)
        if found and found.spec == spec:
            if not (reason := obstacle(found, any_manifests=any_manifests)):
                say(f"the cluster {name!r} is there already and healthy")
                return found
            say(f"the cluster {name!r} is made anew: {reason}")
        start = time.monotonic()
        _remove(name)
        say(f"making {nodes} node{'s' if nodes > 1 else ''} of {installed_by}, Kubernetes {generation.kubernetes} ...")
        made = _create(name, spec)
        installation(installed_by).install(made)
        settings = _checksums(made)
        on_all(made.nodes, lambda node: node.run("sh", "-c", f"{settings} > {_AS_MADE}"))
    say(f"the cluster {name!r} is ready ({time.monotonic() - start:.0f} s)")
    return made


def find(name: str) -> Cluster | None:
    """Return the cluster of that name, or None; its nodes may be in any state."""
    containers = docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}={name}").split()
    if not containers:
        return None
    inspected: list[dict[str, Any]] = json.loads(docker("inspect", *containers))
    labels = {entry["Name"].removeprefix("/"): entry["Config"]["Labels"] for entry in inspected}
    nodes = sorted(
        (
            Container(container, container.removeprefix(f"{name}-"), found[_ADDRESS_LABEL])
            for container, found in labels.items()
        ),
        key=lambda node: node.name,
    )
    return Cluster(name, tuple(nodes), Spec(**json.loads(next(iter(labels.values()))[_SPEC_LABEL])))


def down(name: str) -> None:
    """Remove the nodes of that name, also when somebody is making them just now: that fails without its nodes."""
    _remove(name)
    with engine.alone(f"{name}.making"):
        _remove(name)


def _remove(name: str) -> None:
    """Remove the nodes of that name with their volumes, and their network; nothing happens if there are none."""
    label = f"label={LABEL}={name}"
    if containers := docker("ps", "--all", "--quiet", "--filter", label).split():
        docker("rm", "--force", "--volumes", *containers)
    if networks := docker("network", "ls", "--quiet", "--filter", label).split():
        docker("network", "rm", *networks)


def obstacle(cluster: Cluster, *, any_manifests: bool = False) -> str:
    """Return why the cluster is not as good as a new one, or nothing."""
    if len(cluster.nodes) != cluster.spec.nodes:
        return f"it has {len(cluster.nodes)} of {cluster.spec.nodes} nodes"
    try:
        for node in cluster.nodes:
            as_made = node.run("sh", "-c", f"{_checksums(cluster)} | cmp --quiet - {_AS_MADE} && echo the same || :")
            if not (as_made or any_manifests):
                return f"its settings on {node.hostname} are not as they were made"
        return installation(cluster.spec.installation).obstacle(cluster)
    except LabError as error:
        return str(error).splitlines()[-1]


def _checksums(cluster: Cluster) -> str:
    return f"sha256sum {installation(cluster.spec.installation).settings}"


def _create(name: str, spec: Spec) -> Cluster:
    addresses = network.create(name, f"{LABEL}={name}")
    hostnames = [f"cp{n + 1}" for n in range(spec.nodes)]
    nodes = [Container(f"{name}-{host}", host, address) for host, address in zip(hostnames, addresses, strict=False)]
    installed_by = installation(spec.installation)

    def start(node: Container) -> None:
        docker(
            "run",
            "--detach",
            f"--name={node.name}",
            f"--hostname={node.hostname}",
            f"--label={LABEL}={name}",
            f"--label={_SPEC_LABEL}={json.dumps(asdict(spec))}",
            f"--label={_ADDRESS_LABEL}={node.address}",
            f"--network={name}",
            f"--ip={node.address}",
            f"--network-alias={ENDPOINT}",
            *images.RIGHTS,
            "--cgroupns=private",
            "--tmpfs=/run:exec",
            "--tmpfs=/run/lock",
            *(f"--volume={directory}" for directory in installed_by.volumes),
            spec.image,
        )
        await_clear(lambda: active_obstacle(node, installed_by.boots), _BOOT_SECONDS, f"{node.hostname} does not boot")

    on_all(nodes, start)
    return Cluster(name, tuple(nodes), spec)
