# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport against real sockets that answer as etcds do, or as nobody should."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from unit.builders import VERSIONS, recorded, recorded_http, recorded_json, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import files as core_files
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Endpoint
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import (
    GatewayTransport,
    TlsFiles,
    tls_context,
)
from lab import pki

STATUS = "/v3/maintenance/status"
SHORT = 0.3


@dataclass(frozen=True)
class Pki:
    """One authority with a server's and some clients' files, and a foreign authority with those of a client."""

    authority: pki.Authority
    ca: Path
    foreign_ca: Path
    server: pki.KeyPair
    client: pki.KeyPair
    expired: pki.KeyPair
    foreign: pki.KeyPair

    def files(self, client: pki.KeyPair | None = None, ca: Path | None = None) -> TlsFiles:
        client = client or self.client
        return TlsFiles(str(ca or self.ca), str(client.certificate), str(client.key))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    directory = tmp_path_factory.mktemp("pki")
    own, other = pki.Authority.create(), pki.Authority.create()
    own.write(directory / "ca")
    other.write(directory / "foreign-ca")
    return Pki(
        authority=own,
        ca=directory / "ca.crt",
        foreign_ca=directory / "foreign-ca.crt",
        server=own.issue(directory / "server", "cp1", pki.SERVER_AND_CLIENT, addresses=["127.0.0.1"]),
        client=pki.issue_healthcheck_client(own, directory / "client"),
        expired=pki.issue_healthcheck_client(own, directory / "expired", expired=True),
        foreign=pki.issue_healthcheck_client(other, directory / "foreign"),
    )


Behaviour = Callable[[socket.socket], None]


