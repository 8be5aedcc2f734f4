# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""NodeReport: what one node knows of itself and of its member, also with etcd down: collected on the node, read on the
controller.

The field of a record is a key of the result that etcd_node_info returns, and the other way round.
"""

from __future__ import annotations

import math
import typing as t

from .._core.failures import Refused
from .._core.records import Fields, Json, plain
from .._core.run_lock import Lock
from .._etcd.api import NOSPACE
from .._etcd.diagnosis import diagnosis_result
from .._etcd.quota import Capacity
from .._etcd.view import ClusterView, cluster_result
from .disks import DATA, Disk
from .installation import RKE2
from .kubelet_hold import Hold
from .probes import Probe
from .upkeep import Upkeep


class MemberReport(t.NamedTuple):
    """One member of the list. Ids are in hexadecimal; `quota_bytes` is -1 if it is switched off."""

    member_id: str
    name: str
    role: str
    endpoint: str
    client_urls: tuple[str, ...]
    peer_urls: tuple[str, ...]
    error: str
    version: str
    db_size_bytes: int
    db_size_in_use_bytes: int
    quota_bytes: int
    quota_source: str
    quota_used: float
    raft_applied_index: int

    @property
    def answers(self) -> bool:
        return self.role not in ("silent", "unstarted")

    @property
    def up(self) -> bool:
        """Whether it answers and knows a leader, or is a learner: who is cut off from the others counts as down."""
        return self.answers and self.role != "leaderless"

    @property
    def votes(self) -> bool:
        """Whether it is up and has a vote."""
        return self.role in ("leader", "follower")

    @property
    def quota_limit(self) -> float:
        """The quota as a number to compare, infinite if it is switched off."""
        return self.quota_bytes if self.quota_bytes > 0 else math.inf

    @classmethod
    def read(cls, found: Fields) -> MemberReport:
        return cls(
            member_id=found.text("member_id"),
            name=found.text("name"),
            role=found.text("role"),
            endpoint=found.text("endpoint"),
            client_urls=found.texts("client_urls"),
            peer_urls=found.texts("peer_urls"),
            error=found.text("error"),
            version=found.text("version"),
            db_size_bytes=found.whole("db_size_bytes"),
            db_size_in_use_bytes=found.whole("db_size_in_use_bytes"),
            quota_bytes=found.whole("quota_bytes"),
            quota_source=found.text("quota_source"),
            quota_used=found.number("quota_used"),
            raft_applied_index=found.whole("raft_applied_index"),
        )


class AlarmReport(t.NamedTuple):
    """One alarm that is armed; `member` is None if the one that raised it is no longer a member."""

    alarm: str
    member_id: str
    member: str | None

    @property
    def raised_by(self) -> str:
        return self.member or self.member_id

    @classmethod
    def read(cls, found: Fields) -> AlarmReport:
        return cls(found.text("alarm"), found.text("member_id"), found.text_or_none("member"))


class ClusterReport(t.NamedTuple):
    """A cluster as one of its members knows it: what the info modules return as `cluster`."""

    cluster_id: str
    leader: str | None
    has_quorum: bool
    revision: int
    alarms: tuple[AlarmReport, ...]
    members: tuple[MemberReport, ...]

    @property
    def voters(self) -> tuple[MemberReport, ...]:
        """The voters that answer."""
        return tuple(member for member in self.members if member.votes)

    @property
    def voters_leader_last(self) -> tuple[MemberReport, ...]:
        """The order in which members are worked on: a leader that is done before its turn is one election more."""
        return tuple(sorted(self.voters, key=lambda member: (member.role == "leader", member.name)))

    @property
    def full_names(self) -> tuple[str, ...]:
        """Members that raised NOSPACE, for people."""
        return tuple(sorted(alarm.raised_by for alarm in self.alarms if alarm.alarm == NOSPACE))

    def member(self, member_id: str | None) -> MemberReport | None:
        return next((member for member in self.members if member.member_id == member_id), None)

    @classmethod
    def of(cls, view: ClusterView) -> ClusterReport:
        return cls.read(Fields(cluster_result(view), "cluster"))

    @classmethod
    def read(cls, found: Fields) -> ClusterReport:
        return cls(
            cluster_id=found.text("cluster_id"),
            leader=found.text_or_none("leader"),
            has_quorum=found.flag("has_quorum"),
            revision=found.whole("revision"),
            alarms=tuple(map(AlarmReport.read, found.records("alarms"))),
            members=tuple(map(MemberReport.read, found.records("members"))),
        )


class Refusal(t.NamedTuple):
    """A refusal as results have it."""

    code: str
    text: str

    def refused(self) -> Refused:
        return Refused(self.code, self.text)

    @classmethod
    def read(cls, found: Fields) -> Refusal:
        return cls(found.text("code"), found.text("text"))


class Diagnosis(t.NamedTuple):
    """The conclusions from a view of the cluster: what the info modules return as `diagnosis`."""

    needs_recovery: bool
    refusals: tuple[Refusal, ...]
    findings: tuple[str, ...]
    expected_seconds: int
    fits: bool

    @classmethod
    def of(cls, view: ClusterView, *, allow_unsafe: bool) -> Diagnosis:
        return cls.read(Fields(diagnosis_result(view, allow_unsafe=allow_unsafe), "diagnosis"))

    @classmethod
    def read(cls, found: Fields) -> Diagnosis:
        return cls(
            needs_recovery=found.flag("needs_recovery"),
            refusals=tuple(map(Refusal.read, found.records("refusals"))),
            findings=found.texts("findings"),
            expected_seconds=found.whole("expected_seconds"),
            fits=found.flag("fits"),
        )


class KubeletReport(t.NamedTuple):
    """The kubelet of a node. `refusal` says why it is not started or restarted, empty if it may be."""

    unit: str
    held: Hold | None
    running: bool
    stopped: bool
    refusal: str
    last_lines: tuple[str, ...]

    @classmethod
    def read(cls, found: Fields) -> KubeletReport:
        held = found.record_or_none("held")
        return cls(
            unit=found.text("unit"),
            held=Hold(held.text("owner"), held.text("timer"), held.number("until")) if held else None,
            running=found.flag("running"),
            stopped=found.flag("stopped"),
            refusal=found.text("refusal"),
            last_lines=found.texts("last_lines"),
        )


class UnitReport(t.NamedTuple):
    """The systemd unit that runs a member. `refusal` says why it is not started or restarted, empty if it may be;
    `notes` what may kill its etcd, or leave it down; `of_events` whether it is the second etcd of a Kubernetes cluster,
    which has its events alone."""

    unit: str
    running: bool
    refusal: str
    last_lines: tuple[str, ...]
    notes: tuple[str, ...]
    of_events: bool = False

    @classmethod
    def read(cls, found: Fields) -> UnitReport:
        return cls(
            unit=found.text("unit"),
            running=found.flag("running"),
            refusal=found.text("refusal"),
            last_lines=found.texts("last_lines"),
            notes=found.texts("notes"),
            of_events=found.flag("of_events"),
        )


class ProcessReport(t.NamedTuple):
    """The process of a node's etcd; `seconds` is None if it was gone a moment later."""

    pid: int
    seconds: float | None

    @classmethod
    def read(cls, found: Fields) -> ProcessReport:
        return cls(found.whole("pid"), found.number_or_none("seconds"))


