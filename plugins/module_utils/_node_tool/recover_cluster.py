# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The steps of a recovery from one node that go to the cluster: compaction, defragmentation, disarm, write check."""

from __future__ import annotations

from .._core.failures import Refused, refuse
from .._core.text import join
from .._etcd import alarms, checks, compaction, defragmentation, estimates, write_check
from .._etcd.over_quota import quota_headroom
from .._etcd.view import MemberView
from .._node.member import LocalMember
from .progress import Progress


def compact(progress: Progress, member: LocalMember) -> None:
    """Compact the history on every member. Raises Failure."""
    view = member.inspect_cluster()
    largest = max((each.size_bytes for each in view.answering_voters), default=0)
    unchanged = "No member was defragmented and no alarm was disarmed. Run this again."
    with progress.working("Compacting", unchanged, estimates.compact_seconds(largest)):
        refuse(checks.corrupt_refusal(view) or checks.quorum_refusal(view))
        view, behind = compaction.await_voters(member.inspect_cluster, estimates.WORK_SECONDS)
        refuse(checks.lag_refusal(behind))
        revision = member.endpoint.revision() - compaction.KEPT_REVISIONS
        done = compaction.compact(view, member.connect, revision, timeout=estimates.WORK_SECONDS)
    progress.done(f"compacted up to revision {done.revision} in {done.seconds:.1f} s")
    for name, error in done.pending.items():
        progress.done(f"{name} did not report that its compaction is finished: {error}")


def defragment(progress: Progress, member: LocalMember, target: MemberView, *, own: bool, allow_unsafe: bool) -> None:
    """Defragment one member. Raises Failure."""
    unchanged = (
        "Later members were not defragmented, and the alarm was not disarmed. Run this again; members that are done"
        " are left alone."
    )
    with progress.working(f"Defragmenting {target.name}", unchanged, estimates.defrag_seconds(target.in_use_bytes)):
        done = defragmentation.defragment(
            member.inspect_cluster,
            member.endpoint if own else member.connect(target.endpoint),
            rule=defragmentation.AFTER_COMPACTION,
            room=member.disk_room if own else lambda: None,
            allow_unsafe=allow_unsafe,
            timeout=estimates.WORK_SECONDS,
        )
    progress.done(f"defragmented {defragmentation.summary(done)}" if done.changed else defragmentation.summary(done))


def disarm(progress: Progress, member: LocalMember) -> None:
    """Disarm every NOSPACE alarm if all members fit their quotas. Raises Failure."""
    view = member.inspect_cluster()
    with progress.working(
        "Disarming the alarm", "What was done before stays done, and is left alone by the next attempt."
    ):
        refuse(checks.corrupt_refusal(view) or checks.quorum_refusal(view))
        headroom = quota_headroom(view)
        refuse(headroom.refusal)
        names = view.full_names
        left = alarms.disarm(view, member.endpoint) if names else ()
        again = sorted(view.name_of(alarm.member_id) for alarm in left if alarm in view.full_alarms)
        if again:
            raise Refused(
                "alarm_raised_again",
                f"The alarm of {join(again)} is still armed after it was disarmed: it was raised again at once.",
                "See which member is over its quota (etcd-maintenance status), and run this again.",
            )
    progress.done(f"alarm of {join(names)} disarmed" if names else "no alarm is armed")
    for warning in headroom.warnings:
        progress.done(warning)


def prove(progress: Progress, member: LocalMember, settle_seconds: float) -> write_check.WriteCheck:
    """Write through every member, twice if there are seconds between. Raises EtcdError."""
    unchanged = "What was done before stays done; run this again."
    with progress.working("Proving that writes are accepted", unchanged, settle_seconds):
        found = write_check.check_writes(member.inspect_cluster, member.connect, settle_seconds=settle_seconds)
        if found.error:
            raise found.error
    names = join(each.member for each in found.writes if each.accepted)
    same = "; the followers hold the same data" if found.compared.agree else ""
    progress.done(f"writes accepted through {names}{same}")
    return found


__all__ = ("compact", "defragment", "disarm", "prove")