def request(connection: socket.socket) -> bytes:
    """The whole request: a server that closes before it has read everything resets the connection."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += _some(connection)
    head, _sep, body = read.partition(b"\r\n\r\n")
    (length,) = re.findall(rb"Content-Length: (\d+)", head) or [b"0"]
    while len(body) < int(length):
        body += _some(connection)
    return head + b"\r\n\r\n" + body


def _some(connection: socket.socket) -> bytes:
    read = connection.recv(65536)
    if not read:
        raise ConnectionError("the client went away")
    return read


@contextlib.contextmanager
def server(behave: Behaviour, tls: Pki | None = None) -> Iterator[str]:
    """A server on a free port that treats every connection in its own way; its URL."""
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.server.certificate, tls.server.key)
        context.load_verify_locations(tls.ca)
        context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            connection.settimeout(5)
            # The second handle keeps the connection open until the client has heard why it was refused.
            with contextlib.suppress(OSError), connection, connection.dup() as second:
                try:
                    if context is None:
                        behave(connection)
                    else:
                        with context.wrap_socket(connection, server_side=True) as wrapped:
                            behave(wrapped)
                except ssl.SSLError:
                    while second.recv(65536):
                        pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def answers(status: int, body: bytes, *, announce: int = 0) -> Behaviour:
    """One HTTP answer; `announce` more bytes are promised than come."""

    def behave(connection: socket.socket) -> None:
        request(connection)
        head = f"HTTP/1.1 {status} Any\r\nContent-Length: {len(body) + announce}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)

    return behave


def says(raw: bytes) -> Behaviour:
    """These bytes, whatever was asked."""

    def behave(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(raw)

    return behave


def sleeps(connection: socket.socket) -> None:
    request(connection)
    time.sleep(2 * SHORT)


def chunked(*lines: bytes, whole: bool = True) -> Behaviour:
    """A stream as the gateway sends it: each line is a chunk."""
    body = b"".join(b"%x\r\n%s\r\n" % (len(line), line) for line in lines)
    return says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + (b"0\r\n\r\n" if whole else b""))


def failure(behave: Behaviour, path: str = STATUS) -> errors.EtcdError:
    with server(behave) as url, pytest.raises(errors.EtcdError) as caught:
        GatewayTransport(url, None, timeout=SHORT).call(path, {})
    assert caught.value.endpoint == url
    return caught.value


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_status_over_tls(version: str, certificates: Pki) -> None:
    with server(answers(200, recorded(version, "status-leader")), certificates) as url:
        assert Endpoint(GatewayTransport(url + "/", certificates.files())).status().version == version


# What decides is the text: of code 11 and 9, and of statuses that differ between the versions.
RECORDED: list[tuple[str, type[errors.EtcdError], str]] = [
    ("nospace-put", errors.NoSpace, "database space exceeded"),
    ("compaction-compacted", errors.Compacted, "has been compacted"),
    ("compaction-future", errors.FutureRevision, "future revision"),
    ("transfer-not-leader", errors.NotLeader, "not leader"),
    ("corrupt-put", errors.CorruptAlarm, "corrupt cluster"),
    ("no-leader-alarms", errors.TimedOut, "context deadline exceeded"),
    ("no-leader-range", errors.TimedOut, "request timed out"),
    ("learner-defragment", errors.LearnerRefuses, "ask a voter instead"),
    ("server-certificate", errors.TlsRejected, "needs the extended key usage clientAuth"),
    ("auth-on", errors.AuthEnabled, "CommonName of client"),
    ("gateway-off", errors.GatewayDisabled, "HTTP 404 '404 page not found': the JSON gateway is switched off"),
    ("unknown-path", errors.GatewayDisabled, "Not Found"),
    ("get-on-post-path", errors.EtcdError, "Method Not Allowed"),
]


@pytest.mark.parametrize(
    ("version", "situation", "kind", "text"),
    table((f"{version} {row[0]}", version, *row) for version in VERSIONS for row in RECORDED),
)
def test_recorded_error(version: str, situation: str, kind: type[errors.EtcdError], text: str) -> None:
    error = failure(answers(recorded_http(version, situation), recorded(version, situation)))
    assert error.__class__ is kind
    assert text in str(error)


@pytest.mark.parametrize("status", [400, 412, 429, 500, 503, 504])
def test_http_status_decides_nothing(status: int) -> None:
    assert isinstance(failure(answers(status, recorded("3.6.16", "transfer-not-leader"))), errors.NotLeader)


def closes(connection: socket.socket) -> None:
    request(connection)


def resets(connection: socket.socket) -> None:
    """Close before all is read, as a port without HTTP may."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


PREFACE = bytes.fromhex("000006040000000000000500004000")  # what a gRPC-only port says first

STRANGE: list[tuple[str, Behaviour, type[errors.EtcdError], str]] = [
    ("404 text", answers(404, b"404 page not found\n"), errors.GatewayDisabled, "--enable-grpc-gateway=false"),
    ("404 without a body", answers(404, b""), errors.GatewayDisabled, "without a body"),
    ("200 without a body", answers(200, b""), errors.GatewayDisabled, "without a body"),
    ("200 that is no JSON", answers(200, b"<html>Welcome</html>"), errors.EtcdError, "<html>Welcome</html>"),
    ("200 with a list", answers(200, b"[1]"), errors.EtcdError, "[1]"),
    ("200 in bytes of no text", answers(200, b"\xff\xfe\xfd"), errors.EtcdError, "\ufffd"),
    ("502 of a proxy", answers(502, b"Bad Gateway"), errors.EtcdError, "Bad Gateway"),
    (
        "https wanted",
        answers(400, b"Client sent an HTTP request to an HTTPS server.\n"),
        errors.EtcdError,
        "HTTPS server",
    ),
    ("garbage", says(b"\x16\x03\x01garbage\r\n\r\n"), errors.GatewayDisabled, "does not speak the JSON gateway"),
    ("3.5.16 gRPC only", says(PREFACE), errors.GatewayDisabled, "--listen-client-http-urls"),
    ("closed at once", closes, errors.HungUp, "closed in the middle of the answer"),
    ("reset", resets, errors.HungUp, "closed in the middle of the answer"),
    ("closed in the body", answers(200, b'{"a"', announce=99), errors.HungUp, "closed in the middle"),
    ("slow", sleeps, errors.TimedOut, "no answer within 0.3 s"),
]


