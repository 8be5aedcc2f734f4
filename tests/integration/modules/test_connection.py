# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates, addresses and rights: each thing that can stand between a module and its member has its own message."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.support.clusters import await_true, free_port, move_http, replace_in_manifest
from integration.support.settings import OVER_GATEWAY, WAY
from lab import pki
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess

UNTOUCHED = "Nothing was changed."
NOBODY = 65534


@pytest.fixture
def node(shared_cluster: Any) -> MemberProcess:
    """A healthy member that is all the cluster."""
    cluster: Cluster = shared_cluster(members=1)
    return cluster.nodes[0]


@pytest.fixture
def authority(shared_cluster: Any) -> pki.Authority:
    """Who has signed that member's certificates."""
    cluster: Cluster = shared_cluster(members=1)
    return cluster.authority


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that other users may enter, which pytest's are not."""
    directory = Path(tempfile.mkdtemp())
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def _pair(pair: pki.KeyPair) -> dict[str, str]:
    return {"client_cert": str(pair.certificate), "client_key": str(pair.key)}


def _failure(result: Any) -> str:
    assert result["failed"], "it should not have worked"
    message: str = result["msg"]
    assert UNTOUCHED in message
    assert "Traceback" not in message
    return message


def _await_port(node: MemberProcess) -> None:
    """The lab waits through the JSON gateway, which some tests switch off."""
    node.await_serving()


def test_an_authority_that_did_not_sign_the_server(node: MemberProcess, module: Any, tmp_path: Path) -> None:
    foreign = pki.Authority.create().write(tmp_path / "foreign").certificate
    message = _failure(module("etcd_info", node, ca_cert=str(foreign)))
    assert f"through {node.client_url} failed: the server's certificate is not trusted" in message
    assert f"(checked with {foreign})" in message


def test_an_address_that_the_server_certificate_does_not_name(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=1, start=False)
    (node,) = cluster.nodes
    pki.write_node_pki(cluster.authority, node.pki, node.name, "192.0.2.1")
    node.start(wait=False)
    _await_port(node)
    message = _failure(module("etcd_info", node))
    assert "the server's certificate is not trusted: IP address mismatch" in message


def test_a_client_certificate_that_has_expired(
    node: MemberProcess, authority: pki.Authority, module: Any, tmp_path: Path
) -> None:
    expired = pki.issue_healthcheck_client(authority, tmp_path / "expired", expired=True)
    message = _failure(module("etcd_info", node, **_pair(expired)))
    assert f"the client certificate {expired.certificate} expired on " in message
    assert "kubeadm certs renew" in message


def test_a_client_certificate_of_another_cluster(node: MemberProcess, module: Any, tmp_path: Path) -> None:
    foreign = pki.issue_healthcheck_client(pki.Authority.create(), tmp_path / "foreign")
    message = _failure(module("etcd_info", node, **_pair(foreign)))
    # The server's alert may be lost when it hangs up; the certificate is named all the same.
    assert re.search(rf"(did|does) not accept the client certificate {foreign.certificate}[:,]", message)


def test_a_client_certificate_that_is_not_there(node: MemberProcess, module: Any, tmp_path: Path) -> None:
    message = _failure(module("etcd_info", node, client_cert=str(tmp_path / "none.crt")))
    assert f"the client certificate {tmp_path}/none.crt cannot be used: No such file or directory" in message


def test_a_key_that_does_not_fit(node: MemberProcess, authority: pki.Authority, module: Any, tmp_path: Path) -> None:
    other = pki.issue_healthcheck_client(authority, tmp_path / "other")
    message = _failure(module("etcd_info", node, client_key=str(other.key)))
    assert f"{node.client_pair.certificate} and its key {other.key} cannot be used" in message
    assert "MISMATCH" in message.upper()


def test_something_that_is_no_certificate(node: MemberProcess, module: Any, tmp_path: Path) -> None:
    text = tmp_path / "text.crt"
    text.write_text("hello", "ascii")
    message = _failure(module("etcd_info", node, ca_cert=str(text)))
    assert f"the CA certificate {text} cannot be used: no certificate in it" in message


def test_other_client_certificates_of_a_node_will_do(make_cluster: Any, module: Any) -> None:
    (node,) = make_cluster(members=1).nodes
    for stem in ("etcd/healthcheck-client", "apiserver-etcd-client"):
        assert module("etcd_info", node)["cluster"]["has_quorum"] is True
        (node.pki / f"{stem}.crt").unlink()
    # Now only the server's own is left.
    assert module("etcd_info", node)["cluster"]["has_quorum"] is True


