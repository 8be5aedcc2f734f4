# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster of nodes: made by ``kubeadm init`` and ``kubeadm join --control-plane``, and removed without a trace."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from lab.command import say
from lab.docker import engine, images, kubeadm, network
from lab.docker.engine import LABEL, docker
from lab.docker.generations import Generation
from lab.errors import DockerError, LabError
from lab.waiting import wait_until_clear

KUBECTL = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf")
_SPEC_LABEL = f"{LABEL}.spec"
_ADDRESS_LABEL = f"{LABEL}.address"
# Docker's name server answers with the addresses of all nodes that run, so this stands for a load balancer.
_ENDPOINT = "control-plane"
_STATIC_PODS = 4
# What the static pods were when the cluster was made: a scenario may change them, and the next one wants them as new.
_MANIFESTS = "sha256sum /etc/kubernetes/manifests/*"
_AS_MADE = "/var/lib/kubelet/manifests-as-made"
_BOOT_SECONDS = 60.0
_INIT_SECONDS = 300.0
_READY_SECONDS = 240.0
_POLL_SECONDS = 0.3


@dataclass(frozen=True)
class Spec:
    """What a cluster is made of; two clusters with the same spec are as good as each other."""

    generation: str
    nodes: int
    quota_mib: int
    image: str
    etcd_patch: str = ""


@dataclass(frozen=True)
class Container:
    """A container that is a node. ``hostname`` is the node's name in Kubernetes and Ansible, such as ``cp1``."""

    name: str
    hostname: str
    address: str

    def run(self, *command: str, stdin: str | None = None, seconds: float | None = None) -> str:
        """Run a command on the node and return what it printed; raises ``CommandFailedError`` if it fails."""
        options = ["--interactive"] if stdin is not None else []
        return docker("exec", *options, self.name, *command, stdin=stdin, seconds=seconds)


@dataclass(frozen=True)
class Cluster:
    """A cluster that was made, or found."""

    name: str
    nodes: tuple[Container, ...]
    spec: Spec


def up(
    name: str, generation: Generation, *, nodes: int, quota_mib: int, etcd_patch: str = "", any_manifests: bool = False
) -> Cluster:
    """Return a healthy cluster: the one of that name if it is as wanted, else a new one in its place.

    ``etcd_patch`` is a strategic merge patch for the static pod of etcd, which kubeadm applies on every node. With
    ``any_manifests`` a cluster counts as wanted also if its static pods are not any more as they were made.
    """
    spec = Spec(generation.name, nodes, quota_mib, images.obtain(generation), etcd_patch)
    with engine.alone(f"{name}.making"):
        found = find(name)
        if found and found.spec == spec:
            if not (reason := obstacle(found, any_manifests=any_manifests)):
                say(f"the cluster {name!r} is there already and healthy")
                return found
            say(f"the cluster {name!r} is made anew: {reason}")
        start = time.monotonic()
        _remove(name)
        say(f"making {nodes} node{'s' if nodes > 1 else ''} with Kubernetes {generation.kubernetes} ...")
        made = _create(name, spec)
        _init(made, generation)
        _await_ready(made)
        _on_all(made.nodes, _note_manifests)
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
            as_made = node.run("sh", "-c", f"{_MANIFESTS} | cmp --quiet - {_AS_MADE} && echo the same || :", seconds=10)
            if not (as_made or any_manifests):
                return f"its manifests on {node.hostname} are not as they were made"
            # On every node, because each has an API server of its own, which asks the member beside it.
            node.run(
                *KUBECTL, f"--server=https://{node.address}:{kubeadm.API_PORT}", "get", "--raw=/readyz", seconds=10
            )
        # etcd may be full while all are well.
        cluster.nodes[0].run(*KUBECTL, "create", "configmap", "alive", "--namespace=default", seconds=10)
        cluster.nodes[0].run(*KUBECTL, "delete", "configmap", "alive", "--namespace=default", seconds=10)
    except LabError as error:
        return str(error).splitlines()[-1]
    unready = _unready(cluster)
    return f"not ready: {', '.join(unready)}" if unready else ""


