# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A typed client for one member over etcd's JSON gateway.

Every method raises ``EtcdError`` for etcd's own refusals and ``requests.RequestException`` if no answer came. The
gateway leaves out zero, false and empty fields and writes 64-bit numbers as strings; the types here have them all.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

from lab.errors import EtcdError
from lab.pki import KeyPair

# The first key and the end of a range that holds all keys.
_FIRST, _BEYOND_LAST = b"\x00", b"\x00"


@dataclass(frozen=True)
class Alarm:
    """An armed alarm: the id of the member it is about and its name (``NOSPACE``, ``CORRUPT``)."""

    member_id: int
    name: str


@dataclass(frozen=True)
class Member:
    """An entry of the member list; one that never started has no name and no client URLs."""

    id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    is_learner: bool


@dataclass(frozen=True)
class Status:
    """What a member says about itself. Sizes in bytes; ``leader`` is 0 without one.

    ``quota`` is None if etcd does not say it (before 3.6): ``Client.quota()`` reads it on all versions.
    """

    member_id: int
    cluster_id: int
    version: str
    revision: int
    leader: int
    raft_term: int
    raft_index: int
    raft_applied_index: int
    db_size: int
    db_size_in_use: int
    quota: int | None
    is_learner: bool
    errors: tuple[str, ...]


@dataclass(frozen=True)
class KeyValue:
    """A key as it is at one revision; ``lease`` is 0 without one."""

    key: bytes
    value: bytes
    mod_revision: int
    lease: int


@dataclass(frozen=True)
class Put:
    """A key to be written, with an optional lease id."""

    key: bytes
    value: bytes
    lease: int = 0


