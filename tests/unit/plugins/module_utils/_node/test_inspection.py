# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node knows with etcd down, and when an election is waited for."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from unit.builders import (
    DATA,
    MIB,
    FakeRun,
    Json,
    held_by,
    member,
    probes_of,
    recorded_json,
    systemd_shows,
    table,
    view,
)
from unit.stopped_node import options, sha256_of, stopped_node, write_pki

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command as run_command
from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import errors, polling
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.diagnosis import diagnosis_result
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView, cluster_result
from ansible_collections.controlplane.etcd.plugins.module_utils._node import foreign_etcd, inspection, process
from ansible_collections.controlplane.etcd.plugins.module_utils._node import member as local
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet_hold import Hold
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import NodeReport
from lab import pki


@pytest.fixture(scope="module")
def written_pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def node(tmp_path: Path, written_pki: Path, monkeypatch: pytest.MonkeyPatch) -> Json:
    monkeypatch.setattr(run_command, "run", FakeRun({"systemctl show": systemd_shows()}))
    return stopped_node(tmp_path, written_pki)


def inspect(params: Json) -> NodeReport:
    """The report of a node with etcd."""
    found = inspection.inspect_node(params)
    assert found
    return found


def test_node_with_etcd_down(node: Json, tmp_path: Path) -> None:
    run_lock.take(node["lock_path"], run_lock.Lock("r", "root@a", 5.0))
    found = inspect(node).as_result()
    header = recorded_json("3.6.16", "status-follower")["header"]
    (disk,) = found.pop("disks")
    assert (disk["uses"], disk["path"]) == (["data", "wal", "snapshots"], str(tmp_path / "etcd"))
    assert disk["free_bytes"] > MIB
    assert found.pop("memory_bytes") > 100 * MIB
    assert found == {
        "present": True,
        "manifest": str(tmp_path / "etcd.yaml"),
        "name": "cp1",
        "ca_sha256": [sha256_of(tmp_path / "pki/etcd/ca.crt")],
        "cluster_id": f"{int(header['cluster_id']):x}",
        "member_id": f"{int(header['member_id']):x}",
        "memory_limit_bytes": None,
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
        "installation": "etcd_only",
        "stray_files": [],
        "start_seconds": 0.0,
        "answers": False,
        "error": "Connection refused",
        "waiting_may_help": True,
        "refusals": [],
        "upkeep": None,
        "unit": None,
        "further": [],
        "apiserver_manifest": str(tmp_path / "kube-apiserver.yaml"),
    }
    assert json.loads(json.dumps(found)) == found


NO_SYSTEMCTL = CommandResult(127, "No such file or directory: 'systemctl'")

# What systemd says, who holds it; whether it runs, whether it is there and does not, and why it is not started.
STATES: list[tuple[str, CommandResult, Hold | None, bool, bool, str]] = [
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
    monkeypatch: pytest.MonkeyPatch, shown: CommandResult, held: Hold | None, running: bool, stopped: bool, refusal: str
) -> None:
    monkeypatch.setattr(run_command, "run", FakeRun({"systemctl show": shown}))
    monkeypatch.setattr(inspection, "read_hold", lambda _name: held)
    found = inspection.inspect_kubelet("kubelet")
    assert (found.unit, found.held, found.running, found.stopped) == ("kubelet", held, running, stopped)
    assert refusal in found.refusal
    assert bool(refusal) is bool(found.refusal)
    assert not found.refusal or found.refusal.endswith(".")


