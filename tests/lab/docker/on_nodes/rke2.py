# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server of RKE2 does about etcd, on a node of the lab, where it is ``/usr/local/bin/rke2``: ``rke2 server``.

At each start it writes etcd's configuration anew, from what it knows and from ``etcd-arg`` in its own, and the static
pod if that differs; then it is the parent of containerd and the kubelet. What it knows, such as the initial cluster, is
in a file of the lab's. Not done: the copy of the database that it reads before, the API server, its own data in etcd.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import FrameType
from typing import Any

KNOWN = Path("/usr/local/lib/rke2.json")
CONFIGURATION = Path("/etc/rancher/rke2/config.yaml")
DATA = Path("/var/lib/rancher/rke2")
MANIFEST = DATA / "agent/pod-manifests/etcd.yaml"
ETCD = DATA / "server/db/etcd"
TLS = DATA / "server/tls/etcd"
CONTAINERD = "/run/k3s/containerd/containerd.sock"
_RESTART_SECONDS = 5.0
_TIMED = re.compile("time|duration|interval|retention")


def main() -> None:
    """Run until SIGTERM; containers and their shims live on."""
    signal.signal(signal.SIGTERM, _exit)
    write_files()
    containerd = ["containerd", f"--address={CONTAINERD}", "--state=/run/k3s/containerd"]
    kubelet = ["kubelet", f"--config={DATA}/agent/etc/kubelet.conf"]
    children = [subprocess.Popen(containerd)]
    try:
        while not Path(CONTAINERD).exists():
            time.sleep(0.1)
        children.append(subprocess.Popen(kubelet))
        _notify()
        while True:
            for number, command in enumerate((containerd, kubelet)):
                if children[number].poll() is not None:
                    time.sleep(_RESTART_SECONDS)
                    children[number] = subprocess.Popen(command)
            time.sleep(1)
    finally:
        for child in reversed(children):
            child.terminate()
            child.wait()


def write_files() -> None:
    """Write etcd's configuration, and the static pod if it is not as it should be."""
    known = json.loads(KNOWN.read_text("utf-8"))
    settings = {**known["settings"], **arguments()}
    own = ETCD / "config"
    own.write_text(yaml(settings), "utf-8")
    own.chmod(0o600)
    (ETCD / "name").write_text(known["settings"]["name"], "utf-8")
    mounted = [own, *sorted(TLS.glob("*.crt")), *sorted(TLS.glob("*.key"))]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in mounted)).hexdigest()
    wanted = yaml(pod(known["image"], known["initial"], digest))
    if not MANIFEST.exists() or MANIFEST.read_text("utf-8") != wanted:
        aside = MANIFEST.with_name(f".{MANIFEST.name}")
        aside.write_text(wanted, "utf-8")
        aside.rename(MANIFEST)


def arguments() -> dict[str, Any]:
    """Return what ``etcd-arg`` says, the values with the types that RKE2 gives them."""
    found: list[str] = []
    for file in (CONFIGURATION, *sorted(CONFIGURATION.with_name("config.yaml.d").glob("*.yaml"))):
        key, own = "", []
        for line in file.read_text("utf-8").splitlines():
            if item := re.match(r"\s*- (.*?)(?:\s+#.*)?$", line):
                own += [item[1].strip().strip("\"'")] if key.startswith("etcd-arg") else []
            elif mapping := re.match(r"([\w+-]+):", line):
                key = mapping[1]
                # A later list takes the place of an earlier one, unless its key says that it adds to it.
                found = [] if key == "etcd-arg" else found
        found += own
    split = (argument.lstrip("-").partition("=") for argument in found)
    return {name: typed(name, value) for name, _equals, value in split}


def typed(name: str, value: str) -> object:
    """Return a value as RKE2 writes it: a number, a boolean, a duration of Go, or text."""
    if re.fullmatch(r"\d+", value):
        return int(value)
    if value in ("true", "false"):
        return value == "true"
    if _TIMED.search(name) and (duration := re.fullmatch(r"(\d+)([hm])", value)):
        return f"{value}0m0s" if duration[2] == "h" else f"{value}0s"
    return value


def pod(image: str, initial: str, digest: str) -> dict[str, Any]:
    """Return the static pod of etcd."""
    probe = {"httpGet": {"host": "127.0.0.1", "path": "/health?serializable=true", "port": 2381, "scheme": "HTTP"}}
    times = {"failureThreshold": 8, "initialDelaySeconds": 10, "periodSeconds": 10, "timeoutSeconds": 15}
    names = {"dir0": ETCD, "dir1": TLS}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "annotations": {"etcd.k3s.io/initial": initial},
            "labels": {"component": "etcd", "tier": "control-plane"},
            "name": "etcd",
            "namespace": "kube-system",
            "uid": str(uuid.UUID(digest[:32])),
        },
        "spec": {
            "containers": [
                {
                    "args": [f"--config-file={ETCD}/config"],
                    "command": ["etcd"],
                    "env": [{"name": "FILE_HASH", "value": digest}],
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "livenessProbe": {**probe, **times},
                    "name": "etcd",
                    "volumeMounts": [{"mountPath": str(path), "name": name} for name, path in names.items()],
                }
            ],
            "hostNetwork": True,
            "priorityClassName": "system-cluster-critical",
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": [
                {"hostPath": {"path": str(path), "type": "DirectoryOrCreate"}, "name": name}
                for name, path in names.items()
            ],
        },
    }


def yaml(value: dict[str, Any]) -> str:
    """Return plain data as YAML in blocks: nodes have no library for it."""
    return "\n".join([*_block(value), ""])


def _block(value: object) -> list[str]:
    if isinstance(value, dict):
        lines = []
        for name, inner in value.items():
            nested = _block(inner)
            indent = "" if isinstance(inner, list) else "  "
            lines += (
                [f"{name}:", *(indent + line for line in nested)]
                if isinstance(inner, (dict, list))
                else [f"{name}: {nested[0]}"]
            )
        return lines
    if isinstance(value, list):
        lines = []
        for inner in value:
            first, *others = _block(inner)
            lines += [f"- {first}", *(f"  {line}" for line in others)]
        return lines
    plain = isinstance(value, str) and re.fullmatch(r"[a-z/][\w./:,=+-]*[\w/]", value, re.IGNORECASE)
    return [value if plain and value not in ("true", "false") else json.dumps(value)]  # type: ignore[list-item]


def _notify() -> None:
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.connect(address)
            notify.send(b"READY=1")


def _exit(number: int, _frame: FrameType | None) -> None:
    sys.exit(0 if number == signal.SIGTERM else 128 + number)


if __name__ == "__main__":
    main()
