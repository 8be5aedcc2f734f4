# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Checks of a cluster, each a pure function of its view: findings for people, and refusals."""

from __future__ import annotations

import re
import typing as t

from .._core.failures import Refused
from .._core.text import join
from .._core.units import mib, percent
from .api import CORRUPT
from .estimates import DiskRoom, defrag_needed_bytes
from .quota import WARNED_SHARE
from .view import ClusterView, MemberView

# A member this far behind is replaying or receiving a snapshot; etcd itself refuses writes at a gap of 5000
# (v3_server.go), and a defragmentation beside an incoming snapshot could damage the data before 3.4.38, 3.5.23, 3.6.5.
BEHIND_ENTRIES = 1000

# A member that answers and knows no leader, although others do. It applies nothing meanwhile.
CUT_OFF = (
    "it answers, but does not reach the other members, so it counts as down (look at the peer port 2380 between the"
    " nodes, the peer certificates and their CA, and the clocks)"
)

# Defragmenting online and crashing in the middle leaves another revision than the other members have
# (etcd-io/etcd issue 14733, fixed in 3.5.6; issue 13908, fixed in 3.5.3).
_UNSAFE = ((3, 5, 0), (3, 5, 5))


def needs_recovery(view: ClusterView) -> bool:
    """Whether an alarm is armed, or a member or learner is about to raise one."""
    return bool(view.full_alarms) or any(member.used >= WARNED_SHARE for member in view.up)


class Finding(t.NamedTuple):
    """A sentence about the state of a cluster, with its code; `member` is whose it is, empty if it is everybody's."""

    code: str
    text: str
    member: str = ""


def findings(view: ClusterView) -> list[str]:
    """Sentences about the state of the cluster, worst first."""
    return [finding.text for finding in coded_findings(view)]


def coded_findings(view: ClusterView, *, recovering: bool = True) -> list[Finding]:
    """The same, each with its code and its member; `recovering` says whether the alarm is about to be disarmed."""
    said = []
    if view.full_alarms:
        names = join(view.full_names)
        armed = f"The NOSPACE alarm is armed (by {names}): the whole cluster refuses writes."
        said.append(Finding("nospace_alarm", armed))
    for member in view.answering:
        if member.used >= WARNED_SHARE:
            without = "" if view.full_alarms else " although no alarm is armed: the next writes raise it"
            used = (
                f"{member.name} uses {mib(member.size_bytes)} of its quota of {mib(member.quota.bytes)}"
                f" ({percent(member.used)}){without}."
            )
            said.append(Finding("quota_nearly_full", used, member.name))
        if member.quota.source == "default":
            unknown = f"The quota of {member.name} is not known; etcd's default of 2 GiB is assumed."
            said.append(Finding("quota_not_known", unknown, member.name))
    said += [
        Finding("learner_full", learner_warning(member.name), member.name)
        for member in view.learners
        if member.used >= WARNED_SHARE
    ]
    later = (
        "; its alarm is disarmed too, but it raises it again when it comes back with its full file: run this once more"
        " then"
    )
    for member in view.members:
        name, once_more = member.name, later if view.full_alarms and recovering else ""
        if member.role == "silent":
            said.append(Finding("member_silent", f"{name} does not answer ({member.error}){once_more}.", name))
        elif member in view.cut_off:
            said.append(Finding("member_cut_off", f"{name} is cut off: {CUT_OFF}{once_more}.", name))
        elif member.role == "unstarted":
            never = f"The member {name} was added and has never started; it counts for the quorum."
            said.append(Finding("member_unstarted", never, name))
    return said


def learner_warning(name: str) -> str:
    """The ways to shrink a full learner to its live data: etcd itself offers none."""
    return (
        f"The learner {name} holds the full history and raises NOSPACE again after every disarm, and etcd does not"
        " defragment learners on request. Promote it (etcdctl member promote) and run this again; or stop it, run"
        " etcdutl defrag on its data directory and start it; or restart it with"
        " --bootstrap-defrag-threshold-megabytes=1 (3.5: --experimental-bootstrap-defrag-threshold-megabytes=1); or"
        " remove it (etcdctl member remove)."
    )


def defrag_refusal(
    view: ClusterView, member: MemberView, *, room: DiskRoom | None, allow_unsafe: bool
) -> Refused | None:
    """Refuse to defragment this member now, None if it may be. `room` is None if its disk is elsewhere."""
    general = corrupt_refusal(view) or quorum_refusal(view) or version_refusal(view, allowed=allow_unsafe)
    if general or not member.answers:
        return general or Refused("member_silent", f"{member.name} does not answer ({member.error}).")
    if member.member.learner:
        return learner_refusal(member.name)
    if member in view.cut_off:
        return Refused("member_cut_off", f"{member.name} is cut off: {CUT_OFF}.")
    behind = lag_refusal(lagging(view, member))
    if behind:
        return behind
    needed = defrag_needed_bytes(member.in_use_bytes, with_log=room is None or room.with_log)
    if room is not None and room.free_bytes < needed:
        log = ", and etcd needs room for its log" if room.with_log else ""
        return Refused(
            "disk_too_small",
            f"A defragmentation writes a copy beside the file{log}: {mib(needed)} are needed on the data disk of"
            f" {member.name}, {mib(room.free_bytes)} are free. Make room there, or enlarge the disk.",
        )
    return None


