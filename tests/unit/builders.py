# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the unit tests share: tables, recorded answers, and clusters made of plain data."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._core.command import CommandResult
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm, Endpoint, Member, Status
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.quota import Quota
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView, MemberView
from ansible_collections.controlplane.etcd.plugins.module_utils._node.apiserver import Answer
from ansible_collections.controlplane.etcd.plugins.module_utils._node.disks import Disk
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import read_manifest
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet_hold import Hold
from ansible_collections.controlplane.etcd.plugins.module_utils._node.probes import Probe
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import (
    AlarmReport,
    ClusterReport,
    Diagnosis,
    KubeletReport,
    MemberReport,
    NodeReport,
    ProcessReport,
    Refusal,
    UnitReport,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._node.upkeep import (
    CertificateReport,
    SnapshotReport,
    Upkeep,
)

DATA = Path(__file__).parent / "data"
VERSIONS = ("3.5.1", "3.5.35", "3.6.5", "3.6.16", "3.7.3")
MIB = 1024**2
CLUSTER_ID = 0xC1

Json = dict[str, Any]
Reply = Json | Exception | Callable[[Json], Json]


def table(rows: Iterable[tuple[Any, ...]]) -> list[Any]:
    """The rows of a table as parameters of a test; the first column is the id."""
    return [pytest.param(*row[1:], id=row[0]) for row in rows]


def recorded(version: str, situation: str) -> bytes:
    """The body that an etcd of that version answered, byte by byte (see data/record.py)."""
    (path,) = (DATA / "answers" / version).glob(f"{situation}.*")
    return path.read_bytes()


def recorded_json(version: str, situation: str) -> Json:
    return dict(json.loads(recorded(version, situation)))


def recorded_http(version: str, situation: str) -> int:
    """The HTTP status of that answer."""
    return int(recorded_json(version, "http")[situation])


def member(
    number: int,
    *,
    size: int = 500 * MIB,
    in_use: int = 100 * MIB,
    quota: int = 1000 * MIB,
    source: str = "status",
    version: str = "3.6.16",
    applied: int = 5000,
    revision: int = 900,
    leader: int = 1,
    learner: bool = False,
    started: bool = True,
    error: str = "",
    busy: bool = False,
) -> MemberView:
    """The member cp<number>, whose id is that number; with an error, or while it is busy, it is silent."""
    urls = (f"https://192.0.2.{number}:2379",) if started else ()
    name = f"cp{number}" if started else ""
    listed = Member(number, name, (f"https://192.0.2.{number}:2380",), urls, learner)
    status = None
    if started and not (error or busy):
        status = Status(
            cluster_id=CLUSTER_ID,
            member_id=number,
            version=version,
            revision=revision,
            raft_term=2,
            raft_applied_index=applied,
            leader_id=leader,
            learner=learner,
            db_size_bytes=size,
            db_size_in_use_bytes=in_use,
            quota_bytes=quota,
            errors=(),
            alarms=(),
        )
    return MemberView(listed, "".join(urls), status, Quota(quota, source), error, busy)


def view(*members: MemberView, leader: int = 1, alarms: Iterable[Alarm] = ()) -> ClusterView:
    """A cluster of these members; the leader is cp1 unless said otherwise."""
    return ClusterView(CLUSTER_ID, leader, members, tuple(alarms))


class FakeTransport:
    """Answers each path as it is told to: with a body, an error, or what a function makes of the request."""

    def __init__(self, replies: dict[str, Reply], *, endpoint: str = "https://192.0.2.1:2379") -> None:
        self.endpoint = endpoint
        self.replies = replies
        self.calls: list[tuple[str, Json]] = []

    def call(self, path: str, body: Json, timeout: float | None = None) -> Json:
        self.calls.append((path, body))
        reply = self.replies[path]
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, dict) else reply(body)

    def stream(self, path: str, body: Json, timeout: float | None = None) -> Iterator[Json]:
        yield from self.call(path, body, timeout)["lines"]

    def text(self, path: str, timeout: float | None = None) -> str:
        return str(self.call(path, {}, timeout)["text"])


def endpoint(replies: dict[str, Reply], url: str = "https://192.0.2.1:2379") -> tuple[Endpoint, FakeTransport]:
    """A member that answers as it is told to, and what it was asked."""
    transport = FakeTransport(replies, endpoint=url)
    return Endpoint(transport), transport


