# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The inspection of a node: collects its report, on the node itself, and changes nothing."""

from __future__ import annotations

import os
from dataclasses import replace

from .._core import command, run_lock
from .._core.failures import Failure, sentence
from .._core.records import Json
from .._etcd.errors import LASTING, EtcdError
from .._etcd.polling import await_leader
from .._etcd.view import ClusterView
from .._etcd.wal import read_ids, wal_bytes
from . import foreign_etcd, kubelet, process
from .disks import disks
from .etcd_manifest import EtcdManifest, read_manifest
from .installation import of_manifest
from .kubelet_hold import read_hold
from .member import LocalMember, ca_sha256
from .memory import memory_bytes
from .report import ClusterReport, Diagnosis, KubeletReport, NodeReport, ProcessReport
from .stray_manifests import strays

# Members that all answer elect a leader within a second or two, on busy disks a little later. An inspection in that
# moment must not take them for a cluster that has lost its leader.


def inspect_node(params: Json) -> NodeReport | None:
    """The report of this node, None on a node without etcd. Raises Failure, OSError."""
    manifest = _manifest(params["manifest"], params["data_dir"])
    if manifest is None:
        return None
    report = _without_etcd(manifest, params["lock_path"], params["kubelet_unit"], params["snapshot_dir"])
    try:
        view = _inspect_cluster(params)
    except EtcdError as exc:
        return replace(report, error=exc.reason, waiting_may_help=not isinstance(exc, LASTING))
    diagnosis = Diagnosis.of(view, allow_unsafe=params["allow_unsafe_version"])
    return replace(report, cluster=ClusterReport.of(view), diagnosis=diagnosis)


def _without_etcd(manifest: EtcdManifest, lock_path: str, unit: str, snapshot_dir: str) -> NodeReport:
    """The report as far as it needs no answer of the member. Raises Failure, OSError."""
    foreign_etcd.refuse_foreign(manifest)
    if not manifest.ca_cert:
        raise Failure(
            "manifest_unusable", f"{manifest.path} has no --trusted-ca-file: etcd without TLS is not supported."
        )
    fingerprints = tuple(ca_sha256(manifest.ca_cert))
    ids, running = read_ids(manifest.wal_dir), _process(manifest)
    return NodeReport(
        manifest=manifest.path,
        name=manifest.name,
        ca_sha256=fingerprints,
        cluster_id=f"{ids.cluster_id:x}" if ids else None,
        member_id=f"{ids.member_id:x}" if ids else None,
        disks=disks(manifest, snapshot_dir, running.pid if running else None),
        memory_bytes=memory_bytes(),
        memory_limit_bytes=manifest.memory_limit_bytes,
        lock=run_lock.read(lock_path),
        kubelet=inspect_kubelet(unit),
        probes=manifest.probes,
        process=running,
        installation=of_manifest(manifest.path, foreign_etcd.traces()),
        stray_files=tuple(strays(manifest.path)),
        wal_bytes=wal_bytes(manifest.wal_dir),
        error="",
        waiting_may_help=False,
        cluster=None,
        diagnosis=None,
    )


def _manifest(path: str, data_dir: str) -> EtcdManifest | None:
    """The manifest, None on a node without etcd. Raises Failure."""
    try:
        return read_manifest(path)
    except FileNotFoundError:
        if not os.path.isdir(os.path.join(data_dir, "member")):
            return None
        raise foreign_etcd.manifest_missing(path, data_dir) from None


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


def _process(manifest: EtcdManifest) -> ProcessReport | None:
    pid = process.find(manifest)
    return ProcessReport(pid, process.age(pid)) if pid else None


__all__ = (
    "inspect_kubelet",
    "inspect_node",
)
