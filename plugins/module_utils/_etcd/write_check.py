# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The write check: whether every member accepts and applies writes, and all of them hold the same data."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._core.records import Fields
from .._core.text import join
from .errors import LASTING, CorruptAlarm, EtcdError, NoSpace, WriteRefused
from .estimates import minutes_to_full
from .hashes import Comparison, compare_hashes
from .polling import await_leader, await_true
from .view import ClusterView, Connect, InspectCluster, MemberView

GROWTH_SECONDS = 5.0  # over less, what the API servers write at intervals is seen or missed by chance


@dataclass(frozen=True)
class Write:
    """One write through one member. `error` is empty if it was accepted."""

    member: str
    accepted: bool
    error: str


@dataclass(frozen=True)
class WriteCheck:
    """The outcome of the last round. `baseline` is what the growth counts from, `seconds` before it."""

    writes: tuple[Write, ...]
    baseline: Baseline
    after: ClusterView
    seconds: float
    compared: Comparison
    problems: tuple[str, ...]

    @property
    def error(self) -> EtcdError | None:
        """All problems as one error, None if there are none."""
        if not self.problems:
            return None
        kind = CorruptAlarm if self.after.corrupt or self.compared.agree is False else WriteRefused
        return kind("; ".join(self.problems))


@dataclass(frozen=True)
class Baseline:
    """What the first round left to compare with: bytes in use by member id, in decimal, at a time in seconds since
    this node was booted."""

    at: float
    in_use_bytes: t.Mapping[str, int]

    @classmethod
    def of(cls, view: ClusterView) -> Baseline:
        return cls(time.monotonic(), {str(member.id): member.in_use_bytes for member in view.up})

    @classmethod
    def read(cls, found: Fields) -> Baseline:
        """Raises ValueError."""
        sizes = found.record("in_use_bytes")
        return cls(found.number("at"), {name: sizes.whole(name) for name in sizes.names()})


@dataclass(frozen=True)
class Growth:
    """The growth of the member that grows fastest, and the minutes until the first one is full, None if nothing
    grows."""

    bytes_per_minute: float
    minutes_to_full: float | None


def check_writes(
    inspect: InspectCluster,
    connect: Connect,
    *,
    settle_seconds: float,
    baseline: Baseline | None = None,
    growth_anew: bool = False,
    timeout: float = 30.0,
) -> WriteCheck:
    """Write through every voter that is up, verify that all have applied it and no alarm came, and all that once more
    `settle_seconds` later: a member over its quota raises the alarm only when it applies what another one accepted.
    Raises EtcdError if the cluster cannot be inspected.

    With `settle_seconds` 0 there is only one round, and no reading of all data to compare it; with a `baseline` the
    first round has been. If the growth is measured `growth_anew`, it is from now on, and not from that round.
    """
    seconds, compared = 0.0, Comparison(None)
    if baseline:
        due = baseline.at + settle_seconds
        if growth_anew:
            baseline = Baseline.of(inspect())
            due = max(due, baseline.at + min(settle_seconds, GROWTH_SECONDS))
        # A node that was booted meanwhile counts from 0 again.
        time.sleep(min(max(due - time.monotonic(), 0.0), settle_seconds))
        after, writes, problems = _write_through_all(inspect, connect, timeout)
        seconds = max(time.monotonic() - baseline.at, 0.0)
    else:
        after, writes, problems = _write_through_all(inspect, connect, timeout)
        baseline = Baseline.of(after)
        if not problems and settle_seconds:
            time.sleep(settle_seconds)
            after, writes, problems = _write_through_all(inspect, connect, timeout)
            seconds = time.monotonic() - baseline.at
    if not problems and settle_seconds:
        compared = compare_hashes(after, connect)
    if compared.agree is False:
        problems = ["the members hold different data at one revision (hashkv); treat it as a CORRUPT alarm"]
    return WriteCheck(tuple(writes), baseline, after, seconds, compared, tuple(problems))


def _write_through_all(
    inspect: InspectCluster, connect: Connect, timeout: float
) -> tuple[ClusterView, list[Write], t.Sequence[str]]:
    view = await_leader(inspect)
    writes = [_write(member, connect, timeout) for member in view.connected_voters] if view.has_quorum else []
    problems = [f"a write through {write.member} was refused: {write.error}" for write in writes if not write.accepted]
    if not view.has_quorum:
        problems.append("there is no leader")
    target = inspect().applied_index

    def applied() -> bool:
        return all(member.applied_index >= target for member in inspect().connected_voters)

    if not problems and not await_true(applied, timeout):
        problems.append(f"not every member had applied the writes {timeout:.0f} s later")
    view = inspect()
    armed = join(sorted({f"{alarm.kind} of {view.name_of(alarm.member_id)}" for alarm in view.alarms}))
    if view.alarms:
        problems.append(f"after the writes these alarms are armed: {armed}")
    return view, writes, problems


def _write(member: MemberView, connect: Connect, timeout: float) -> Write:
    """A write, repeated for as long as its refusal may pass: a lost leader, a member that is busy or behind. One that
    was carried out although it failed leaves a lease that expires by itself."""
    said: list[EtcdError] = []

    def accepted() -> bool:
        try:
            connect(member.endpoint).write()
        except (*LASTING, CorruptAlarm, NoSpace) as exc:
            said[:] = [exc]
            return True
        except EtcdError as exc:
            said[:] = [exc]
            return False
        said.clear()
        return True

    await_true(accepted, timeout)
    return Write(member.name, not said, str(said[0]) if said else "")


def growth(check: WriteCheck) -> Growth:
    """The growth between both rounds."""

    def per_minute(after: MemberView) -> float:
        before = check.baseline.in_use_bytes.get(str(after.id))
        if before is None or not check.seconds:
            return 0.0
        return max(after.in_use_bytes - before, 0) * 60 / check.seconds

    members = check.after.up
    minutes = [minutes_to_full(each.size_bytes, each.quota.bytes, per_minute(each)) for each in members]
    return Growth(
        bytes_per_minute=max(map(per_minute, members), default=0.0),
        minutes_to_full=min((each for each in minutes if each is not None), default=None),
    )


__all__ = ("Baseline", "Growth", "Write", "WriteCheck", "check_writes", "growth")
