# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Decisions over a cluster, each a function of plain data: may we go on, in which order, and is it worth it."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .api import CORRUPT
from .view import ClusterView, MemberView

MIB = 1024**2

REFUSED_SHARE = 0.95  # of the quota: the alarm would come back within seconds
WARNED_SHARE = 0.85

# bbolt grows the copy by up to this much beyond what it holds (backend.go, AllocSize).
DEFRAG_EXTRA_BYTES = 16 * MIB

# etcd preallocates each WAL segment (server/storage/wal): that much of its disk has to stay free, or it ends.
WAL_SEGMENT_BYTES = 64 * MIB

# A member this far behind is replaying or receiving a snapshot; etcd itself refuses writes at a gap of 5000
# (v3_server.go), and a defragmentation beside an incoming snapshot could damage the data before 3.4.38, 3.5.23, 3.6.5.
BEHIND_ENTRIES = 1000

# Defragmenting online and crashing in the middle leaves another revision than the other members have
# (etcd-io/etcd issue 14733, fixed in 3.5.6; issue 13908, fixed in 3.5.3).
_UNSAFE = ((3, 5, 0), (3, 5, 5))

# Bytes per second, slower than what was measured on two shared cores: they serve an estimate only.
_COPY, _COMPACT, _DEFRAG = 250 * MIB, 150 * MIB, 120 * MIB
_FIXED_SECONDS = 30.0
_SECONDS_PER_SILENT = 30.0


def mib(size_bytes: float) -> str:
    """A size for people."""
    return f"{size_bytes / MIB:.1f} MiB"


def percent(share: float) -> str:
    return f"{share * 100:.0f} %"


def join(names: t.Iterable[str]) -> str:
    return ", ".join(names) or "none"


def version_of(text: str) -> tuple[int, int, int] | None:
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def unsafe_version(text: str) -> bool:
    """Whether this etcd can lose data when it dies during an online defragmentation."""
    version = version_of(text)
    return version is not None and _UNSAFE[0] <= version <= _UNSAFE[1]


def corrupt_refusal(view: ClusterView) -> str | None:
    if not view.corrupt:
        return None
    names = join(sorted(view.name_of(alarm.member_id) for alarm in view.alarms if alarm.kind == CORRUPT))
    return (
        f"A CORRUPT alarm is armed (by {names}): the members do not hold the same data, and whatever is done to them"
        " now can destroy the good copy. Find the member that differs (etcdctl endpoint hashkv --cluster), replace that"
        " one, and only then disarm CORRUPT by hand; see etcd's guide on data corruption."
    )


def quorum_refusal(view: ClusterView) -> str | None:
    if view.has_quorum:
        return None
    answering = join(member.name for member in view.answering_voters)
    if len(view.answering_voters) >= view.majority:
        return (
            f"The cluster has no leader although enough voters answer ({answering}): they do not reach one another."
            " Look at the peer port (2380) between the nodes, the peer certificates and their CA, and the clocks."
            " Nothing has to be restored for this."
        )
    return (
        f"The cluster has no leader: {len(view.answering_voters)} of {len(view.voters)} voters answer"
        f" ({answering}), {view.majority} are needed; not answering: {silent_voters(view)}. Start"
        " those members first; a snapshot restore is the last resort."
    )


def silent_voters(view: ClusterView) -> str:
    """Who they are, and why."""
    return join(f"{member.name} ({member.error})" for member in view.voters if not member.answers)


def version_refusal(view: ClusterView, *, allowed: bool) -> str | None:
    unsafe = sorted({member.version for member in view.answering if unsafe_version(member.version)})
    if allowed or not unsafe:
        return None
    return (
        f"etcd {join(unsafe)} can come back with different data from the other members if it dies during a"
        " defragmentation (fixed in 3.5.6); upgrade etcd first, or make sure that nothing will kill the members and"
        " allow it by name (module option allow_unsafe_version, variable recover_allow_unsafe_etcd of the role,"
        " etcd-maintenance --allow-unsafe-version)."
    )


