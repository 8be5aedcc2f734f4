# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way is taken to a member, and what is said if there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.records import Json
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import connection, errors, etcdctl_transport
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.etcdctl_transport import EtcdctlTransport
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.grpc_transport import REQUIREMENTS, GrpcTransport
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import GatewayTransport

URL = "http://127.0.0.1:2379"
STATUS, HASH = "/v3/maintenance/status", "/v3/maintenance/hashkv"


class Way:
    """A transport that serves some calls, and says of the others that it has no gateway."""

    endpoint = URL

    def __init__(self, name: str, *served: str) -> None:
        self.asked: list[str] = []
        self._name, self._served = name, served

    def call(self, path: str, body: Json, timeout: float | None = None) -> Json:
        self.asked.append(path)
        if path not in self._served:
            raise errors.GatewayDisabled("HTTP 404", endpoint=URL)
        return {"by": self._name}

    def stream(self, path: str, body: Json, timeout: float | None = None) -> Iterator[Json]:
        yield self.call(path, body, timeout)

    def text(self, path: str, timeout: float | None = None) -> str:
        return self._name


Ways = tuple[Way, Way, Way, Any]


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Ways:
    """The gateway, gRPC, etcdctl, and a transport that chooses."""
    gateway, grpc, etcdctl = Way("gateway"), Way("grpc", STATUS, HASH), Way("etcdctl", STATUS, HASH)
    monkeypatch.setattr(connection, "GatewayTransport", lambda *_args, **_options: gateway)
    monkeypatch.setattr(connection, "_grpc", lambda *_args: grpc)
    monkeypatch.setattr(connection, "_etcdctl", lambda *_args: etcdctl)
    return gateway, grpc, etcdctl, connection.connect(URL, None)


def failing(error: errors.EtcdError) -> Callable[..., Any]:
    def fail(*_args: object) -> Any:
        raise error

    return fail


def none(*_args: object) -> CommandResult:
    return CommandResult(127, "", "none is in PATH")


def test_the_way_that_is_named() -> None:
    assert isinstance(connection.connect(URL, None, way=connection.GATEWAY), GatewayTransport)
    assert isinstance(connection.connect(URL, None, way=connection.GRPC), GrpcTransport)
    assert isinstance(connection.connect(URL, None, way=connection.ETCDCTL, etcdctl=none), EtcdctlTransport)
    with pytest.raises(errors.EtcdctlMissing):
        connection.connect(URL, None, way=connection.ETCDCTL)


def test_grpc_if_the_gateway_is_off(ways: Ways) -> None:
    gateway, grpc, etcdctl, chosen = ways
    assert chosen.call(STATUS, {}) == {"by": "grpc"}
    assert list(chosen.stream(HASH, {})) == [{"by": "grpc"}]
    # Each is asked for its status once. Once it is known, the gateway is not asked again; metrics have never been a
    # matter of gRPC.
    assert (gateway.asked, grpc.asked, etcdctl.asked) == ([STATUS], [STATUS, HASH], [])
    assert chosen.text("/metrics") == "gateway"


