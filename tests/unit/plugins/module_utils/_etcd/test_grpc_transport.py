# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""gRPC against a server of grpcio that answers as etcds do, or as nobody should."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm, Endpoint
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.grpc_transport import GrpcTransport, library
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import TlsFiles

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from etcd3 import etcdrpc

# Fields that etcd3's messages lack, in protobuf's wire format: raftAppliedIndex, errors, dbSizeInUse, isLearner,
# dbSizeQuota.
NEWER = b"\x38\x07" + b"\x42\x18memberID:9 alarm:NOSPACE" + b"\x48\x80\x01" + b"\x50\x01" + b"\x60\x80\x08"
Answer = Callable[[bytes, grpc.ServicerContext], Any]


class Server(grpc.GenericRpcHandler):
    """Answers every method in the same way; ``asked`` are the methods."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[str] = []
        self._answer = answer

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        self.asked.append(call.method)
        if call.method.endswith("/Snapshot"):
            return grpc.unary_stream_rpc_method_handler(self._answer)
        if call.method.endswith("/LeaseKeepAlive"):
            return grpc.stream_stream_rpc_method_handler(lambda requests, _context: map(self._one, requests))
        return grpc.unary_unary_rpc_method_handler(self._answer)

    def _one(self, request: bytes) -> bytes:
        asked = etcdrpc.LeaseKeepAliveRequest.FromString(request)
        return bytes(etcdrpc.LeaseKeepAliveResponse(ID=asked.ID, TTL=5).SerializeToString())


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], tuple[Server, GrpcTransport]]]:
    servers = []

    def start(answer: Answer) -> tuple[Server, GrpcTransport]:
        handler, server = Server(answer), grpc.server(ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((handler,))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return handler, GrpcTransport(f"http://127.0.0.1:{port}", None, timeout=5.0)

    yield start
    for server in servers:
        server.stop(None)


def refusal(code: grpc.StatusCode, details: str) -> Answer:
    return lambda _request, context: context.abort(code, details)


def test_a_quota_that_is_off(serve: Any) -> None:
    _server, transport = serve(lambda _request, _context: b"\x60" + b"\xff" * 9 + b"\x01")
    assert Endpoint(transport).status().quota_bytes == -1


def test_fields_of_newer_etcds_are_read_by_number(serve: Any) -> None:
    header = etcdrpc.ResponseHeader(cluster_id=1, member_id=2**63 + 5, revision=7)
    known = etcdrpc.StatusResponse(header=header, version="3.6.16", dbSize=4096, leader=3, raftTerm=2)
    server, transport = serve(lambda _request, _context: known.SerializeToString() + NEWER)
    status = Endpoint(transport).status()
    assert server.asked == ["/etcdserverpb.Maintenance/Status"]
    assert (status.cluster_id, status.member_id, status.revision, status.version) == (1, 2**63 + 5, 7, "3.6.16")
    assert (status.raft_applied_index, status.db_size_in_use_bytes, status.learner) == (7, 128, True)
    assert (status.quota_bytes, status.alarms) == (1024, (Alarm(9, "NOSPACE"),))


def test_learners_of_a_member_list(serve: Any) -> None:
    learner = etcdrpc.Member(ID=5, name="cp1", clientURLs=["https://a:2379"]).SerializeToString() + b"\x28\x01"
    answer = b"\x12" + bytes([len(learner)]) + learner
    _server, transport = serve(lambda _request, _context: answer)
    (member,) = Endpoint(transport).members()
    assert (member.member_id, member.name, member.learner, member.started) == (5, "cp1", True, True)


def test_streams(serve: Any) -> None:
    pieces = [etcdrpc.SnapshotResponse(blob=each).SerializeToString() for each in (b"one", b"two")]
    _server, transport = serve(lambda _request, _context: iter(pieces))
    assert list(Endpoint(transport).snapshot(5.0)) == [b"one", b"two"]
    assert Endpoint(transport).renew_lease(7)


@pytest.mark.parametrize(
    ("code", "details", "kind"),
    [
        (grpc.StatusCode.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", errors.Compacted),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", errors.NoSpace),
        (grpc.StatusCode.UNAVAILABLE, "etcdserver: no leader", errors.NoLeader),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "etcdserver: request timed out", errors.TimedOut),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", errors.TimedOut),
        (grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses", errors.Unreachable),
        (grpc.StatusCode.UNAVAILABLE, "Ssl handshake failed: CERTIFICATE_VERIFY_FAILED", errors.TlsRejected),
        (grpc.StatusCode.UNKNOWN, "", errors.EtcdError),
    ],
)
def test_refusals(serve: Any, code: grpc.StatusCode, details: str, kind: type[errors.EtcdError]) -> None:
    _server, transport = serve(refusal(code, details))
    with pytest.raises(errors.EtcdError) as caught:
        transport.call("/v3/maintenance/status", {})
    assert caught.value.code == kind.code
    assert caught.value.endpoint == transport.endpoint


def test_nobody_listens() -> None:
    with pytest.raises(errors.Unreachable):
        Endpoint(GrpcTransport("http://127.0.0.1:1", None, timeout=2.0)).status()


def test_an_endpoint_with_a_path() -> None:
    with pytest.raises(errors.InvalidEndpoint, match="has a path"):
        GrpcTransport("http://127.0.0.1:2379/etcd", None)


def test_files_that_cannot_be_used() -> None:
    with pytest.raises(errors.TlsRejected, match=r"/missing\.crt"):
        GrpcTransport("https://127.0.0.1:2379", TlsFiles("/missing.crt", "/missing.crt", "/missing.key"))


def test_a_python_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "etcd3", None)
    with pytest.raises(errors.LibraryMissing, match="etcd3 cannot be imported"):
        library()