@pytest.mark.parametrize(("behave", "kind", "text"), table(STRANGE))
def test_strange_answer(behave: Behaviour, kind: type[errors.EtcdError], text: str) -> None:
    error = failure(behave)
    assert error.__class__ is kind
    assert text in str(error)


def test_timeout_of_one_call_wins() -> None:
    with server(sleeps) as url, pytest.raises(errors.TimedOut, match=r"within 0\.1 s"):
        GatewayTransport(url, None, timeout=60).call(STATUS, {}, timeout=0.1)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(errors.Unreachable, match="Connection refused"):
        GatewayTransport(f"http://127.0.0.1:{port}", None).call(STATUS, {})


def test_member_that_accepts_and_never_shakes_hands(certificates: Pki) -> None:
    """As a frozen etcd does."""
    with server(sleeps) as url, pytest.raises(errors.TimedOut, match="no answer within"):
        GatewayTransport(url.replace("http:", "https:"), certificates.files(), timeout=SHORT / 2).call(STATUS, {})


def tls_failure(certificates: Pki, files: TlsFiles) -> errors.EtcdError:
    with server(answers(200, b"{}"), certificates) as url, pytest.raises(errors.EtcdError) as caught:
        GatewayTransport(url, files, timeout=2).call(STATUS, {})
    return caught.value


def test_wrong_ca(certificates: Pki) -> None:
    error = tls_failure(certificates, certificates.files(ca=certificates.foreign_ca))
    assert error.__class__ is errors.TlsRejected
    assert "the server's certificate is not trusted" in str(error)
    assert f"checked with {certificates.foreign_ca}" in str(error)


def test_client_of_another_ca(certificates: Pki) -> None:
    error = tls_failure(certificates, certificates.files(client=certificates.foreign))
    assert error.__class__ is errors.TlsRejected
    assert f"did not accept the client certificate {certificates.foreign.certificate}" in str(error)


def test_server_of_another_address(certificates: Pki, tmp_path: Path) -> None:
    elsewhere = certificates.authority.issue(tmp_path / "s", "cp2", pki.SERVER_AND_CLIENT, addresses=["192.0.2.9"])
    moved = Pki(**{**vars(certificates), "server": elsewhere})
    error = tls_failure(moved, certificates.files())
    assert error.__class__ is errors.TlsRejected
    assert "IP address mismatch" in str(error)


def test_https_to_plain_http(certificates: Pki) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request")

    with server(behave) as url, pytest.raises(errors.GatewayDisabled, match="--listen-client-http-urls"):
        GatewayTransport(url.replace("http:", "https:"), certificates.files(), timeout=2).call(STATUS, {})


def test_expired_client_certificate(certificates: Pki) -> None:
    with pytest.raises(errors.CertificateExpired) as caught:
        GatewayTransport("https://127.0.0.1:1", certificates.files(client=certificates.expired))
    assert f"the client certificate {certificates.expired.certificate} expired on 20" in str(caught.value)
    assert "kubeadm certs renew" in str(caught.value)


MOMENTS: list[tuple[str, dt.timedelta, str]] = [
    ("before", dt.timedelta(days=-9), "is not valid before"),
    ("after the CA", dt.timedelta(days=4000), "the CA certificate"),
    ("after the client", dt.timedelta(days=400), "the client certificate"),
]


@pytest.mark.parametrize(("shift", "text"), table(MOMENTS))
def test_out_of_date(certificates: Pki, shift: dt.timedelta, text: str) -> None:
    with pytest.raises(errors.CertificateExpired, match=text):
        tls_context(certificates.files(), now=dt.datetime.now(dt.UTC) + shift)


