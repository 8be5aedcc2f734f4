# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""gRPC to one endpoint, for members whose JSON gateway is off: by the library etcd3, if the node has it.

What is asked and answered has the form of the gateway's JSON, which is protobuf's own mapping, so that nobody above
knows the difference. The library's messages are older than some fields; those are read by their numbers.
"""

from __future__ import annotations

import typing as t
import warnings
from contextlib import contextmanager

from .._core.files import text
from .._core.records import Json
from .errors import EtcdError, HungUp, InvalidEndpoint, LibraryMissing, TimedOut, TlsRejected, Unreachable, of_answer
from .transport import ANSWER_SECONDS, GatewayTransport, TlsFiles

# What the library imports with; its messages were made by a protobuf that newer ones do not read.
REQUIREMENTS = "etcd3==0.12.0 protobuf==3.20.3 grpcio"

_MAX_BYTES = 64 * 1024 * 1024  # a snapshot comes in pieces of 32 KiB, a member list is small

# Path of the gateway: service and method, and the names of both messages. Source: api/etcdserverpb/rpc.proto.
_METHODS = {
    "/v3/cluster/member/list": ("Cluster/MemberList", "MemberListRequest", "MemberListResponse"),
    "/v3/kv/compaction": ("KV/Compact", "CompactionRequest", "CompactionResponse"),
    "/v3/kv/deleterange": ("KV/DeleteRange", "DeleteRangeRequest", "DeleteRangeResponse"),
    "/v3/kv/range": ("KV/Range", "RangeRequest", "RangeResponse"),
    "/v3/lease/grant": ("Lease/LeaseGrant", "LeaseGrantRequest", "LeaseGrantResponse"),
    "/v3/lease/keepalive": ("Lease/LeaseKeepAlive", "LeaseKeepAliveRequest", "LeaseKeepAliveResponse"),
    "/v3/lease/revoke": ("Lease/LeaseRevoke", "LeaseRevokeRequest", "LeaseRevokeResponse"),
    "/v3/maintenance/alarm": ("Maintenance/Alarm", "AlarmRequest", "AlarmResponse"),
    "/v3/maintenance/defragment": ("Maintenance/Defragment", "DefragmentRequest", "DefragmentResponse"),
    "/v3/maintenance/hashkv": ("Maintenance/HashKV", "HashKVRequest", "HashKVResponse"),
    "/v3/maintenance/snapshot": ("Maintenance/Snapshot", "SnapshotRequest", "SnapshotResponse"),
    "/v3/maintenance/status": ("Maintenance/Status", "StatusRequest", "StatusResponse"),
    "/v3/maintenance/transfer-leadership": ("Maintenance/MoveLeader", "MoveLeaderRequest", "MoveLeaderResponse"),
}

# Fields of newer etcds, by message and number: the name, and whether it is a text, of which there may be several.
_NEWER = {
    "StatusResponse": {
        7: ("raftAppliedIndex", False),
        8: ("errors", True),
        9: ("dbSizeInUse", False),
        10: ("isLearner", False),
        12: ("dbSizeQuota", False),  # -1 if it is off, which an unknown field does not tell from 2**64 - 1
    },
    "Member": {5: ("isLearner", False)},
}


class GrpcTransport:
    """The gRPC of one member. As with the gateway, a connection lasts for one call."""

    def __init__(self, endpoint: str, tls: TlsFiles | None, *, timeout: float = ANSWER_SECONDS) -> None:
        """Raises LibraryMissing, and TlsRejected and InvalidEndpoint as the gateway's transport does."""
        self._library = library()
        # The files are looked at as for the gateway, so that each that cannot be used is named.
        self._http = GatewayTransport(endpoint, tls, timeout=timeout)
        self.endpoint, self._tls, self._timeout = self._http.endpoint, tls, timeout
        _scheme, _separator, self._target = self.endpoint.partition("://")
        if "/" in self._target:
            raise InvalidEndpoint(f"{endpoint!r} has a path, which gRPC does not know", endpoint=endpoint)

    def call(self, path: str, body: Json, timeout: float | None = None) -> Json:
        method, request, answer = self._messages(path, body)
        with self._channel(timeout) as (channel, seconds):
            ask = channel.unary_unary(
                method, request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString
            )
            return self._json(ask(request, timeout=seconds))

    def stream(self, path: str, body: Json, timeout: float | None = None) -> t.Iterator[Json]:
        method, request, answer = self._messages(path, body)
        with self._channel(timeout) as (channel, seconds):
            both = {"request_serializer": type(request).SerializeToString, "response_deserializer": answer.FromString}
            if path == "/v3/lease/keepalive":
                answers = channel.stream_stream(method, **both)(iter([request]), timeout=seconds)
            else:
                answers = channel.unary_stream(method, **both)(request, timeout=seconds)
            for each in answers:
                yield self._json(each)

    def text(self, path: str, timeout: float | None = None) -> str:
        """No gRPC: members serve this beside it, also with the gateway switched off."""
        return self._http.text(path, timeout)

    def _messages(self, path: str, body: Json) -> tuple[str, t.Any, t.Any]:
        method, request, answer = _METHODS[path]
        messages = self._library.messages
        filled = self._library.json_format.ParseDict(body, getattr(messages, request)())
        return f"/etcdserverpb.{method}", filled, getattr(messages, answer)

    @contextmanager
    def _channel(self, timeout: float | None) -> t.Iterator[tuple[t.Any, float]]:
        grpc, seconds = self._library.grpc, self._timeout if timeout is None else timeout
        options = [("grpc.max_receive_message_length", _MAX_BYTES), ("grpc.enable_retries", 0)]
        if self._tls is None:
            channel = grpc.insecure_channel(self._target, options)
        else:
            channel = grpc.secure_channel(self._target, self._credentials(self._tls), options)
        try:
            yield channel, seconds
        except grpc.RpcError as exc:
            raise self._explained(exc, seconds) from exc
        finally:
            channel.close()

    def _credentials(self, tls: TlsFiles) -> t.Any:
        try:
            ca_cert, key, chain = (
                text(path, encoding="ascii").encode("ascii") for path in (tls.ca_cert, tls.client_key, tls.client_cert)
            )
        except (OSError, ValueError) as exc:
            raise TlsRejected(f"a certificate or its key cannot be read: {exc}", endpoint=self.endpoint) from exc
        return self._library.grpc.ssl_channel_credentials(ca_cert, key, chain)

    def _explained(self, exc: t.Any, seconds: float) -> EtcdError:
        """A failed call as the error that it stands for (texts recorded with grpcio 1.85 and etcd 3.4 to 3.7)."""
        code, details = exc.code(), str(exc.details() or "no reason given")
        status = self._library.grpc.StatusCode
        if code == status.DEADLINE_EXCEEDED and not details.startswith("etcdserver"):
            return TimedOut(f"no answer within {seconds:g} s", endpoint=self.endpoint)
        if code == status.UNAVAILABLE and not details.startswith("etcdserver"):
            known = self._refusal(seconds)
            if known:
                return known
            if self._tls and "TSI_" in details:  # after the handshake: what it had to say of our certificate is lost
                shown = self._tls.client_cert
                return TlsRejected(
                    f"the server did not accept the client certificate {shown}: {details}", endpoint=self.endpoint
                )
            if any(word in details.lower() for word in ("ssl", "tls", "certificate", "handshake")):
                return TlsRejected(f"the certificates were not accepted: {details}", endpoint=self.endpoint)
            return Unreachable(details, endpoint=self.endpoint)
        return of_answer({"message": details}, endpoint=self.endpoint)

    def _refusal(self, seconds: float) -> EtcdError | None:
        """Why nobody is let in, as it is said over HTTP, since grpcio's own words name neither file nor reason. None if
        that says nothing of it."""
        try:
            self._http.text("/version", seconds)
        except HungUp:  # as a port without HTTP does
            pass
        except (TlsRejected, Unreachable) as exc:
            return exc
        except EtcdError:
            pass
        return None

    def _json(self, message: t.Any) -> Json:
        found: Json = self._library.json_format.MessageToDict(message, preserving_proto_field_name=True)
        found.update(self._newer(message))
        for each, body in zip(getattr(message, "members", ()), found.get("members", ())):
            body.update(self._newer(each))
        return found

    def _newer(self, message: t.Any) -> Json:
        names = _NEWER.get(message.DESCRIPTOR.name, {})
        found: Json = {}
        for number, value in self._library.unknown_fields(message) if names else ():
            name, is_text = names.get(number, ("", False))
            if name and is_text:
                found.setdefault(name, []).append(value.decode("utf-8", "replace"))
            elif name:
                found[name] = value if value < 1 << 63 or name != "dbSizeQuota" else value - (1 << 64)
        return found


class Library(t.NamedTuple):
    """What is used of etcd3 and of what it imports."""

    grpc: t.Any
    messages: t.Any
    json_format: t.Any
    unknown_fields: t.Callable[[t.Any], t.Iterable[tuple[int, t.Any]]]


def library() -> Library:
    """The library. Raises LibraryMissing if this Python cannot import it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an old protobuf says so a hundred times
            import grpc
            from etcd3 import etcdrpc
            from google.protobuf import json_format
    except Exception as exc:  # an etcd3 with too new a protobuf raises TypeError
        raise LibraryMissing(f"etcd3 cannot be imported ({type(exc).__name__}: {str(exc).splitlines()[0]})") from exc
    return Library(grpc, etcdrpc, json_format, _unknown_fields)


def _unknown_fields(message: t.Any) -> t.Iterator[tuple[int, t.Any]]:
    for field in message.UnknownFields():
        yield field.field_number, field.data


__all__ = ("REQUIREMENTS", "GrpcTransport", "library")
