# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to a member, and what a node tells with etcd down."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from unit.builders import (
    DATA,
    MIB,
    FakeRun,
    Json,
    held_by,
    main_of,
    member,
    probes_of,
    recorded,
    recorded_json,
    systemd_shows,
    table,
    view,
)

from ansible_collections.controlplane.etcd.plugins.module_utils import _module
from ansible_collections.controlplane.etcd.plugins.module_utils._core import command as run_command
from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Endpoint, parse_status
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import TlsFiles
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView, MemberView
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet_hold, process
from ansible_collections.controlplane.etcd.plugins.module_utils._node import member as local
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import ManifestError
from ansible_collections.controlplane.etcd.plugins.modules import etcd_node_info
from lab import pki


@pytest.fixture(scope="module")
def made_pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    pki.write_node_pki(pki.Authority.create(), folder, "cp1", "127.0.0.1")
    return folder


@pytest.fixture
def node(tmp_path: Path, made_pki: Path, monkeypatch: pytest.MonkeyPatch) -> Json:
    """The options for a node whose etcd was 3.6.16 and does not run any more."""
    monkeypatch.setattr(run_command, "run", FakeRun({"systemctl show": systemd_shows()}))
    shutil.copytree(made_pki, tmp_path / "pki")
    wal = tmp_path / "etcd/member/wal"
    wal.mkdir(parents=True)
    (wal / "0000000000000000-0000000000000000.wal").write_bytes(recorded("3.6.16", "wal"))
    flags = {
        "name": "cp1",
        "data-dir": str(tmp_path / "etcd"),
        "listen-client-urls": "https://127.0.0.1:1",
        "trusted-ca-file": str(tmp_path / "pki/etcd/ca.crt"),
        "cert-file": str(tmp_path / "pki/etcd/server.crt"),
        "key-file": str(tmp_path / "pki/etcd/server.key"),
    }
    command = ["etcd", *(f"--{name}={value}" for name, value in flags.items())]
    pod = {"spec": {"containers": [{"name": "etcd", "command": command}]}}
    (tmp_path / "etcd.yaml").write_text(yaml.safe_dump(pod), "utf-8")
    return params(
        manifest=str(tmp_path / "etcd.yaml"),
        data_dir=str(tmp_path / "etcd"),
        lock_path=str(tmp_path / "x.lock"),
        kubelet_unit="kubelet-of-the-tests",
    )


def params(**given: Any) -> Json:
    return {
        "ca_cert": None,
        "client_cert": None,
        "client_key": None,
        "endpoint": None,
        "manifest": "/nowhere/etcd.yaml",
        "timeout": 1.0,
        "allow_unsafe_version": False,
        **given,
    }


def sha256_of(path: Path) -> str:
    """The fingerprint of a certificate, as the cryptography library reads it."""
    found = x509.load_pem_x509_certificate(path.read_bytes())
    return found.fingerprint(hashes.SHA256()).hex()


def test_node_with_etcd_down(node: Json, tmp_path: Path) -> None:
    run_lock.take(node["lock_path"], run_lock.Lock("r", "root@a", 5.0))
    found = etcd_node_info.look(node)
    header = recorded_json("3.6.16", "status-follower")["header"]
    assert found.pop("free_disk_bytes") > MIB
    assert found.pop("memory_bytes") > 100 * MIB
    assert found.pop("pyyaml") is True
    assert found == {
        "present": True,
        "manifest": str(tmp_path / "etcd.yaml"),
        "name": "cp1",
        "ca_sha256": [sha256_of(tmp_path / "pki/etcd/ca.crt")],
        "cluster_id": f"{int(header['cluster_id']):x}",
        "member_id": f"{int(header['member_id']):x}",
        "lock": {"run": "r", "owner": "root@a", "until": 5.0},
        "kubelet": {
            "unit": "kubelet-of-the-tests",
            "held": None,
            "running": True,
            "stopped": False,
            "refusal": "",
            "last_lines": [],
        },
        "probes": [],
        "process": None,
        "stray_files": [],
        "wal_bytes": len(recorded("3.6.16", "wal")),
        "answers": False,
        "error": "Connection refused",
        "waiting_may_help": True,
    }
    assert json.loads(json.dumps(found)) == found