def _create(name: str, spec: Spec) -> Cluster:
    addresses = network.create(name, f"{LABEL}={name}")
    hostnames = [f"cp{n + 1}" for n in range(spec.nodes)]
    nodes = [Container(f"{name}-{host}", host, address) for host, address in zip(hostnames, addresses, strict=False)]

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
            f"--network-alias={_ENDPOINT}",
            *images.RIGHTS,
            "--cgroupns=private",
            "--tmpfs=/run:exec",
            "--tmpfs=/run/lock",
            spec.image,
        )
        _await(lambda: _boot_obstacle(node), _BOOT_SECONDS, f"{node.hostname} does not boot")
        node.run("mkdir", kubeadm.PATCHES)
        if spec.etcd_patch:
            node.run("tee", kubeadm.ETCD_PATCH, stdin=spec.etcd_patch)

    _on_all(nodes, start)
    return Cluster(name, tuple(nodes), spec)


def _init(cluster: Cluster, generation: Generation) -> None:
    first, *others = cluster.nodes
    keys = kubeadm.Keys(f"{secrets.token_hex(3)}.{secrets.token_hex(8)}", secrets.token_hex(32))
    configuration = kubeadm.init_configuration(
        generation,
        name=first.hostname,
        address=first.address,
        endpoint=_ENDPOINT,
        etcd_flags={"quota-backend-bytes": str(cluster.spec.quota_mib << 20)},
        keys=keys,
    )
    # No pod network, DNS and proxy: the control plane lives on the nodes' own addresses.
    command = ["kubeadm", "init", "--config=/dev/stdin", "--upload-certs", "--skip-phases=preflight,addon"]
    first.run(*command, stdin=configuration, seconds=_INIT_SECONDS)
    # The first node's own address: an API server that has just come up does not know the token for a moment.
    discovery = kubeadm.discovery(endpoint=first.address, ca=first.run("cat", "/etc/kubernetes/pki/ca.crt"))
    # One after the other: etcd takes a further member only when the last one is in.
    for node in others:
        command = kubeadm.join_command(address=node.address, keys=keys)
        node.run(*command, stdin=discovery, seconds=_INIT_SECONDS)


def _await_ready(cluster: Cluster) -> None:
    def reason() -> str:
        unready = _unready(cluster)
        return f"not ready yet: {', '.join(unready)}" if unready else ""

    _await(reason, _READY_SECONDS, f"the control plane of {cluster.name!r} does not become ready")


def _note_manifests(node: Container) -> None:
    node.run("sh", "-c", f"{_MANIFESTS} > {_AS_MADE}")


def _unready(cluster: Cluster) -> list[str]:
    """Return the static pods that the API server does not know to be ready."""
    conditions = '{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}'
    pods = cluster.nodes[0].run(
        *KUBECTL,
        "get",
        "pods",
        "--namespace=kube-system",
        "--selector=tier=control-plane",
        f"--output=jsonpath={{range .items[*]}}{conditions}{{end}}",
        seconds=30,
    )
    known = dict(line.partition(" ")[::2] for line in pods.splitlines())
    missing = cluster.spec.nodes * _STATIC_PODS - len(known)
    unready = sorted(name for name, ready in known.items() if ready != "True")
    return [*unready, *([f"{missing} that are not known yet"] if missing else [])]


def _boot_obstacle(node: Container) -> str:
    try:
        node.run("systemctl", "is-active", "containerd", seconds=10)
    except LabError as error:
        return str(error).splitlines()[-1]
    return ""


def _on_all(nodes: Sequence[Container], action: Callable[[Container], None]) -> None:
    with ThreadPoolExecutor(len(nodes)) as pool:
        for done in [pool.submit(action, node) for node in nodes]:
            done.result()


def _await(obstacle: Callable[[], str], seconds: float, failure: str) -> None:
    """Return when ``obstacle`` returns nothing; raises ``DockerError`` with the last one after ``seconds``."""

    def heard() -> str:
        try:
            return obstacle()
        except LabError as error:
            return str(error)

    if reason := wait_until_clear(heard, seconds=seconds, poll=_POLL_SECONDS):
        raise DockerError(f"{failure} within {seconds:.0f} s: {reason}")
