# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Lines for people: what was found, what will be done, what was done, and that no member answers."""

from __future__ import annotations

import typing as t

from ...module_utils._core import text
from ...module_utils._core.failures import Refused
from ...module_utils._core.units import mib
from ...module_utils._node.installation import CLUSTER_API, K3S, RKE2
from ...module_utils._node.recoverable import RESTART, WAIT
from ...module_utils._node.report import ClusterReport, MemberReport
from .api_servers import any_accepts, api_server_lines
from .cluster import Cluster
from .reports import Fleet
from .results import ApiServerCheck, RolledMember, TakenSnapshot, WriteCheck

HEAD = ("member", "role", "before", "after", "in use", "quota", "alarm")

_POD_LOGS = "journalctl -u kubelet, /var/log/pods/kube-system_etcd-*"


def member_table(cluster: ClusterReport, before: t.Iterable[MemberReport]) -> list[str]:
    """One line for each member below a head. Sizes are in MiB; a dash stands for what is not known."""
    sizes = {member.member_id: member.db_size_bytes for member in before}
    alarms: dict[str, list[str]] = {}
    for alarm in cluster.alarms:
        alarms.setdefault(alarm.member_id, []).append(alarm.alarm)
    rows = [
        (
            member.name,
            member.role,
            _size(sizes.get(member.member_id, 0)),
            _size(member.db_size_bytes),
            _size(member.db_size_in_use_bytes),
            "off" if member.quota_bytes < 0 else _size(member.quota_bytes),
            ",".join(alarms.get(member.member_id, ["none"])),
        )
        for member in cluster.members
    ]
    return text.table([HEAD, *rows])


def _size(size_bytes: int) -> str:
    return mib(size_bytes) if size_bytes else "-"


def heading(cluster: Cluster) -> list[str]:
    """The line that says which etcd of these hosts is meant, if it is not their first one."""
    if not cluster.unit_of_events:
        return []
    return [f"{cluster.unit_of_events} of {', '.join(cluster.hosts)}, the second etcd of Kubernetes, for its events:"]


def recovery_plan(
    cluster: Cluster, *, check: bool, snapshot: bool, hold: bool, delete: t.Sequence[str] = ()
) -> list[str]:
    """The findings, and then what will be done; without that if it is refused."""
    if cluster.refusals:
        return list(cluster.findings)
    if not cluster.has_work:
        return [*cluster.findings, _healthy(cluster), *_also_asked(cluster)]
    will = "It would" if check else "It will now"
    first_of_all = [*_revival(cluster, check), *(_holding(cluster, check) if hold else [])]
    if not cluster.has_quorum:
        return [*cluster.findings, *first_of_all, "The next steps can be planned once there is a leader again."]
    deletion = f"delete the keys below {', '.join(delete)}, " if delete else ""
    first = f"take a snapshot, {deletion}compact" if snapshot else "compact (without a snapshot)"
    order = ", then ".join(place.name for place in cluster.order)
    plan = f"{will} {first}, defragment {order}, disarm and prove: about {cluster.expected_seconds} s."
    return [*cluster.findings, *first_of_all, plan, *_also_asked(cluster)]


def _also_asked(cluster: Cluster) -> list[str]:
    """The line on API servers whose hosts are not worked on."""
    hosts = ", ".join(cluster.apiserver_hosts)
    return [f"The API servers of {hosts}, which have no etcd but use this one, are asked in the end."] if hosts else []


def _healthy(cluster: Cluster) -> str:
    names = ", ".join(member.name for member in cluster.members)
    fullest = max(member.quota_used for member in cluster.members)
    return (
        f"The etcd of {names} is not out of space: no alarm is armed, and the fullest member uses"
        f" {fullest * 100:.1f} % of its quota."
    )


