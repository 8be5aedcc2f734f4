# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubectl that is a shell script, and a node on which it is."""

from __future__ import annotations

import json
from pathlib import Path

from unit.builders import DATA, Json

UNSURE = "It is not known whether it was written. Run this again: if it was, that changes nothing."
WHERE, CONFIG = "https://192.0.2.11:6443", "/etc/kubernetes/admin.conf"

POD = """
apiVersion: v1
kind: Pod
metadata:
  annotations:
    kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint: 192.0.2.11:6443
spec:
  containers:
  - command:
    - kube-apiserver
    - --secure-port=6443
"""

# A kubectl that keeps the object in a file beside it, and does as it is told by the name of another file.
PROGRAM = """#!/bin/sh
here=${0%/*}
echo "$*" >> "$here/calls"
case " $* " in
*" get "*) cat "$here/object" ;;
*) cat > "$here/sent"; test ! -e "$here/refuses" || { cat "$here/refuses" >&2; exit 1; }
   test -e "$here/ignores" || cp "$here/sent" "$here/object"; cat "$here/object" ;;
esac
"""

TEXT = (DATA / "kubeadm/configmaps/1.33.config").read_text("utf-8")

OBJECT: Json = {
    "kind": "ConfigMap",
    "apiVersion": "v1",
    "metadata": {"name": "kubeadm-config", "resourceVersion": "200", "annotations": {"a": "b"}},
    "data": {"ClusterStatus": "ü", "ClusterConfiguration": TEXT},
}


def prepare_node(directory: Path) -> Path:
    """Put such a kubectl there, and a kubeconfig and an API server's manifest."""
    (directory / "kubectl").write_text(PROGRAM, "utf-8")
    (directory / "kubectl").chmod(0o755)
    (directory / "object").write_text(json.dumps(OBJECT), "utf-8")
    (directory / "admin.conf").write_text("kind: Config\n", "utf-8")
    (directory / "kube-apiserver.yaml").write_text(POD, "utf-8")
    return directory


def calls(node: Path) -> list[str]:
    """The command lines that it was called with."""
    path = node / "calls"
    return path.read_text("utf-8").splitlines() if path.exists() else []
