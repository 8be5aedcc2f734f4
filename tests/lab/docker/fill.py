# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filling the etcd of real nodes until the API server is refused, telling whether a recovery kept what was in it, and
leaving holes in its file."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from lab.client import Client, Put
from lab.command import say
from lab.docker.cluster import KUBECTL, Cluster, Container
from lab.errors import CommandFailedError, DockerError, EtcdError
from lab.pki import KeyPair
from lab.record import Record
from lab.workload import batches

NAMESPACE = "fill"
REFUSAL = "mvcc: database space exceeded"
_OBJECTS = 100
_OBJECT_BYTES = 10_000
_REFUSED_SECONDS = 30.0
_POLL_SECONDS = 0.5
_UNAVAILABLE = 14  # a code of gRPC
_PKI = "/etc/kubernetes/pki/etcd"
# What a living control plane changes by itself: heartbeats, states of nodes and pods, conditions of its own objects.
_LIVING = (
    "/registry/apiregistration.k8s.io/apiservices/",
    "/registry/csinodes/",
    "/registry/endpointslices/default/kubernetes",
    "/registry/events/",
    "/registry/flowschemas/",
    "/registry/leases/",
    "/registry/masterleases/",
    "/registry/minions/",
    "/registry/peerserverleases/",
    "/registry/pods/",
    "/registry/prioritylevelconfigurations/",
    "/registry/servicecidrs/",
    "/registry/services/endpoints/default/kubernetes",
    "compact_rev_key",
)


def fill(cluster: Cluster, *, live: bool = False) -> Record:
    """Fill the cluster and return what is in it then.

    Objects are made through the API server and then written again and again through etcd, as they are: a history that
    the API server could have written itself. With ``live`` they are written under ever new names instead.
    Raises ``DockerError`` if ``kubectl create`` is not refused after all.
    """
    node = cluster.nodes[0]
    start = time.monotonic()
    _apply(node)
    with _client(node) as client:
        client.timeout = 60.0
        stored = _stored(client)
        _write_until_refused(client, batches(_copies(stored)) if live else _again_and_again(stored))
        _await_refusal(node)
        record = Record.take(client)
        size = client.status().db_size
    say(f"the API server is refused: etcd has {size >> 20} MiB, {len(record.entries)} keys ({_since(start)} s)")
    return record


def compare(cluster: Cluster, before: Record, changed: Collection[str] = ()) -> list[str]:
    """Return what is not any more as it was, one sentence each, and which of the keys ``changed`` still is.

    What a control plane changes by itself is left out.
    """
    with _client(cluster.nodes[0]) as client:
        return before.losses(Record.take(client), living=_LIVING, changed=changed)


def fragment(cluster: Cluster, size_bytes: int) -> None:
    """Write a history of that size and drop it again: the files of all members are mostly free pages then."""
    node = cluster.nodes[0]
    _apply(node)
    with _client(node) as client:
        client.timeout = 60.0
        objects = _stored(client)
        while client.status().db_size < size_bytes:
            for batch in batches(iter(objects)):
                client.txn(batch)
        client.compact(client.txn(objects[:1]))
        status = client.status()
    say(f"etcd has {status.db_size >> 20} MiB, {status.db_size_in_use >> 20} of them in use")


def _apply(node: Container) -> None:
    node.run(*KUBECTL, "apply", "--server-side", "--force-conflicts", "--filename=-", stdin=_objects(), seconds=120)


def _stored(client: Client) -> list[Put]:
    return [Put(found.key, found.value) for found in client.scan(f"/registry/configmaps/{NAMESPACE}/".encode())]


def _objects() -> str:
    """Return a namespace and the objects in it, as a list in JSON; always the same."""
    chance = random.Random(1)
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    maps = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"object-{number:03}", "namespace": NAMESPACE},
            "data": {"text": chance.randbytes(_OBJECT_BYTES // 2).hex()},
        }
        for number in range(_OBJECTS)
    ]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [namespace, *maps]})


def _copies(stored: list[Put]) -> Iterator[Put]:
    """Yield the objects under ever new names, each as long as its own, which is also in the encoded value."""
    for number in itertools.count():
        put = stored[number % len(stored)]
        name = put.key.rpartition(b"/")[2]
        other = b"x%0*d" % (len(name) - 1, number)
        yield Put(put.key.replace(name, other), put.value.replace(name, other))


def _again_and_again(stored: list[Put]) -> Iterator[list[Put]]:
    """Yield the objects again and again; no transaction may hold one twice."""
    while True:
        yield from batches(iter(stored))


def _write_until_refused(client: Client, transactions: Iterator[list[Put]]) -> None:
    for batch in transactions:
        try:
            client.txn(batch)
        except EtcdError as error:
            if error.is_nospace:
                return
            if error.code != _UNAVAILABLE:
                raise
            # The disk is behind, and the next transaction as good as this one.


def _await_refusal(node: Container) -> None:
    """Create objects until the API server is refused: etcd refuses large writes before it arms the alarm."""
    deadline = time.monotonic() + _REFUSED_SECONDS
    number = 0
    while time.monotonic() < deadline:
        number += 1
        try:
            node.run(*KUBECTL, "create", "configmap", f"extra-{number}", f"--namespace={NAMESPACE}", seconds=30)
        except CommandFailedError as error:
            if REFUSAL in str(error):
                return
            if "already exists" not in str(error):
                raise
        time.sleep(_POLL_SECONDS)
    raise DockerError(f"etcd is full, but the API server is not refused within {_REFUSED_SECONDS:.0f} s")


@contextlib.contextmanager
def _client(node: Container) -> Iterator[Client]:
    """Yield a client of the node's member, with the certificates of its health check."""
    with tempfile.TemporaryDirectory(prefix="controlplane-etcd-") as temporary:
        directory = Path(temporary)
        for name in ("ca.crt", "healthcheck-client.crt", "healthcheck-client.key"):
            (directory / name).write_text(node.run("cat", f"{_PKI}/{name}"), "ascii")
        pair = KeyPair(directory / "healthcheck-client.crt", directory / "healthcheck-client.key")
        with Client(f"https://{node.address}:2379", directory / "ca.crt", pair) as client:
            yield client


def _since(start: float) -> str:
    return f"{time.monotonic() - start:.1f}"
