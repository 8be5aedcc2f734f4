# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The steps of a recovery, carried out on a real cluster, which is read again before and after each of them."""

from __future__ import annotations

import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from . import checks
from .api import Alarm, Endpoint
from .errors import Compacted, EtcdError, FutureRevision, TimedOut
from .view import ClusterView, Connect, MemberView

Look = t.Callable[[], ClusterView]

WORK_SECONDS = 600.0  # how long one member may take for each part of its work
_POLL_SECONDS = 0.2


class Refused(Exception):
    """A step that was not taken. The text is one or more sentences: why, and what to do next."""


@dataclass(frozen=True)
class Compaction:
    """`revision` is the compacted one, 0 where there was nothing to compact; `pending` are the members, with what they
    answered, that had not finished their own share in time."""

    revision: int
    changed: bool
    seconds: float
    pending: t.Mapping[str, str]


@dataclass(frozen=True)
class Defragmentation:
    """Sizes of the member's file; `moved_leader_to` is the name of who took over, empty where nobody had
    to, and `left_alone` why nothing was done, empty where it was."""

    member: str
    changed: bool
    before_bytes: int
    after_bytes: int
    seconds: float
    moved_leader_to: str = ""
    left_alone: str = ""


@dataclass(frozen=True)
class Write:
    """What came of one write through one member."""

    member: str
    accepted: bool
    error: str


@dataclass(frozen=True)
class Proof:
    """`hashes_agree` is None where fewer than two members serve comparable hashes; `seconds` lie between the views."""

    writes: tuple[Write, ...]
    before: ClusterView
    after: ClusterView
    seconds: float
    hashes_agree: bool | None
    problems: tuple[str, ...]