def needs_recovery(view: ClusterView) -> bool:
    """An alarm, or a member or learner that is about to raise one."""
    return bool(view.full_alarms) or any(member.used >= WARNED_SHARE for member in view.answering)


def findings(view: ClusterView) -> list[str]:
    """What there is to say about the cluster, worst first, one sentence each."""
    said = []
    if view.full_alarms:
        said.append(f"The NOSPACE alarm is armed (by {join(view.full_names)}): the whole cluster refuses writes.")
    for member in view.answering:
        if member.used >= WARNED_SHARE:
            without = "" if view.full_alarms else " although no alarm is armed: the next writes raise it"
            said.append(
                f"{member.name} uses {mib(member.size_bytes)} of its quota of {mib(member.quota.bytes)}"
                f" ({percent(member.used)}){without}."
            )
        if member.quota.source == "default":
            said.append(f"The quota of {member.name} is not known; etcd's default of 2 GiB is assumed.")
    said += [learner_warning(member.name) for member in view.learners if member.used >= WARNED_SHARE]
    for member in view.members:
        if member.role == "silent":
            later = (
                "; its alarm is disarmed too, but it raises it again when it comes back with its full file: run this"
                " once more then"
            )
            said.append(f"{member.name} does not answer ({member.error}){later if view.full_alarms else ''}.")
        elif member.role == "unstarted":
            said.append(f"The member {member.name} was added and has never started; it counts for the quorum.")
    return said


def learner_warning(name: str) -> str:
    return (
        f"The learner {name} holds the full history and raises NOSPACE again after every disarm, and etcd does not"
        " defragment learners on request. Promote it (etcdctl member promote) and run this again; or stop it, run"
        " etcdutl defrag on its data directory and start it; or restart it with"
        " --bootstrap-defrag-threshold-megabytes=1 (3.5: --experimental-bootstrap-defrag-threshold-megabytes=1); or"
        " remove it (etcdctl member remove)."
    )


def expected_seconds(view: ClusterView) -> int:
    """About how long a recovery takes, from the sizes alone. What is in use before the compaction bounds what a
    defragmentation will write."""
    voters = view.answering_voters
    largest = max((member.size_bytes for member in voters), default=0)
    work = largest / _COPY + largest / _COMPACT + sum(defrag_seconds(member.in_use_bytes) for member in voters)
    silent = sum(member.role == "silent" for member in view.members)
    return round(_FIXED_SECONDS + _SECONDS_PER_SILENT * silent + work)


def defrag_seconds(in_use_bytes: int) -> float:
    """About how long a defragmentation of a member takes, and for how long it serves nothing meanwhile."""
    return in_use_bytes / _DEFRAG


def defrag_needed_bytes(in_use_bytes: int) -> int:
    """What has to be free on a member's data disk: for the copy that is written, and for etcd's next WAL segment."""
    return in_use_bytes + DEFRAG_EXTRA_BYTES + WAL_SEGMENT_BYTES


def defrag_order(view: ClusterView) -> tuple[MemberView, ...]:
    """Voters that answer, the leader last. Learners refuse, and a silent member cannot be asked."""
    return tuple(sorted(view.answering_voters, key=lambda member: (member.role == "leader", member.name)))


@dataclass(frozen=True)
class Rule:
    """When a defragmentation is worth its stall: at least so many bytes *and* such a share of the file to gain."""

    min_free_bytes: int = 0
    min_free_share: float = 0.0

    def worth_it(self, size_bytes: int, in_use_bytes: int) -> bool:
        free = size_bytes - in_use_bytes
        return free >= self.min_free_bytes and free >= self.min_free_share * size_bytes


def lagging(view: ClusterView) -> tuple[MemberView, ...]:
    """Members that answer and have not applied what the others have."""
    return tuple(member for member in view.answering if view.applied_index - member.applied_index > BEHIND_ENTRIES)


def lag_refusal(view: ClusterView) -> str | None:
    behind = lagging(view)
    if not behind:
        return None
    return (
        f"{join(each.name for each in behind)} has not applied what the other members have; wait until it has caught"
        " up, then run this again."
    )


