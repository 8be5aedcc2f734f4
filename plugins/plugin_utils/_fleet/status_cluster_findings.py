# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The findings of a status about a cluster as its members tell it: alarms, quorum, members, quotas, growth."""

from __future__ import annotations

import typing as t

from ...module_utils._core.failures import Refused
from ...module_utils._core.text import join
from ...module_utils._core.units import gib, mib
from ...module_utils._etcd import checks
from ...module_utils._etcd.defragmentation import FRAGMENTED
from ...module_utils._etcd.quota import LOW_SHARE, REFUSED_SHARE, WARNED_SHARE
from ...module_utils._node.report import ClusterReport
from .grouping import foreign_members, two_names
from .merged_view import view_of
from .reports import Fleet
from .status_record import CRITICAL, NOTE, WARNING, Growth, MemberStatus, StatusFinding, Usage
from .wording import no_member_answers

# As the alert rules have it.
GROWTH_SECONDS = 4 * 3600.0

_SEVERITIES = {
    "corrupt_alarm": CRITICAL,
    "different_clusters": CRITICAL,
    "members_cut_off": CRITICAL,
    "no_leader": CRITICAL,
    "no_member_answers": CRITICAL,
    "nospace_alarm": CRITICAL,
    "quota_nearly_full": CRITICAL,
    "quota_not_known": NOTE,
}


def refused(refusal: Refused, *hosts: str) -> StatusFinding:
    """A refusal of a step, as a finding."""
    return StatusFinding(refusal.code, _SEVERITIES.get(refusal.code, WARNING), refusal.text, hosts)


def cluster_findings(
    peers: Fleet, cluster: ClusterReport | None, members: t.Sequence[MemberStatus]
) -> list[StatusFinding]:
    """What the members say of the cluster, and that they say nothing. `cluster` is None if none answers."""
    general = [two_names(peers) or foreign_members(peers), no_member_answers(peers)]
    found = [refused(refusal) for refusal in general if refusal]
    if cluster is None:
        return found
    view = view_of(cluster)
    state = (
        checks.corrupt_refusal(view),
        checks.quorum_refusal(view),
        checks.version_refusal(view, allowed=False),
        checks.lag_refusal(checks.behind_voters(view)),
    )
    hosts = {member.name: member.host for member in members if member.host}
    told = checks.coded_findings(view, recovering=False)
    return [
        *found,
        *(refused(refusal) for refusal in state if refusal),
        *(refused(Refused(each.code, each.text), *filter(None, [hosts.get(each.member, "")])) for each in told),
    ]


def size_findings(members: t.Sequence[MemberStatus]) -> list[StatusFinding]:
    """How full the databases are, as far as etcd itself has not said it; whether they are fragmented, and whether their
    quotas differ."""
    levels = {member.name: (member.full_percent or 0.0) / 100 for member in members}
    silent = [member for member in members if member.role == "down" and levels[member.name] >= WARNED_SHARE]
    low = [member for member in members if LOW_SHARE <= levels[member.name] < WARNED_SHARE]
    fragmented = [member for member in members if _is_fragmented(member)]
    found = []
    if silent:
        text = f"{_used(silent)}, by the size of the file; they do not answer."
        found.append(StatusFinding("quota_nearly_full", CRITICAL, text, _hosts(silent)))
    if low:
        text = f"{_used(low)}: raise the quota by daylight, or delete what fills it."
        found.append(StatusFinding("quota_low", WARNING, text, _hosts(low)))
    if fragmented:
        each = join(f"{member.name} {mib(_free(member))}" for member in fragmented)
        text = f"Much of the database is free inside the file ({each}): a defragmentation gives it back."
        found.append(StatusFinding("fragmented", WARNING, text, _hosts(fragmented)))
    return [*found, *_different_quotas(members)]


def _used(members: t.Iterable[MemberStatus]) -> str:
    each = (f"{member.name} {mib(member.size_bytes or 0)} of {mib(member.quota_bytes or 0)}" for member in members)
    return f"The quota is nearly used up ({join(each)})"


def _free(member: MemberStatus) -> int:
    return (member.size_bytes or 0) - (member.in_use_bytes or 0)


def _is_fragmented(member: MemberStatus) -> bool:
    known = member.size_bytes is not None and member.in_use_bytes is not None
    return known and FRAGMENTED.worth_it(member.size_bytes or 0, member.in_use_bytes or 0)


def _hosts(members: t.Iterable[MemberStatus]) -> tuple[str, ...]:
    return tuple(member.host for member in members if member.host)


def _different_quotas(members: t.Sequence[MemberStatus]) -> list[StatusFinding]:
    known = [member for member in members if member.quota_source in ("status", "metrics", "manifest", "off")]
    if len({member.quota_bytes for member in known}) < 2:
        return []
    each = join(f"{member.name} {gib(member.quota_bytes) if member.quota_bytes else 'none'}" for member in known)
    text = (
        f"The members have different quotas ({each}): the smallest stops the writes of all. harden gives all the same."
    )
    return [StatusFinding("quotas_differ", WARNING, text)]


def usage_findings(
    usage: Usage | None, size: int | None, quota: int | None, growth: Growth | None
) -> list[StatusFinding]:
    """What follows from what fills the database, and from how fast it grows."""
    found = []
    file = usage.record.get("file") if usage else None
    live = file.get("live_bytes") if isinstance(file, t.Mapping) else None
    if isinstance(live, int) and quota and live >= REFUSED_SHARE * quota:
        text = (
            f"Its live data alone, {mib(live)}, does not fit into the quota of {mib(quota)}: a compaction and"
            " defragmentation gain nothing. Raise the quota (recover_quota_backend_bytes of recover), or delete what"
            " fills it; deletes are accepted."
        )
        found.append(StatusFinding("live_data_too_large", CRITICAL, text))
    if growth and growth.seconds_to_full is not None and growth.seconds_to_full < GROWTH_SECONDS and size and quota:
        text = (
            f"It grows by {mib(growth.bytes_per_hour)} per hour: at that pace the {mib(max(quota - size, 0))} that are"
            f" left of its quota last for {growth.seconds_to_full / 3600:.1f} hours."
        )
        found.append(StatusFinding("fills_up_soon", WARNING, text))
    return found


__all__ = ("GROWTH_SECONDS", "cluster_findings", "refused", "size_findings", "usage_findings")
