# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The configuration from which kubeadm writes the manifest of one node: the cluster's, with what that node is."""

from __future__ import annotations

import json
import re
import typing as t

from ...module_utils._core.failures import Failure
from ...module_utils._core.records import Json
from ...module_utils._kubeadm.manifest_render import Facts
from . import documents, edits, yaml_nodes
from .documents import Found
from .yaml_nodes import YamlNode

# What else of an InitConfiguration has a say in the manifest of etcd.
_OF_INIT = ("patches", "timeouts")


def configuration(source: str, node: Facts, wanted: t.Mapping[str, t.Any], remove: t.Collection[str]) -> str:
    """The configuration of kubeadm for this node alone: the cluster's with these arguments, and nothing secret. Raises
    Failure."""
    found = documents.find(edits.edit(source, wanted, remove).text)
    cluster = _plain(found.document.root)
    local = _child(_child(cluster, "etcd"), "local")
    local.update(imageRepository=node.repository, imageTag=node.tag)
    if node.kubernetes_version:
        cluster["kubernetesVersion"] = node.kubernetes_version
    init: Json = {
        **{key: value for key, value in _init(found).items() if key in _OF_INIT},
        "apiVersion": found.document.api_version,
        "kind": "InitConfiguration",
        "localAPIEndpoint": {"advertiseAddress": node.address},
        "nodeRegistration": {"name": node.name, **({"criSocket": node.cri_socket} if node.cri_socket else {})},
    }
    return "".join(f"---\n{json.dumps(body, indent=1)}\n" for body in (cluster, init))


def _init(found: Found) -> Json:
    return next((_plain(each.root) for each in found.documents if each.kind == "InitConfiguration"), {})


def _child(parent: Json, key: str) -> Json:
    if parent.get(key) is None:
        parent[key] = {}
    child: Json = parent[key]
    return child


def _plain(node: YamlNode) -> t.Any:
    """The value that kubeadm reads. Raises Failure for what is not understood."""
    kind, body = node.reads_as, node.resolved
    if kind == yaml_nodes.MAP:
        pairs = [(key.text, _plain(value)) for key, value in body.pairs]
        if any(key is None or key == "<<" for key, _value in pairs):
            raise Failure("not_rendered", "The configuration has keys that are not plain words.")
        return dict(pairs)
    if kind == yaml_nodes.LIST:
        return [_plain(item) for item in body.items]
    if kind == "string":
        return body.value
    if kind == "null":
        return None
    if kind == "boolean":
        return body.value.lower() in ("y", "yes", "true", "on")
    if kind == "number" and re.fullmatch(r"0|-?[1-9]\d*", body.value, re.ASCII):
        return int(body.value)
    raise Failure("not_rendered", f"The configuration holds {body.value!r}, a {kind} that is not understood.")


__all__ = ("configuration",)
