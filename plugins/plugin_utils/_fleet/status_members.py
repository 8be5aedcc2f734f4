# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The members of a cluster as its status has them: what they answer, else what the files of their nodes tell."""

from __future__ import annotations

import time
import typing as t

from ...module_utils._core.text import sentences
from ...module_utils._etcd.quota import DEFAULT_QUOTA_BYTES
from ...module_utils._node.probes import KILLING, Probe
from ...module_utils._node.report import ClusterReport, KubeletReport, MemberReport, NodeReport
from .reports import Fleet
from .status_record import LastSnapshot, MemberStatus, Usage
from .status_sources import NotInspected, member_at

# A time that nobody can read.
_NEVER = "0000-00-00T??:??:??Z"


def members_of(
    peers: Fleet, cluster: ClusterReport | None, failed: t.Iterable[NotInspected], usage: Usage | None
) -> tuple[MemberStatus, ...]:
    """The members, by name. `cluster` is None if no member answers: then the nodes stand for their members; `failed`
    are hosts of this cluster that could not be inspected."""
    elsewhere = {member.member_id: each for each in failed for member in [member_at(each.host, peers)] if member}
    listed = cluster.members if cluster else ()
    newest = max((member.raft_applied_index for member in listed if member.answers), default=0)
    found = []
    for member in listed:
        host, lost = peers.host_of(member), elsewhere.get(member.member_id)
        report = peers[host] if host else None
        cause = "" if member.up else member.error or (lost.reason.text if lost else "")
        alarms = tuple(each.alarm for each in cluster.alarms if each.member_id == member.member_id) if cluster else ()
        found.append(
            _status(member, report, host or (lost.host if lost else ""), cause, alarms, newest, _in_file(usage, host))
        )
    known = {member.member_id for member in listed}
    for host, report in peers.items():
        if report.member_id not in known:
            cause = report.error or "it is not in the list of the members"
            found.append(_status(None, report, host, cause, (), newest, _in_file(usage, host)))
    return tuple(sorted(found, key=lambda member: (member.name, member.host)))


def _status(
    member: MemberReport | None,
    report: NodeReport | None,
    host: str,
    cause: str,
    alarms: tuple[str, ...],
    newest: int,
    in_file: int | None,
) -> MemberStatus:
    upkeep = report.upkeep if report else None
    answers = member is not None and member.answers
    if member and answers:
        size: int | None = member.db_size_bytes
        in_use: int | None = member.db_size_in_use_bytes
        quota, source, version = member.quota_bytes, member.quota_source, member.version
    else:
        size, in_use = upkeep.db_size_bytes if upkeep else None, in_file
        written = upkeep.quota_bytes if upkeep else None
        quota, source = written or DEFAULT_QUOTA_BYTES, "manifest" if written else "default"
        version = upkeep.version if upkeep else ""
        if upkeep is None:
            quota, source = 0, ""
    snapshot = upkeep.last_snapshot if upkeep else None
    return MemberStatus(
        name=(member.name if member else "") or (report.name if report else "") or (member.member_id if member else ""),
        host=host,
        role=_role(member),
        version=version,
        size_bytes=size,
        in_use_bytes=in_use,
        quota_bytes=quota if quota > 0 else None,
        quota_source="off" if quota < 0 else source,
        full_percent=_percent(size, quota),
        fragmentation_percent=_percent(None if size is None or in_use is None else size - in_use, size),
        lag=max(newest - member.raft_applied_index, 0) if member and answers else None,
        alarms=alarms,
        cause=sentences(cause),
        certificate_days_left=upkeep.days_left if upkeep else None,
        probes=probes_in_words(report.probes) if report else "",
        kubelet=kubelet_in_words(report.kubelet) if report else "",
        schedule=("installed" if upkeep.scheduled else "absent") if upkeep else "",
        last_maintenance_at=moment(upkeep.last_run) if upkeep else None,
        last_snapshot=LastSnapshot(snapshot.path, moment(snapshot.taken_at) or "", snapshot.age_seconds)
        if snapshot
        else None,
    )


def _role(member: MemberReport | None) -> str:
    return "down" if member is None or member.role == "silent" else member.role


def _percent(part: int | None, whole: int | None) -> float | None:
    return None if part is None or not whole or whole < 0 else round(max(part, 0) * 100 / whole, 2)


def _in_file(usage: Usage | None, host: str | None) -> int | None:
    """What is in use of the database file of a host, if it is the one that was read."""
    if usage is None or usage.host != host:
        return None
    file = usage.record.get("file")
    size, free = (file.get(key) for key in ("size_bytes", "free_bytes")) if isinstance(file, t.Mapping) else (None, 0)
    return size - free if isinstance(size, int) and isinstance(free, int) else None


def probes_in_words(probes: t.Iterable[Probe]) -> str:
    """Whose probes these are, and how soon the least patient one kills."""
    killing = [probe for probe in probes if probe.kind in KILLING]
    if not killing:
        return "none that kills"
    live = next((probe.path for probe in killing if probe.kind == "liveness"), "")
    path, _mark, query = live.partition("?")
    whose = {"/livez": "kubeadm 1.31 or newer", "/health": "kubeadm before 1.25"}.get(live, "own")
    if path == "/health" and "exclude=NOSPACE" in query:
        whose = "kubeadm 1.25 to 1.30"
    return f"{whose} (kills after {min(probe.patience for probe in killing):.0f} s)"


def kubelet_in_words(kubelet: KubeletReport) -> str:
    """running, stopped, held until a time of the node's clock, or absent."""
    if kubelet.running:
        return "running"
    if kubelet.held:
        return f"held until {(moment(kubelet.held.until) or _NEVER)[11:19]}"
    return "stopped" if kubelet.stopped else "absent"


def moment(seconds: float | None) -> str | None:
    """A time in seconds since 1970 as ISO 8601 in UTC, None if there is none or it is out of all range."""
    try:
        return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
    except (OverflowError, OSError, ValueError):
        return None


__all__ = ("kubelet_in_words", "members_of", "moment", "probes_in_words")
