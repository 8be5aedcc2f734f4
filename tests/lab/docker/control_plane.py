# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control plane of a cluster, made by ``kubeadm init`` and ``kubeadm join --control-plane``."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from lab.docker import kubeadm
from lab.docker.generations import generation
from lab.docker.nodes import Cluster, await_clear, on_all
from lab.errors import LabError

KUBECTL = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf")
# Docker's name server answers with the addresses of all nodes that run, so this stands for a load balancer.
ENDPOINT = "control-plane"
_COMPONENTS = 3  # beside etcd
_INIT_SECONDS = 300.0
_READY_SECONDS = 240.0


def make(cluster: Cluster, etcd: Mapping[str, Any], api_server_arguments: Mapping[str, str] | None = None) -> None:
    """Make every node a control plane, and return when all of it is ready.

    ``etcd`` is what a ``ClusterConfiguration`` says of it. The cluster's patch is for a static pod of it.
    """
    on_all(cluster.nodes, lambda node: node.run("mkdir", kubeadm.PATCHES))
    if patch := cluster.spec.etcd_patch:
        on_all(cluster.nodes, lambda node: node.run("tee", kubeadm.ETCD_PATCH, stdin=patch))
    first, *others = cluster.nodes
    keys = kubeadm.Keys(f"{secrets.token_hex(3)}.{secrets.token_hex(8)}", secrets.token_hex(32))
    configuration = kubeadm.init_configuration(
        generation(cluster.spec.generation),
        name=first.hostname,
        address=first.address,
        endpoint=ENDPOINT,
        etcd=etcd,
        api_server_arguments=api_server_arguments or {},
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
    static_pods = _COMPONENTS + ("local" in etcd)
    await_clear(
        lambda: _unready(cluster, static_pods),
        _READY_SECONDS,
        f"the control plane of {cluster.name!r} does not become ready",
    )


def obstacle(cluster: Cluster, static_pods: int) -> str:
    """Return why the control plane is not as good as a new one, or nothing."""
    try:
        for node in cluster.nodes:
            # On every node, because each has an API server of its own, which asks the member beside it.
            node.run(
                *KUBECTL, f"--server=https://{node.address}:{kubeadm.API_PORT}", "get", "--raw=/readyz", seconds=10
            )
        # etcd may be full while all are well.
        cluster.nodes[0].run(*KUBECTL, "create", "configmap", "alive", "--namespace=default", seconds=10)
        cluster.nodes[0].run(*KUBECTL, "delete", "configmap", "alive", "--namespace=default", seconds=10)
    except LabError as error:
        return str(error).splitlines()[-1]
    return _unready(cluster, static_pods)


def _unready(cluster: Cluster, static_pods: int) -> str:
    """Return the static pods that the API server does not know to be ready, or nothing."""
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
    missing = cluster.spec.nodes * static_pods - len(known)
    unready = sorted(name for name, ready in known.items() if ready != "True")
    found = [*unready, *([f"{missing} that are not known yet"] if missing else [])]
    return f"not ready: {', '.join(found)}" if found else ""
