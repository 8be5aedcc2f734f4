# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""One connection to one endpoint: JSON in, JSON out, TLS verified, never without a time limit."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import os
import socket
import ssl
import typing as t
from contextlib import contextmanager
from functools import lru_cache
from urllib.parse import urlsplit

from .._core.files import reading, text
from .._core.records import Json
from .errors import (
    CertificateExpired,
    EtcdError,
    GatewayDisabled,
    HungUp,
    InvalidEndpoint,
    TimedOut,
    TlsRejected,
    Unreachable,
    of_answer,
)
from .x509 import validities

if t.TYPE_CHECKING:  # few members need etcdctl, and each start of a module would have to read what runs programs
    from .._core.command import CommandResult

ANSWER_SECONDS = 10.0  # for one answer, unless the caller says otherwise


class TlsFiles(t.NamedTuple):
    """Paths of PEM files; the key stays where it is, only OpenSSL reads it."""

    ca_cert: str
    client_cert: str
    client_key: str


class Transport(t.Protocol):
    """One way to one member. `endpoint` is the URL that is asked; timeouts are in seconds."""

    endpoint: str

    def call(self, path: str, body: Json, timeout: float | None = None) -> Json:
        """One request, one answer. Raises EtcdError."""

    def stream(self, path: str, body: Json, timeout: float | None = None) -> t.Iterator[Json]:
        """One request, many answers. Raises EtcdError; only the data shows if it broke off."""

    def text(self, path: str, timeout: float | None = None) -> str:
        """The body of a plain GET, such as `/metrics`. Raises EtcdError."""


class RunEtcdctl(t.Protocol):
    """Runs the etcdctl that fits the member, with the same TLS files. Exit code 127 if there is none."""

    def __call__(self, words: t.Sequence[str], stdin: str, timeout: float) -> CommandResult:
        """`words` are those behind the options for the TLS files."""


@lru_cache(maxsize=4)
def _shared_context(files: TlsFiles, _marks: tuple[tuple[int, ...], ...]) -> ssl.SSLContext:
    """One context for all members that are asked with the same files, as long as these stay what they are."""
    return tls_context(files)


def _marks(files: TlsFiles) -> tuple[tuple[int, ...], ...]:
    """What changes when one of the files is written or replaced; nothing if one of them is not there."""
    try:
        found = [os.stat(path) for path in (files.ca_cert, files.client_cert, files.client_key)]
    except OSError:  # the error that says more comes when it is read
        return ()
    return tuple((each.st_dev, each.st_ino, each.st_size, each.st_mtime_ns) for each in found)


def tls_context(files: TlsFiles, *, now: dt.datetime | None = None) -> ssl.SSLContext:
    """A context that verifies the server and shows the client certificate.

    Raises TlsRejected if a file is missing, unreadable, damaged or out of date: the server would only answer with
    an alert that does not say which.
    """
    now = now or dt.datetime.now(dt.timezone.utc)
    # After a client's own certificate comes its chain. While a CA is replaced, its file holds the old one as well.
    for what, path, any_counts in (
        ("CA certificate", files.ca_cert, True),
        ("client certificate", files.client_cert, False),
    ):
        try:
            found = validities(text(path, encoding="ascii", errors="replace"))
        except (OSError, ValueError) as exc:
            raise TlsRejected(f"the {what} {path} cannot be used: {_reason(exc)}") from exc
        valid = found[0]
        if not any(each.not_before <= now <= each.not_after for each in (found if any_counts else found[:1])):
            state = "expired on" if now > valid.not_after else "is not valid before"
            moment = valid.not_after if now > valid.not_after else valid.not_before
            raise CertificateExpired(
                f"the {what} {path} {state} {moment:%Y-%m-%d %H:%M} UTC"
                " (kubeadm certs check-expiration shows all, kubeadm certs renew renews them)"
            )
    try:
        with reading(files.client_key):  # OpenSSL would wait for ever on a pipe
            pass
        context = ssl.create_default_context(cafile=files.ca_cert)
        context.load_cert_chain(files.client_cert, files.client_key)
        # Python 3.13 insists on extensions that CAs of older clusters lack; Go, in which all the rest here is written,
        # does not. Chain, host name and dates are verified all the same.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    except OSError as exc:  # ssl.SSLError is one
        raise TlsRejected(
            f"the client certificate {files.client_cert} and its key {files.client_key} cannot be used: {_reason(exc)}"
        ) from exc
    return context


# A port without HTTP closes as soon as it has read a part of the request: that may show in the middle of sending the
# rest. http.client's RemoteDisconnected is a reset, too.
_HANG_UPS = (
    BrokenPipeError,
    ConnectionAbortedError,
    ConnectionResetError,
    http.client.IncompleteRead,
    ssl.SSLEOFError,
    ValueError,
)


def _reason(exc: BaseException) -> str:
    if isinstance(exc, OSError) and not isinstance(exc, ssl.SSLError):
        hint = " (root rights are needed: become)" if isinstance(exc, PermissionError) else ""
        return f"{exc.strerror or exc}{hint}"
    return str(exc)


