# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to a member, and what is remembered of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from unit.builders import MIB, Json, member, recorded_json, table, view
from unit.stopped_node import options, sha256_of, stopped_node, write_pki

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Endpoint, parse_status
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.estimates import DiskRoom
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.quota import Quota
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import TlsFiles
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import MemberView
from ansible_collections.controlplane.etcd.plugins.module_utils._node import foreign_etcd
from ansible_collections.controlplane.etcd.plugins.module_utils._node import member as member_module
from ansible_collections.controlplane.etcd.plugins.module_utils._node.member import LocalMember, ca_sha256


@pytest.fixture(scope="module")
def written_pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def node(tmp_path: Path, written_pki: Path) -> Json:
    return stopped_node(tmp_path, written_pki)


def test_member_of_the_manifest(node: Json, tmp_path: Path) -> None:
    found = LocalMember(node)
    stem = tmp_path / "pki/etcd/healthcheck-client"
    assert found.endpoint.url == "https://127.0.0.1:1"
    assert found.tls == TlsFiles(str(tmp_path / "pki/etcd/ca.crt"), f"{stem}.crt", f"{stem}.key")


def test_options_beat_the_manifest(node: Json, tmp_path: Path) -> None:
    stem = tmp_path / "pki/apiserver-etcd-client"
    found = LocalMember(
        {**node, "endpoint": "https://127.0.0.1:2", "client_cert": f"{stem}.crt", "client_key": f"{stem}.key"}
    )
    assert found.endpoint.url == "https://127.0.0.1:2"
    assert found.tls == TlsFiles(str(tmp_path / "pki/etcd/ca.crt"), f"{stem}.crt", f"{stem}.key")


@pytest.mark.parametrize("others", [[], ["It may run k3s."]], ids=["nothing", "others"])
def test_no_manifest_needs_all_options(written_pki: Path, monkeypatch: pytest.MonkeyPatch, others: list[str]) -> None:
    monkeypatch.setattr(foreign_etcd, "elsewhere", lambda: others)
    stem = written_pki / "apiserver-etcd-client"
    given = {
        "endpoint": "https://127.0.0.1:2",
        "ca_cert": str(written_pki / "etcd/ca.crt"),
        "client_cert": f"{stem}.crt",
        "client_key": f"{stem}.key",
    }
    found = LocalMember(options(**given))
    assert found.manifest is None
    assert found.free_disk_bytes() is None
    for name in given:
        with pytest.raises(Failure) as caught:
            LocalMember(options(**{**given, name: None}))
        assert caught.value.reason == " ".join(["There is no /nowhere/etcd.yaml on this host.", *others])
        assert caught.value.code == "manifest_missing"
        assert caught.value.advice.endswith("or give endpoint, ca_cert, client_cert and client_key.")