@pytest.mark.skipif(not OVER_GATEWAY, reason="only the gateway shows the server's certificate to its own member")
def test_a_server_certificate_that_its_gateway_cannot_use(make_cluster: Any, module: Any, version: str) -> None:
    cluster = make_cluster(members=1, version=version, start=False)
    (node,) = cluster.nodes
    pki.issue_server_without_client_usage(cluster.authority, node.pki / "etcd/server", node.name, node.address)
    node.start(wait=False)
    _await_port(node)
    message = _failure(module("etcd_info", node))
    assert re.search(r"the server certificate (needs|lacks) the extended key usage clientAuth", message)


def test_a_gateway_that_is_switched_off(make_cluster: Any, module: Any, version: str) -> None:
    cluster = make_cluster(members=1, version=version, start=False, flags={"enable-grpc-gateway": "false"})
    (node,) = cluster.nodes
    node.start(wait=False)
    _await_port(node)
    message = _failure(module("etcd_info", node, transport="gateway"))
    assert f"through {node.client_url} failed: HTTP 404" in message
    assert "--enable-grpc-gateway=false" in message
    found = module("etcd_info", node)  # by gRPC, since the Python of the tests has the library
    assert not found["failed"], found["msg"]
    assert [member["role"] for member in found["cluster"]["members"]] == ["leader"]


@pytest.mark.parametrize("with_own_url", ["3.7.3", "3.6.16", "3.5.35"])
def test_a_gateway_with_an_address_of_its_own(make_cluster: Any, module: Any, with_own_url: str) -> None:
    cluster = make_cluster(members=1, version=with_own_url, start=False)
    (node,) = cluster.nodes
    url = move_http(node)
    node.start(wait=False)
    _await_port(node)
    result: dict[str, Any] = {}

    def answers() -> bool:
        result.update(module("etcd_info", node))
        return not result["failed"]

    await_true(answers, "the module finds the gateway in the manifest")
    (member,) = result["cluster"]["members"]
    assert member["endpoint"] == (url if OVER_GATEWAY else node.client_url)
    assert member["client_urls"] == [node.client_url]

    found = module("etcd_info", node, endpoint=node.client_url, transport="auto")  # by gRPC
    assert not found["failed"], found["msg"]
    message = _failure(module("etcd_info", node, endpoint=node.client_url, transport="gateway"))
    assert f"through {node.client_url} failed: " in message
    assert "--listen-client-http-urls" in message