def recorded_snapshot(version: str) -> bytes:
    """A recorded snapshot as a file: the database, and its SHA-256 as the last 32 bytes."""
    lines = recorded(version, "snapshot").splitlines()
    return b"".join(base64.b64decode(json.loads(line)["result"]["blob"]) for line in lines)


def probes_of(version: str) -> tuple[Probe, ...]:
    """The probes that kubeadm of that version gave etcd."""
    return read_manifest(str(DATA / "manifests" / version / "plain.manifest")).probes


def member_report(
    number: int,
    role: str = "follower",
    *,
    quota: int = 1000 * MIB,
    size: int = 500 * MIB,
    in_use: int = 100 * MIB,
    applied: int = 100,
    **changes: Any,
) -> MemberReport:
    """The member cp<number> as one that answers reports it; a quota below 0 is switched off."""
    urls = (f"https://192.0.2.{number}:2379",)
    answers = role not in ("silent", "unstarted")
    found = MemberReport(
        member_id=f"{number:x}",
        name=f"cp{number}",
        role=role,
        endpoint=urls[0],
        client_urls=urls,
        peer_urls=(f"https://192.0.2.{number}:2380",),
        error="",
        version="3.6.16" if answers else "",
        db_size_bytes=size if answers else 0,
        db_size_in_use_bytes=in_use if answers else 0,
        quota_bytes=quota if quota > 0 else -1,
        quota_source="status",
        quota_used=round(size / quota, 4) if answers and quota > 0 else 0.0,
        raft_applied_index=applied,
    )
    return found._replace(**changes)


def cluster_report(
    *members: MemberReport, cluster_id: str = "c1", quorum: bool = True, alarms: Iterable[str] = ()
) -> ClusterReport:
    """A cluster of these members, whose alarms cp1 has raised."""
    leader = next((member.name for member in members if member.role == "leader"), None)
    return ClusterReport(
        cluster_id=cluster_id,
        leader=leader if quorum else None,
        has_quorum=quorum,
        revision=900,
        alarms=tuple(AlarmReport(alarm, "1", "cp1") for alarm in alarms),
        members=members,
    )


def diagnosis(*, full: bool = True, refusals: Iterable[str] = (), findings: Iterable[str] = ()) -> Diagnosis:
    return Diagnosis(
        needs_recovery=full,
        refusals=tuple(Refusal("corrupt_alarm", text) for text in refusals),
        findings=tuple(findings),
        expected_seconds=74,
        fits=not full,
    )


def kubelet_report(
    *, held: Hold | None = None, refusal: str = "", running: bool | None = None, last_lines: Iterable[str] = ()
) -> KubeletReport:
    """A kubelet that is well, that is held, or that must not be started."""
    runs = not (held or refusal) if running is None else running
    stopped = bool(not runs and (held or "was stopped by" in refusal))
    return KubeletReport("kubelet", held, runs, stopped, refusal, tuple(last_lines))


def unit_report(
    *,
    name: str = "etcd.service",
    running: bool = True,
    refusal: str = "",
    lines: Iterable[str] = (),
    notes: Iterable[str] = (),
    of_events: bool = False,
) -> UnitReport:
    """The unit of a member that systemd runs."""
    return UnitReport(name, running, refusal, tuple(lines), tuple(notes), of_events)


RUNNING = ProcessReport(4711, 86.2)


def node_report(
    number: int,
    cluster: ClusterReport | None = None,
    *,
    ca: str = "ca",
    probes: str = "1.33",
    kubelet: KubeletReport | None = None,
    **changes: Any,
) -> NodeReport:
    """The report of the node of cp<number>, on which all is well; without a cluster, its etcd does not run. `ca` names
    the certificates in its CA file, `probes` is the kubeadm that wrote its manifest."""
    found = NodeReport(
        manifest="/etc/kubernetes/manifests/etcd.yaml",
        name=f"cp{number}",
        ca_sha256=tuple(ca.split()),
        cluster_id="c1",
        member_id=f"{number:x}",
        disks=disks_of(9000 * MIB),
        memory_bytes=16000 * MIB,
        memory_limit_bytes=None,
        lock=None,
        kubelet=kubelet or kubelet_report(),
        probes=probes_of(probes),
        process=RUNNING if cluster else None,
        installation="kubeadm",
        stray_files=(),
        start_seconds=12.8,
        error="" if cluster else f"host{number} is down",
        waiting_may_help=cluster is None,
        cluster=cluster,
        diagnosis=diagnosis() if cluster else None,
    )
    if "free_disk_bytes" in changes:
        changes["disks"] = disks_of(changes.pop("free_disk_bytes"))
    return found._replace(**changes)