def test_what_the_kubelet_is_told_about_etcd(node: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The probes of its manifest, what lies beside it, and the process that it started."""
    text = (DATA / "manifests/1.37/plain.manifest").read_text("utf-8")
    (tmp_path / "etcd.yaml").write_text(text.replace("/etc/kubernetes/pki", str(tmp_path / "pki")), "utf-8")
    (tmp_path / "etcd.yaml.bak").write_text(text, "utf-8")
    monkeypatch.setattr(process, "find", lambda _manifest: os.getpid())
    found = inspect(node)
    assert found.probes == probes_of("1.37")
    assert found.probes[0].port == 2381
    assert found.stray_files == (str(tmp_path / "etcd.yaml.bak"),)
    assert found.process
    assert found.process.pid == os.getpid()
    assert (found.process.seconds or 0) >= 0


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

    monkeypatch.setattr(local.LocalMember, "inspect_cluster", fail)
    found = inspect(node)
    assert (found.answers, found.error, found.waiting_may_help) == (False, error.reason, expected)


LEADERLESS: list[tuple[str, list[ClusterView], int]] = [
    ("a leader", [view(member(1), member(2), leader=1)], 1),
    ("an election", [view(member(1), member(2), leader=0), view(member(1), member(2), leader=2)], 2),
    ("an election that does not end", [view(member(1), member(2), leader=0)] * 40, 26),
    ("too few for one", [view(member(1), member(2, error="refused"), leader=0)], 1),
]


@pytest.mark.parametrize(("seen", "inspections"), table(LEADERLESS))
def test_an_election_is_waited_for(
    node: Json, monkeypatch: pytest.MonkeyPatch, seen: list[ClusterView], inspections: int
) -> None:
    left, clock = list(seen), SimpleNamespace(now=0.0)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(polling, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock.now))
    monkeypatch.setattr(local.LocalMember, "inspect_cluster", lambda _self: left.pop(0))
    found = inspect(node)
    assert len(seen) - len(left) == inspections
    assert found.answers
    assert found.has_quorum is seen[inspections - 1].has_quorum


def test_node_that_never_started(node: Json, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "etcd")
    found = inspect(node)
    assert (found.cluster_id, found.member_id, found.lock) == (None, None, None)
    assert (found.free_disk_bytes, found.start_seconds) == (None, 0)


def test_node_whose_ca_is_being_replaced(node: Json, tmp_path: Path) -> None:
    """Both certificates are in the file then, and white space and comments do not tell nodes apart."""
    path, new = tmp_path / "pki/etcd/ca.crt", tmp_path / "new"
    pki.Authority.create().write(new)
    old = path.read_text("ascii")
    expected = sorted([sha256_of(path), sha256_of(new.with_suffix(".crt"))])
    path.write_text(f"# old\n{old}\n\n# new\n{new.with_suffix('.crt').read_text('ascii')}", "ascii")
    assert list(inspect(node).ca_sha256) == expected


def test_node_without_tls(node: Json, tmp_path: Path) -> None:
    path = tmp_path / "etcd.yaml"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "--trusted-ca-file" not in line), "utf-8")
    with pytest.raises(
        Failure, match=r"etcd\.yaml has no --trusted-ca-file: etcd without TLS is not supported\.$"
    ) as caught:
        inspection.inspect_node(node)
    assert caught.value.code == "manifest_unusable"


def test_node_with_an_expired_certificate_says_so(node: Json, tmp_path: Path) -> None:
    stem = tmp_path / "pki/etcd/healthcheck-client"
    pki.issue_healthcheck_client(pki.Authority.create(), stem, expired=True)
    found = inspect(node)
    assert not found.answers
    assert f"the client certificate {stem}.crt expired on" in found.error


def test_node_without_its_ca(node: Json, tmp_path: Path) -> None:
    (tmp_path / "pki/etcd/ca.crt").unlink()
    with pytest.raises(errors.TlsRejected, match=r"the CA certificate '.*ca\.crt' cannot be used: .*No such file"):
        inspection.inspect_node(node)


def test_node_without_etcd(tmp_path: Path) -> None:
    given = options(data_dir=str(tmp_path / "etcd"), lock_path=str(tmp_path / "x.lock"))
    assert inspection.inspect_node(given) is None


def test_node_whose_manifest_was_taken_away(node: Json, tmp_path: Path) -> None:
    manifest = tmp_path / "manifests/etcd.yaml"  # as on a node of kubeadm, whose certificates are beside its directory
    with pytest.raises(Failure, match=r"is missing, but .*/member is there") as caught:
        inspection.inspect_node({**node, "manifest": str(manifest)})
    assert (caught.value.code, caught.value.advice) == (
        "manifest_missing",
        "Put it back (kubeadm init phase etcd local writes one).",
    )


def test_node_whose_data_somebody_else_has(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_manifest: object) -> None:
        raise Refused("foreign_etcd", "It is another's.")

    monkeypatch.setattr(foreign_etcd, "refuse_foreign", refuse)
    with pytest.raises(Refused, match="It is another's"):
        inspection.inspect_node(node)


def test_member_that_answers(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the info modules return of it, as records."""
    seen = view(
        member(1, size=850 * MIB), member(2, error="down"), alarms=[Alarm(1, "NOSPACE"), Alarm(0xDEAD, "NOSPACE")]
    )
    monkeypatch.setattr(local.LocalMember, "inspect_cluster", lambda _self: seen)
    found = inspect(node)
    assert (found.answers, found.has_quorum, found.error, found.waiting_may_help) == (True, True, "", False)
    assert found.known_cluster_id == "c1"
    assert found.cluster
    assert found.diagnosis
    assert found.cluster.full_names == ("cp1", "dead")
    assert found.diagnosis.needs_recovery
    result = found.as_result()
    assert result["cluster"] == cluster_result(seen)
    assert result["diagnosis"] == diagnosis_result(seen, allow_unsafe=False)


def test_unsafe_version_is_refused_unless_it_is_allowed(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = view(member(1, version="3.5.5"), alarms=[Alarm(1, "NOSPACE")])
    monkeypatch.setattr(local.LocalMember, "inspect_cluster", lambda _self: seen)
    for allowed, codes in ((False, ["unsafe_etcd_version"]), (True, [])):
        found = inspect({**node, "allow_unsafe_version": allowed})
        assert [refusal.code for refusal in (found.diagnosis.refusals if found.diagnosis else ())] == codes


@pytest.mark.parametrize(
    ("given", "said"),
    table(
        [
            ("a file that is not there", {"client_cert": "/v/none.crt"}, "client_cert=/v/none.crt: the client cert"),
            ("no URL", {"endpoint": "here"}, "endpoint=here: 'here' is not an http or https URL"),
            ("a member that is down", {"endpoint": "https://127.0.0.1:1", "transport": "gateway"}, ""),
            ("nothing", {}, ""),
        ]
    ),
)
def test_options_that_cannot_be_right_are_a_refusal(node: Json, given: Json, said: str) -> None:
    found = inspect({**node, **given})
    assert not found.answers
    assert [refusal.code for refusal in found.refusals] == (["wrong_connection"] if said else [])
    assert all(said in refusal.text for refusal in found.refusals)
    assert NodeReport.from_result(found.as_result()) == found


def test_files_of_the_manifest_that_are_missing_are_none(node: Json, tmp_path: Path) -> None:
    """The others may be enough, and nobody has named these."""
    for path in (tmp_path / "pki").rglob("*.key"):
        path.unlink()
    found = inspect(node)
    assert "cannot be used" in found.error
    assert found.refusals == ()


def unit_shows(directory: Path, *, active: str = "failed", restart: str = "always") -> str:
    """A unit with the settings of the stopped node in an environment file, as kubespray has it."""
    pki_dir = directory / "pki/etcd"
    env = {
        "ETCD_NAME": "cp1",
        "ETCD_DATA_DIR": directory / "etcd",
        "ETCD_LISTEN_CLIENT_URLS": "https://127.0.0.1:1",
        "ETCD_TRUSTED_CA_FILE": pki_dir / "ca.crt",
        "ETCD_CERT_FILE": pki_dir / "server.crt",
        "ETCD_KEY_FILE": pki_dir / "server.key",
    }
    (directory / "etcd.env").write_text("".join(f"{name}={value}\n" for name, value in env.items()), "utf-8")
    return (
        f"Id=etcd.service\nLoadState=loaded\nActiveState={active}\nResult=start-limit-hit\nType=notify\nRestart={restart}\n"
        "ExecStart={ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd ; ignore_errors=no }\n"
        f"EnvironmentFiles={directory}/etcd.env (ignore_errors=no)\nUnitFileState=enabled\nMainPID=0"
    )


def test_node_whose_etcd_is_a_unit(node: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = {
        "systemctl show --property=Active": CommandResult(0, unit_shows(tmp_path, restart="on-abnormal")),
        "systemctl show": systemd_shows(),
        "journalctl": CommandResult(0, "etcd: no space left on device\n"),
    }
    monkeypatch.setattr(run_command, "run", FakeRun(replies))
    found = inspect({**node, "manifest": "etcd.service"})
    assert (found.manifest, found.name, found.installation, found.answers) == ("etcd.service", "cp1", "systemd", False)
    assert found.unit
    assert (found.unit.unit, found.unit.running, found.start_refusal) == ("etcd.service", False, "")
    assert found.unit.last_lines == ("etcd: no space left on device",)
    assert "Restart=on-abnormal" in found.unit.notes[0]
    assert found.apiserver_manifest == "/etc/kubernetes/manifests/kube-apiserver.yaml"
    assert not found.unit.of_events
    assert NodeReport.from_result(json.loads(json.dumps(found.as_result()))) == found


def test_node_whose_second_etcd_was_asked_for(node: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shows = unit_shows(tmp_path).replace("Id=etcd.service", "Id=etcd-events.service")
    replies = {"systemctl show --property=Active": CommandResult(0, shows), "systemctl show": systemd_shows()}
    monkeypatch.setattr(run_command, "run", FakeRun(replies))
    found = inspect({**node, "manifest": "etcd-events.service"})
    assert found.unit
    assert (found.unit.unit, found.unit.of_events) == ("etcd-events.service", True)
    assert NodeReport.from_result(json.loads(json.dumps(found.as_result()))) == found


def test_host_without_the_unit_that_was_named(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    shows = CommandResult(0, "Id=etcd.service\nLoadState=not-found\nActiveState=inactive")
    monkeypatch.setattr(run_command, "run", FakeRun({"systemctl show": shows}))
    assert inspection.inspect_node({**node, "manifest": "etcd.service"}) is None


def test_unit_that_is_masked(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    shows = CommandResult(0, "Id=etcd.service\nLoadState=masked\nActiveState=inactive\nUnitFileState=masked")
    monkeypatch.setattr(run_command, "run", FakeRun({"systemctl show": shows}))
    with pytest.raises(Refused) as caught:
        inspection.inspect_node({**node, "manifest": "etcd.service"})
    assert caught.value.code == "unit_masked"
