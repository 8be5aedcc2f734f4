# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""A view: the whole cluster at one moment, as one of its members sees it, and its form in results."""

from __future__ import annotations

import typing as t

from .._core.records import Json
from .._core.side_by_side import both, side_by_side
from .api import CORRUPT, NOSPACE, Alarm, Endpoint, Member, Status
from .errors import EtcdError, TimedOut
from .quota import DEFAULT_QUOTA_BYTES, Quota, member_quota

Connect = t.Callable[[str], Endpoint]
InspectCluster = t.Callable[[], "ClusterView"]


class MemberView(t.NamedTuple):
    """A member of the list, and its own status, None if it is silent. `endpoint` is the URL that was asked; `busy`
    means that it is silent because it is being defragmented."""

    member: Member
    endpoint: str
    status: Status | None
    quota: Quota
    error: str = ""
    busy: bool = False

    @property
    def id(self) -> int:
        return self.member.member_id

    @property
    def name(self) -> str:
        """The name for people; a member that never started has only an address."""
        return self.member.name or ",".join(self.member.peer_urls) or f"{self.id:x}"

    @property
    def answers(self) -> bool:
        return self.status is not None

    @property
    def size_bytes(self) -> int:
        """The size of the file, which counts against the quota; 0 if the member is silent."""
        return self.status.db_size_bytes if self.status else 0

    @property
    def in_use_bytes(self) -> int:
        """The size that a defragmentation would leave. It lags behind a compaction until the next commit."""
        return self.status.db_size_in_use_bytes if self.status else 0

    @property
    def version(self) -> str:
        return self.status.version if self.status else ""

    @property
    def applied_index(self) -> int:
        return self.status.raft_applied_index if self.status else 0

    @property
    def used(self) -> float:
        """The file's share of the quota, from 0 to 1 and above."""
        return self.quota.share(self.size_bytes)

    @property
    def leaderless(self) -> bool:
        """Whether it answers and knows no leader. If others know one, it is cut off from them, and counts as down."""
        return self.status is not None and not self.status.leader_id

    @property
    def role(self) -> str:
        """leader, follower, learner, leaderless, silent or unstarted."""
        if not self.member.started:
            return "unstarted"
        if self.status is None:
            return "silent"
        if self.member.learner:
            return "learner"
        if self.leaderless:
            return "leaderless"
        return "leader" if self.status.leader_id == self.id else "follower"


class ClusterView(t.NamedTuple):
    """The members and alarms of a cluster. `leader_id` is 0 if the member that was asked knows no leader: then there is
    no quorum either, since a leader without one steps down within an election timeout."""

    cluster_id: int
    leader_id: int
    members: tuple[MemberView, ...]
    alarms: tuple[Alarm, ...]

    @property
    def has_quorum(self) -> bool:
        return self.leader_id != 0

    @property
    def voters(self) -> tuple[MemberView, ...]:
        return tuple(member for member in self.members if not member.member.learner)

    @property
    def learners(self) -> tuple[MemberView, ...]:
        return tuple(member for member in self.members if member.member.learner)

    @property
    def answering(self) -> tuple[MemberView, ...]:
        return tuple(member for member in self.members if member.answers)

    @property
    def answering_voters(self) -> tuple[MemberView, ...]:
        return tuple(member for member in self.voters if member.answers)

    @property
    def connected_voters(self) -> tuple[MemberView, ...]:
        """The voters that answer and know a leader: only those can be worked on, and only those count as up."""
        return tuple(member for member in self.answering_voters if not member.leaderless)

    @property
    def cut_off(self) -> tuple[MemberView, ...]:
        """The members that know no leader although there is one."""
        return tuple(member for member in self.answering if member.leaderless and self.has_quorum)

    @property
    def up(self) -> tuple[MemberView, ...]:
        """The members that answer, without those that are cut off."""
        return tuple(member for member in self.answering if member not in self.cut_off)

    @property
    def may_elect(self) -> bool:
        """Whether an election may be under way: in that moment all is well, and nobody is cut off."""
        return bool(self.cut_off) or (not self.has_quorum and len(self.answering_voters) >= self.majority)

    @property
    def majority(self) -> int:
        """The number of voters that a quorum needs."""
        return len(self.voters) // 2 + 1

    @property
    def corrupt(self) -> bool:
        return any(alarm.kind == CORRUPT for alarm in self.alarms)

    @property
    def full_alarms(self) -> tuple[Alarm, ...]:
        return tuple(alarm for alarm in self.alarms if alarm.kind == NOSPACE)

    @property
    def full_names(self) -> tuple[str, ...]:
        """The members that raised NOSPACE, for people."""
        return tuple(sorted(self.name_of(alarm.member_id) for alarm in self.full_alarms))

    @property
    def revision(self) -> int:
        return max((member.status.revision for member in self.members if member.status), default=0)

    @property
    def applied_index(self) -> int:
        return max((member.applied_index for member in self.members), default=0)

    def by_id(self, member_id: int) -> MemberView | None:
        return next((member for member in self.members if member.id == member_id), None)

    def name_of(self, member_id: int) -> str:
        member = self.by_id(member_id)
        return member.name if member else f"{member_id:x} (no longer a member)"