def upkeep(*, days_left: float = 200.0, snapshot_age: float | None = 3600.0, **changes: Any) -> Upkeep:
    """The upkeep of a node that is hardened and cared for."""
    found = Upkeep(
        certificates=(CertificateReport("server", "/etc/kubernetes/pki/etcd/server.crt", days_left),),
        db_size_bytes=500 * MIB,
        quota_bytes=1000 * MIB,
        auto_compaction=True,
        version="3.6.16",
        scheduled=True,
        last_run=1795428000.0,
        last_run_seconds=3600.0,
        last_run_success=True,
        last_snapshot=None if snapshot_age is None else SnapshotReport("/x.db", 1795341600.0, snapshot_age),
        defrag_bytes_per_second=None,
    )
    return found._replace(**changes)


def disks_of(free: int | None, **changes: Any) -> tuple[Disk, ...]:
    """The one filesystem of a node, on which all is, with so much free; none if that is not known."""
    found = Disk(("data", "wal", "snapshots", "kubelet"), "/var/lib/etcd", free or 0, 0, True, "", ())
    return () if free is None else (found._replace(**changes),)


def held_by(run: str, until: float = 1795428300.0) -> Hold:
    return Hold(run, "etcd-maintenance-release-0a", until)


def results_of(reports: Mapping[str, NodeReport]) -> Json:
    """What a play has registered of etcd_node_info on these hosts."""
    return {host: {"changed": False, "failed": False, **report.as_result()} for host, report in reports.items()}


def as_json(value: Any) -> Any:
    """As it comes out of a variable of Ansible."""
    return json.loads(json.dumps(value))


class FakeRun:
    """Answers each program as it is told to, by how its command line begins; whatever else is run succeeds silently."""

    def __init__(self, replies: dict[str, CommandResult] | None = None) -> None:
        self.replies = replies or {}
        self.calls: list[list[str]] = []

    def __call__(self, argv: Sequence[str], _timeout: float) -> CommandResult:
        self.calls.append(list(argv))
        line = " ".join(argv)
        return next((reply for head, reply in self.replies.items() if line.startswith(head)), CommandResult(0, ""))

    @property
    def verbs(self) -> list[str]:
        """What was done, in short: the program, or systemctl's verb, and the last word of the command line."""
        return [f"{argv[1] if argv[0] == 'systemctl' else argv[0]} {argv[-1]}" for argv in self.calls]


def systemd_shows(
    active: str = "active",
    *,
    sub: str = "",
    loaded: str = "loaded",
    file_state: str = "enabled",
    started: int = 7,
    restarts: int = 0,
) -> CommandResult:
    """What `systemctl show` says of a unit."""
    found = {
        "LoadState": loaded,
        "ActiveState": active,
        "SubState": sub,
        "UnitFileState": file_state,
        "InactiveExitTimestampMonotonic": str(started * 10**6),
        "NRestarts": str(restarts),
    }
    return CommandResult(0, "\n".join(f"{name}={value}" for name, value in found.items()))


def api_failure(message: str, code: int = 500) -> Answer:
    """An answer of the Kubernetes API that refuses something."""
    return Answer(code, json.dumps({"kind": "Status", "status": "Failure", "message": message, "code": code}))


class Exited(Exception):
    """The module exited with this result."""


def main_of(
    module: ModuleType, given: Json, monkeypatch: pytest.MonkeyPatch, *, check: bool = False, diff: bool = False
) -> Json:
    """What the module returns, or how it fails, with these options; `warnings` only if there are any."""
    warned: list[str] = []

    class FakeModule:
        params = given
        check_mode = check
        _diff = diff

        def __init__(self, *_arguments: object, **_options: object) -> None:
            """It takes every specification."""

        def warn(self, text: str) -> None:
            warned.append(text)

        def exit_json(self, **result: object) -> None:
            raise Exited(result)

        def fail_json(self, **result: object) -> None:
            raise Exited({"failed": True, **result})

    monkeypatch.setattr(module, "AnsibleModule", FakeModule)
    with pytest.raises(Exited) as caught:
        module.main()
    return {**caught.value.args[0], **({"warnings": warned} if warned else {})}
