# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Verification that writes are accepted through every member and that all of them hold the same data."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._core import text
from .errors import EtcdError
from .polling import await_true
from .view import ClusterView, Connect, InspectCluster, MemberView


@dataclass(frozen=True)
class Write:
    """What came of one write through one member."""

    member: str
    accepted: bool
    error: str


@dataclass(frozen=True)
class WriteCheck:
    """`hashes_agree` is None where fewer than two members serve comparable hashes; `seconds` lie between the views."""

    writes: tuple[Write, ...]
    before: ClusterView
    after: ClusterView
    seconds: float
    hashes_agree: bool | None
    problems: tuple[str, ...]


def check_writes(
    look_again: InspectCluster, connect: Connect, *, settle_seconds: float, timeout: float = 30.0
) -> WriteCheck:
    """Write through every voter that answers, see that all have applied it and no alarm came, and all that once more
    `settle_seconds` later: a member over its quota raises the alarm only when it applies what another one accepted.

    With `settle_seconds` 0 there is only one round, and no reading of all data to compare it.
    """
    before, writes, problems = _write_through_all(look_again, connect, timeout)
    after, started, agree = before, time.monotonic(), None
    if not problems and settle_seconds:
        time.sleep(settle_seconds)
        after, writes, problems = _write_through_all(look_again, connect, timeout)
    seconds = time.monotonic() - started
    if not problems and settle_seconds:
        agree = _hashes_agree(after, connect)
    if agree is False:
        problems = ("the members hold different data at one revision (hashkv); treat it as a CORRUPT alarm",)
    return WriteCheck(tuple(writes), before, after, seconds, agree, tuple(problems))


def _write_through_all(
    look_again: InspectCluster, connect: Connect, timeout: float
) -> tuple[ClusterView, list[Write], t.Sequence[str]]:
    view = look_again()
    writes = [_write(member, connect) for member in view.answering_voters] if view.has_quorum else []
    problems = [f"a write through {write.member} was refused: {write.error}" for write in writes if not write.accepted]
    if not view.has_quorum:
        problems.append("there is no leader")
    target = look_again().applied_index

    def applied() -> bool:
        return all(member.applied_index >= target for member in look_again().answering)

    if not problems and not await_true(applied, timeout):
        problems.append(f"not every member had applied the writes {timeout:.0f} s later")
    view = look_again()
    armed = text.join(sorted({f"{alarm.kind} of {view.name_of(alarm.member_id)}" for alarm in view.alarms}))
    if view.alarms:
        problems.append(f"after the writes these alarms are armed: {armed}")
    return view, writes, problems


def _write(member: MemberView, connect: Connect) -> Write:
    try:
        connect(member.endpoint).write()
    except EtcdError as exc:
        return Write(member.name, False, str(exc))
    return Write(member.name, True, "")


def _hashes_agree(view: ClusterView, connect: Connect, timeout: float = 120.0) -> bool | None:
    """One hash over all keys per member, at one revision that all of them have; one member after the other, since
    hashing reads the whole database."""
    members = view.answering_voters
    revision = min((member.status.revision for member in members if member.status), default=0)

    def ask(member: MemberView) -> tuple[int, int] | None:
        try:
            found = connect(member.endpoint).hash_kv(revision, timeout)
        except EtcdError:
            return None
        return (found.compact_revision, found.hash) if found else None

    answers = [answer for answer in map(ask, members) if answer]
    comparable = {compacted for compacted, _hash in answers}
    if len(answers) < 2 or len(comparable) != 1:
        return None
    return len({hash_ for _compacted, hash_ in answers}) == 1


__all__ = (
    "Write",
    "WriteCheck",
    "check_writes",
)