class NodeReport(t.NamedTuple):
    """The report of a node with etcd. `cluster` and `diagnosis` are None if its member does not answer: then `error`
    says why, and `waiting_may_help` whether it may still begin to. `start_seconds` is how long it is expected to read
    when it starts. `manifest` is what names the member's settings, a path or a unit; `unit` is None for a static pod;
    `further` names other etcds of Kubernetes on this node. `installation` is a kind of `installation.py`; `refusals`
    are reasons that this node alone knows why nothing is to be done to its cluster; `upkeep` is None if nobody has
    looked for it."""

    manifest: str
    name: str
    ca_sha256: tuple[str, ...]
    cluster_id: str | None
    member_id: str | None
    disks: tuple[Disk, ...]
    memory_bytes: int | None
    memory_limit_bytes: int | None
    lock: Lock | None
    kubelet: KubeletReport
    probes: tuple[Probe, ...]
    process: ProcessReport | None
    installation: str
    stray_files: tuple[str, ...]
    start_seconds: float
    error: str
    waiting_may_help: bool
    cluster: ClusterReport | None
    diagnosis: Diagnosis | None
    refusals: tuple[Refusal, ...] = ()
    upkeep: Upkeep | None = None
    unit: UnitReport | None = None
    further: tuple[str, ...] = ()
    apiserver_manifest: str = ""

    @property
    def answers(self) -> bool:
        return self.cluster is not None

    @property
    def has_quorum(self) -> bool:
        """Whether its member knows a leader."""
        return self.cluster is not None and self.cluster.has_quorum

    @property
    def start_refusal(self) -> str:
        """Why what starts its member, its own unit or the kubelet, is not started or restarted; empty if it may be."""
        return self.unit.refusal if self.unit else self.kubelet.refusal

    @property
    def set_by_unit(self) -> bool:
        """Whether its settings are changed by a restart of a unit, its own or that of RKE2, and in no manifest."""
        return self.unit is not None or self.installation == RKE2

    @property
    def starter(self) -> str:
        """What starts its member, for people."""
        return f"unit {self.unit.unit}" if self.unit else "kubelet"

    @property
    def known_cluster_id(self) -> str | None:
        """The cluster id as its member says it, else as its log does."""
        return self.cluster.cluster_id if self.cluster else self.cluster_id

    @property
    def free_disk_bytes(self) -> int | None:
        """What is free for the member's data, None if there is no data directory."""
        disk = self.disk_of(DATA)
        return disk.free_bytes if disk else None

    def disk_of(self, use: str) -> Disk | None:
        """The filesystem of one of the uses of a `Disk`."""
        return next((disk for disk in self.disks if use in disk.uses), None)

    def capacity(self, db_bytes: int) -> Capacity | None:
        """What this node has for a database of that size, None if it is not known."""
        if self.memory_bytes is None or self.free_disk_bytes is None:
            return None
        return Capacity(self.memory_bytes, self.free_disk_bytes, db_bytes, self.memory_limit_bytes)

    def as_result(self) -> Json:
        """The result of etcd_node_info, without `changed`."""
        result: Json = {"present": True, "answers": self.answers, **plain(self)}
        absent = () if self.answers else ("cluster", "diagnosis")
        return {key: value for key, value in result.items() if key not in absent}

    @classmethod
    def from_result(cls, body: object) -> NodeReport | None:
        """The record of a result, None of a node without etcd. Raises ValueError if it is no such result."""
        return cls.read(Fields(body, "the result of etcd_node_info"))

    @classmethod
    def read(cls, found: Fields) -> NodeReport | None:
        if not found.flag("present"):
            return None
        answers = found.flag("answers")
        lock, running = found.record_or_none("lock"), found.record_or_none("process")
        upkeep, unit = found.record_or_none("upkeep"), found.record_or_none("unit")
        return cls(
            manifest=found.text("manifest"),
            name=found.text("name"),
            ca_sha256=found.texts("ca_sha256"),
            cluster_id=found.text_or_none("cluster_id"),
            member_id=found.text_or_none("member_id"),
            disks=tuple(map(Disk.read, found.records("disks"))),
            memory_bytes=found.whole_or_none("memory_bytes"),
            memory_limit_bytes=found.whole_or_none("memory_limit_bytes"),
            lock=Lock(lock.text("run"), lock.text("owner"), lock.number("until")) if lock else None,
            kubelet=KubeletReport.read(found.record("kubelet")),
            unit=UnitReport.read(unit) if unit else None,
            further=found.texts("further"),
            apiserver_manifest=found.text("apiserver_manifest"),
            probes=tuple(map(_read_probe, found.records("probes"))),
            process=ProcessReport.read(running) if running else None,
            installation=found.text("installation"),
            stray_files=found.texts("stray_files"),
            start_seconds=found.number("start_seconds"),
            error=found.text("error"),
            waiting_may_help=found.flag("waiting_may_help"),
            cluster=ClusterReport.read(found.record("cluster")) if answers else None,
            diagnosis=Diagnosis.read(found.record("diagnosis")) if answers else None,
            refusals=tuple(map(Refusal.read, found.records("refusals"))),
            upkeep=Upkeep.read(upkeep) if upkeep else None,
        )


def _read_probe(found: Fields) -> Probe:
    return Probe(
        kind=found.text("kind"),
        path=found.text("path"),
        port=found.whole_or_none("port"),
        period=found.number("period"),
        timeout=found.number("timeout"),
        threshold=found.whole("threshold"),
        initial_delay=found.number("initial_delay"),
        handler=found.text("handler"),
    )


__all__ = (
    "AlarmReport",
    "ClusterReport",
    "Diagnosis",
    "KubeletReport",
    "MemberReport",
    "NodeReport",
    "ProcessReport",
    "Refusal",
    "UnitReport",
)
