# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The inspection of a node: collects its report, on the node itself, and changes nothing."""

from __future__ import annotations

import os
import typing as t

from .._core import command, run_lock
from .._core.failures import Failure, sentence
from .._core.records import Json
from .._etcd.errors import LASTING, EtcdError
from .._etcd.polling import await_leader
from .._etcd.view import ClusterView
from .._etcd.wal import read_ids
from . import foreign_etcd, kubelet, process
from .disks import disks
from .installation import RKE2, of_member
from .kubelet import last_lines
from .kubelet_hold import read_hold
from .member import LocalMember, ca_sha256, connection_refusal
from .memory import memory_bytes
from .report import ClusterReport, Diagnosis, KubeletReport, NodeReport, ProcessReport, Refusal, UnitReport
from .settings import MemberSettings, is_unit
from .settings_source import find_source, settings_of
from .start_up import start_seconds_of
from .static_pods import API_MANIFEST
from .stray_manifests import strays

if t.TYPE_CHECKING:  # what reads units is imported for a unit only
    from .systemd_unit import EtcdUnit

# Members that all answer elect a leader within a second or two, on busy disks a little later. An inspection in that
# moment must not take them for a cluster that has lost its leader.


def inspect_node(params: Json) -> NodeReport | None:
    """The report of this node, None on a node without etcd. Raises Failure, OSError. What chooses among units is
    imported for those alone, as in `settings_source`."""
    source = find_source(params["manifest"])
    member = _settings(source.name or params["manifest"], params["data_dir"])
    if member is None:
        return None
    report = _without_etcd(member, params["lock_path"], params["kubelet_unit"], params["snapshot_dir"])
    report = report._replace(further=source.further)
    try:
        view = _inspect_cluster({**params, "manifest": member.path})
    except EtcdError as exc:
        refused = connection_refusal(params, exc)
        return report._replace(
            error=exc.reason,
            waiting_may_help=not isinstance(exc, LASTING),
            refusals=(Refusal(refused.code, refused.text),) if refused else (),
        )
    diagnosis = Diagnosis.of(view, allow_unsafe=params["allow_unsafe_version"])
    return report._replace(cluster=ClusterReport.of(view), diagnosis=diagnosis)


def _without_etcd(member: MemberSettings, lock_path: str, kubelet_unit: str, snapshot_dir: str) -> NodeReport:
    """The report as far as it needs no answer of the member. Raises Failure, OSError."""
    foreign_etcd.refuse_foreign(member)
    if not member.ca_cert:
        raise Failure(
            "manifest_unusable",
            f"{member.path} has no --trusted-ca-file: etcd without TLS is not supported.",
            "Nothing would tell its members from those of another cluster, and whoever reaches its port may do"
            f" everything. {foreign_etcd.MODULES}",
        )
    fingerprints = tuple(ca_sha256(member.ca_cert))
    ids, running = read_ids(member.wal_dir), _process(member)
    reads = start_seconds_of(member)
    unit = _read_unit(member.unit) if member.unit else None
    kind = of_member(
        member.path,
        member.config_file,
        [file.path for file in unit.environment_files] if unit else (),
        foreign_etcd.traces(),
    )
    return NodeReport(
        manifest=member.path,
        name=member.name,
        ca_sha256=fingerprints,
        cluster_id=f"{ids.cluster_id:x}" if ids else None,
        member_id=f"{ids.member_id:x}" if ids else None,
        disks=disks(member, snapshot_dir, running.pid if running else None),
        memory_bytes=memory_bytes(),
        memory_limit_bytes=member.memory_limit_bytes,
        lock=run_lock.read(lock_path),
        kubelet=inspect_kubelet(kubelet.RKE2_UNIT if kind == RKE2 and kubelet_unit == kubelet.UNIT else kubelet_unit),
        unit=_inspect_unit(unit, member, reads) if unit else None,
        apiserver_manifest=apiserver_manifest(member.path),
        probes=member.probes,
        process=running,
        installation=kind,
        stray_files=() if unit else tuple(strays(member.path)),
        start_seconds=round(reads, 1),
        error="",
        waiting_may_help=False,
        cluster=None,
        diagnosis=None,
    )


def _settings(name: str, data_dir: str) -> MemberSettings | None:
    """The settings of the member, None on a node without etcd. Raises Failure."""
    try:
        return settings_of(name)
    except FileNotFoundError:
        if not os.path.isdir(os.path.join(data_dir, "member")):
            return None
        raise foreign_etcd.manifest_missing(name, data_dir) from None
    except Failure as exc:
        if exc.code == "unit_missing":  # named for all hosts, and this is one without etcd
            return None
        raise


def apiserver_manifest(name: str) -> str:
    """The manifest of the API server of this node, whether or not there is one; `name` is what names etcd's settings, a
    path or a unit."""
    return API_MANIFEST if is_unit(name) else os.path.join(os.path.dirname(name), "kube-apiserver.yaml")


def inspect_without_etcd(name: str) -> Json:
    """What is known of a node without the etcd that this names: other ones, and those that its API server uses."""
    from . import unit_choice

    path = apiserver_manifest(name)
    return {
        "other_etcd": foreign_etcd.elsewhere(),
        "apiserver_manifest": path,
        "apiserver_etcd_urls": list(unit_choice.api_servers_etcd(path).all),
    }


def _read_unit(name: str) -> EtcdUnit:
    from .systemd_unit import read_unit

    return read_unit(command.run, name)


def _inspect_unit(unit: EtcdUnit, member: MemberSettings, start_seconds: float) -> UnitReport:
    from . import unit_choice

    refused = unit.refusal()
    said = last_lines(command.run, unit.name) if unit.active != "active" else []
    return UnitReport(
        unit.name,
        unit.running,
        refused.text if refused else "",
        tuple(said),
        tuple(unit.notes(start_seconds)),
        unit_choice.is_of_events(unit_choice.Candidate(unit, member), unit_choice.api_servers_etcd()),
    )


def _inspect_cluster(params: Json) -> ClusterView:
    """The cluster as it is once an election has had its time. Raises Failure."""
    return await_leader(lambda: LocalMember(params).inspect_cluster())


def inspect_kubelet(unit: str) -> KubeletReport:
    """The state of the kubelet, and who holds it."""
    held = read_hold(unit)
    try:
        found = kubelet.unit(command.run, unit)
    except Failure as exc:
        return KubeletReport(unit, held, running=False, stopped=False, refusal=sentence(exc.text), last_lines=())
    stopped = found.exists and not found.running
    refused = kubelet.start_refusal(found, held=held is not None)
    said = kubelet.last_lines(command.run, unit) if refused and stopped else []
    return KubeletReport(unit, held, found.running, stopped, refused.text if refused else "", tuple(said))


def _process(member: MemberSettings) -> ProcessReport | None:
    pid = process.find(member)
    return ProcessReport(pid, process.age(pid)) if pid else None


__all__ = (
    "inspect_kubelet",
    "inspect_node",
    "inspect_without_etcd",
)