def test_ipv6_and_other_ports(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(ipv6=True)
    members = module("etcd_info", cluster.nodes[0])["cluster"]["members"]
    assert [member["endpoint"] for member in members] == [node.client_url for node in cluster.nodes]
    assert all(member["endpoint"].startswith("https://[::1]:") for member in members)
    assert {member["role"] for member in members} == {"leader", "follower"}


def test_loopback_comes_first_and_dead_addresses_are_passed_over(make_cluster: Any, module: Any) -> None:
    cluster = make_cluster(members=2, start=False)
    own, other = cluster.nodes
    loopback = f"https://127.0.0.1:{free_port('127.0.0.1')}"
    dead = f"https://{other.address}:{free_port(other.address)}"
    replace_in_manifest(own, f"listen-client-urls={own.client_url}", f"listen-client-urls={own.client_url},{loopback}")
    replace_in_manifest(
        other, f"advertise-client-urls={other.client_url}", f"advertise-client-urls={dead},{other.client_url}"
    )
    cluster.start()
    members = {member["name"]: member for member in module("etcd_info", own)["cluster"]["members"]}
    assert members[own.name]["endpoint"] == loopback
    assert members[other.name]["endpoint"] == other.client_url
    assert set(members[other.name]["client_urls"]) == {dead, other.client_url}
    assert members[other.name]["error"] == ""


@pytest.mark.skipif(WAY == "etcdctl", reason="beside no etcd that a manifest names, and not in PATH")
def test_without_a_manifest_an_endpoint_and_three_files_will_do(
    node: MemberProcess, module: Any, tmp_path: Path
) -> None:
    missing = {"manifest": str(tmp_path / "none.yaml")}
    files = {"ca_cert": str(node.ca), **_pair(node.client_pair)}
    result = module("etcd_info", None, **missing, endpoint=node.client_url, **files)
    assert [member["name"] for member in result["cluster"]["members"]] == [node.name]
    for incomplete in ({}, {"endpoint": node.client_url}, files):
        message = _failure(module("etcd_info", None, **missing, **incomplete))
        assert f"There is no {tmp_path}/none.yaml on this host" in message
        assert "give endpoint, ca_cert, client_cert and client_key" in message


def test_a_member_that_is_down(make_cluster: Any, module: Any) -> None:
    (node,) = make_cluster(members=1, start=False).nodes
    assert f"through {node.client_url} failed: Connection refused" in _failure(module("etcd_info", node))


def test_an_address_that_is_none(node: MemberProcess, module: Any) -> None:
    assert "is not an http or https URL" in _failure(module("etcd_info", node, endpoint="cp1:2379"))
    assert "certificate" not in _failure(module("etcd_info", node, endpoint="https://no-such-host.invalid:2379"))


@pytest.mark.skipif(not OVER_GATEWAY, reason="what others than etcd say to gRPC is no matter of ours")
def test_a_port_where_something_else_listens(node: MemberProcess, module: Any) -> None:
    metrics = _failure(module("etcd_info", node, endpoint=node.metrics_url))
    assert "HTTP 404" in metrics
    assert "or it is not etcd" in metrics
    plain = _failure(module("etcd_info", node, endpoint=node.client_url.replace("https", "http")))
    assert node.client_url.replace("https", "http") in plain


def test_manifest_with_values_over_several_lines(make_cluster: Any, module: Any) -> None:
    """As kubeadm folds a long variable, and writes an annotation that has two lines."""
    proxies = "localhost, 192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24, .svc, .cluster.local, .example.org"
    (node,) = make_cluster(members=1, start=False, env={"NO_PROXY": proxies}).nodes
    pod = yaml.safe_load(node.manifest.read_text("utf-8"))
    pod["metadata"].setdefault("annotations", {})["example.org/why"] = "raised in spring\nask first\n"
    node.manifest.write_text(yaml.safe_dump(pod), "utf-8")
    assert proxies not in node.manifest.read_text("utf-8")
    node.start()
    report = module("etcd_node_info", node)
    assert not report["failed"], report["msg"]
    assert (report["name"], report["error"]) == (node.name, "")
    assert report["process"] is not None


def test_etcd_without_tls(make_cluster: Any, module: Any) -> None:
    without = ("cert-file", "key-file", "trusted-ca-file", "client-cert-auth")
    (node,) = make_cluster(members=1, start=False, flags=dict.fromkeys(without)).nodes
    url = node.client_url.replace("https", "http")
    replace_in_manifest(node, f"client-urls={node.client_url}", f"client-urls={url}")
    node.start(wait=False)
    _await_port(node)
    await_true(lambda: not module("etcd_info", node)["failed"], "it answers without certificates")
    assert module("etcd_info", node)["cluster"]["members"][0]["endpoint"] == url


@pytest.mark.skipif(not OVER_GATEWAY, reason="with gRPC, etcd takes the name in the certificate for a user")
def test_users_of_etcds_own(make_cluster: Any, module: Any, version: str) -> None:
    (node,) = make_cluster(members=1, version=version).nodes
    with node.client() as client:
        client.call("/v3/auth/user/add", {"name": "root", "password": "x"})
        client.call("/v3/auth/role/add", {"name": "root"})
        client.call("/v3/auth/user/grant", {"user": "root", "role": "root"})
        client.call("/v3/auth/enable", {})
    message = _failure(module("etcd_info", node))
    assert "CommonName of client" in message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_without_root_rights(node: MemberProcess, start_module: Any, open_directory: Path) -> None:
    message = _failure(start_module("etcd_info", node, uid=NOBODY).result())
    assert f"{node.manifest} cannot be read: root rights are needed (become)" in message

    shutil.copytree(node.pki, open_directory / "pki")
    for path in (open_directory / "pki").rglob("*"):
        path.chmod(0o755 if path.is_dir() else path.stat().st_mode)
    (open_directory / "pki").chmod(0o755)
    text = node.manifest.read_text("utf-8").replace(str(node.pki), str(open_directory / "pki"))
    manifest = open_directory / "etcd.yaml"
    manifest.write_text(text, "utf-8")
    key = open_directory / "pki/etcd/healthcheck-client.key"
    message = _failure(start_module("etcd_info", None, manifest=str(manifest), uid=NOBODY).result())
    assert f"its key {key} cannot be used: Permission denied (root rights are needed: become)" in message