def inspect_cluster(seed: Endpoint, connect: Connect, *, manifest_quota_bytes: int | None = None) -> ClusterView:
    """The cluster as the member behind `seed` knows it, every other member asked at the same time.

    `manifest_quota_bytes` is the quota in the manifest of the seed's own member. Raises EtcdError only if the seed
    itself does not answer.
    """
    own, members = both(seed.status, seed.members)

    def ask(member: Member) -> MemberView:
        if member.member_id == own.member_id:
            return MemberView(member, seed.url, own, member_quota(own, seed, manifest_quota_bytes))
        return _inspect_member(member, own, connect)

    views, alarms = both(lambda: side_by_side(ask, members), lambda: _alarms(seed, own))
    return ClusterView(own.cluster_id, own.leader_id, tuple(sorted(views, key=lambda view: view.name)), alarms)


def _inspect_member(member: Member, own: Status, connect: Connect) -> MemberView:
    problem = "it has not started yet" if not member.started else ""
    unknown = Quota(DEFAULT_QUOTA_BYTES, "default")
    for url in member.client_urls:
        endpoint = None
        try:
            endpoint = connect(url)
            status = endpoint.status()
        except EtcdError as exc:
            if endpoint and isinstance(exc, TimedOut) and endpoint.defragmenting():
                return MemberView(member, url, None, unknown, "it is being defragmented", busy=True)
            problem = problem or str(exc)
            continue
        if (status.cluster_id, status.member_id) == (own.cluster_id, member.member_id):
            return MemberView(member, url, status, member_quota(status, endpoint, None))
        problem = (
            f"the member that answers at {url} is {status.member_id:x} of cluster {status.cluster_id:x}, not"
            f" {member.member_id:x} of cluster {own.cluster_id:x}"
        )
    url = member.client_urls[0] if member.client_urls else ""
    return MemberView(member, url, None, unknown, problem)


def _alarms(seed: Endpoint, own: Status) -> tuple[Alarm, ...]:
    """The list of alarms; without a leader the copy in the status, since asking only costs the server's time limit."""
    if own.leader_id:
        try:
            return seed.alarms()
        except EtcdError:
            pass  # the leader went away just now; the status has them as well
    return own.alarms


def cluster_result(view: ClusterView) -> Json:
    """The `cluster` in the results of modules."""
    return {
        "cluster_id": f"{view.cluster_id:x}",
        "leader": view.name_of(view.leader_id) if view.has_quorum else None,
        "has_quorum": view.has_quorum,
        "revision": view.revision,
        "alarms": [
            {
                "alarm": alarm.kind,
                "member_id": f"{alarm.member_id:x}",
                "member": found.name if found else None,
            }
            for alarm in view.alarms
            for found in (view.by_id(alarm.member_id),)
        ],
        "members": [member_result(member) for member in view.members],
    }


def member_result(member: MemberView) -> Json:
    """One entry of `cluster.members`."""
    return {
        "member_id": f"{member.id:x}",
        "name": member.name,
        "role": member.role,
        "endpoint": member.endpoint,
        "client_urls": list(member.member.client_urls),
        "peer_urls": list(member.member.peer_urls),
        "error": member.error or ("it answers, but knows no leader" if member.leaderless else ""),
        "version": member.version,
        "db_size_bytes": member.size_bytes,
        "db_size_in_use_bytes": member.in_use_bytes,
        "quota_bytes": member.quota.bytes,
        "quota_source": member.quota.source,
        "quota_used": round(member.used, 4),
        "raft_applied_index": member.applied_index,
    }


__all__ = (
    "ClusterView",
    "Connect",
    "InspectCluster",
    "MemberView",
    "cluster_result",
    "inspect_cluster",
    "member_result",
)