NO_SYSTEMCTL = CommandResult(127, "No such file or directory: 'systemctl'")

# What systemd says, who holds it; whether it runs, whether it is there and does not, and why it is not started.
STATES: list[tuple[str, CommandResult, Json | None, bool, bool, str]] = [
    ("runs", systemd_shows(), None, True, False, ""),
    ("stopped by somebody", systemd_shows("inactive"), None, False, True, "was stopped by someone else"),
    ("held", systemd_shows("inactive"), held_by("r1"), False, True, ""),
    ("failed", systemd_shows("failed"), None, False, True, ""),
    ("waits for its next start", systemd_shows("activating"), None, True, False, ""),
    ("masked", systemd_shows("inactive", loaded="masked"), None, False, True, "is masked"),
    ("masked, though it runs", systemd_shows(file_state="masked-runtime"), None, True, False, "is masked"),
    ("not there", systemd_shows("inactive", loaded="not-found"), None, False, False, "There is no unit kubelet"),
    ("no systemd", NO_SYSTEMCTL, None, False, False, "systemd cannot be asked"),
    ("no systemd any more", CommandResult(1, "not booted"), held_by("r1"), False, False, "systemd cannot be asked"),
]


@pytest.mark.parametrize(("shown", "held", "running", "stopped", "refusal"), table(STATES))
def test_kubelet_of_a_node(
    monkeypatch: pytest.MonkeyPatch, shown: CommandResult, held: Json | None, running: bool, stopped: bool, refusal: str
) -> None:
    monkeypatch.setattr(run_command, "run", FakeRun({"systemctl show": shown}))
    monkeypatch.setattr(kubelet_hold, "read_hold", lambda _name: kubelet_hold.Hold(**held) if held else None)
    found = etcd_node_info.of_kubelet("kubelet")
    assert (found["unit"], found["held"], found["running"]) == ("kubelet", held, running)
    assert found["stopped"] is stopped
    assert refusal in found["refusal"]
    assert bool(refusal) is bool(found["refusal"])


