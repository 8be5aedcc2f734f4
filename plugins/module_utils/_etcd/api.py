# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The calls of etcd's v3 API that this collection needs, and frozen records of their answers.

The gateway writes 64-bit numbers as strings and leaves out zeros, false and empty values (protobuf's JSON mapping).
Ids are plain integers here and written in hexadecimal for people, as etcdctl does.
"""

from __future__ import annotations

import base64
import re
import typing as t

from .._core.records import Json
from .errors import EtcdError, GatewayDisabled, LearnerRefuses, TimedOut, Unreachable
from .transport import Transport

NOSPACE, CORRUPT = "NOSPACE", "CORRUPT"

# The spacing differs between 3.5, 3.6 and 3.7, and the protobuf library promises none.
_ALARM_IN_ERRORS = re.compile(r"memberID:(\d+)\s+alarm:(\w+)")


class Alarm(t.NamedTuple):
    """An alarm that is armed. `kind` is NOSPACE or CORRUPT; `member_id` may be that of a removed member."""

    member_id: int
    kind: str


class Status(t.NamedTuple):
    """The status of one member. `leader_id` is 0 without a leader; `quota_bytes` is -1 if the quota is off, None if the
    status does not say (before 3.6, and 3.6.0 to 3.6.5)."""

    cluster_id: int
    member_id: int
    version: str
    revision: int
    raft_term: int
    raft_applied_index: int
    leader_id: int
    learner: bool
    db_size_bytes: int
    db_size_in_use_bytes: int
    quota_bytes: int | None
    errors: tuple[str, ...]
    alarms: tuple[Alarm, ...]


class Member(t.NamedTuple):
    """An entry of the member list. One that was added and never started has neither name nor client URLs."""

    member_id: int
    name: str
    peer_urls: tuple[str, ...]
    client_urls: tuple[str, ...]
    learner: bool

    @property
    def started(self) -> bool:
        return bool(self.client_urls)


class HashKv(t.NamedTuple):
    """The hash over the keys up to a revision; comparable between members only at the same compacted revision."""

    hash: int
    compact_revision: int


def _number(body: Json, key: str) -> int:
    return int(body.get(key, 0))


def _keys(start: bytes, end: bytes) -> Json:
    return {"key": base64.b64encode(start).decode("ascii"), "range_end": base64.b64encode(end).decode("ascii")}


def parse_status(body: Json) -> Status:
    """The record of a `/v3/maintenance/status` answer."""
    header = body.get("header", {})
    errors = tuple(body.get("errors", ()))
    found = [match.groups() for text in errors for match in _ALARM_IN_ERRORS.finditer(text)]
    return Status(
        cluster_id=_number(header, "cluster_id"),
        member_id=_number(header, "member_id"),
        version=body.get("version", ""),
        revision=_number(header, "revision"),
        raft_term=_number(body, "raftTerm"),
        raft_applied_index=_number(body, "raftAppliedIndex"),
        leader_id=_number(body, "leader"),
        learner=bool(body.get("isLearner", False)),
        db_size_bytes=_number(body, "dbSize"),
        db_size_in_use_bytes=_number(body, "dbSizeInUse"),
        quota_bytes=_number(body, "dbSizeQuota") or None,
        errors=errors,
        alarms=tuple(Alarm(int(member_id), kind) for member_id, kind in found),
    )


def parse_members(body: Json) -> tuple[Member, ...]:
    """The records of a `/v3/cluster/member/list` answer."""
    return tuple(
        Member(
            member_id=_number(member, "ID"),
            name=member.get("name", ""),
            peer_urls=tuple(member.get("peerURLs", ())),
            client_urls=tuple(member.get("clientURLs", ())),
            learner=bool(member.get("isLearner", False)),
        )
        for member in body.get("members", ())
    )


def parse_alarms(body: Json) -> tuple[Alarm, ...]:
    """The records of a `/v3/maintenance/alarm` answer, in order: etcd's own, of a map, is another one each time."""
    alarms = (Alarm(_number(alarm, "memberID"), alarm.get("alarm", "")) for alarm in body.get("alarms", ()))
    return tuple(sorted(alarms))


def parse_metric(text: str, name: str) -> float | None:
    """The value of a metric without labels in Prometheus' text format, None if it is not there."""
    match = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(match.group(1)) if match else None


def _parse_active_peers(text: str) -> frozenset[int]:
    """The ids of the members that this one has connections of raft with, in Prometheus' text format
    (server/etcdserver/api/rafthttp/metrics.go: etcd_network_active_peers)."""
    found = re.findall(r'^etcd_network_active_peers\{[^}]*\bRemote="([0-9a-f]+)"[^}]*\} [1-9]', text, re.MULTILINE)
    return frozenset(int(member, 16) for member in found)


class Endpoint:
    """One member, asked through one transport. Every call raises EtcdError; timeouts are in seconds."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def url(self) -> str:
        return self._transport.endpoint

    def status(self, timeout: float | None = None) -> Status:
        """The member's own status, served also without a leader, and by learners."""
        return parse_status(self._transport.call("/v3/maintenance/status", {}, timeout))

    def members(self) -> tuple[Member, ...]:
        """The members as this one knows them: not linearizable, so that it also answers without quorum."""
        return parse_members(self._transport.call("/v3/cluster/member/list", {}))

    def alarms(self) -> tuple[Alarm, ...]:
        """The alarms, read through raft: without a leader the answer comes after the server's own time limit (7 s)."""
        return parse_alarms(self._transport.call("/v3/maintenance/alarm", {"action": "GET"}))

    def disarm(self, alarm: Alarm) -> None:
        """Disarm one alarm. A `member_id` of 0 would be answered with success and change nothing."""
        body = {"action": "DEACTIVATE", "memberID": str(alarm.member_id), "alarm": alarm.kind}
        self._transport.call("/v3/maintenance/alarm", body)

    def revision(self) -> int:
        """The cluster's current revision (a linearizable read of one key that need not exist)."""
        answer = self._transport.call("/v3/kv/range", {"key": "AA==", "count_only": True})
        return _number(answer.get("header", {}), "revision")

    def check_revision(self, revision: int) -> None:
        """Read nothing at that revision on this member alone. Raises Compacted or FutureRevision."""
        body = {"key": "AA==", "count_only": True, "serializable": True, "revision": str(revision)}
        self._transport.call("/v3/kv/range", body)

    def compact(self, revision: int, timeout: float) -> None:
        """Compact physically: the answer comes when this member has done its own share, as Compacted if that was done
        before."""
        body = {"revision": str(revision), "physical": True}
        self._transport.call("/v3/kv/compaction", body, timeout)

    def count_keys(self, start: bytes, end: bytes) -> int:
        """How many keys there are from `start` on, before `end`."""
        answer = self._transport.call("/v3/kv/range", {**_keys(start, end), "count_only": True})
        return _number(answer, "count")

    def list_keys(self, start: bytes, end: bytes, limit: int) -> list[bytes]:
        """The first keys from `start` on, before `end`, in their order. Of values nothing is sent."""
        body = {**_keys(start, end), "limit": str(limit), "keys_only": True}
        return [base64.b64decode(each["key"]) for each in self._transport.call("/v3/kv/range", body).get("kvs", ())]

    def delete_keys(self, start: bytes, end: bytes) -> int:
        """Delete the keys from `start` on, before `end`, and return how many there were. Works under NOSPACE."""
        return _number(self._transport.call("/v3/kv/deleterange", _keys(start, end)), "deleted")

    def defragment(self, timeout: float) -> None:
        """Defragment this member, which serves nothing meanwhile. TimedOut does not stop it: never send it again."""
        self._transport.call("/v3/maintenance/defragment", {}, timeout)

    def move_leader(self, target_id: int) -> None:
        """Move the leadership to another voter; only the leader does that."""
        self._transport.call("/v3/maintenance/transfer-leadership", {"targetID": str(target_id)})

    def write(self) -> None:
        """Write without leaving a key: a lease, granted and revoked. Raises NoSpace while writes are refused."""
        self.revoke_lease(self.grant_lease(60))

    def grant_lease(self, seconds: int, lease_id: int = 0) -> int:
        """Grant a lease of this id, or of one that etcd chooses, and return its id. Of all who want the same one,
        exactly one gets it, and the others LeaseExists. Raises NoSpace while writes are refused."""
        body = {"TTL": str(seconds), **({"ID": str(lease_id)} if lease_id else {})}
        granted = _number(self._transport.call("/v3/lease/grant", body), "ID")
        if not granted:
            raise EtcdError("a lease was granted without an id", endpoint=self.url)
        return granted

    def renew_lease(self, lease_id: int) -> bool:
        """Renew a lease; False if it is gone."""
        for answer in self._transport.stream("/v3/lease/keepalive", {"ID": str(lease_id)}):
            return _number(answer, "TTL") > 0
        raise EtcdError("a lease was to be renewed, and nothing was answered", endpoint=self.url)

    def revoke_lease(self, lease_id: int) -> None:
        """Revoke a lease."""
        self._transport.call("/v3/lease/revoke", {"ID": str(lease_id)})

    def hash_kv(self, revision: int, timeout: float) -> HashKv | None:
        """The hash of this member's keys, None if this etcd does not serve it (3.4, early 3.5)."""
        try:
            answer = self._transport.call("/v3/maintenance/hashkv", {"revision": str(revision)}, timeout)
        except (GatewayDisabled, LearnerRefuses):
            return None
        return HashKv(_number(answer, "hash"), _number(answer, "compact_revision"))

    def snapshot(self, timeout: float) -> t.Iterator[bytes]:
        """The database and, as the last 32 bytes, its SHA-256: only there it shows if the stream broke off."""
        for chunk in self._transport.stream("/v3/maintenance/snapshot", {}, timeout):
            yield base64.b64decode(chunk.get("blob", ""))

    def defragmenting(self) -> bool:
        """Whether this member is being defragmented: then `/metrics` answers, and nearly nothing else does."""
        try:
            return bool(parse_metric(self._transport.text("/metrics"), "etcd_disk_defrag_inflight"))
        except EtcdError:
            return False

    def active_peers(self) -> frozenset[int]:
        """The ids of the members that this one has connections of raft with; empty if its `/metrics` cannot be had."""
        try:
            return _parse_active_peers(self._transport.text("/metrics"))
        except EtcdError:
            return frozenset()

    def quota_from_metrics(self) -> int | None:
        """The quota in bytes (-1: off) as `/metrics` on the client URL prints it, None if it does not. What was too
        slow or cut off is asked for once more."""
        for _attempt in range(2):
            try:
                value = parse_metric(self._transport.text("/metrics"), "etcd_server_quota_backend_bytes")
            except (TimedOut, Unreachable):
                continue
            except EtcdError:
                return None
            return int(value) if value else None
        return None


__all__ = (
    "CORRUPT",
    "NOSPACE",
    "Alarm",
    "Endpoint",
    "HashKv",
    "Member",
    "Status",
    "parse_alarms",
    "parse_members",
    "parse_metric",
    "parse_status",
)
