# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fill the etcd of real nodes until the API server is refused, and tell whether a recovery kept what was in it; or
leave holes in its file."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import random
import tempfile
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.client import Client, Put
from lab.errors import EtcdError
from lab.pki import KeyPair
from lab.workload import batches
from nodes.cluster import KUBECTL, Cluster, Node
from nodes.command import say
from nodes.errors import NodesError

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
    b"/registry/apiregistration.k8s.io/apiservices/",
    b"/registry/csinodes/",
    b"/registry/endpointslices/default/kubernetes",
    b"/registry/events/",
    b"/registry/flowschemas/",
    b"/registry/leases/",
    b"/registry/masterleases/",
    b"/registry/minions/",
    b"/registry/peerserverleases/",
    b"/registry/pods/",
    b"/registry/prioritylevelconfigurations/",
    b"/registry/servicecidrs/",
    b"/registry/services/endpoints/default/kubernetes",
    b"compact_rev_key",
)


@dataclass(frozen=True)
class Record:
    """All keys of a moment: the SHA-256 of each value, and those keys that go by themselves when a lease ends."""

    digests: dict[str, str]
    leased: list[str]

    def write(self, path: Path) -> None:
        """Keep the record in a file."""
        path.write_text(json.dumps({"digests": self.digests, "leased": self.leased}, indent=0), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read a record from its file."""
        return cls(**json.loads(path.read_text("utf-8")))


def fill(cluster: Cluster, *, live: bool = False) -> Record:
    """Fill the cluster and return what is in it then.

    Objects are made through the API server and then written again and again through etcd, as they are: a history that
    the API server could have written itself. With ``live`` they are written under ever new names instead.
    Raises ``NodesError`` where ``kubectl create`` is not refused in the end.
    """
    node = cluster.nodes[0]
    start = time.monotonic()
    _apply(node)
    with _client(node) as client:
        client.timeout = 60.0
        stored = _stored(client)
        _write_until_refused(client, batches(_copies(stored)) if live else _again_and_again(stored))
        _await_refusal(node)
        record = _record(client)
        size = client.status().db_size
    say(f"the API server is refused: etcd has {size >> 20} MiB, {len(record.digests)} keys ({_since(start)} s)")
    return record


def compare(cluster: Cluster, before: Record, changed: Collection[str] = ()) -> list[str]:
    """Return what is not any more as it was, one sentence each, and which of the keys ``changed`` still is.

    What a control plane changes by itself is left out.
    """
    with _client(cluster.nodes[0]) as client:
        now = _record(client)
    leased = set(before.leased)
    losses = []
    for key, digest in before.digests.items():
        living = key.encode().startswith(_LIVING)
        if key not in now.digests:
            if key not in leased:
                losses.append(f"{key} is gone")
        elif now.digests[key] != digest and not living and key not in changed:
            losses.append(f"{key} has another value")
        elif now.digests[key] == digest and key in changed:
            losses.append(f"{key} has still its old value")
    return losses


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


def _apply(node: Node) -> None:
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
    """Yield the objects without end; no transaction may hold one twice."""
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


def _await_refusal(node: Node) -> None:
    """Create objects until the API server is refused: etcd refuses large writes before it arms the alarm."""
    deadline = time.monotonic() + _REFUSED_SECONDS
    number = 0
    while time.monotonic() < deadline:
        number += 1
        try:
            node.run(*KUBECTL, "create", "configmap", f"extra-{number}", f"--namespace={NAMESPACE}", seconds=30)
        except NodesError as error:
            if REFUSAL in str(error):
                return
            if "already exists" not in str(error):
                raise
        time.sleep(_POLL_SECONDS)
    raise NodesError(f"etcd is full, but the API server is not refused within {_REFUSED_SECONDS:.0f} s")


def _record(client: Client) -> Record:
    digests, leased = {}, []
    for found in client.scan():
        key = found.key.decode("utf-8", "replace")
        digests[key] = hashlib.sha256(found.value).hexdigest()
        if found.lease:
            leased.append(key)
    return Record(digests, leased)


@contextlib.contextmanager
def _client(node: Node) -> Iterator[Client]:
    """Yield a client of the node's member, with the certificates of its health check."""
    with tempfile.TemporaryDirectory(prefix="controlplane-etcd-") as temporary:
        folder = Path(temporary)
        for name in ("ca.crt", "healthcheck-client.crt", "healthcheck-client.key"):
            (folder / name).write_text(node.run("cat", f"{_PKI}/{name}"), "ascii")
        pair = KeyPair(folder / "healthcheck-client.crt", folder / "healthcheck-client.key")
        with Client(f"https://{node.address}:2379", folder / "ca.crt", pair) as client:
            yield client


def _since(start: float) -> str:
    return f"{time.monotonic() - start:.1f}"