def test_what_the_kubelet_is_told_about_etcd(node: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probes of its manifest, what lies beside it, and the process that it started."""
    text = (DATA / "manifests/1.37/plain.manifest").read_text("utf-8")
    (tmp_path / "etcd.yaml").write_text(text.replace("/etc/kubernetes/pki", str(tmp_path / "pki")), "utf-8")
    (tmp_path / "etcd.yaml.bak").write_text(text, "utf-8")
    monkeypatch.setattr(process, "find", lambda _manifest: os.getpid())
    found = etcd_node_info.look(node)
    assert found["probes"] == [asdict(probe) for probe in probes_of("1.37")]
    assert found["probes"][0]["port"] == 2381
    assert found["stray_files"] == [str(tmp_path / "etcd.yaml.bak")]
    assert found["process"]["pid"] == os.getpid()
    assert found["process"]["seconds"] >= 0


# Why a member does not answer, and whether it may begin to.
WAITS: list[tuple[str, errors.EtcdError, bool]] = [
    ("down", errors.Unreachable("Connection refused"), True),
    ("reads its log", errors.TimedOut("no answer within 10 s"), True),
    ("refuses the certificate", errors.TlsRejected("bad certificate"), False),
    ("wants a password", errors.AuthEnabled("user name is empty"), False),
    ("has no gateway", errors.GatewayDisabled("404"), False),
]


@pytest.mark.parametrize(("error", "expected"), table(WAITS))
def test_waiting_may_help(node: Json, monkeypatch: pytest.MonkeyPatch, error: errors.EtcdError, expected: bool) -> None:
    def fail(_self: object) -> None:
        raise error

    monkeypatch.setattr(local.LocalMember, "look", fail)
    assert etcd_node_info.look(node)["waiting_may_help"] is expected


LEADERLESS: list[tuple[str, list[ClusterView], int]] = [
    ("a leader", [view(member(1), member(2), leader=1)], 1),
    ("an election", [view(member(1), member(2), leader=0), view(member(1), member(2), leader=2)], 2),
    ("an election that does not end", [view(member(1), member(2), leader=0)] * 20, 12),
    ("too few for one", [view(member(1), member(2, error="refused"), leader=0)], 1),
]


@pytest.mark.parametrize(("seen", "looks"), table(LEADERLESS))
def test_an_election_is_waited_for(
    node: Json, monkeypatch: pytest.MonkeyPatch, seen: list[ClusterView], looks: int
) -> None:
    left, clock = list(seen), SimpleNamespace(now=0.0)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(etcd_node_info, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock.now))
    monkeypatch.setattr(local.LocalMember, "look", lambda _self: left.pop(0))
    found = etcd_node_info.look(node)
    assert len(seen) - len(left) == looks
    assert found["cluster"]["has_quorum"] is seen[looks - 1].has_quorum


def test_node_that_never_started(node: Json, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "etcd")
    found = etcd_node_info.look(node)
    assert (found["present"], found["cluster_id"], found["member_id"], found["lock"]) == (True, None, None, None)
    assert (found["free_disk_bytes"], found["wal_bytes"]) == (None, 0)


def test_node_whose_ca_is_being_replaced(node: Json, tmp_path: Path) -> None:
    """Both certificates are in the file then, and white space and comments do not tell nodes apart."""
    path, new = tmp_path / "pki/etcd/ca.crt", tmp_path / "new"
    pki.Authority.create().write(new)
    old = path.read_text("ascii")
    expected = sorted([sha256_of(path), sha256_of(new.with_suffix(".crt"))])
    path.write_text(f"# old\n{old}\n\n# new\n{new.with_suffix('.crt').read_text('ascii')}", "ascii")
    assert etcd_node_info.look(node)["ca_sha256"] == expected


def test_node_without_tls(node: Json, tmp_path: Path) -> None:
    path = tmp_path / "etcd.yaml"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "--trusted-ca-file" not in line), "utf-8")
    with pytest.raises(ManifestError, match=r"etcd\.yaml has no --trusted-ca-file: etcd without TLS is not supported$"):
        etcd_node_info.look(node)


def test_node_with_an_expired_certificate_says_so(node: Json, tmp_path: Path) -> None:
    stem = tmp_path / "pki/etcd/healthcheck-client"
    pki.issue_healthcheck_client(pki.Authority.create(), stem, expired=True)
    found = etcd_node_info.look(node)
    assert not found["answers"]
    assert f"the client certificate {stem}.crt expired on" in found["error"]


def test_node_without_its_ca(node: Json, tmp_path: Path) -> None:
    (tmp_path / "pki/etcd/ca.crt").unlink()
    with pytest.raises(errors.TlsRejected, match=r"the CA certificate '.*ca\.crt' cannot be used: .*No such file"):
        etcd_node_info.look(node)


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
        _module.ca_sha256(str(path))


def test_node_whose_disk_cannot_be_read(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_path: str) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(etcd_node_info, "free_bytes", broken)
    ended = main_of(etcd_node_info, node, monkeypatch)
    assert ended == {
        "failed": True,
        "msg": "Looking at the node failed: [Errno 5] Input/output error. Nothing was changed.",
    }


def test_node_that_is_looked_at(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = main_of(etcd_node_info, node, monkeypatch)
    assert (ended["changed"], ended["present"], ended["answers"]) == (False, True, False)


def test_node_without_etcd(tmp_path: Path) -> None:
    given = params(data_dir=str(tmp_path / "etcd"), lock_path=str(tmp_path / "x.lock"))
    assert etcd_node_info.look(given) == {"present": False}


def test_node_whose_manifest_was_taken_away(node: Json, tmp_path: Path) -> None:
    (tmp_path / "etcd.yaml").unlink()
    with pytest.raises(ManifestError, match=r"is missing, but .*/member is there"):
        etcd_node_info.look(node)


def test_member_of_the_manifest(node: Json, tmp_path: Path) -> None:
    found = _module.LocalMember(node)
    stem = tmp_path / "pki/etcd/healthcheck-client"
    assert found.endpoint.url == "https://127.0.0.1:1"
    assert found.tls == TlsFiles(str(tmp_path / "pki/etcd/ca.crt"), f"{stem}.crt", f"{stem}.key")


def test_options_beat_the_manifest(node: Json, tmp_path: Path) -> None:
    stem = tmp_path / "pki/apiserver-etcd-client"
    found = _module.LocalMember(
        {**node, "endpoint": "https://127.0.0.1:2", "client_cert": f"{stem}.crt", "client_key": f"{stem}.key"}
    )
    assert found.endpoint.url == "https://127.0.0.1:2"
    assert found.tls == TlsFiles(str(tmp_path / "pki/etcd/ca.crt"), f"{stem}.crt", f"{stem}.key")


def test_no_manifest_needs_all_options(tmp_path: Path, made_pki: Path) -> None:
    stem = made_pki / "apiserver-etcd-client"
    given = {
        "endpoint": "https://127.0.0.1:2",
        "ca_cert": str(made_pki / "etcd/ca.crt"),
        "client_cert": f"{stem}.crt",
        "client_key": f"{stem}.key",
    }
    found = _module.LocalMember(params(**given))
    assert found.manifest is None
    assert found.free_disk_bytes() is None
    for name in given:
        with pytest.raises(ManifestError, match=r"There is no /nowhere/etcd\.yaml on this host"):
            _module.LocalMember(params(**{**given, name: None}))


def answering(member_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    status = parse_status({"header": {"member_id": str(member_id)}})
    monkeypatch.setattr(Endpoint, "status", lambda _self: status)


def test_files_are_used_only_where_they_are_those_of_who_answers(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind the endpoint may be another member: its disk and its data are not here."""
    own = int(recorded_json("3.6.16", "status-follower")["header"]["member_id"])
    elsewhere = {**node, "endpoint": "https://127.0.0.1:2"}
    found = _module.LocalMember(elsewhere)
    answering(own, monkeypatch)
    assert found.manifest is not None
    assert found.free_disk_bytes() is not None
    found = _module.LocalMember(elsewhere)
    answering(own + 1, monkeypatch)
    assert found.manifest is None
    assert found.free_disk_bytes() is None


def test_manifest_is_believed_where_no_endpoint_is_given(
    node: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before its member has a log, and whoever answers: nobody is asked."""
    monkeypatch.setattr(Endpoint, "status", lambda _self: pytest.fail("it was asked"))
    assert _module.LocalMember(node).manifest is not None
    shutil.rmtree(tmp_path / "etcd/member/wal")
    found = _module.LocalMember(node)
    assert found.manifest is not None
    assert found.free_disk_bytes() is not None


def test_endpoint_beside_a_member_without_a_log(node: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(tmp_path / "etcd/member/wal")
    answering(1, monkeypatch)
    assert _module.LocalMember({**node, "endpoint": "https://127.0.0.1:2"}).manifest is None


def test_fingerprints_of_a_member(node: Json, tmp_path: Path) -> None:
    found = _module.LocalMember(node)
    assert found.ca_sha256() == [sha256_of(tmp_path / "pki/etcd/ca.crt")]
    found.tls = None
    assert found.ca_sha256() == []


URLS = [f"https://192.0.2.{number}:2379" for number in (1, 2, 3)]

# What a look said of cp2, and whether it is asked again in the next one.
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
    """Else every look would wait for them."""
    monkeypatch.setattr(local, "inspect_cluster", lambda *_arguments, **_options: view(member(1), second, member(3)))
    found = _module.LocalMember(node)
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
        _module.LocalMember(node).inspect_cluster()


def test_memory_of_a_node(tmp_path: Path) -> None:
    path = tmp_path / "meminfo"
    path.write_text("MemTotal: 7 kB\n", "utf-8")
    assert etcd_node_info.of_memory(str(path)) == 7168
    path.write_text("", "utf-8")
    assert etcd_node_info.of_memory(str(path)) is None
    assert etcd_node_info.of_memory(str(tmp_path / "none")) is None
