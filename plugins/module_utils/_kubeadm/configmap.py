# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The ConfigMap in which kubeadm keeps a cluster's configuration, read and written with the node's own kubectl.

kubectl is given the very path of the object (--raw): that needs neither discovery, which an aggregated API that is down
can spoil, nor a cache in somebody's home, and reads and writes the object unchanged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from .._core.records import Json
from .kubectl import KEY, NAME, NAMESPACE, Kubectl, KubectlFailed, failure

_PATH = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{NAME}"
_MANAGER = "controlplane.etcd"  # the name of this change in the managedFields
_WRITTEN = "It was written."


@dataclass(frozen=True)
class Stored:
    """The ConfigMap as it was read: the text of its key, and the whole with the version that a replacement names."""

    text: str
    whole: Json


def read(call: Kubectl) -> Stored:
    """Read the ConfigMap. Raises KubectlFailed."""
    answer = call(["get", f"--raw={_PATH}"], "")
    if answer.code != 0:
        raise failure(answer, call.where, call.kubeconfig, writing=False)
    return stored(answer.out, call.where)


def write(call: Kubectl, old: Stored, text: str) -> None:
    """Put another text into the key, leave all else as it was read, and read it back. Raises
    Conflict if somebody has changed the ConfigMap meanwhile, KubectlFailed."""
    whole = {**old.whole, "data": {**old.whole["data"], KEY: text}}
    answer = call(["replace", f"--raw={_PATH}?fieldManager={_MANAGER}", "--filename=-"], json.dumps(whole))
    if answer.code != 0:
        raise failure(answer, call.where, call.kubeconfig, writing=True)
    try:
        there = read(call).text
    except KubectlFailed as exc:
        raise KubectlFailed(exc.code, f"It could not be read back. {exc}", exc.advice, unchanged=_WRITTEN) from exc
    if there != text:
        raise KubectlFailed(
            "changed_meanwhile",
            "What was read back is not what was written: somebody, or a webhook, changed it at the same time.",
            f"See what is there (kubectl -n {NAMESPACE} get configmap {NAME} -o yaml --show-managed-fields), then run"
            " this again.",
            unchanged=_WRITTEN,
        )


def stored(answer: str, where: str) -> Stored:
    """The ConfigMap in an answer. Raises KubectlFailed."""
    try:
        whole = json.loads(answer)
        version = whole["metadata"]["resourceVersion"]
        found = whole.get("data") or {}
        if whole["kind"] != "ConfigMap" or not isinstance(version, str) or not isinstance(found, dict):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        raise KubectlFailed(
            "configmap_missing", f"The answer from {where} is not a ConfigMap.", "Name an API server (server)."
        ) from None
    if not isinstance(found.get(KEY), str):
        keys = ", ".join(sorted(found)) or "nothing"
        raise KubectlFailed(
            "configmap_missing",
            f"The ConfigMap {NAME} in {NAMESPACE} has no key {KEY} (it has {keys}).",
            "Write it again from the cluster's own file: kubeadm init phase upload-config kubeadm --config FILE.",
        )
    return Stored(found[KEY], whole)


__all__ = ("Stored", "read", "stored", "write")
