# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which etcd of a node is meant if nobody names one, and which never is."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node import unit_choice
from ansible_collections.controlplane.etcd.plugins.module_utils._node.settings import MemberSettings
from ansible_collections.controlplane.etcd.plugins.module_utils._node.systemd_unit import EnvironmentFile, EtcdUnit
from ansible_collections.controlplane.etcd.plugins.module_utils._node.unit_choice import Candidate, Servers

NOBODY = Servers()


def etcd(name: str, *, file: str = "", port: int = 2379, ca: str = "/etc/pki/ca.crt", keys: bool = False) -> Candidate:
    files = (EnvironmentFile(file, False),) if file else ()
    flags = {"listen-client-urls": f"https://127.0.0.1:{port}", "trusted-ca-file": ca}
    settings = MemberSettings(name, "", flags, {}, (), unit=name)
    return Candidate(EtcdUnit(name, ("/usr/bin/etcd",), {}, files), settings, keys)


KUBESPRAY = etcd("etcd.service", file="/etc/etcd.env")
EVENTS = etcd("etcd-events.service", file="/etc/etcd-events.env", port=2383)
PLAIN = etcd("etcd.service")
PATRONI = etcd("etcd-patroni.service", port=12379)
OF_API_SERVER = Servers(("https://127.0.0.1:2379",), ("https://127.0.0.1:2383",))

FOUND: list[tuple[str, list[Candidate], Servers, str, tuple[str, ...]]] = [
    ("nothing", [], NOBODY, "", ()),
    ("kubespray's", [KUBESPRAY], NOBODY, "etcd.service", ()),
    ("its events, too", [EVENTS, KUBESPRAY], NOBODY, "etcd.service", ("etcd-events.service",)),
    ("events alone", [EVENTS], NOBODY, "etcd-events.service", ()),
    ("beside Patroni's", [PATRONI, KUBESPRAY], NOBODY, "etcd.service", ()),
    ("Patroni's alone", [PATRONI], NOBODY, "", ()),
    ("nobody knows whose", [PLAIN], NOBODY, "", ()),
    ("the API server's", [PATRONI, PLAIN], OF_API_SERVER, "etcd.service", ()),
    (
        "the API server's events",
        [PLAIN, etcd("other.service", port=2383)],
        OF_API_SERVER,
        "etcd.service",
        ("other.service",),
    ),
    ("called events, but it is the main one", [etcd("events.service")], OF_API_SERVER, "events.service", ()),
    ("by its CA", [etcd("x.service", ca="/etc/kubernetes/ssl/ca.pem"), PATRONI], NOBODY, "x.service", ()),
    ("by its keys", [etcd("x.service", keys=True), PATRONI], NOBODY, "x.service", ()),
    ("unreadable", [Candidate(KUBESPRAY.unit, None)], NOBODY, "etcd.service", ()),
]


@pytest.mark.parametrize(("found", "servers", "name", "further"), table(FOUND))
def test_choose(found: list[Candidate], servers: Servers, name: str, further: tuple[str, ...]) -> None:
    assert unit_choice.choose(found, servers) == (name, further)


def test_two_that_may_be_meant() -> None:
    with pytest.raises(Refused) as caught:
        unit_choice.choose([KUBESPRAY, etcd("x.service", keys=True)], NOBODY)
    assert caught.value.code == "several_etcds"
    assert "etcd.service (with /etc/etcd.env); x.service (with keys of Kubernetes)" in caught.value.reason


def test_etcds_of_an_api_server() -> None:
    flags = {
        "etcd-servers": "https://10.0.0.1:2379,https://10.0.0.2:2379",
        "etcd-servers-overrides": "/events#https://10.0.0.1:2383;https://10.0.0.2:2383",
    }
    assert unit_choice.servers_of(flags) == (
        ("https://10.0.0.1:2379", "https://10.0.0.2:2379"),
        ("https://10.0.0.1:2383", "https://10.0.0.2:2383"),
    )
    assert unit_choice.servers_of({}) == NOBODY


def test_etcds_in_the_manifest_of_an_api_server(tmp_path: Path) -> None:
    manifest = tmp_path / "kube-apiserver.yaml"
    manifest.write_text("spec:\n  containers:\n  - command:\n    - kube-apiserver\n    - --etcd-servers=https://a:1\n")
    assert unit_choice.api_servers_etcd(str(manifest)) == (("https://a:1",), ())
    assert unit_choice.api_servers_etcd(str(tmp_path / "none")) == NOBODY


def test_keys_of_kubernetes(tmp_path: Path) -> None:
    database = tmp_path / "db"
    assert not unit_choice.has_keys_of_kubernetes(str(database))
    database.write_bytes(b"\0" * 4096 + b"/service/batman/leader /registry/traefik")
    assert not unit_choice.has_keys_of_kubernetes(str(database))
    database.write_bytes(b"\0" * 4096 + b"\x0a/registry/namespaces/default")
    assert unit_choice.has_keys_of_kubernetes(str(database))
