# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The way to a member: its JSON gateway, which needs nothing but Python; if that is off gRPC, by a library or else by
etcdctl."""

from __future__ import annotations

import sys
import threading
import typing as t

from .._core.records import Json
from .._core.side_by_side import importing
from .errors import (
    EtcdctlMissing,
    EtcdError,
    GatewayDisabled,
    HungUp,
    LibraryMissing,
    TimedOut,
    TlsRejected,
    Unreachable,
)
from .transport import ANSWER_SECONDS, GatewayTransport, RunEtcdctl, TlsFiles, Transport

_STATUS = "/v3/maintenance/status"

AUTO, GATEWAY, GRPC, ETCDCTL = WAYS = ("auto", "gateway", "grpc", "etcdctl")


def connect(
    url: str,
    tls: TlsFiles | None,
    *,
    way: str = AUTO,
    timeout: float = ANSWER_SECONDS,
    etcdctl: RunEtcdctl | None = None,
    grpc_url: str = "",
) -> Transport:
    """A transport to the member at `url`, or at `grpc_url` by all ways but its gateway, if that has an address of its
    own; `way` is one of `WAYS`, `etcdctl` runs that program. Raises EtcdError as the transports do."""
    grpc_url = grpc_url or url
    if way == GRPC:
        return _grpc(grpc_url, tls, timeout)
    if way == ETCDCTL:
        return _etcdctl(grpc_url, tls, timeout, etcdctl)
    gateway = GatewayTransport(url, tls, timeout=timeout)
    # The other ways speak TLS if there are certificates, whatever the URL says.
    if way == GATEWAY or (tls and grpc_url.startswith("http://")):
        return gateway
    others = (lambda: _grpc(grpc_url, tls, timeout), lambda: _etcdctl(grpc_url, tls, timeout, etcdctl))
    return _AutoTransport(gateway, others)


class _AutoTransport:
    """The gateway, and another way from the moment on in which a member says that it has none, or a port that has not
    answered yet hangs up, as one without HTTP does."""

    def __init__(self, gateway: Transport, others: t.Sequence[t.Callable[[], Transport]]) -> None:
        self.endpoint = gateway.endpoint
        self._gateway, self._others = gateway, others
        self._way = gateway
        self._answered = False
        # A member is asked for several things at once.
        self._leaving = threading.Lock()

    def call(self, path: str, body: Json, timeout: float | None = None) -> Json:
        way = self._way
        try:
            answer = way.call(path, body, timeout)
        except (GatewayDisabled, HungUp) as exc:
            status = self._leave(way, exc, path)
            return status if status and path == _STATUS else self._way.call(path, body, timeout)
        self._answered = True
        return answer

    def stream(self, path: str, body: Json, timeout: float | None = None) -> t.Iterator[Json]:
        way = self._way
        try:
            for each in way.stream(path, body, timeout):
                self._answered = True
                yield each
        except GatewayDisabled as exc:
            self._leave(way, exc, path)
            yield from self._way.stream(path, body, timeout)

    def text(self, path: str, timeout: float | None = None) -> str:
        return self._gateway.text(path, timeout)

    def _leave(self, way: Transport, exc: EtcdError, path: str) -> Json | None:
        """Take the first other way by which the member says its status, and return that; None if another call has taken
        one meanwhile. A gateway that only lacks this call is none to leave, nor is one that has answered before. Raises
        GatewayDisabled, HungUp."""
        off = isinstance(exc, GatewayDisabled) or not self._answered
        if way is not self._gateway or not off:
            raise exc
        with self._leaving:
            return self._take_another(exc, path) if self._way is self._gateway else None

    def _take_another(self, exc: EtcdError, path: str) -> Json:
        if path != _STATUS and self._serves_status():
            raise exc
        tried = [exc.reason]
        try:
            for connected in self._others:
                found = _asked(connected, tried)
                if found:
                    self._way, status = found
                    return status
        except (TimedOut, TlsRejected, Unreachable) as other:
            tried.append(f"nor is it gRPC ({other.reason})")
        if isinstance(exc, HungUp):
            raise exc
        raise GatewayDisabled("; ".join(tried), endpoint=self.endpoint) from exc

    def _serves_status(self) -> bool:
        try:
            self._gateway.call(_STATUS, {})
        except (GatewayDisabled, HungUp, TimedOut, Unreachable):
            return False
        except EtcdError:  # whatever it is, a gateway has answered
            return True
        return True


def _asked(connected: t.Callable[[], Transport], tried: list[str]) -> tuple[Transport, Json] | None:
    """A way and the status that the member says by it, None if the node lacks what it takes: that is added to `tried`.
    Raises EtcdError."""
    try:
        way = connected()
        return way, way.call(_STATUS, {})
    except (LibraryMissing, EtcdctlMissing) as missing:
        tried.append(missing.reason)
        return None


# What follows is imported when it is needed, since each start of a module would have to read it; members are asked in
# threads.


def _grpc(url: str, tls: TlsFiles | None, timeout: float) -> Transport:
    with importing:
        from .grpc_transport import REQUIREMENTS, GrpcTransport

    try:
        return GrpcTransport(url, tls, timeout=timeout)
    except LibraryMissing as exc:
        raise LibraryMissing(
            f"gRPC needs a library that this node lacks: {exc.reason}. Install it ({sys.executable} -m pip install"
            f" {REQUIREMENTS}), with transport set to grpc or auto, or let etcd serve its gateway"
            " (--enable-grpc-gateway=true, in a file of --config-file enable-grpc-gateway: true)",
            endpoint=url,
        ) from exc


def _etcdctl(url: str, tls: TlsFiles | None, timeout: float, run: RunEtcdctl | None) -> Transport:
    with importing:
        from .etcdctl_transport import EtcdctlTransport

    if run is None:
        raise EtcdctlMissing("no etcdctl is known here", endpoint=url)
    return EtcdctlTransport(url, tls, run, timeout=timeout)


__all__ = ("AUTO", "ETCDCTL", "GATEWAY", "GRPC", "WAYS", "connect")