def test_authority_that_was_replaced(certificates: Pki, tmp_path: Path) -> None:
    """Its file holds the old one as well until all have certificates of the new one."""
    old = pki.Authority.create(expired=True).write(tmp_path / "old").certificate.read_text("ascii")
    both = tmp_path / "both.crt"
    both.write_text(old + certificates.ca.read_text("ascii"), "ascii")
    assert tls_context(certificates.files(ca=both)).verify_mode is ssl.CERT_REQUIRED
    both.write_text(old + old, "ascii")
    with pytest.raises(errors.CertificateExpired, match=r"both\.crt expired on"):
        tls_context(certificates.files(ca=both))


def test_in_date(certificates: Pki) -> None:
    context = tls_context(certificates.files())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_members_are_asked_with_one_context_until_a_file_changes(certificates: Pki, tmp_path: Path) -> None:
    client = tmp_path / "client.crt"
    client.write_bytes(certificates.client.certificate.read_bytes())
    files = certificates.files()._replace(client_cert=str(client))
    first, second = (GatewayTransport(f"https://127.0.0.1:{port}", files) for port in (1, 2))
    assert first._context is second._context is not None
    (tmp_path / "new.crt").write_bytes(certificates.expired.certificate.read_bytes())
    (tmp_path / "new.crt").rename(client)
    with pytest.raises(errors.CertificateExpired):
        GatewayTransport("https://127.0.0.1:1", files)
    client.unlink()
    with pytest.raises(errors.TlsRejected, match="No such file or directory"):
        GatewayTransport("https://127.0.0.1:1", files)


