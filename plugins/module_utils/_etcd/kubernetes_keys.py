# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Whose a key is: the resource, its group and its namespace, from the directory that it is in."""

from __future__ import annotations

import typing as t

DEFAULT_PREFIX = "/registry"
OTHERS = "*"  # no name of Kubernetes: what is not told apart

# Where the API server's directory is not called as the resource. Source: pkg/registry/core/rest/storage_core.go and
# the storage of each resource; kube-apiserver's DefaultStorageFactory (SpecialDefaultResourcePrefixes).
_RENAMED = {
    "controllers": "replicationcontrollers",
    "ingress": "ingresses",
    "minions": "nodes",
    "podsecuritypolicy": "podsecuritypolicies",
}
_SERVICES = {"specs": "services", "endpoints": "endpoints"}


class Owner(t.NamedTuple):
    """Of whom a key is. `group` is empty if the key names none, as for what is built in; `namespace` for what is in
    none. What is not Kubernetes' has its first two directories as `resource`."""

    group: str
    resource: str
    namespace: str


def directory_of(key: bytes) -> bytes:
    """The part of a key before its last slash."""
    return key[: max(key.rfind(b"/"), 0)]


def owner_of(directory: bytes, prefix: str = DEFAULT_PREFIX) -> Owner:
    """The owner of all keys in a directory; `prefix` is the API server's `--etcd-prefix`."""
    path = directory.decode("utf-8", "backslashreplace")
    root = f"/{prefix.strip('/')}"
    if path != root and not path.startswith(f"{root}/"):
        slash = "/" if path.startswith("/") or not path else ""
        return Owner("", slash + "/".join(path.strip("/").split("/")[:2]), "")
    parts = path[len(root) + 1 :].split("/")
    if not parts[0]:
        return Owner("", root, "")
    if "." in parts[0] and len(parts) > 1:
        return Owner(parts[0], parts[1], "/".join(parts[2:3]))
    if parts[0] == "services" and len(parts) > 1 and parts[1] in _SERVICES:
        return Owner("", _SERVICES[parts[1]], "/".join(parts[2:3]))
    return Owner("", _RENAMED.get(parts[0], parts[0]), "/".join(parts[1:2]))


def readable(key: bytes) -> str:
    """A key as text, with escapes for what is none."""
    return key.decode("utf-8", "backslashreplace")


__all__ = ("DEFAULT_PREFIX", "OTHERS", "Owner", "directory_of", "owner_of", "readable")
