# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The plan of a hardening: which flags the members of one cluster get, in which order, and why not."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from ...module_utils._core.failures import Refused
from ...module_utils._core.records import Json, plain
from ...module_utils._core.units import percent
from ...module_utils._etcd.quota import REFUSED_SHARE
from ...module_utils._kubeadm import flag_values
from ...module_utils._kubeadm.known_flags import member_refusal
from ...module_utils._node.apiserver import ADMIN_CONF
from ...module_utils._node.installation import ETCD_ONLY
from ...module_utils._node.report import MemberReport
from ...module_utils._node.settings import go_int
from . import wording
from .cluster import Cluster
from .coordination import members_missing, nodes_out_of_reach
from .kubelets import idle_kubelets, stray_refusals
from .options import mapping
from .quotas import ChosenQuota, choose_quota, recorded_refusals, voters_on_nodes
from .reports import Fleet
from .time_budgets import HardeningTimes, hardening_times

COMPACTION = {flag_values.MODE: "periodic", flag_values.RETENTION: "1h"}
_RECOVER_FIRST = "run recover first (the playbook controlplane.etcd.recover)"
_QUORUM_WITHOUT_ONE = 3  # members, so that a leader remains while one of them is restarted


@dataclass(frozen=True)
class HardeningPlan:
    """The plan for one cluster. `order` lists hosts, the leader's last. `unfinished` is the host whose etcd alone is
    down, which an interrupted run may have left so, empty if there is none. `recorded` says whether kubeadm has a
    ConfigMap to record it in."""

    extra_args: t.Mapping[str, str]
    order: tuple[str, ...]
    unfinished: str
    recorded: bool
    refusals: tuple[Refused, ...]
    notes: tuple[str, ...]
    times: HardeningTimes

    @property
    def lines(self) -> list[str]:
        """Lines for people: what was found, and what will be done."""
        work = [] if self.refusals else [wording.hardening_line(self.extra_args, self.order)]
        return [*self.notes, *work]

    def as_result(self) -> Json:
        return {
            "extra_args": dict(self.extra_args),
            "order": list(self.order),
            "unfinished": self.unfinished,
            "recorded": self.recorded,
            "refusals": [refused.as_result() for refused in self.refusals],
            "lines": self.lines,
            **plain(self.times),
        }


def plan_hardening(
    cluster: Cluster,
    fleet: Fleet,
    *,
    quota: str,
    lower: bool,
    extra_args: object,
    allow_downtime: bool,
    wait_timeout: float,
    kubeconfig: str,
) -> HardeningPlan:
    """The plan for one cluster. `lower` says whether a quota that is larger than `quota` is lowered; `extra_args` is a
    mapping, or text of one; `kubeconfig` is the administrator's, with which it would be recorded."""
    peers = fleet.only(cluster.hosts)
    nodes = voters_on_nodes(cluster, peers)
    refusals = _state_refusals(cluster, peers)
    wanted: dict[str, str] = {}
    chosen = ChosenQuota(0)
    notes: tuple[str, ...] = ()
    try:
        chosen = choose_quota(nodes, quota, lower=lower)
        settings = flag_values.checked(_arguments(chosen, mapping("harden_extra_args", extra_args)))
        wanted, notes = settings.wanted, (*settings.warnings, *flag_values.problems(settings.wanted))
        refusals += filter(None, [member_refusal(wanted)])
    except Refused as refused:
        refusals.append(refused)
    if nodes:  # else there is nothing to measure it by, and the reason is said already
        refusals += chosen.refusals
    downtime = 0 < len(nodes) < _QUORUM_WITHOUT_ONE
    unfinished = _unfinished(cluster, peers)
    recorded = _has_config_map(peers, peers[cluster.coordinator].manifest, kubeconfig)
    return HardeningPlan(
        extra_args=wanted,
        order=tuple(place.host for place in cluster.order if not place.endpoint),
        unfinished=unfinished,
        recorded=recorded,
        refusals=tuple(refusals),
        notes=(
            *chosen.notes,
            *notes,
            *wording.installation_notes(peers, wanted, recorded=recorded),
            *wording.schedule_notes(cluster),
            *wording.learner_notes(cluster.members),
            *([wording.unfinished_note(unfinished)] if unfinished else []),
            *([wording.downtime_note(len(nodes), allowed=allow_downtime)] if downtime else []),
        ),
        times=hardening_times(
            start_seconds=max(report.start_seconds for report in peers.reports.values()),
            wait_timeout=wait_timeout,
        ),
    )


