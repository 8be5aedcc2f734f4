# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The API server of this very node, at the address in its manifest, with the credentials in kubeadm's admin.conf.

A virtual address or a load balancer in front of the API servers may be down while this one is up, and the other way
round, so it is asked by its own address.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import ssl
import tempfile
import typing as t
import uuid

from .._core import files
from .._core.failures import Failure
from .._core.records import Json
from .._etcd.errors import TlsRejected
from .._etcd.transport import TlsFiles, tls_context
from . import pod_variables
from .block_yaml import load
from .settings import parse_flags
from .static_pods import API_MANIFEST

ADMIN_CONF = "/etc/kubernetes/admin.conf"
_RKE2_CONF = "/etc/rancher/rke2/rke2.yaml"

_ANNOTATION = "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint"
_NAMESPACE = "kube-system"
_NAME = "etcd-maintenance-write-check"
_COLLECTIONS = {
    "leases": f"/apis/coordination.k8s.io/v1/namespaces/{_NAMESPACE}/leases",
    "events": f"/api/v1/namespaces/{_NAMESPACE}/events",
}
RESOURCES = tuple(_COLLECTIONS)
_PRIVATE = "/run"  # kept in memory


class Address(t.NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"


class Answer(t.NamedTuple):
    status: int
    body: str

    @property
    def message(self) -> str:
        """The API's own message, else the beginning of the body."""
        try:
            return str(json.loads(self.body)["message"])
        except (ValueError, KeyError, TypeError):
            return self.body.strip()[:300]


def address_of(text: str, path: str) -> Address:
    """The address of the API server of this manifest. Raises Failure."""
    try:
        pod = load(text)
    except ValueError as exc:
        raise Failure("manifest_unusable", f"{path} is not the manifest of an API server: {exc}") from exc
    try:
        containers = pod["spec"]["containers"]
        named = [each for each in containers if each.get("name") == "kube-apiserver"]
        words = pod_variables.words((named or containers)[0])
        annotation = str((pod["metadata"].get("annotations") or {}).get(_ANNOTATION, ""))
    except (KeyError, TypeError, IndexError, AttributeError):
        raise Failure("manifest_unusable", f"{path} is not the manifest of an API server") from None
    flags = parse_flags(words[1:])
    host, _colon, port = annotation.rpartition(":")
    host = host.strip("[]") or flags.get("advertise-address") or "127.0.0.1"
    port = flags.get("secure-port") or port or "6443"
    if not port.isdigit():
        raise Failure("manifest_unusable", f"{path}: {port!r} is not a valid port")
    return Address(host, int(port))


def credentials_of(text: str, path: str) -> tuple[bytes, bytes, bytes]:
    """CA, certificate and key, in PEM, of the context that a kubeconfig uses. Raises Failure."""
    try:
        config = load(text)
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"]
    except (ValueError, KeyError, TypeError, StopIteration, AttributeError):
        raise _unusable(f"{path} cannot be read as a kubeconfig") from None
    return (
        _pem(cluster, "certificate-authority", path),
        _pem(user, "client-certificate", path),
        _pem(user, "client-key", path),
    )


def _named(entries: t.Any, name: str) -> t.Any:
    return next(entry for entry in entries if entry["name"] == name)


def _pem(entry: t.Mapping[str, t.Any], name: str, path: str) -> bytes:
    try:
        if entry.get(f"{name}-data"):
            return base64.b64decode(str(entry[f"{name}-data"]), validate=True)
        return files.content(os.path.join(os.path.dirname(path), str(entry[name])))
    except (KeyError, ValueError, AttributeError, OSError):
        raise _unusable(f"{path} has no usable {name}") from None


def _unusable(reason: str) -> Failure:
    return Failure("kubeconfig_unusable", reason)


def kubeconfig_on_node(path: str, exists: t.Callable[[str], bool] = os.path.exists) -> str:
    """The kubeconfig to use: that of RKE2 on its servers, which have none of kubeadm's, if none was named."""
    return _RKE2_CONF if path == ADMIN_CONF and not exists(path) and exists(_RKE2_CONF) else path


class ApiServer:
    """One API server, asked as the cluster's administrator."""

    def __init__(self, address: Address, kubeconfig: str, *, timeout: float, resource: str = RESOURCES[0]) -> None:
        """`resource` is what is written, one of `RESOURCES`. Raises Failure if the kubeconfig cannot be used."""
        kubeconfig = kubeconfig_on_node(kubeconfig)
        self.address = address
        self._timeout = timeout
        self._collection = _COLLECTIONS[resource]
        self._object = _event() if resource == "events" else _lease()
        try:
            pems = credentials_of(files.text(kubeconfig), kubeconfig)
        except OSError as exc:
            raise _unusable(f"{kubeconfig} cannot be read: {exc.strerror}") from exc
        try:
            self._context = _context(pems)
        except TlsRejected as exc:
            raise _unusable(f"{kubeconfig}: {exc}") from exc

    def readiness(self) -> Answer:
        """The server's answer to whether it is ready, with every check. Raises Failure if there is none."""
        return self._ask("GET", "/readyz?verbose")

    def write(self) -> Answer:
        """Create an object and delete it again; the first answer that is no success, else the last. Raises Failure if
        there is none.

        One that an earlier attempt has left, because its answer was lost, is deleted as well.
        """
        created = self._ask("POST", self._collection, self._object)
        exists = created.status < 300 or created.status == http.HTTPStatus.CONFLICT
        if not exists:
            return created
        deleted = self._ask("DELETE", f"{self._collection}/{self._object['metadata']['name']}")
        return Answer(http.HTTPStatus.OK, created.body) if deleted.status == http.HTTPStatus.NOT_FOUND else deleted

    def _ask(self, verb: str, path: str, body: Json | None = None) -> Answer:
        text = json.dumps(body) if body else None
        host, port = self.address.host, self.address.port
        connection = http.client.HTTPSConnection(host, port, timeout=self._timeout, context=self._context)
        try:
            connection.request(verb, path, body=text, headers={"Content-Type": "application/json"})
            response = connection.getresponse()
            return Answer(response.status, response.read().decode("utf-8", "replace"))
        except (OSError, http.client.HTTPException) as exc:
            reason = f"it does not answer at {self.address}: {str(exc) or type(exc).__name__}"
            raise Failure("apiserver_unreachable", reason) from exc
        finally:
            connection.close()


def _lease() -> Json:
    """A Lease of a name of its own. Its owner is one that never was, so that Kubernetes' garbage collector deletes it
    if we cannot: when this process is killed, or the API server dies."""
    kind = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    owner = {**kind, "name": _NAME, "uid": str(uuid.uuid4())}
    return {**kind, "metadata": {"name": _unique_name(), "ownerReferences": [owner]}}


def _event() -> Json:
    """An Event of a name of its own, about the namespace that it is in. It expires by itself, as all do after an hour
    by default: Kubernetes' garbage collector leaves events alone."""
    about = {"apiVersion": "v1", "kind": "Namespace", "name": _NAMESPACE, "namespace": _NAMESPACE}
    said = {"type": "Normal", "reason": "WriteCheck", "message": "etcd accepts events", "source": {"component": _NAME}}
    head = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": _unique_name(), "namespace": _NAMESPACE}}
    return {**head, "involvedObject": about, **said}


def _unique_name() -> str:
    return f"{_NAME}-{uuid.uuid4().hex[:12]}"


def _context(pems: tuple[bytes, bytes, bytes]) -> ssl.SSLContext:
    """The TLS context. OpenSSL reads keys from files only: these are in memory, this user's own, and removed at
    once."""
    with tempfile.TemporaryDirectory(dir=_PRIVATE, prefix="etcd-maintenance-") as directory:
        paths = [os.path.join(directory, name) for name in ("ca.crt", "client.crt", "client.key")]
        for path, pem in zip(paths, pems):
            files.create(path, pem)
        return tls_context(TlsFiles(*paths))


__all__ = (
    "ADMIN_CONF",
    "API_MANIFEST",
    "RESOURCES",
    "Address",
    "Answer",
    "ApiServer",
    "address_of",
    "credentials_of",
    "kubeconfig_on_node",
)
