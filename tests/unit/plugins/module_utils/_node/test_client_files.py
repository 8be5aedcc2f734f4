# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate with which a node asks its member: never one that cannot be a client's, or is another CA's."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._node import client_files
from ansible_collections.controlplane.etcd.plugins.module_utils._node.client_files import Pair
from lab import pki

SSL = "/etc/ssl/etcd/ssl"
SERVER = Pair(f"{SSL}/member-cp1.pem", f"{SSL}/member-cp1-key.pem")
D = "/var/lib/rancher/rke2/server/tls/etcd"

# CA, the server's stem, what is there, and what is taken.
CHOICES: list[tuple[str, str, Pair, set[str], str]] = [
    ("kubespray", f"{SSL}/ca.pem", SERVER, {"admin-cp1", "member-cp1", "node-cp1"}, f"{SSL}/admin-cp1.pem"),
    ("kubespray, no admin", f"{SSL}/ca.pem", SERVER, {"member-cp1"}, f"{SSL}/member-cp1.pem"),
    ("KubeKey 4", f"{SSL}/ca.crt", Pair(f"{SSL}/server.crt", f"{SSL}/server.key"), {"server"}, f"{SSL}/server.crt"),
    (
        "RKE2",
        f"{D}/server-ca.crt",
        Pair(f"{D}/server-client.crt", f"{D}/server-client.key"),
        {"client", "server-client"},
        f"{D}/client.crt",
    ),
    (
        "etcdadm",
        "/etc/etcd/pki/ca.crt",
        Pair("/etc/etcd/pki/server.crt", "/etc/etcd/pki/server.key"),
        {"server", "etcdctl-etcd-client"},
        "/etc/etcd/pki/etcdctl-etcd-client.crt",
    ),
    ("nothing known", "/x/ca.pem", Pair("/x/a.pem", "/x/b.pem"), set(), "/x/a.pem"),
]


@pytest.mark.parametrize(("ca", "server", "there", "expected"), table(CHOICES))
def test_choose(ca: str, server: Pair, there: set[str], expected: str) -> None:
    found = client_files.choose(ca, server, lambda path: Path(path).stem.removesuffix("-key") in there)
    assert found.cert == expected


def test_what_etcd_would_not_take_is_left(tmp_path: Path) -> None:
    authority, other = pki.Authority.create(), pki.Authority.create("other-ca")
    authority.write(tmp_path / "ca")
    pki.issue_server_without_client_usage(authority, tmp_path / "server", "cp1", "127.0.0.1")
    pki.issue_healthcheck_client(authority, tmp_path / "own")
    pki.issue_healthcheck_client(other, tmp_path / "foreign")
    ca = str(tmp_path / "ca.crt")
    assert client_files.may_serve(str(tmp_path / "own.crt"), ca)
    assert not client_files.may_serve(str(tmp_path / "server.crt"), ca)
    assert not client_files.may_serve(str(tmp_path / "foreign.crt"), ca)
    assert client_files.may_serve(str(tmp_path / "none.crt"), ca)