def _revival(cluster: Cluster, check: bool) -> list[str]:
    """The lines on members that are revived, and how."""
    restarted = [host for host, way in cluster.revive.items() if way == RESTART and host not in cluster.units]
    started = [host for host, way in cluster.revive.items() if way == RESTART and host in cluster.units]
    waited = [host for host, way in cluster.revive.items() if way == WAIT]
    said = []
    if restarted:
        why = "do not answer" if cluster.has_quorum else "have no leader"
        moment = "" if cluster.has_quorum else ", all at once"
        verb = "would be" if check else "are"
        said.append(
            f"The members of {', '.join(restarted)} {why}: their kubelets {verb} restarted first{moment}, which ends"
            " their back-off."
        )
    if started:
        verb = "would be" if check else "are"
        moment = "" if cluster.has_quorum else ", all at once"
        named = ", ".join(f"{cluster.units[host]} of {host}" for host in started)
        said.append(f"Members that do not run {verb} started first{moment}: {named}.")
    if waited:
        verb = "would be" if check else "is"
        said.append(
            f"etcd on {', '.join(waited)} is running but does not answer. A starting member reads its log and its"
            f" database first: it {verb} waited for, not restarted."
        )
    return said


def _holding(cluster: Cluster, check: bool) -> list[str]:
    """The kubelets that are stopped for a while, one line for each reason."""
    hosts_of: dict[str, list[str]] = {}
    for host, reason in cluster.hold.items():
        hosts_of.setdefault(reason, []).append(host)
    verb = "would be" if check else "is"
    return [
        f"The kubelet of {', '.join(hosts)} {verb} held (stopped, with a timer that starts it again) during the work:"
        f" {reason}."
        for reason, hosts in hosts_of.items()
    ]


def recovery_report(
    write_check: WriteCheck,
    before: t.Iterable[MemberReport],
    *,
    seconds: float,
    snapshot: str,
    api_servers: t.Mapping[str, ApiServerCheck],
) -> list[str]:
    """The table, and one line each for the outcome, the API servers, the snapshot, and how long it will last."""
    table = member_table(write_check.cluster, before)
    outlook = _outlook(write_check, writable=any_accepts(api_servers))
    return [
        *table,
        _outcome(write_check, seconds),
        *api_server_lines(api_servers),
        snapshot,
        *outlook,
        *write_check.findings,
    ]


def check_mode_report(
    write_check: WriteCheck, before: t.Iterable[MemberReport], api_servers: t.Mapping[str, ApiServerCheck]
) -> list[str]:
    table = member_table(write_check.cluster, before)
    return [*table, *api_server_lines(api_servers), "Check mode: nothing was changed. The sizes are the current ones."]


def _outcome(write_check: WriteCheck, seconds: float) -> str:
    compared = f"; their data was not compared ({write_check.hashes_reason})" if write_check.hashes_reason else ""
    if write_check.hashes_agree:
        compared = "; the followers hold the same data"
    return f"Recovered in {seconds:.1f} s. Writes are accepted through {', '.join(write_check.writes)}{compared}."


def snapshot_line(snapshot: TakenSnapshot | None, host: str, *, wanted: bool) -> str:
    if not wanted:
        return "No snapshot was taken (recover_snapshot=false)."
    if snapshot is None:
        return "No snapshot was taken: nothing was compacted."
    reused = ", reused from an earlier attempt" if snapshot.reused else ""
    return f"Snapshot from before the compaction: {snapshot.path} on {host} (revision {snapshot.revision}{reused})."


def _outlook(write_check: WriteCheck, *, writable: bool) -> list[str]:
    """How fast the database grows. Nothing, if it does not, and no API server was there to write: that would look like
    a cluster at rest."""
    rate = mib(write_check.growth_bytes_per_minute)
    if write_check.minutes_to_full is None:
        return [f"The database grows by {rate} per minute."] if writable or write_check.growth_bytes_per_minute else []
    left = "less than a minute" if write_check.minutes_to_full < 1 else f"{write_check.minutes_to_full:.0f} minutes"
    return [f"The database grows by {rate} per minute: at that rate it is full in {left}."]


def hardening_line(extra_args: t.Mapping[str, str], order: t.Iterable[str]) -> str:
    flags = _flags(extra_args)
    return f"Every member will get {flags}; members without it are restarted in this order: {', '.join(order)}."


def _flags(extra_args: t.Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(extra_args.items()))


