# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real kube-apiserver in front of a lab cluster's etcd, with the files that kubeadm leaves for those who ask it."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from lab import programs
from lab.errors import LabError, MemberFailedError
from lab.loopback.lifecycle import Startable
from lab.loopback.member import MemberProcess
from lab.loopback.process import Process
from lab.pki import CLIENT, SERVER, Authority

PORT = 6443
_START_SECONDS = 90.0
_POLL_SECONDS = 0.2
_THERE = ("/readyz", "/api/v1/namespaces/kube-system")
_ANNOTATION = "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint"


class ApiServer(Startable):
    """The API server of one lab node, at the node's own address. As a context manager it is started and closed.

    ``admin_conf`` is its administrator's kubeconfig, ``manifest`` says where it listens, as kubeadm's would.
    """

    def __init__(self, node: MemberProcess, version: str) -> None:
        """Write all files below the node's ``/etc/kubernetes``; nothing is started yet."""
        self._node = node
        self._programs = programs.kubernetes(version)
        self._authority = Authority.create("kubernetes")
        self._process: Process | None = None
        self.directory = node.manifest.parent.parent
        self.url = f"https://{node.address}:{PORT}"
        self.manifest = node.manifest.with_name("kube-apiserver.yaml")
        self.log = node.log.with_name("kube-apiserver.log")
        self._ca = self._authority.write(node.pki / "ca")
        self._serving = self._authority.issue(
            node.pki / "apiserver", "kube-apiserver", SERVER, names=("localhost",), addresses=(node.address,)
        )
        self._accounts = self._authority.issue(node.pki / "sa", "service-accounts", CLIENT)
        self.manifest.write_text(yaml.safe_dump(self._pod(), sort_keys=False), "utf-8")
        self.admin_conf = self.kubeconfig("admin", group="system:masters")

    @property
    def kubectl(self) -> Path:
        """The kubectl of this version."""
        return self._programs / "kubectl"

    @property
    def kubeadm(self) -> Path:
        """The kubeadm of this version."""
        return self._programs / "kubeadm"

    @property
    def pid(self) -> int:
        """The pid of the running server."""
        if not self._process:
            raise LabError("the API server was not started")
        return self._process.pid

    def kubeconfig(
        self, user: str, *, group: str = "", server: str = "", expired: bool = False, authority: Authority | None = None
    ) -> Path:
        """Write ``<user>.conf`` for a user that is new, and return its path."""
        signer = authority or self._authority
        pair = signer.issue(self.directory / "users" / user, user, CLIENT, organization=group, expired=expired)
        named = {"name": "lab"}
        cluster = {"server": server or self.url, "certificate-authority-data": _base64(self._ca.certificate)}
        keys = {"client-certificate-data": _base64(pair.certificate), "client-key-data": _base64(pair.key)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{**named, "cluster": cluster}],
            "contexts": [{**named, "context": {"cluster": "lab", "user": "lab"}}],
            "current-context": "lab",
            "users": [{**named, "user": keys}],
        }
        path = self.directory / f"{user}.conf"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config), "utf-8")
        return path

    def start(self) -> None:
        """Start it, and return when it is ready and has made its own namespaces."""
        self._process = Process(self._command(), {"HOME": "/nonexistent"}, self.log)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            running = self._process.running
            if all(self.ask("get", f"--raw={path}").returncode == 0 for path in _THERE):
                return
            if not running or time.monotonic() > deadline:
                printed = self.log.read_text("utf-8", "replace").splitlines()[-15:]
                raise MemberFailedError("the API server is not ready; it printed:\n" + "\n".join(printed))
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Kill it. Final, and harmless when called again."""
        if self._process:
            self._process.kill()

    def ask(self, *arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator."""
        command = [
            str(self.kubectl),
            f"--kubeconfig={self.admin_conf}",
            f"--cache-dir={self.directory}/cache",
            *arguments,
        ]
        return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)

    def get(self, *arguments: str) -> Any:
        """Return what ``kubectl get`` says, as data."""
        return json.loads(self._succeed("get", *arguments, "--output=json"))

    def apply(self, *documents: Any) -> None:
        """Create or replace these objects."""
        self._succeed("apply", "--server-side", "--filename=-", text=yaml.safe_dump_all(documents))

    def _succeed(self, *arguments: str, text: str | None = None) -> str:
        done = self.ask(*arguments, text=text)
        if done.returncode:
            raise LabError(f"kubectl {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout

    def _command(self) -> Sequence[str]:
        node = self._node
        flags = {
            # The real one of a node is in its manifest, but a loopback address cannot be advertised.
            "advertise-address": "192.0.2.1",
            "endpoint-reconciler-type": "none",
            "authorization-mode": "RBAC",
            "bind-address": node.address,
            "client-ca-file": self._ca.certificate,
            "etcd-cafile": node.ca,
            "etcd-certfile": node.pki / "apiserver-etcd-client.crt",
            "etcd-keyfile": node.pki / "apiserver-etcd-client.key",
            "etcd-servers": node.client_url,
            "secure-port": PORT,
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": self._accounts.certificate,
            "service-account-signing-key-file": self._accounts.key,
            "service-cluster-ip-range": "10.96.0.0/16",
            "tls-cert-file": self._serving.certificate,
            "tls-private-key-file": self._serving.key,
        }
        return [str(self._programs / "kube-apiserver"), *(f"--{name}={value}" for name, value in flags.items())]

    def _pod(self) -> Any:
        command = ["kube-apiserver", f"--secure-port={PORT}", f"--etcd-servers={self._node.client_url}"]
        container = {"name": "kube-apiserver", "command": command}
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "kube-apiserver", "annotations": {_ANNOTATION: f"{self._node.address}:{PORT}"}},
            "spec": {"containers": [container]},
        }


def _base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode("ascii")