def await_true(condition: t.Callable[[], bool], seconds: float) -> bool:
    """Whether `condition` came true in time; one that raises EtcdError is not true yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return True
        except EtcdError:
            pass
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)


def refuse(reason: str | None) -> None:
    """Raises Refused where there is a reason."""
    if reason:
        raise Refused(reason)


def compactable(endpoint: Endpoint, revision: int) -> bool:
    """Whether compacting at `revision` would take any history away. Raises Refused for one that is in the future."""
    if revision <= 1:  # the first revision has no history
        return False
    try:
        endpoint.check_revision(revision)
        endpoint.check_revision(revision - 1)
    except Compacted:
        return False
    except FutureRevision as exc:
        raise Refused(f"The revision {revision} is in the future ({exc}). Nothing was compacted.") from exc
    return True


def compact(view: ClusterView, connect: Connect, revision: int, *, timeout: float) -> Compaction:
    """Drop the history below `revision`, and wait on every voter that answers until it has done so in its own file.

    A physical compaction is waited for by the member that is asked only. So each one is asked, at the same time: the
    first request through raft compacts, and the others come back with Compacted when that member is done.
    """
    started = time.monotonic()

    def ask(member: MemberView) -> tuple[str, bool, EtcdError | None]:
        try:
            connect(member.endpoint).compact(revision, timeout)
        except Compacted:
            return member.name, False, None
        except EtcdError as exc:
            return member.name, False, exc
        return member.name, True, None

    voters = view.answering_voters
    with ThreadPoolExecutor(max_workers=max(len(voters), 1)) as pool:
        answers = list(pool.map(ask, voters))
    failed = {name: error for name, _changed, error in answers if error}
    if not voters:
        raise Refused("No voter answers.")
    if len(failed) == len(answers):
        raise next(iter(failed.values()))
    return Compaction(
        revision=revision,
        changed=any(changed for _name, changed, _error in answers),
        seconds=time.monotonic() - started,
        pending={
            name: f"{error}{'; it is still working on it' if isinstance(error, TimedOut) else ''}"
            for name, error in failed.items()
        },
    )


def await_own_compaction(endpoint: Endpoint, timeout: float) -> None:
    """Wait until a compaction that this member is still carrying out is done.

    Defragmented before that, it would reclaim nothing. A physical compaction of a revision that is compacted already
    changes nothing and answers only then.
    """
    try:
        endpoint.check_revision(1)
    except Compacted:
        with suppress(Compacted):
            endpoint.compact(1, timeout)


def defragment(
    look_again: Look,
    endpoint: Endpoint,
    *,
    rule: checks.Rule,
    free_disk_bytes: t.Callable[[], int | None],
    allow_unsafe: bool,
    timeout: float,
    check: bool = False,
    refusal: t.Callable[[ClusterView, MemberView], str | None] = lambda _view, _member: None,
) -> Defragmentation:
    """Rewrite the file of the member behind `endpoint`, and wait until it has caught up with the others again.

    A leader first hands its leadership over, so that no write of the cluster waits. `refusal` is the caller's own
    reason not to, asked last. Raises Refused where there is one, or where it would be unsafe, EtcdError where a call
    fails, TimedOut where the member is not back within `timeout` seconds.
    """
    view, member = _self(look_again, endpoint) if check else _settled(look_again, endpoint, timeout)
    # In check mode nothing was compacted, so that what will be in use is not known yet.
    free = None if check else free_disk_bytes()
    refuse(
        checks.defrag_refusal(view, member, free_disk_bytes=free, allow_unsafe=allow_unsafe) or refusal(view, member)
    )
    before = member.size_bytes
    if not rule.worth_it(before, member.in_use_bytes):
        gain = checks.mib(before - member.in_use_bytes)
        return Defragmentation(member.name, False, before, before, 0.0, left_alone=f"only {gain} could be gained")
    if check:
        return Defragmentation(member.name, True, before, member.in_use_bytes, 0.0)
    moved_to = hand_over(view, member, endpoint, look_again) if member.role == "leader" else ""
    seconds = _rewrite(look_again, endpoint, member, timeout)
    _view, after = _self(look_again, endpoint)
    return Defragmentation(member.name, True, before, after.size_bytes, seconds, moved_to)


def _settled(look_again: Look, endpoint: Endpoint, timeout: float) -> tuple[ClusterView, MemberView]:
    """The cluster and the member, once no other one is being defragmented and this one is done with its compaction.
    Raises Refused, EtcdError."""
    view, _member = _self(look_again, endpoint)
    refuse(checks.corrupt_refusal(view) or checks.quorum_refusal(view))
    _await_other_defragmentations(look_again, timeout)
    # The compaction itself may be among what this member has still to apply.
    applied = view.applied_index
    await_true(lambda: endpoint.status().raft_applied_index >= applied, timeout)
    await_own_compaction(endpoint, timeout)
    return _self(look_again, endpoint)


def _rewrite(look_again: Look, endpoint: Endpoint, member: MemberView, timeout: float) -> float:
    """Defragment it and wait until it has caught up; for how many seconds it served nothing. Raises EtcdError."""
    started = time.monotonic()
    with suppress(TimedOut):  # it goes on in the server: wait for it below, and never send it again
        endpoint.defragment(timeout)
    patience = max(timeout, 60.0)
    await_true(lambda: bool(endpoint.status().version), patience)
    seconds = time.monotonic() - started
    if not await_true(lambda: _caught_up(look_again(), member.id), patience):
        raise TimedOut(
            f"{member.name} had not answered and caught up {time.monotonic() - started:.0f} s after its"
            " defragmentation began. It may still be working, so the request was not repeated",
            endpoint=endpoint.url,
        )
    return seconds


def line(done: Defragmentation, *, check: bool = False) -> str:
    """What was done to a member, for people."""
    if done.left_alone:
        return f"{done.member}: {checks.mib(done.before_bytes)}, left alone ({done.left_alone})"
    sizes = f"{done.member}: {checks.mib(done.before_bytes)} -> {checks.mib(done.after_bytes)}"
    if check:
        return f"{sizes} or less, if it were done"
    moved = f", leadership moved to {done.moved_leader_to}" if done.moved_leader_to else ""
    return f"{sizes} in {done.seconds:.1f} s{moved}"


def _await_other_defragmentations(look_again: Look, timeout: float) -> None:
    """A scheduled job, or what is left of a run that was killed, may be at work on another member: two members that
    serve nothing at the same time would cost the quorum. Raises Refused."""
    busy: list[str] = []
    unread: list[EtcdError] = []

    def nobody_is_busy() -> bool:
        unread.clear()
        try:
            busy[:] = [member.name for member in look_again().members if member.busy]
        except EtcdError as exc:
            unread.append(exc)
        return not (busy or unread)

    if not await_true(nobody_is_busy, timeout):
        if unread:
            raise Refused(
                f"The cluster could not be read ({unread[0]}), so it is not known whether another member is being"
                " defragmented, and two at once would cost the quorum. See which members answer, and run this again."
            )
        raise Refused(
            f"{checks.join(busy)} is being defragmented by somebody else, and two at once would cost the quorum."
        )


def _self(look_again: Look, endpoint: Endpoint) -> tuple[ClusterView, MemberView]:
    """The cluster, and in it the member behind `endpoint`. Raises Refused where it is not in its own member list."""
    own = endpoint.status()
    if own.learner:  # it would not even show its member list
        raise Refused(checks.learner_warning(f"at {endpoint.url}"))
    view = look_again()
    member = view.by_id(own.member_id)
    if member is None:
        raise Refused(
            f"The member at {endpoint.url} is not in the member list any more: it was removed. Take this node out of"
            " the inventory, or join it again."
        )
    return view, member


def _caught_up(view: ClusterView, member_id: int) -> bool:
    member = view.by_id(member_id)
    return bool(member and member.answers and view.has_quorum and member not in checks.lagging(view))


def hand_over(view: ClusterView, member: MemberView, endpoint: Endpoint, look_again: Look) -> str:
    """Move the leadership away from `member`, which has it; the name of who took it over, empty where there is nobody
    else. Raises Refused, EtcdError."""
    target = checks.transferee(view)
    if target is None:
        if len(view.voters) > 1:
            raise Refused(
                f"{member.name} leads, and no other voter answers that could take over. Start another voter, then run"
                " this again."
            )
        return ""
    endpoint.move_leader(target.id)
    if not await_true(lambda: look_again().leader_id not in (0, member.id), 10.0):
        raise Refused(
            f"{member.name} still leads 10 s after {target.name} was asked to take over. See whether {target.name} is"
            " overloaded or cut off, then run this again."
        )
    return target.name


def disarm(view: ClusterView, endpoint: Endpoint) -> tuple[Alarm, ...]:
    """Take every NOSPACE alarm of the list away, those of members that are down or gone included: one that is left
    keeps the whole cluster read-only. Returns what is still listed afterwards. Raises EtcdError."""
    for alarm in view.full_alarms:
        endpoint.disarm(alarm)
    return endpoint.alarms()


def prove(look_again: Look, connect: Connect, *, settle_seconds: float, timeout: float = 30.0) -> Proof:
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
    return Proof(tuple(writes), before, after, seconds, agree, tuple(problems))


def _write_through_all(
    look_again: Look, connect: Connect, timeout: float
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
    armed = checks.join(sorted({f"{alarm.kind} of {view.name_of(alarm.member_id)}" for alarm in view.alarms}))
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
    "WORK_SECONDS",
    "Compaction",
    "Defragmentation",
    "Look",
    "Proof",
    "Refused",
    "Write",
    "await_own_compaction",
    "await_true",
    "compact",
    "compactable",
    "defragment",
    "disarm",
    "hand_over",
    "line",
    "prove",
    "refuse",
)