def defrag_refusal(
    view: ClusterView, member: MemberView, *, free_disk_bytes: int | None, allow_unsafe: bool
) -> str | None:
    """Why this member must not be defragmented now. `free_disk_bytes` is None where its disk cannot be seen."""
    general = corrupt_refusal(view) or quorum_refusal(view) or version_refusal(view, allowed=allow_unsafe)
    if general or not member.answers:
        return general or f"{member.name} does not answer ({member.error})."
    if member.member.learner:
        return learner_warning(member.name)
    behind = lag_refusal(view)
    if behind:
        return behind
    needed = defrag_needed_bytes(member.in_use_bytes)
    if free_disk_bytes is not None and free_disk_bytes < needed:
        return (
            f"A defragmentation writes a copy beside the file, and etcd needs room for its log: {mib(needed)} are"
            f" needed on the data disk of {member.name}, {mib(free_disk_bytes)} are free. Make room there, or enlarge"
            " the disk."
        )
    return None


def transferee(view: ClusterView) -> MemberView | None:
    """Who takes the leadership over: the voter that has applied most; None in a cluster of one."""
    others = [member for member in view.answering_voters if member.role == "follower"]
    return max(others, key=lambda member: (member.applied_index, member.name), default=None)


@dataclass(frozen=True)
class Room:
    """Whether the data fits: `refusal` where an alarm would come back at once, `warnings` where it soon will."""

    refusal: str | None
    warnings: tuple[str, ...]


def room(view: ClusterView) -> Room:
    """The gate before a disarm, over the files of all members and learners that answer."""
    over = [member for member in view.answering if member.used >= REFUSED_SHARE]
    close = [member for member in view.answering if WARNED_SHARE <= member.used < REFUSED_SHARE]
    warnings = tuple(
        f"{_fill_level(member)}: writes will be refused again soon. Raise the quota or delete what fills it."
        for member in close
    )
    if not over:
        return Room(None, warnings)
    levels = "; ".join(_fill_level(member) for member in over)
    learners = [learner_warning(member.name) for member in over if member.member.learner]
    live_too_big = all(member.quota.share(member.in_use_bytes) >= REFUSED_SHARE for member in over)
    make_room = (
        "Raise --quota-backend-bytes on every member (the playbook controlplane.etcd.recover does, with"
        " recover_quota_backend_bytes=8GiB), or delete what fills the database (deletes are accepted), then run this"
        " again."
    )
    if learners:
        advice = " ".join(learners)
    elif live_too_big:
        advice = f"The live data itself does not fit. {make_room}"
    else:
        advice = (
            "Defragment every one of them first: free pages count as well. The playbook controlplane.etcd.recover does,"
            f" also with one that has come back only during this run. Where that gains too little: {make_room}"
        )
    return Room(f"The next writes would raise the alarm again: {levels}. {advice}", warnings)


def _fill_level(member: MemberView) -> str:
    return (
        f"{member.name} uses {mib(member.size_bytes)} ({mib(member.in_use_bytes)} live) of its quota of"
        f" {mib(member.quota.bytes)} ({percent(member.used)})"
    )


def minutes_to_full(size_bytes: int, quota_bytes: int, growth_per_minute: float) -> float | None:
    """None where it does not grow or there is no quota."""
    if growth_per_minute <= 0 or quota_bytes <= 0:
        return None
    return max(quota_bytes - size_bytes, 0) / growth_per_minute


__all__ = (
    "BEHIND_ENTRIES",
    "DEFRAG_EXTRA_BYTES",
    "MIB",
    "REFUSED_SHARE",
    "WAL_SEGMENT_BYTES",
    "WARNED_SHARE",
    "Room",
    "Rule",
    "corrupt_refusal",
    "defrag_needed_bytes",
    "defrag_order",
    "defrag_refusal",
    "defrag_seconds",
    "expected_seconds",
    "findings",
    "join",
    "lag_refusal",
    "lagging",
    "learner_warning",
    "mib",
    "minutes_to_full",
    "needs_recovery",
    "percent",
    "quorum_refusal",
    "room",
    "silent_voters",
    "transferee",
    "unsafe_version",
    "version_of",
    "version_refusal",
)