def test_other_ways_go_where_grpc_is_spoken(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def lacking(url: str, *_args: object) -> Any:
        asked.append(url)
        raise errors.LibraryMissing("none", endpoint=url)

    monkeypatch.setattr(connection, "GatewayTransport", lambda *_args, **_options: Way("gateway"))
    monkeypatch.setattr(connection, "_grpc", lacking)
    monkeypatch.setattr(connection, "_etcdctl", lacking)
    with pytest.raises(errors.GatewayDisabled):
        connection.connect("https://127.0.0.1:2382", None, grpc_url="https://127.0.0.1:2379").call(STATUS, {})
    assert asked == ["https://127.0.0.1:2379"] * 2


def test_another_call_shows_it(ways: Ways) -> None:
    gateway, grpc, _etcdctl, chosen = ways
    assert list(chosen.stream(HASH, {})) == [{"by": "grpc"}]
    assert (gateway.asked, grpc.asked) == ([HASH, STATUS], [STATUS, HASH])


def test_etcdctl_if_there_is_no_library(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_grpc", failing(errors.LibraryMissing("no library")))
    _gateway, _grpc, etcdctl, chosen = ways
    assert [chosen.call(HASH, {}), chosen.call(STATUS, {})] == [{"by": "etcdctl"}] * 2
    assert etcdctl.asked == [STATUS, HASH, STATUS]


def test_two_calls_at_once_show_it(ways: Ways) -> None:
    """The second one hears of it when the first has taken another way already."""
    gateway, grpc, _etcdctl, chosen = ways
    refuse = gateway.call

    def slow(path: str, body: Json, timeout: float | None = None) -> Json:
        gateway.call = refuse  # type: ignore[method-assign]
        assert chosen.call(STATUS, {}) == {"by": "grpc"}
        return refuse(path, body, timeout)

    gateway.call = slow  # type: ignore[method-assign]
    assert chosen.call(HASH, {}) == {"by": "grpc"}
    assert (gateway.asked, grpc.asked) == ([STATUS, HASH], [STATUS, HASH])


def test_a_gateway_that_only_lacks_a_call_is_kept(ways: Ways) -> None:
    gateway, grpc, _etcdctl, chosen = ways
    gateway._served = (STATUS,)
    with pytest.raises(errors.GatewayDisabled):
        chosen.call(HASH, {})
    assert (chosen.call(STATUS, {}), grpc.asked) == ({"by": "gateway"}, [])


@pytest.mark.parametrize("kind", [errors.Unreachable, errors.TimedOut, errors.TlsRejected])
def test_what_speaks_neither(ways: Ways, monkeypatch: pytest.MonkeyPatch, kind: type[errors.EtcdError]) -> None:
    _gateway, grpc, etcdctl, chosen = ways
    monkeypatch.setattr(grpc, "call", failing(kind("connection closed", endpoint=URL)))
    with pytest.raises(errors.GatewayDisabled, match=r"HTTP 404; nor is it gRPC \(connection closed\)"):
        chosen.call(HASH, {})
    assert etcdctl.asked == []


def test_what_hangs_up_may_be_a_port_without_http(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, _grpc, _etcdctl, chosen = ways
    monkeypatch.setattr(gateway, "call", failing(errors.HungUp("closed", endpoint=URL)))
    assert [chosen.call(HASH, {}), chosen.call(STATUS, {})] == [{"by": "grpc"}] * 2


def test_what_hangs_up_is_named_if_it_speaks_no_grpc(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, grpc, _etcdctl, chosen = ways
    monkeypatch.setattr(gateway, "call", failing(errors.HungUp("closed", endpoint=URL)))
    monkeypatch.setattr(grpc, "call", failing(errors.Unreachable("nobody", endpoint=URL)))
    with pytest.raises(errors.HungUp, match=r"^closed$"):
        chosen.call(STATUS, {})


def test_a_gateway_that_has_answered_may_hang_up(ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    gateway, grpc, _etcdctl, chosen = ways
    gateway._served = (STATUS, HASH)
    assert chosen.call(STATUS, {}) == {"by": "gateway"}
    monkeypatch.setattr(gateway, "call", failing(errors.HungUp("closed", endpoint=URL)))
    with pytest.raises(errors.HungUp):
        chosen.call(HASH, {})
    assert grpc.asked == []


def test_no_way_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "GatewayTransport", lambda *_args, **_options: Way("gateway"))
    monkeypatch.setattr(etcdctl_transport.EtcdctlTransport, "_knock", lambda _self, _timeout: None)
    monkeypatch.setitem(sys.modules, "etcd3", None)
    said = r"HTTP 404; .*pip install etcd3==0.*transport.*--enable-grpc-gateway=true, in a file .*; .*none is in PATH"
    with pytest.raises(errors.GatewayDisabled, match=said):
        connection.connect(URL, None, etcdctl=none).call(STATUS, {})
    with pytest.raises(errors.LibraryMissing, match="with transport set to grpc or auto"):
        connection.connect(URL, None, way=connection.GRPC)


def test_the_library_is_the_one_that_is_tested_with() -> None:
    pinned = (Path(__file__).parents[4] / "requirements/witness.txt").read_text("utf-8").split()
    assert {name for name in REQUIREMENTS.split() if "==" in name} <= set(pinned)
    assert "etcd3==" in REQUIREMENTS
    assert "protobuf==" in REQUIREMENTS
