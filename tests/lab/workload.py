# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and values as a Kubernetes API server writes them, endless and the same for the same seed.

Values are an envelope like the API server's (JSON for custom resources, protobuf for built-in ones) and a stretch of
random text. The text is cut from one pool, since making random bytes for every value would take longer than
etcd needs to store them; the cuts differ, so no two values are equal.
"""

from __future__ import annotations

import base64
import random
import uuid
from collections.abc import Iterator, Sequence
from itertools import count

from lab.client import Put

MAX_TXN_KEYS = 128
MAX_TXN_BYTES = 1 << 20
EVENTS_PER_LEASE = 500
# Bytes of a pod, an event and a Kyverno report: from, to.
_POD_BYTES = (3_000, 6_000)
_EVENT_BYTES = (600, 1_400)
_REPORT_BYTES = (2_000, 20_000)
# Out of 20 live keys: 4 pods, 6 events, 10 reports. By bytes the reports are about 80 % of what stays.
_CYCLE = "prereprereprereprerr"
_NAMESPACES = ("default", "kube-system", "shop", "payments", "search", "batch", "monitoring", "kyverno")
_POOL_BYTES = 4 << 20
# So many that one transaction never has to name a pod twice.
MIN_PODS = 2 * MAX_TXN_KEYS


class Workload:
    """What is written: first the keys that stay, then updates of pods for ever."""

    def __init__(self, *, seed: int, leases: Sequence[int]) -> None:
        """``leases`` are the ids that events are attached to, in turns of 500 events."""
        self._seed = seed
        self._leases = leases
        self._pool = base64.b64encode(random.Random(seed).randbytes(_POOL_BYTES * 3 // 4))
        self._pods = MIN_PODS

    def live(self) -> Iterator[Put]:
        """Yield keys that stay, each once: at first some pods, then a mix."""
        for number in range(MIN_PODS):
            yield self._pod(number, 0)
        events, reports = count(), count()
        while True:
            for kind in _CYCLE:
                if kind == "p":
                    yield self._pod(self._pods, 0)
                    self._pods += 1
                elif kind == "e":
                    yield self._event(next(events))
                else:
                    yield self._report(next(reports))

    def updates(self) -> Iterator[Put]:
        """Yield updates of the pods that ``live`` has yielded so far, and of 256 at least, again and again."""
        for generation in count(1):
            for number in range(self._pods):
                yield self._pod(number, generation)

    def _pod(self, number: int, generation: int) -> Put:
        name = self._uid("pod", number)
        key = f"/registry/pods/{_namespace(number)}/app-{name[:13]}".encode()
        return Put(key, self._value(_protobuf("v1", "Pod", name, generation), _POD_BYTES, number, generation))

    def _event(self, number: int) -> Put:
        name = self._uid("event", number)
        key = f"/registry/events/{_namespace(number)}/app-{name[:13]}.{name[-12:]}".encode()
        lease = self._leases[number // EVENTS_PER_LEASE % len(self._leases)] if self._leases else 0
        return Put(key, self._value(_protobuf("v1", "Event", name, 0), _EVENT_BYTES, number, 0), lease)

    def _report(self, number: int) -> Put:
        name, namespace = self._uid("report", number), _namespace(number)
        key = f"/registry/wgpolicyk8s.io/policyreports/{namespace}/{name}".encode()
        head = (
            '{"apiVersion":"wgpolicyk8s.io/v1alpha2","kind":"PolicyReport","metadata":{"labels":'
            '{"app.kubernetes.io/managed-by":"kyverno"},'
            f'"name":"{name}","namespace":"{namespace}","uid":"{name}"}},"results":["'
        ).encode()
        return Put(key, self._value(head, _REPORT_BYTES, number, 0, tail=b'"]}'))

    def _uid(self, kind: str, number: int) -> str:
        return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{self._seed}/{kind}/{number}"))

    def _value(self, head: bytes, sizes: tuple[int, int], number: int, generation: int, *, tail: bytes = b"") -> bytes:
        # A pod keeps its size over all updates, else the live share would drift.
        size = sizes[0] + _scatter(number) % (sizes[1] - sizes[0])
        start = _scatter(number * 1_000_003 + generation + 1) % (len(self._pool) - size)
        return head + self._pool[start : start + size] + tail


def batches(puts: Iterator[Put], keys: int = MAX_TXN_KEYS) -> Iterator[list[Put]]:
    """Group puts into transactions of up to ``keys`` keys and 1 MiB, which etcd's default limits allow."""
    batch: list[Put] = []
    size = 0
    for put in puts:
        length = len(put.key) + len(put.value)
        if batch and (len(batch) == keys or size + length > MAX_TXN_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(put)
        size += length
    if batch:
        yield batch


def _namespace(number: int) -> str:
    return _NAMESPACES[number % len(_NAMESPACES)]


def _protobuf(version: str, kind: str, name: str, generation: int) -> bytes:
    """Return the beginning of a stored built-in object: magic, type, and a name that is not parsed by anybody."""
    type_meta = b"\n" + _short(version) + b"\x12" + _short(kind)
    return b"k8s\x00\n" + bytes([len(type_meta)]) + type_meta + f"{name} {generation} ".encode()


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def _scatter(number: int) -> int:
    """Return a number that looks random and is the same for the same ``number`` (a multiplicative hash)."""
    return (number * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) >> 24
