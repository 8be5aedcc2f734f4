# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A second opinion on what a member says."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from lab.loopback.member import MemberProcess


@dataclass(frozen=True)
class Truth:
    """What the witness says of one member; ``quota`` is None if the status does not have it."""

    member_id: int
    cluster_id: int
    version: str
    revision: int
    leader: int
    applied_index: int
    db_size: int
    db_size_in_use: int
    quota: int | None
    learner: bool
    errors: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """A revision that is still there; ``size`` is that of its record, as protobuf encodes it."""

    key: bytes
    size: int
    deletion: bool


class Witness:
    """The client ``etcd3`` over gRPC: nothing of it is ours, neither the code nor the way to etcd.

    Its stubs are older than some fields of the status. Those are read by their numbers in etcd's rpc.proto.
    """

    def __init__(self, node: MemberProcess) -> None:
        with warnings.catch_warnings():
            # Its stubs were made for an older protobuf, which says so a hundred times.
            warnings.simplefilter("ignore", DeprecationWarning)
            import etcd3

        pair = node.client_pair
        host, _colon, port = node.client_url.removeprefix("https://").rpartition(":")
        self._rpc = etcd3.etcdrpc
        self._client = etcd3.client(
            host=host, port=int(port), ca_cert=str(node.ca), cert_cert=str(pair.certificate), cert_key=str(pair.key)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def status(self) -> Truth:
        """Return what the member says about itself."""
        answer = self._client.maintenancestub.Status(self._rpc.StatusRequest(), timeout=30)
        unknown: dict[int, list[Any]] = {}
        for entry in answer.UnknownFields():
            unknown.setdefault(entry.field_number, []).append(entry.data)

        def newest(number: int) -> int:
            return int(unknown.get(number, [0])[-1])

        return Truth(
            member_id=answer.header.member_id,
            cluster_id=answer.header.cluster_id,
            version=answer.version,
            revision=answer.header.revision,
            leader=answer.leader,
            applied_index=newest(7),
            db_size=answer.dbSize,
            db_size_in_use=newest(9),
            quota=newest(12) or None,
            learner=bool(newest(10)),
            errors=tuple(text.decode() for text in unknown.get(8, [])),
        )

    def alarms(self) -> set[tuple[int, str]]:
        """Return member id and kind of every armed alarm."""
        request = self._rpc.AlarmRequest(action=self._rpc.AlarmRequest.GET)
        answer = self._client.maintenancestub.Alarm(request, timeout=30)
        return {(alarm.memberID, self._rpc.AlarmType.Name(alarm.alarm)) for alarm in answer.alarms}

    def members(self) -> dict[int, tuple[str, list[str], list[str]]]:
        """Return name, client URLs and peer URLs of every member by its id."""
        answer = self._client.clusterstub.MemberList(self._rpc.MemberListRequest(), timeout=30)
        return {each.ID: (each.name, list(each.clientURLs), list(each.peerURLs)) for each in answer.members}

    def kept(self, compacted: int) -> list[Kept]:
        """Return every revision that a compaction at ``compacted`` leaves, the oldest first, as etcd answers for each
        point in time. At 1 nothing was compacted. No more than some hundred: each is a call."""
        before = self._keys_at(compacted)
        found = [Kept(key, each.ByteSize(), deletion=False) for key, each in before.items()]
        for revision in range(compacted + 1, self.status().revision + 1):
            now = self._keys_at(revision)
            new = [(key, each) for key, each in now.items() if each.mod_revision == revision]
            found += [Kept(key, each.ByteSize(), deletion=False) for key, each in new]
            gone = [self._rpc.kv__pb2.KeyValue(key=key) for key in before if key not in now]
            found += [Kept(each.key, each.ByteSize(), deletion=True) for each in gone]
            before = now
        return found

    def _keys_at(self, revision: int) -> dict[bytes, Any]:
        request = self._rpc.RangeRequest(key=b"\0", range_end=b"\0", revision=revision)
        return {each.key: each for each in self._client.kvstub.Range(request, timeout=30).kvs}
