# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The files of a manifests directory, as the kubelet reads them: every regular file there whose name begins with no
dot is a pod, whatever its extension, and of two with one name the last file counts."""

from __future__ import annotations

import os
import stat
import typing as t

from .._core.files import text
from .block_yaml import load

API_MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml"


class StaticPod(t.NamedTuple):
    """A pod of the directory. `programs` are the first words of its containers' commands; those without one are left
    out."""

    path: str
    name: str
    programs: tuple[str, ...]


def pods(directory: str) -> list[StaticPod]:
    """The pods of a manifests directory that can be read."""
    return [pod for pod in map(read_pod, pod_files(directory)) if pod is not None]


def pod_files(directory: str) -> list[str]:
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return []
    paths = [os.path.join(directory, name) for name in names if not name.startswith(".")]
    return [path for path in paths if _is_regular(path)]


def _is_regular(path: str) -> bool:
    """Whether the kubelet takes it for a regular file: it follows links."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def read_pod(path: str) -> StaticPod | None:
    try:
        body: t.Any = load(text(path))
        containers = body["spec"]["containers"]
        return StaticPod(
            path,
            str(body["metadata"]["name"]),
            tuple(os.path.basename(str(each["command"][0])) for each in containers if each.get("command")),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


__all__ = ("API_MANIFEST", "StaticPod", "pods")
