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
import time
from collections.abc import Collection, Iterator

from lab.client import Client, Put
from lab.command import say
from lab.docker.access import Access
from lab.docker.control_plane import KUBECTL
from lab.docker.installations import installation
from lab.docker.nodes import Cluster, Container
from lab.errors import CommandFailedError, DockerError, EtcdError
from lab.record import Record
from lab.workload import Workload, batches

NAMESPACE = "fill"
REFUSAL = "mvcc: database space exceeded"
_OBJECTS = 100
_OBJECT_BYTES = 10_000
_EVENT_SECONDS = 24 * 60 * 60
_REFUSED_SECONDS = 30.0
_POLL_SECONDS = 0.5
_UNAVAILABLE = 14  # a code of gRPC
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


def fill(cluster: Cluster, *, live: bool = False, events: bool = False) -> Record:
    """Fill the cluster and return what is in it then.

    Objects are made through the API server and then written again and again through etcd, as they are: a history that
    the API server could have written itself. With ``live`` they are written under ever new names instead. They are
    ConfigMaps, or with ``events`` events that expire after a day. Without API servers there is nobody to make objects:
    they are keys of etcd alone.
    Raises ``DockerError`` if ``kubectl create`` is not refused after all.
    """
    node, resource = cluster.nodes[0], "events" if events else "configmaps"
    start = time.monotonic()
    if has_api_servers := bool(installation(cluster.spec.installation).static_pods):
        _apply(node)
        if events:
            _apply(node, _events())
    with access(cluster, resource).client() as client:
        client.timeout = 60.0
        stored = _stored(client, resource) if has_api_servers else _keys(client)
        lease = client.grant_lease(_EVENT_SECONDS) if events else 0
        _write_until_refused(client, batches(_copies(stored, lease)) if live else _again_and_again(stored))
        if has_api_servers:
            _await_refusal(node, events=events)
        else:
            _await_alarm(client)
        record = Record.take(client)
        size = client.status().db_size
    refused = "the API server" if has_api_servers else "everybody"
    say(f"{refused} is refused: etcd has {size >> 20} MiB, {len(record.entries)} keys ({_since(start)} s)")
    return record


def access(cluster: Cluster, resource: str = "configmaps") -> Access:
    """Return the way to a member of the etcd that has the objects of a resource."""
    installed_by = installation(cluster.spec.installation)
    return installed_by.access(cluster.nodes[0], installed_by.holding(resource))


def compare(cluster: Cluster, before: Record, changed: Collection[str] = (), *, events: bool = False) -> list[str]:
    """Return what is not any more as it was, one sentence each, and which of the keys ``changed`` still is.

    What a control plane changes by itself is left out. With ``events`` it is the etcd that has those.
    """
    with access(cluster, "events" if events else "configmaps").client() as client:
        return before.losses(Record.take(client), living=_LIVING, changed=changed)


def fragment(cluster: Cluster, size_bytes: int) -> Record:
    """Write a history of that size and drop it again, and return what is in it then.

    The files of all members are mostly free pages after that.
    """
    has_api_servers = bool(installation(cluster.spec.installation).static_pods)
    if has_api_servers:
        _apply(cluster.nodes[0])
    with access(cluster).client() as client:
        client.timeout = 60.0
        objects = _stored(client) if has_api_servers else _keys(client)
        while client.status().db_size < size_bytes:
            for batch in batches(iter(objects)):
                client.txn(batch)
        client.compact(client.txn(objects[:1]))
        status = client.status()
        record = Record.take(client)
    say(f"etcd has {status.db_size >> 20} MiB, {status.db_size_in_use >> 20} of them in use")
    return record


def _apply(node: Container, objects: str | None = None) -> None:
    made = _objects() if objects is None else objects
    node.run(*KUBECTL, "apply", "--server-side", "--force-conflicts", "--filename=-", stdin=made, seconds=120)


def _stored(client: Client, resource: str = "configmaps") -> list[Put]:
    return [Put(found.key, found.value) for found in client.scan(f"/registry/{resource}/{NAMESPACE}/".encode())]


def _keys(client: Client) -> list[Put]:
    """Write as many keys as there would be objects, and return them."""
    keys = list(itertools.islice(Workload(seed=1, leases=()).live(), _OBJECTS))
    for batch in batches(iter(keys)):
        client.txn(batch)
    return keys


def _events() -> str:
    """Return events, as a list in JSON; always the same. An annotation makes them large: their texts have a limit."""
    chance = random.Random(2)
    events = [_event(f"object-{number:03}", chance.randbytes(_OBJECT_BYTES // 2).hex()) for number in range(_OBJECTS)]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": events})


def _event(name: str, text: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": NAMESPACE, "annotations": {"example.com/text": text}},
        "involvedObject": {"apiVersion": "v1", "kind": "Namespace", "name": NAMESPACE, "namespace": NAMESPACE},
        "type": "Warning",
        "reason": "Filled",
        "message": "Written by a test.",
    }


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


def _copies(stored: list[Put], lease: int) -> Iterator[Put]:
    """Yield the objects under ever new names, each as long as its own, which is also in the encoded value."""
    for number in itertools.count():
        put = stored[number % len(stored)]
        name = put.key.rpartition(b"/")[2]
        other = b"x%0*d" % (len(name) - 1, number)
        yield Put(put.key.replace(name, other), put.value.replace(name, other), lease)


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


def _await_refusal(node: Container, *, events: bool) -> None:
    """Create objects until the API server is refused: etcd refuses large writes before it arms the alarm."""
    deadline = time.monotonic() + _REFUSED_SECONDS
    number = 0
    while time.monotonic() < deadline:
        number += 1
        name = f"extra-{number}"
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}}
        made = json.dumps(_event(name, "") if events else config_map)
        try:
            node.run(*KUBECTL, "create", "--filename=-", stdin=made, seconds=30)
        except CommandFailedError as error:
            if REFUSAL in str(error):
                return
            if "already exists" not in str(error):
                raise
        time.sleep(_POLL_SECONDS)
    raise DockerError(f"etcd is full, but the API server is not refused within {_REFUSED_SECONDS:.0f} s")


def _await_alarm(client: Client) -> None:
    """Write until the alarm is armed, likewise."""
    deadline = time.monotonic() + _REFUSED_SECONDS
    while not client.alarms():
        if time.monotonic() > deadline:
            raise DockerError(f"etcd is full, but armed no alarm within {_REFUSED_SECONDS:.0f} s")
        with contextlib.suppress(EtcdError):
            client.put(b"/registry/extra", bytes(_OBJECT_BYTES))
        time.sleep(_POLL_SECONDS)


def _since(start: float) -> str:
    return f"{time.monotonic() - start:.1f}"