def installation_notes(peers: Fleet, extra_args: t.Mapping[str, str], *, recorded: bool) -> list[str]:
    """Where these flags belong besides, so that they stay. `recorded` is whether there is a ConfigMap of kubeadm's."""
    machines = [host for host, report in peers.items() if report.installation == CLUSTER_API]
    notes = []
    if machines:
        notes.append(
            f"{', '.join(machines)}: these are machines of Cluster API. What is set on them lasts until it replaces"
            f" them: put {_flags(extra_args)} into the KubeadmControlPlane, too"
            " (spec.kubeadmConfigSpec.clusterConfiguration.etcd.local.extraArgs), which replaces them one by one."
        )
    servers = [host for host, report in peers.items() if report.installation in (RKE2, K3S)]
    units = _units(peers)
    if servers:
        notes.append(
            f"{', '.join(servers)}: RKE2 and k3s write etcd's settings anew at each start, so etcd-arg in their own"
            " configuration is changed, and their service is restarted on one server after the other. The kubelet of"
            " that node is restarted with it, its pods stay."
        )
    elif units:
        notes.append(
            f"{', '.join(peers.hosts)}: systemd runs etcd here ({', '.join(units)}), so its own files are changed. In"
            " kubeadm's configuration such an etcd is external and has no settings: nothing is recorded there."
        )
    elif not recorded:
        notes.append(
            f"{', '.join(peers.hosts)}: these hosts run etcd alone, with no API server and no kubeconfig, so the"
            f" manifests are all that is changed, and no ConfigMap. Put {_flags(extra_args)} into the files with which"
            " kubeadm wrote the manifests (etcd.local.extraArgs; harden_kubeadm_config names one that is changed on"
            " each host), or it is lost when kubeadm writes them again."
        )
    return notes


def schedule_notes(cluster: Cluster) -> list[str]:
    """The note on an etcd that gets no schedule of the node tool: a node has one, that of its first etcd."""
    if not cluster.unit_of_events:
        return []
    hosts = ", ".join(cluster.hosts)
    return [f"{cluster.unit_of_events} is the second etcd of {hosts}: their schedule stays the first one's."]


def downtime_note(members: int, *, allowed: bool) -> str:
    of = "the only member" if members == 1 else f"one of {members} members"
    so = "is" if allowed else "would be"
    return (
        f"While {of} is restarted, up to 50 s, etcd {so} down, and the API server with"
        f" it{'.' if allowed else ': this is done only if downtime is allowed.'}"
    )


def unfinished_note(host: str) -> str:
    return (
        f"The etcd of {host} is down. If an earlier run was cut off there, what it began is proved or taken back first."
    )


def learner_notes(members: t.Iterable[MemberReport]) -> list[str]:
    return [
        f"The learner {member.name} is not changed, and its own smaller quota would stop all writes too: promote it"
        " (etcdctl member promote), then run this again."
        for member in members
        if member.role == "learner"
    ]


def rolled_line(host: str, rolled: RolledMember, *, check: bool) -> str:
    """The line on what was done to one member, or would be."""
    if not rolled.changed:
        return f"{host} already runs with these flags."
    done = "would be restarted with its new flags"
    if not check:
        done = f"runs with its new flags, and was down for {rolled.seconds} s"
    return text.sentences(f"{host} {done} ({rolled.method}).", rolled.reason, *rolled.differences, rolled.owner)


def no_member_answers(peers: Fleet) -> Refused | None:
    """The refusal of a cluster that nobody can be asked about, with the reason of each host."""
    if peers.any_answers:
        return None
    reasons = "; ".join(f"{host}: {report.error}" for host, report in peers.items())
    return Refused(
        "no_member_answers",
        f"No member of this cluster answers ({reasons}).",
        f"See why etcd exits there ({_logs(peers)}), and start it first.",
    )


def _units(peers: Fleet) -> list[str]:
    """The systemd units that run members of etcd."""
    return sorted({report.unit.unit for report in peers.reports.values() if report.unit})


def _logs(peers: Fleet) -> str:
    """Where etcd's last words are."""
    units = _units(peers)
    pods = [] if units and all(report.unit for report in peers.reports.values()) else [_POD_LOGS]
    return ", ".join([*(f"journalctl -u {unit}" for unit in units), *pods])


__all__ = (
    "check_mode_report",
    "downtime_note",
    "hardening_line",
    "heading",
    "installation_notes",
    "learner_notes",
    "member_table",
    "no_member_answers",
    "recovery_plan",
    "recovery_report",
    "rolled_line",
    "schedule_notes",
    "snapshot_line",
    "unfinished_note",
)