def answering(member_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    status = parse_status({"header": {"member_id": str(member_id)}})
    monkeypatch.setattr(Endpoint, "status", lambda _self: status)


def test_files_are_used_only_if_they_are_those_of_who_answers(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the endpoint may be another member: its disk and its data are not here."""
    own = int(recorded_json("3.6.16", "status-follower")["header"]["member_id"])
    elsewhere = {**node, "endpoint": "https://127.0.0.1:2"}
    found = LocalMember(elsewhere)
    answering(own, monkeypatch)
    assert found.manifest is not None
    assert found.free_disk_bytes() is not None
    found = LocalMember(elsewhere)
    answering(own + 1, monkeypatch)
    assert found.manifest is None
    assert found.free_disk_bytes() is None


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="there is no other filesystem")
def test_the_log_may_lie_on_another_disk(node: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wal = tmp_path / "etcd/member/wal"
    # That of the real disk changes between two looks.
    monkeypatch.setattr(LocalMember, "free_disk_bytes", lambda _self: 12345)
    assert LocalMember(node).disk_room() == DiskRoom(12345)
    shutil.rmtree(wal)
    room = LocalMember(node).disk_room()
    assert room is not None
    assert room.with_log
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        wal.symlink_to(elsewhere)
        room = LocalMember(node).disk_room()
    assert room is not None
    assert not room.with_log


def test_manifest_is_believed_if_no_endpoint_is_given(
    node: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before its member has a log, and whoever answers: nobody is asked."""
    monkeypatch.setattr(Endpoint, "status", lambda _self: pytest.fail("it was asked"))
    assert LocalMember(node).manifest is not None
    shutil.rmtree(tmp_path / "etcd/member/wal")
    found = LocalMember(node)
    assert found.manifest is not None
    assert found.free_disk_bytes() is not None


def test_endpoint_beside_a_member_without_a_log(node: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(tmp_path / "etcd/member/wal")
    answering(1, monkeypatch)
    assert LocalMember({**node, "endpoint": "https://127.0.0.1:2"}).manifest is None


def test_fingerprints_of_a_member(node: Json, tmp_path: Path) -> None:
    found = LocalMember(node)
    assert found.ca_sha256() == [sha256_of(tmp_path / "pki/etcd/ca.crt")]
    found.tls = None
    assert found.ca_sha256() == []


URLS = [f"https://192.0.2.{number}:2379" for number in (1, 2, 3)]

# What an inspection said of cp2, and whether it is asked again in the next one.
REMEMBERED: list[tuple[str, MemberView, bool]] = [
    ("it answers", member(2), True),
    ("it is silent", member(2, error="no answer within 10 s"), False),
    ("it is busy: it comes back", member(2, error="it is being defragmented", busy=True), True),
    ("it is unstarted", member(2, started=False), True),
]


@pytest.mark.parametrize(("second", "asked"), table(REMEMBERED))
def test_silent_members_are_remembered(
    node: Json, monkeypatch: pytest.MonkeyPatch, second: MemberView, asked: bool
) -> None:
    """Else every inspection would wait for them."""
    monkeypatch.setattr(
        member_module, "inspect_cluster", lambda *_arguments, **_options: view(member(1), second, member(3))
    )
    found = LocalMember(node)
    assert found.connect(URLS[1]).url == URLS[1]
    found.inspect_cluster()
    assert [found.connect(url).url for url in (URLS[0], URLS[2])] == [URLS[0], URLS[2]]
    if asked:
        assert found.connect(URLS[1]).url == URLS[1]
    else:
        with pytest.raises(errors.TimedOut, match=r"^no answer within 10 s$") as caught:
            found.connect(URLS[1])
        assert caught.value.endpoint == URLS[1]


def test_silent_member_is_an_error(node: Json) -> None:
    with pytest.raises(errors.Unreachable):
        LocalMember(node).inspect_cluster()


CA_FILES: list[tuple[str, bytes, str]] = [
    ("empty", b"", "no certificate in it"),
    ("no text", bytes(range(256)), "no certificate in it"),
    ("damaged", b"-----BEGIN CERTIFICATE-----\nAAAAA\n-----END CERTIFICATE-----\n", "base64"),
]


@pytest.mark.parametrize(("content", "message"), table(CA_FILES))
def test_ca_that_is_none(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "ca.crt"
    path.write_bytes(content)
    with pytest.raises(errors.TlsRejected, match=rf"the CA certificate '.*ca\.crt' cannot be used: .*{message}"):
        ca_sha256(str(path))


def test_a_quota_is_remembered_while_the_metrics_do_not_answer(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    assumed = member(2, quota=2048 * MIB, source="default")
    views = [view(member(1), assumed), view(member(1), member(2, quota=8192 * MIB, source="metrics")), view(assumed)]
    monkeypatch.setattr(member_module, "inspect_cluster", lambda *_arguments, **_options: views.pop(0))
    found = LocalMember(node)
    quotas = [found.inspect_cluster().members[-1].quota for _inspection in range(3)]
    assert quotas == [Quota(2048 * MIB, "default"), *[Quota(8192 * MIB, "metrics")] * 2]
