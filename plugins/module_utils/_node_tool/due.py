# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The due members, and those that are left alone: the decisions of a scheduled run, each a function of plain data."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from types import MappingProxyType

from .._core.failures import Refused
from .._core.text import join
from .._core.units import MIB, mib
from .._etcd import checks, defragmentation, estimates
from .._etcd.view import ClusterView, MemberView
from .._node.probes import Outlook, Probe, threat
from .tool_files import speed_of

# The work has to fit twice into what a probe allows: nobody is there to hold a kubelet.
_RUN_MARGIN = 2.0

# Bytes per second of a defragmentation, as far as they were measured, by the name of the member.
Speeds = t.Mapping[str, float]
_UNMEASURED: Speeds = MappingProxyType({})


@dataclass(frozen=True)
class Limits:
    """When a member is due: so fragmented, or so full; and each time so much to gain."""

    fragmented_percent: float = defragmentation.FRAGMENTED.min_free_share * 100
    min_free_mib: float = defragmentation.FRAGMENTED.min_free_bytes / MIB
    full_percent: float = 80.0
    full_gain_mib: float = 32.0

    def rule_for(self, member: MemberView) -> defragmentation.Rule | None:
        """The rule by which this member is due, None if it is not."""
        fragmented = defragmentation.Rule(round(self.min_free_mib * MIB), self.fragmented_percent / 100)
        full = defragmentation.Rule(round(self.full_gain_mib * MIB))
        for rule, applies in ((fragmented, True), (full, member.used > self.full_percent / 100)):
            if applies and rule.worth_it(member.size_bytes, member.in_use_bytes):
                return rule
        return None


@dataclass(frozen=True)
class DueMember:
    """One member, the rule by which it is due, and how long its defragmentation will take."""

    member: MemberView
    rule: defragmentation.Rule
    seconds: float


@dataclass(frozen=True)
class DueMembers:
    """`others` are to be defragmented in this order, `own` is the leader's own if that is due; `left` are sentences
    about members that are due and left alone."""

    others: tuple[DueMember, ...]
    own: DueMember | None
    left: tuple[str, ...]


def due_members(
    view: ClusterView,
    own_id: int,
    limits: Limits,
    probes: t.Sequence[Probe],
    room: estimates.DiskRoom | None,
    speeds: Speeds = _UNMEASURED,
) -> DueMembers:
    """The members that are due. Probes and disk are those of this node; the others are assumed to have the same."""
    found: list[DueMember] = []
    left: list[str] = []
    for member in defragmentation.defrag_order(view):
        rule = limits.rule_for(member)
        if rule is None:
            continue
        down = quorum_threat(view, member, limits)
        killer = run_threat(member, probes, speeds)
        full = _disk_threat(member, room, own=member.id == own_id)
        if down:
            left.append(f"{member.name} is due but left alone: {down}.")
        elif killer:
            left.append(
                f"{member.name} is due but left alone: {killer}. Stop its kubelet, defragment the member by hand, and"
                " start its kubelet again."
            )
        elif full:
            left.append(f"{member.name} is due but left alone: {full}. Make room there, or enlarge the disk.")
        else:
            found.append(DueMember(member, rule, seconds_of(member, speeds)))
    others = tuple(each for each in found if each.member.id != own_id)
    return DueMembers(others, next((each for each in found if each.member.id == own_id), None), tuple(left))


def quorum_threat(view: ClusterView, member: MemberView, limits: Limits) -> str | None:
    """The reason why this member is not taken away while another voter is down, as half a sentence; None if all answer,
    or if it is so full that waiting is the greater danger. One that is being defragmented is waited for."""
    down = sorted(each.name for each in view.voters if not (each.answers or each.busy))
    if not down or member.used > limits.full_percent / 100:
        return None
    return (
        f"{join(down)} does not answer, and a member that serves nothing meanwhile would be one more that is missing;"
        f" as long as that is so, only what is over {limits.full_percent:g} % of its quota is defragmented"
    )


def seconds_of(member: MemberView, speeds: Speeds = _UNMEASURED) -> float:
    """The duration of its defragmentation."""
    return estimates.defrag_seconds(member.in_use_bytes, speed_of(speeds, member.name))


def run_threat(member: MemberView, probes: t.Sequence[Probe], speeds: Speeds = _UNMEASURED) -> str | None:
    """The probe that could kill a member during its defragmentation, as half a sentence; None if none could."""
    seconds = seconds_of(member, speeds)
    return threat(probes, Outlook(armed=False, leaderless=False, defrag_seconds=seconds), margin=_RUN_MARGIN)


def alarm_threat(probes: t.Iterable[Probe]) -> str | None:
    """The probe that kills a running member again and again for as long as the NOSPACE alarm is armed, as half a
    sentence. The startup probe is not run any more once a member has passed it."""
    return threat((probe for probe in probes if probe.kind == "liveness"), Outlook(armed=True, leaderless=False))


def _disk_threat(member: MemberView, room: estimates.DiskRoom | None, *, own: bool) -> str | None:
    """The reason why the copy does not fit on the disk, as half a sentence. The disk is that of this node, None if that
    is not known; the disks of the others cannot be seen, and are assumed to be like it."""
    needed = estimates.defrag_needed_bytes(member.in_use_bytes, with_log=room is None or room.with_log)
    if room is None or room.free_bytes >= needed:
        return None
    log = " and for etcd's log" if room.with_log else ""
    stands_in = "" if own else ", by which the disks of the others are judged"
    return (
        f"a defragmentation needs {mib(needed)} for a copy of the file{log}, and only"
        f" {mib(room.free_bytes)} are free on the data disk of this node{stands_in}"
    )


def danger(
    member: MemberView,
    probes: t.Sequence[Probe],
    room: estimates.DiskRoom | None,
    speeds: Speeds = _UNMEASURED,
    *,
    own: bool,
) -> Refused | None:
    """The reason why a member must not be defragmented now, as the end of a sentence."""
    killer = run_threat(member, probes, speeds)
    if killer:
        return Refused("probe_would_kill", f"{killer}.")
    full = _disk_threat(member, room, own=own)
    return Refused("disk_too_small", f"{full}.") if full else None


def run_refusal(view: ClusterView) -> Refused | None:
    """The reason why a scheduled run does nothing to this cluster, whoever is due."""
    if view.full_alarms:
        armed = join(view.full_names)
        return Refused(
            "nospace_alarm",
            f"The NOSPACE alarm is armed (by {armed}): the cluster refuses writes, and a defragmentation alone does not"
            " end that.",
            "Run the playbook controlplane.etcd.recover.",
        )
    return checks.corrupt_refusal(view) or checks.quorum_refusal(view)


def term_of(view: ClusterView, member_id: int) -> int:
    """The raft term that this member knows, 0 if it is silent."""
    member = view.by_id(member_id)
    return member.status.raft_term if member and member.status else 0


def leadership_moved(view: ClusterView, own_id: int, term: int) -> Refused | None:
    """The reason why this node must not act any more: another one leads, or led meanwhile and may be at work itself."""
    if view.leader_id != own_id:
        now = f"{view.name_of(view.leader_id)} leads now." if view.leader_id else "There is no leader now."
        return Refused("leadership_moved", now)
    if term_of(view, own_id) != term:
        return Refused("leadership_moved", "The leadership moved away and came back in between.")
    return None


__all__ = (
    "DueMember",
    "DueMembers",
    "Limits",
    "Speeds",
    "alarm_threat",
    "danger",
    "due_members",
    "leadership_moved",
    "quorum_threat",
    "run_refusal",
    "run_threat",
    "seconds_of",
    "term_of",
)
