# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Stray files beside a manifest: copies that the kubelet would take for the same pod."""

from __future__ import annotations

import os
import re

from .._core import files
from .static_pods import pod_files, read_pod


def strays(manifest: str) -> list[str]:
    """Files beside `manifest` that the kubelet takes for the same pod, or may: copies that editors and tools leave.

    A file that cannot be read as a pod counts if its name begins with the manifest's, as copies do, or if it
    names a pod as the manifest does: the kubelet also reads JSON and forms of YAML that are not read here.
    """
    own = os.path.basename(manifest)
    pod = read_pod(manifest)
    name = pod.name if pod else "etcd"
    others = []
    for path in pod_files(os.path.dirname(manifest)):
        if os.path.basename(path) == own:
            continue
        other = read_pod(path)
        if other.name == name if other else os.path.basename(path).startswith(own) or _names(path, name):
            others.append(path)
    return others


def _names(path: str, name: str) -> bool:
    """Whether a file that cannot be read as a pod says that it is one of this name."""
    try:
        text = files.text(path, errors="replace")
    except OSError:
        return False
    return all(
        re.search(rf"""(?m)(^|[\s{{,])["']?{key}["']?\s*:\s*["']?{re.escape(value)}["']?\s*(,|}}|#|$)""", text)
        for key, value in (("kind", "Pod"), ("name", name))
    )


__all__ = ("strays",)
