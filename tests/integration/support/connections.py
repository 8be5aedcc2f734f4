# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters whose manifests do not say how they are asked: clients have a CA of their own, and each host its files."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lab.loopback.cluster import Cluster
from lab.pki import CLIENT, Authority, issue_healthcheck_client

ROLES = ("recover", "harden", "status")


def with_own_client_ca(make_cluster: Callable[..., Cluster], directory: Path, **options: Any) -> Cluster:
    """A cluster that accepts clients of another CA only, whose certificate is nowhere beside that CA: ``vault`` below
    each node has it, under the node's own name. The second node's member listens on one more port."""
    directory.mkdir()
    clients = Authority.create("clients-ca")
    ca = clients.write(directory / "ca").certificate
    gateway = clients.issue(directory / "gateway", "gateway", CLIENT)  # by which a member's gateway asks the member
    flags = {"trusted-ca-file": ca, "client-cert-file": gateway.certificate, "client-key-file": gateway.key}
    cluster = make_cluster(start=False, flags={name: str(path) for name, path in flags.items()}, **options)
    for node in cluster.nodes:
        issue_healthcheck_client(clients, node.pki / "etcd/healthcheck-client")  # the lab's own
        (node.directory / "vault").mkdir()
        clients.issue(node.directory / "vault" / node.name, "root", CLIENT)
    second = cluster.nodes[1]
    text = second.manifest.read_text("utf-8")
    listens = f"--listen-client-urls={second.client_url}"
    assert listens in text
    second.manifest.write_text(text.replace(listens, f"{listens},{further_url(cluster)}"), "utf-8")
    cluster.start()
    return cluster


def further_url(cluster: Cluster) -> str:
    """The second URL of the second node."""
    return cluster.nodes[1].client_url.rpartition(":")[0] + ":23799"


def connection_variables(cluster: Cluster) -> dict[str, dict[str, str]]:
    """By host, what the roles have to be told to ask this cluster."""
    found: dict[str, dict[str, str]] = {}
    for node in cluster.nodes:
        own = {
            "ca_cert": str(node.ca),
            "client_cert": str(node.directory / "vault" / f"{node.name}.crt"),
            "client_key": str(node.directory / "vault" / f"{node.name}.key"),
        }
        if node is cluster.nodes[1]:
            own["endpoint"] = further_url(cluster)
        if node is cluster.nodes[2]:
            own["transport"] = "gateway"
        found[node.name] = {f"{role}_{name}": value for role in ROLES for name, value in own.items()}
    return found


def asked_with(out: str) -> dict[str, set[str]]:
    """By host, the client certificates that modules were given there, from what ``-vvv`` prints."""
    found: dict[str, set[str]] = {}
    for host, told in re.findall(
        r"^\w+: \[(?:[\w.]+ -> )?([\w.]+)(?:\([^)]*\))?\] .*?=>(.*?)(?=^\S)", out, re.M | re.S
    ):
        for path in re.findall(r"^\s+client_cert: (\S+)$", told, re.M):
            found.setdefault(host, set()).add(path)
    return found


def own_certificates(cluster: Cluster, variables: Mapping[str, Mapping[str, str]]) -> dict[str, set[str]]:
    """What ``asked_with`` finds if each host was asked with what is its own."""
    return {node.name: {variables[node.name]["recover_client_cert"]} for node in cluster.nodes}