class Client:
    """Talks to one member. Not for use by several threads at once: each takes its own."""

    def __init__(self, url: str, ca: Path, pair: KeyPair, *, timeout: float = 30.0) -> None:
        """Prepare a client; nothing is sent yet. ``timeout`` is in seconds and per call."""
        self.url = url
        self.timeout = timeout
        self._session = requests.Session()
        # A proxy or CA bundle of the user's environment has no say between the lab and its own members.
        self._session.trust_env = False
        self._session.verify = str(ca)
        self._session.cert = (str(pair.certificate), str(pair.key))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def call(self, path: str, body: dict[str, Any], *, timeout: float | None = None) -> dict[str, Any]:
        """POST ``body`` to a gateway path such as ``/v3/kv/put`` and return the answer as it is."""
        return self.call_encoded(path, json.dumps(body).encode(), timeout=timeout)

    def call_encoded(self, path: str, body: bytes, *, timeout: float | None = None) -> dict[str, Any]:
        """Like ``call``, with a body that is JSON already."""
        answer = self._session.post(self.url + path, data=body, timeout=timeout or self.timeout)
        try:
            decoded = answer.json()
        except requests.JSONDecodeError:
            raise EtcdError(0, answer.text.strip()[:200], answer.status_code) from None
        if answer.status_code != 200:
            # The old gateway has `error` and `message`, the new one only `message`.
            raise EtcdError(int(decoded.get("code", 0)), str(decoded.get("message", decoded)), answer.status_code)
        return dict(decoded)

    def serves_gateway(self) -> bool:
        """Return whether the gateway answers; without one the path is unknown."""
        return self._session.post(self.url + "/v3/maintenance/status", data=b"{}", timeout=self.timeout).ok

    def complaint(self) -> str:
        """Return why the member calls itself unhealthy, other than being full, or nothing. Needs no gateway."""
        answer = self._session.get(self.url + "/health?exclude=NOSPACE", timeout=self.timeout)
        return "" if answer.ok else answer.text.strip()

    def put(self, key: bytes, value: bytes, *, lease: int = 0) -> int:
        """Write one key and return the revision."""
        body = {"key": encode(key), "value": encode(value), "lease": str(lease)}
        return _revision(self.call("/v3/kv/put", body))

    def txn(self, puts: Sequence[Put]) -> int:
        """Write several keys in one transaction and return the revision. etcd's limits: 128 keys, 1.5 MiB."""
        operations = [
            {"requestPut": {"key": encode(put.key), "value": encode(put.value), "lease": str(put.lease)}}
            for put in puts
        ]
        return _revision(self.call("/v3/kv/txn", {"success": operations}))

    def get(self, key: bytes) -> KeyValue | None:
        """Return one key, or None if there is no such key."""
        found = self.call("/v3/kv/range", {"key": encode(key)}).get("kvs", [])
        return _key_value(found[0]) if found else None

    def count(self, prefix: bytes = b"") -> int:
        """Return how many keys begin with ``prefix``."""
        start, end = _range_of(prefix)
        body = {"key": encode(start), "range_end": encode(end), "count_only": True}
        return int(self.call("/v3/kv/range", body).get("count", 0))

    def scan(self, prefix: bytes = b"", *, revision: int = 0, page: int = 1000) -> Iterator[KeyValue]:
        """Yield all keys that begin with ``prefix`` as they are at one revision (0: now), in order, page by page."""
        start, end = _range_of(prefix)
        while True:
            body = {"key": encode(start), "range_end": encode(end), "limit": str(page), "revision": str(revision)}
            answer = self.call("/v3/kv/range", body)
            revision = revision or _revision(answer)
            found = [_key_value(entry) for entry in answer.get("kvs", [])]
            yield from found
            if not answer.get("more"):
                return
            start = found[-1].key + b"\x00"

    def delete(self, prefix: bytes) -> int:
        """Delete all keys that begin with ``prefix`` and return how many there were."""
        start, end = _range_of(prefix)
        answer = self.call("/v3/kv/deleterange", {"key": encode(start), "range_end": encode(end)})
        return int(answer.get("deleted", 0))

    def compact(self, revision: int, *, physical: bool = True, timeout: float = 600.0) -> None:
        """Give up the history before ``revision``; ``physical`` waits until this member has done it."""
        self.call("/v3/kv/compaction", {"revision": str(revision), "physical": physical}, timeout=timeout)

    def defragment(self, *, timeout: float = 600.0) -> None:
        """Rewrite this member's database file; returns when it is done."""
        self.call("/v3/maintenance/defragment", {}, timeout=timeout)

    def status(self) -> Status:
        """Return this member's own status; answered without a leader, too."""
        answer = self.call("/v3/maintenance/status", {})
        header = answer["header"]
        quota = answer.get("dbSizeQuota")
        return Status(
            member_id=int(header["member_id"]),
            cluster_id=int(header["cluster_id"]),
            version=str(answer["version"]),
            revision=int(header.get("revision", 0)),
            leader=int(answer.get("leader", 0)),
            raft_term=int(answer.get("raftTerm", 0)),
            raft_index=int(answer.get("raftIndex", 0)),
            raft_applied_index=int(answer.get("raftAppliedIndex", 0)),
            db_size=int(answer.get("dbSize", 0)),
            db_size_in_use=int(answer.get("dbSizeInUse", 0)),
            quota=None if quota is None else int(quota),
            is_learner=bool(answer.get("isLearner", False)),
            errors=tuple(answer.get("errors", ())),
        )

    def quota(self) -> int:
        """Return the quota in bytes from the metrics, which have it on every version."""
        found = re.search(r"^etcd_server_quota_backend_bytes (\S+)$", self.metrics(), re.MULTILINE)
        if not found:
            raise EtcdError(0, "the metrics name no quota", 200)
        return int(float(found[1]))

    def metrics(self) -> str:
        """Return this member's Prometheus metrics."""
        return self._session.get(f"{self.url}/metrics", timeout=self.timeout).text

    def health(self, query: str = "") -> tuple[int, str]:
        """Return HTTP status and text of ``/health``, with a query such as ``exclude=NOSPACE``."""
        answer = self._session.get(f"{self.url}/health", params=query, timeout=self.timeout)
        return answer.status_code, answer.text

    def alarms(self) -> tuple[Alarm, ...]:
        """Return the armed alarms of the whole cluster."""
        return _alarms(self.call("/v3/maintenance/alarm", {"action": "GET"}))

    def arm(self, alarm: Alarm) -> None:
        """Raise an alarm by hand."""
        self._alarm("ACTIVATE", alarm)

    def disarm(self, alarm: Alarm) -> tuple[Alarm, ...]:
        """Clear one alarm and return what etcd says it cleared (nothing if it was not armed)."""
        return _alarms(self._alarm("DEACTIVATE", alarm))

    def members(self) -> tuple[Member, ...]:
        """Return the member list as this member knows it."""
        return tuple(_member(entry) for entry in self.call("/v3/cluster/member/list", {})["members"])

    def add_member(self, peer_url: str, *, learner: bool = False) -> Member:
        """Announce a new member; it counts for the quorum at once, except as a learner."""
        answer = self.call("/v3/cluster/member/add", {"peerURLs": [peer_url], "isLearner": learner})
        return _member(answer["member"])

    def remove_member(self, member_id: int) -> None:
        """Remove a member from the cluster; its process exits by itself."""
        self.call("/v3/cluster/member/remove", {"ID": str(member_id)})

    def move_leader(self, member_id: int) -> None:
        """Hand the leadership over; only the leader itself takes this call."""
        self.call("/v3/maintenance/transfer-leadership", {"targetID": str(member_id)})

    def grant_lease(self, seconds: int) -> int:
        """Grant a lease and return its id."""
        return int(self.call("/v3/lease/grant", {"TTL": str(seconds)})["ID"])

    def revoke_lease(self, lease: int) -> None:
        """Revoke a lease; its keys are deleted."""
        self.call("/v3/lease/revoke", {"ID": str(lease)})

    def hash(self) -> int:
        """Return the hash of this member's whole database, history included."""
        return int(self.call("/v3/maintenance/hash", {})["hash"])

    def hash_kv(self, revision: int = 0) -> int:
        """Return the hash of the keys up to ``revision`` (0: now); not served by 3.4 and 3.5.1."""
        return int(self.call("/v3/maintenance/hashkv", {"revision": str(revision)})["hash"])

    def _alarm(self, action: str, alarm: Alarm) -> dict[str, Any]:
        body = {"action": action, "memberID": str(alarm.member_id), "alarm": alarm.name}
        return self.call("/v3/maintenance/alarm", body)