class GatewayTransport:
    """The JSON gateway of one member. A connection lasts for one call: members are restarted meanwhile."""

    def __init__(self, endpoint: str, tls: TlsFiles | None, *, timeout: float = ANSWER_SECONDS) -> None:
        """`tls` may be None for plain http only. Raises TlsRejected as `tls_context` does."""
        no_url = InvalidEndpoint(f"{endpoint!r} is not an http or https URL", endpoint=endpoint)
        try:
            url = urlsplit(endpoint)
            host, port = url.hostname, url.port or 2379
        except ValueError:  # half an IPv6 address, or a port that is none
            raise no_url from None
        if url.scheme not in ("http", "https") or not host:
            raise no_url
        self.endpoint = endpoint.rstrip("/")
        self._host, self._port, self._timeout = host, port, timeout
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        if url.scheme == "https":
            if tls is None:
                raise TlsRejected("https needs a CA certificate, a client certificate and its key", endpoint=endpoint)
            marks = _marks(tls)
            self._context = _shared_context(tls, marks) if marks else tls_context(tls)

    def call(self, path: str, body: Json, timeout: float | None = None) -> Json:
        with self._answer("POST", path, body, timeout) as answer:
            return _object(answer, answer.read(), self.endpoint)

    def stream(self, path: str, body: Json, timeout: float | None = None) -> t.Iterator[Json]:
        with self._answer("POST", path, body, timeout) as answer:
            if answer.status != 200:
                _object(answer, answer.read(), self.endpoint)  # raises the error that it stands for
            for line in answer:
                chunk = json.loads(line)
                if not isinstance(chunk, dict):
                    raise ValueError
                if "error" in chunk:  # the status line was sent long before
                    raise of_answer(chunk["error"], endpoint=self.endpoint)
                yield chunk.get("result", {})

    def text(self, path: str, timeout: float | None = None) -> str:
        with self._answer("GET", path, None, timeout) as answer:
            content = answer.read().decode("utf-8", "replace")
            if answer.status != 200:
                raise EtcdError(f"GET {path} was answered with HTTP {answer.status}", endpoint=self.endpoint)
            return content

    @contextmanager
    def _answer(
        self, method: str, path: str, body: Json | None, timeout: float | None
    ) -> t.Iterator[http.client.HTTPResponse]:
        timeout = self._timeout if timeout is None else timeout
        connection: http.client.HTTPConnection
        if self._context is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout)
        else:
            connection = http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._context)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(method, path, body=payload, headers={"Content-Type": "application/json"})
            yield connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as exc:
            raise self._explained(exc, timeout) from exc
        finally:
            connection.close()

    def _explained(self, exc: Exception, timeout: float) -> EtcdError:
        """A broken connection as the error that says what was probably wrong (texts recorded with etcd 3.4 to 3.7)."""
        at = self.endpoint
        if isinstance(exc, socket.timeout):  # the builtin TimeoutError from Python 3.10 on
            return TimedOut(f"no answer within {timeout:g} s", endpoint=at)
        if isinstance(exc, ssl.SSLCertVerificationError):
            ca = self._tls.ca_cert if self._tls else ""
            return TlsRejected(
                f"the server's certificate is not trusted: {exc.verify_message} (checked with {ca})", endpoint=at
            )
        if isinstance(exc, ssl.SSLError) and "ALERT" in (exc.reason or ""):
            shown = self._tls.client_cert if self._tls else "none"
            return TlsRejected(f"the server did not accept the client certificate {shown}: {exc.reason}", endpoint=at)
        if isinstance(exc, _HANG_UPS):
            # A server that refuses a certificate hangs up as well, and its alert is sometimes lost.
            refused = f" it does not accept the client certificate {self._tls.client_cert}," if self._tls else ""
            return HungUp(
                f"the connection was closed in the middle of the answer (the member stopped just then,{refused} or,"
                " with --listen-client-http-urls, the gateway has an address of its own)",
                endpoint=at,
            )
        if isinstance(exc, (http.client.HTTPException, ssl.SSLError)):
            return GatewayDisabled(
                f"the address does not speak the JSON gateway ({type(exc).__name__}: {exc}); with"
                " --listen-client-http-urls the gateway has an address of its own",
                endpoint=at,
            )
        return Unreachable(_reason(exc), endpoint=at)


def _object(answer: http.client.HTTPResponse, content: bytes, endpoint: str) -> Json:
    """The JSON object of an answer. Raises the error that it stands for."""
    text = content.decode("utf-8", "replace").strip()
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        body = None
    if answer.status == 200 and isinstance(body, dict):
        return t.cast(Json, body)
    if answer.status == 404 or not (isinstance(body, dict) or text):
        raise GatewayDisabled(
            f"HTTP {answer.status} {text or 'without a body'!r}: the JSON gateway is switched off there"
            " (--enable-grpc-gateway=false) or it is not etcd",
            endpoint=endpoint,
        )
    raise of_answer(body if isinstance(body, dict) else {"message": text}, endpoint=endpoint)


__all__ = ("ANSWER_SECONDS", "GatewayTransport", "Json", "RunEtcdctl", "TlsFiles", "Transport", "tls_context")
