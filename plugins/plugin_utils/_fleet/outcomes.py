# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Outcomes for machines: what came of one cluster, as a record that is documented for users (docs/results.md).

A change of a key or of its meaning needs another `VERSION`; a new key does not.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from ...module_utils._core.records import Fields, Json, plain
from ...module_utils._node.report import MemberReport, Refusal
from .cluster import Cluster
from .results import DeletedKeys, RolledMember, TakenSnapshot, WriteCheck

VERSION = 1

UNFINISHED = "unfinished"
REFUSED, FAILED = "refused", "failed"
RECOVERED, RECOVERED_WITHOUT, NOTHING_TO_DO = "recovered", "recovered_without", "nothing_to_do"
HARDENED, UNCHANGED = "hardened", "unchanged"


@dataclass(frozen=True)
class TaskFailure:
    """The failure that ended the work. `code` is None if it is none of the collection's own."""

    host: str
    code: str | None
    message: str


@dataclass(frozen=True)
class Ending:
    """The end of the work on a cluster: whether it is over at all, and what stood against it."""

    over: bool
    refusals: tuple[Refused, ...]
    failures: tuple[TaskFailure, ...]
    seconds: float
    check: bool

    @classmethod
    def of(
        cls,
        *,
        refusals: t.Iterable[object],
        results: t.Mapping[str, t.Iterable[object]],
        over: bool,
        seconds: float,
        check: bool,
    ) -> Ending:
        """The end as the roles know it: the refusals of a plan, and what tasks returned, by host."""
        read = (Refusal.read(Fields(each, "a refusal")) for each in refusals)
        return cls(over, tuple(refusal.refused() for refusal in read), failures_of(results), seconds, check)

    def outcome(self, success: str | None) -> str:
        """The outcome; `success` is what it is if nothing stood against it, None if that was not seen."""
        if self.refusals:
            return REFUSED
        if not self.over:
            return UNFINISHED
        if self.failures:
            return FAILED
        # Check mode cannot see all that would follow.
        return success or (UNFINISHED if self.check else FAILED)

    def as_result(self, cluster: Cluster, success: str | None) -> Json:
        """The keys that all outcomes have."""
        return {
            "name": cluster.name,
            "hosts": list(cluster.hosts),
            "coordinator": cluster.coordinator,
            "outcome": self.outcome(success),
            "check": self.check,
            "refusals": [refused.as_result() for refused in self.refusals],
            "failures": plain(self.failures) if self.over else [],
            "seconds": round(self.seconds, 1),
        }


def failures_of(results: t.Mapping[str, t.Iterable[object]]) -> tuple[TaskFailure, ...]:
    """The failures among what tasks returned, by host; whatever did not fail or did not run is passed over, and so is
    what has no code beside what has one: it only says once more that something failed."""
    found = [failure for host, bodies in results.items() for body in bodies for failure in _failures(host, body)]
    return tuple(dict.fromkeys([failure for failure in found if failure.code] or found))


def _failures(host: str, result: object) -> t.Iterator[TaskFailure]:
    body = Fields(result, f"a result of {host}")
    if not any(body.has(key) and body.flag(key) for key in ("failed", "unreachable")):
        return
    if body.has("results"):  # of a loop
        for each in t.cast(t.Mapping[str, t.Any], result)["results"]:
            yield from _failures(host, each)
    else:
        name, said = (body.text(key) if body.has(key) else None for key in ("code", "msg"))
        yield TaskFailure(host, name, said or "")


def recovery_outcome(
    before: Cluster,
    ending: Ending,
    *,
    work: bool,
    write_check: WriteCheck | None,
    snapshot: TakenSnapshot | None,
    deleted: DeletedKeys | None,
) -> Json:
    """The outcome of a recovery. `work` says whether there was anything to do; `write_check` is the last one, None
    if it did not come to that."""
    now = write_check.cluster.members if write_check else before.members
    without = [member.name or member.member_id for member in now if not member.up]
    success = None
    if write_check:
        done = RECOVERED_WITHOUT if without else RECOVERED
        success = done if work else NOTHING_TO_DO
    return {
        **ending.as_result(before, success),
        "without": without if ending.outcome(success) in (RECOVERED_WITHOUT, NOTHING_TO_DO) else [],
        "members": _sizes(before.members, write_check.cluster.members if write_check else ()),
        "snapshot": {"host": before.snapshot_host, **plain(snapshot)} if snapshot else None,
        "deleted_keys": dict(deleted.keys_by_directory) if deleted else {},
    }


def _sizes(before: t.Iterable[MemberReport], after: t.Sequence[MemberReport]) -> list[Json]:
    """The members' sizes; null if they are not known, as those of a member that does not answer."""
    first = {member.member_id: member for member in before}
    last = {member.member_id: member for member in after}
    return [
        {
            "name": member.name,
            "role": member.role,
            "db_size_bytes_before": _size(first.get(name)),
            "db_size_bytes_after": _size(last.get(name)),
            "quota_bytes": member.quota_bytes if member.answers else None,
        }
        for name, member in {**first, **last}.items()
    ]


def _size(member: MemberReport | None) -> int | None:
    return member.db_size_bytes if member and member.answers else None


def hardening_outcome(
    cluster: Cluster,
    ending: Ending,
    *,
    done: bool,
    rolled: t.Mapping[str, RolledMember],
    recorded: bool,
    scheduled: t.Sequence[str],
) -> Json:
    """The outcome of a hardening. `done` says whether its last phase was reached; `rolled` are the members whose turn
    it was, by host; `recorded` says whether kubeadm's configuration was changed, `scheduled` on which hosts the
    schedule was."""
    changed = recorded or bool(scheduled) or any(member.changed for member in rolled.values())
    return {
        **ending.as_result(cluster, (HARDENED if changed else UNCHANGED) if done else None),
        "members": [
            {
                "host": host,
                "restarted": member.changed,
                "method": member.method,
                "seconds_down": member.seconds,
                "flags_before": dict(member.flags_before),
                "flags_after": dict(member.flags_after),
            }
            for host, member in rolled.items()
        ],
        "recorded": recorded,
        "scheduled": list(scheduled),
    }


def merged(body: object, *, role: str, run: str, key: str = "", record: Json | None = None, **more: t.Any) -> Json:
    """The content of a result file with one more record. What another run has left in it is forgotten."""
    empty: Json = {"version": VERSION, "role": role, "run": run, "refusals": [], "clusters": {}}
    ours = isinstance(body, t.Mapping) and all(body.get(each) == empty[each] for each in ("version", "role", "run"))
    kept: Json = dict(t.cast(t.Mapping[str, t.Any], body)) if ours else empty
    clusters = {**kept["clusters"], **({key: record} if record else {})}
    return {**kept, **more, "clusters": dict(sorted(clusters.items()))}


__all__ = (
    "VERSION",
    "Ending",
    "TaskFailure",
    "failures_of",
    "hardening_outcome",
    "merged",
    "recovery_outcome",
)