def encode(raw: bytes) -> str:
    """Return ``raw`` as the gateway wants keys and values: base64."""
    return base64.b64encode(raw).decode("ascii")


def _range_of(prefix: bytes) -> tuple[bytes, bytes]:
    """Return first key and end of the range of all keys that begin with ``prefix``, which does not end in 0xff."""
    if not prefix:
        return _FIRST, _BEYOND_LAST
    return prefix, prefix[:-1] + bytes([prefix[-1] + 1])


def _revision(answer: dict[str, Any]) -> int:
    return int(answer["header"].get("revision", 0))


def _key_value(entry: dict[str, Any]) -> KeyValue:
    return KeyValue(
        key=base64.b64decode(entry["key"]),
        value=base64.b64decode(entry.get("value", "")),
        mod_revision=int(entry["mod_revision"]),
        lease=int(entry.get("lease", 0)),
    )


def _alarms(answer: dict[str, Any]) -> tuple[Alarm, ...]:
    return tuple(Alarm(int(entry["memberID"]), str(entry["alarm"])) for entry in answer.get("alarms", ()))


def _member(entry: dict[str, Any]) -> Member:
    return Member(
        id=int(entry["ID"]),
        name=str(entry.get("name", "")),
        peer_urls=tuple(entry.get("peerURLs", ())),
        client_urls=tuple(entry.get("clientURLs", ())),
        is_learner=bool(entry.get("isLearner", False)),
    )
