# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The comparison of the members' data, by one hash over all keys at one revision that all of them have.

A member that hashes holds its database's read lock until it is done, and commits nothing meanwhile (mvcc/kvstore.go,
HashByRev): 0.4 s for a GiB in memory, a minute from a slow disk. On the leader that would stop every write of the
cluster.
"""

from __future__ import annotations

import typing as t

from .._core.units import GIB, gib
from .api import HashKv
from .errors import EtcdError
from .view import ClusterView, Connect, MemberView

_MOST_BYTES = GIB
_TIMEOUT = 120.0


class Comparison(t.NamedTuple):
    """Whether the followers hold the same data, None if that was not compared; `reason` is why not, as half a sentence,
    empty in a cluster of one."""

    agree: bool | None
    reason: str = ""


def compare_hashes(view: ClusterView, connect: Connect) -> Comparison:
    """Compare the data of the followers, one after the other."""
    reason = objection(view)
    if reason or len(view.voters) < 2:
        return Comparison(None, reason)
    followers = _followers(view)
    revision = min(member.status.revision for member in followers if member.status)
    answers: list[HashKv] = []
    for member in followers:
        try:
            endpoint = connect(member.endpoint)
            if endpoint.status().leader_id == member.id:
                return Comparison(None, f"{member.name} has become the leader")
            answer = endpoint.hash_kv(revision, _TIMEOUT)
        except EtcdError as exc:  # after a timeout it goes on hashing, so no other one is to do that now
            return Comparison(None, f"{member.name} did not say its hash: {exc}")
        if answer is None:
            return Comparison(None, f"the etcd of {member.name} does not serve its hash")
        answers.append(answer)
    if len({answer.compact_revision for answer in answers}) > 1:
        return Comparison(None, "they are compacted up to different revisions")
    return Comparison(len({answer.hash for answer in answers}) == 1)


def objection(view: ClusterView) -> str:
    """The reason not to let the followers hash their data, as half a sentence, empty if there is none."""
    followers = _followers(view)
    if len(followers) < 2:
        few = f"only one follower answers, {followers[0].name}" if followers else "no follower answers"
        return f"{few}, and the leader would stop all writes for it" if len(view.voters) > 1 else ""
    largest = max(followers, key=lambda member: member.in_use_bytes)
    if largest.in_use_bytes > _MOST_BYTES:
        return f"{largest.name} would hash {gib(largest.in_use_bytes)} and commit nothing meanwhile"
    return ""


def _followers(view: ClusterView) -> list[MemberView]:
    return [member for member in view.connected_voters if member.role == "follower"]


__all__ = ("Comparison", "compare_hashes", "objection")