def _has_config_map(peers: Fleet, manifest: str, kubeconfig: str) -> bool:
    """Whether there is a ConfigMap to record anything in: hosts of kubeadm's external etcd have none, unless somebody
    names a kubeconfig there. `manifest` is that of the host which would record it."""
    own = os.path.join(os.path.dirname(os.path.dirname(manifest)), os.path.basename(ADMIN_CONF))
    if any(report.set_by_unit for report in peers.reports.values()):  # kubeadm calls such an etcd external, if any
        return False
    etcd_only = all(report.installation == ETCD_ONLY for report in peers.reports.values())
    return not etcd_only or kubeconfig != own


def _arguments(quota: ChosenQuota, further: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """All flags that are wanted. Raises Refused."""
    if flag_values.QUOTA in further:
        raise Refused(
            "invalid_quota",
            f"{flag_values.QUOTA} is among the extra arguments.",
            "The quota has its own option.",
        )
    compaction = dict(COMPACTION)
    if further.get(flag_values.MODE, compaction[flag_values.MODE]) != compaction[flag_values.MODE]:
        del compaction[flag_values.RETENTION]  # it counts hours there, and something else in another mode
    size = {flag_values.QUOTA: str(quota.size_bytes)} if quota.size_bytes else {}
    return {**size, **compaction, **further}


def _state_refusals(cluster: Cluster, peers: Fleet) -> list[Refused]:
    """The reasons why no member may be restarted now."""
    seen = peers[cluster.coordinator].cluster
    armed = ", ".join(seen.full_names if seen else ())
    if armed:
        return [Refused("nospace_alarm", f"The NOSPACE alarm is armed (by {armed}): {_RECOVER_FIRST}.")]
    if cluster.refusals:
        return list(cluster.refusals)
    if not cluster.has_quorum:
        return [Refused("no_leader", f"The cluster has no leader: {_RECOVER_FIRST}.")]
    members = [_used_up(cluster.members), members_missing(cluster.members), nodes_out_of_reach(cluster.order)]
    return [*filter(None, members), *idle_kubelets(peers), *stray_refusals(peers)]


def _used_up(members: t.Iterable[MemberReport]) -> Refused | None:
    """The refusal of a quota that is used up: the next write raises the alarm, perhaps in the middle of the work."""
    full = [f"{each.name}: {percent(each.quota_used)}" for each in members if each.quota_used >= REFUSED_SHARE]
    if not full:
        return None
    return Refused(
        "quota_used_up",
        f"The quota is used up, though no alarm is armed yet ({', '.join(full)}): {_RECOVER_FIRST}.",
    )


def _unfinished(cluster: Cluster, peers: Fleet) -> str:
    """The host whose etcd alone is down, empty if there is none: of a run that is interrupted, no more than one is."""
    down = [host for host, report in peers.items() if not report.answers]
    if len(down) != 1 or peers[down[0]].process or idle_kubelets(peers) or stray_refusals(peers):
        return ""
    alarms = [alarm for report in peers.reports.values() if report.cluster for alarm in report.cluster.alarms]
    # Without a leader that is what is refused; with one, it is something else.
    return "" if alarms or (cluster.has_quorum and cluster.refusals) else down[0]


def recorded_quota_refusals(
    replaced: t.Iterable[t.Mapping[str, str]], wanted: t.Mapping[str, str], *, late: bool
) -> list[Refused]:
    """The reasons why what is recorded stands against these flags. `replaced` are the arguments of the administrator's
    own file and of the ConfigMap that would be replaced."""
    recorded = [go_int(arguments.get(flag_values.QUOTA, "")) or 0 for arguments in replaced]
    return recorded_refusals(recorded, int(wanted.get(flag_values.QUOTA, "0")), late=late)


__all__ = ("COMPACTION", "HardeningPlan", "plan_hardening", "recorded_quota_refusals")