def corrupt_refusal(view: ClusterView) -> Refused | None:
    """Refuse every step while members may hold different data, None if no CORRUPT alarm is armed."""
    if not view.corrupt:
        return None
    names = join(sorted(view.name_of(alarm.member_id) for alarm in view.alarms if alarm.kind == CORRUPT))
    return Refused(
        "corrupt_alarm",
        f"A CORRUPT alarm is armed (by {names}): the members do not hold the same data, and whatever is done to them"
        " now can destroy the good copy. Find the member that differs (etcdctl endpoint hashkv --cluster), replace that"
        " one, and only then disarm CORRUPT by hand; see etcd's guide on data corruption.",
    )


def quorum_refusal(view: ClusterView) -> Refused | None:
    """Refuse a step that needs a leader, None if there is one."""
    if view.has_quorum:
        return None
    answering = join(member.name for member in view.answering_voters)
    if len(view.answering_voters) >= view.majority:
        return Refused(
            "members_cut_off",
            f"The cluster has no leader although enough voters answer ({answering}): they do not reach one another."
            " Look at the peer port (2380) between the nodes, the peer certificates and their CA, and the clocks."
            " Nothing has to be restored for this.",
        )
    return Refused(
        "no_leader",
        f"The cluster has no leader: {len(view.answering_voters)} of {len(view.voters)} voters answer"
        f" ({answering}), {view.majority} are needed; not answering: {silent_voters(view)}. Start"
        " those members first; a snapshot restore is the last resort.",
    )


def silent_voters(view: ClusterView) -> str:
    """The voters that do not answer or are cut off, each with the reason."""
    silent = [f"{member.name} ({member.error})" for member in view.voters if not member.answers]
    return join([*silent, *(f"{member.name} (cut off: {CUT_OFF})" for member in view.cut_off)])


def version_refusal(view: ClusterView, *, allowed: bool) -> Refused | None:
    """Refuse a defragmentation under an etcd that can lose data, None if there is none or it is `allowed`."""
    unsafe = sorted({member.version for member in view.answering if unsafe_version(member.version)})
    if allowed or not unsafe:
        return None
    return Refused(
        "unsafe_etcd_version",
        f"etcd {join(unsafe)} can come back with different data from the other members if it dies during a"
        " defragmentation (fixed in 3.5.6); upgrade etcd first, or make sure that nothing will kill the members and"
        " allow it by name (module option allow_unsafe_version, variable recover_allow_unsafe_etcd of the role,"
        " etcd-maintenance --allow-unsafe-version).",
    )


def unsafe_version(text: str) -> bool:
    """Whether this etcd can lose data if it dies during an online defragmentation."""
    version = version_of(text)
    return version is not None and _UNSAFE[0] <= version <= _UNSAFE[1]


def version_of(text: str) -> tuple[int, int, int] | None:
    """The numbers of a version, None if it has no three."""
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def learner_refusal(name: str) -> Refused:
    """Refuse a step on a learner."""
    return Refused("learner_full", learner_warning(name))


def lag_refusal(behind: t.Collection[MemberView]) -> Refused | None:
    """Refuse a step that has to wait for these members, None if there are none."""
    if not behind:
        return None
    return Refused(
        "member_lagging",
        f"{join(each.name for each in behind)} has not applied what the other members have; wait until it has caught"
        " up, then run this again.",
    )


def behind_voters(view: ClusterView) -> tuple[MemberView, ...]:
    """The voters that have not applied what the others have. One that is cut off will not, and counts as down; nobody
    has to wait for a learner."""
    newest = view.applied_index
    return tuple(voter for voter in view.connected_voters if newest - voter.applied_index > BEHIND_ENTRIES)


def lagging(view: ClusterView, member: MemberView) -> tuple[MemberView, ...]:
    """The voters for which a step that takes `member` away has to wait: itself, if it is behind, and the others that
    are, if the quorum would need them meanwhile."""
    behind = behind_voters(view)
    others = [voter for voter in view.connected_voters if voter.id != member.id and voter not in behind]
    if len(others) >= view.majority:
        return tuple(voter for voter in behind if voter.id == member.id)
    return behind


def transferees(view: ClusterView) -> tuple[MemberView, ...]:
    """The voters to move the leadership to, the best first: those that answer, by what they have applied, then those
    that are silent here. The leader itself knows better who of them is up: a firewall may stand between the nodes'
    client ports only."""
    followers = [member for member in view.connected_voters if member.role == "follower"]
    silent = [member for member in view.voters if member.role == "silent" and not member.busy]
    return (*sorted(followers, key=lambda member: (member.applied_index, member.name), reverse=True), *silent)


def transferee(view: ClusterView) -> MemberView | None:
    """The one that answers to move the leadership to, None if no other one does."""
    return next((member for member in transferees(view) if member.answers), None)


__all__ = (
    "BEHIND_ENTRIES",
    "CUT_OFF",
    "Finding",
    "behind_voters",
    "coded_findings",
    "corrupt_refusal",
    "defrag_refusal",
    "findings",
    "lag_refusal",
    "lagging",
    "learner_refusal",
    "learner_warning",
    "needs_recovery",
    "quorum_refusal",
    "silent_voters",
    "transferee",
    "transferees",
    "unsafe_version",
    "version_of",
    "version_refusal",
)