def test_file_that_is_missing(certificates: Pki, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    for files, what in (
        (TlsFiles(gone, str(certificates.client.certificate), str(certificates.client.key)), "the CA certificate"),
        (TlsFiles(str(certificates.ca), gone, str(certificates.client.key)), "the client certificate"),
        (TlsFiles(str(certificates.ca), str(certificates.client.certificate), gone), "and its key"),
    ):
        with pytest.raises(errors.TlsRejected, match=f"{what}.*No such file or directory"):
            tls_context(files)


def test_file_that_is_no_certificate(certificates: Pki) -> None:
    swapped = TlsFiles(str(certificates.ca), str(certificates.client.key), str(certificates.client.key))
    with pytest.raises(errors.TlsRejected, match="no certificate in it"):
        tls_context(swapped)


def test_key_of_another_certificate(certificates: Pki) -> None:
    mixed = TlsFiles(str(certificates.ca), str(certificates.client.certificate), str(certificates.foreign.key))
    with pytest.raises(errors.TlsRejected, match="cannot be used"):
        tls_context(mixed)


def test_file_only_root_may_read(certificates: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(core_files, "descriptor_of", refuse)
    with pytest.raises(errors.TlsRejected, match=r"Permission denied \(root rights are needed: become\)"):
        tls_context(certificates.files())


@pytest.mark.parametrize("name", ["ca_cert", "client_cert", "client_key"])
def test_a_pipe_is_no_certificate_and_no_key(certificates: Pki, tmp_path: Path, name: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(errors.TlsRejected, match="Not a regular file but a pipe"):
        tls_context(certificates.files()._replace(**{name: str(pipe)}))


ADDRESSES: list[tuple[str, str, type[errors.EtcdError], str]] = [
    ("no scheme", "192.0.2.1:2379", errors.InvalidEndpoint, "is not an http or https URL"),
    ("no host", "https://", errors.InvalidEndpoint, "is not an http or https URL"),
    ("unix", "unix:///run/etcd.sock", errors.InvalidEndpoint, "is not an http or https URL"),
    ("empty", "", errors.InvalidEndpoint, "is not an http or https URL"),
    ("port that is a word", "http://192.0.2.1:client", errors.InvalidEndpoint, "is not an http or https URL"),
    ("port too large", "http://192.0.2.1:99999", errors.InvalidEndpoint, "is not an http or https URL"),
    ("half an IPv6", "http://[::1", errors.InvalidEndpoint, "is not an http or https URL"),
    ("https without files", "https://192.0.2.1:2379", errors.TlsRejected, "https needs a CA certificate"),
]


@pytest.mark.parametrize(("url", "kind", "text"), table(ADDRESSES))
def test_address(url: str, kind: type[errors.EtcdError], text: str) -> None:
    with pytest.raises(errors.EtcdError, match=text) as caught:
        GatewayTransport(url, None)
    assert caught.value.__class__ is kind


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_snapshot(version: str) -> None:
    lines = recorded(version, "snapshot").splitlines(keepends=True)
    with server(chunked(*lines)) as url:
        blobs = list(Endpoint(GatewayTransport(url, None)).snapshot(5))
    assert len(blobs) == len(lines)
    assert len(blobs[-1]) == 32


LINE = b'{"result":{"blob":"QUJD"}}\n'

STREAMS: list[tuple[str, Behaviour, type[errors.EtcdError], str]] = [
    ("refused", answers(400, recorded("3.6.16", "learner-defragment")), errors.LearnerRefuses, "learner"),
    ("gateway off", answers(404, b"404 page not found\n"), errors.GatewayDisabled, "switched off"),
    (
        "3.5 error in the stream",
        chunked(LINE, b'{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}}\n'),
        errors.NoLeader,
        "no leader",
    ),
    (
        "3.6 error in the stream",
        chunked(LINE, b'{"error":{"code":14,"message":"etcdserver: no leader"}}\n'),
        errors.NoLeader,
        "no leader",
    ),
    ("line cut off", chunked(LINE, LINE[:9]), errors.Unreachable, "closed in the middle"),
    ("garbage", chunked(LINE, b"\x80\x81\n"), errors.Unreachable, "closed in the middle"),
    ("no object", chunked(LINE, b"[1]\n"), errors.Unreachable, "closed in the middle"),
]


@pytest.mark.parametrize(("behave", "kind", "text"), table(STREAMS))
def test_stream_that_fails(behave: Behaviour, kind: type[errors.EtcdError], text: str) -> None:
    with server(behave) as url, pytest.raises(errors.EtcdError) as caught:
        list(GatewayTransport(url, None, timeout=2).stream("/v3/maintenance/snapshot", {}))
    assert isinstance(caught.value, kind)
    assert text in str(caught.value)


def test_stream_that_ends_early_says_nothing() -> None:
    """Only the missing hash tells: so does `http.client`, and so must every reader of it."""
    with server(chunked(LINE, whole=False)) as url:
        transport = GatewayTransport(url, None, timeout=2)
        assert list(transport.stream("/v3/maintenance/snapshot", {})) == [{"blob": "QUJD"}]


def test_text() -> None:
    with server(answers(200, b"up 1\n")) as url:
        assert GatewayTransport(url, None).text("/metrics") == "up 1\n"
    with server(answers(404, b"404 page not found\n")) as url, pytest.raises(errors.EtcdError, match="HTTP 404"):
        GatewayTransport(url, None).text("/metrics")


def test_hash_is_none_if_it_is_not_served() -> None:
    """3.5.1 answers an unknown path with text."""
    with server(answers(recorded_http("3.5.1", "hashkv"), recorded("3.5.1", "hashkv"))) as url:
        assert Endpoint(GatewayTransport(url, None)).hash_kv(1, 1.0) is None


def test_request_is_json(certificates: Pki) -> None:
    seen: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        seen.append(request(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with server(behave, certificates) as url:
        body = recorded_json("3.6.16", "nospace-alarms")
        assert GatewayTransport(url, certificates.files()).call("/v3/maintenance/alarm", body) == {}
    head, _sep, sent = seen[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v3/maintenance/alarm HTTP/1.1")
    assert b"Content-Type: application/json" in head
    assert sent.startswith(b'{"header"')
