# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""Preconditions of a restart: whether one member may go away for a moment."""

from __future__ import annotations

from .._core import text
from .._core.failures import Refused
from .._etcd import checks
from .._etcd.view import ClusterView, MemberView

# How long a member is away when its manifest changes, with kubelets 1.30 to 1.37: 11 to 17 s, because the new pod waits
# for the next retry; 50 s where the kubelet asks the API server of its own node, as newer kubeadms have it. That one
# hangs for 34 s without its etcd, when it is to delete the mirror pod.
AWAY_SECONDS = 50


def alarm_refusal(view: ClusterView, *, during_recovery: bool) -> Refused | None:
    """Why no member is restarted now. A recovery raises quotas while NOSPACE is armed; CORRUPT stops that as well."""
    if view.corrupt:
        return checks.corrupt_refusal(view)
    if not view.full_alarms or during_recovery:
        return None
    names = text.join(view.full_names)
    return Refused(
        "nospace_alarm",
        f"The NOSPACE alarm is armed (by {names}), and a member that is restarted under it may be killed by its probes"
        " again and again: recover the cluster first (ansible-playbook controlplane.etcd.recover).",
    )


def restart_refusal(view: ClusterView, own: MemberView, *, allow_downtime: bool, seconds: float) -> Refused | None:
    """Why this member must not go away now. `seconds` is how long it is expected to be away."""
    if not view.has_quorum:
        return checks.quorum_refusal(view)
    if own.member.learner:
        return checks.learner_refusal(own.name)
    behind = checks.lag_refusal(view)
    if behind:
        return behind
    others = [member for member in view.answering_voters if member.id != own.id]
    if len(others) >= view.majority:
        return None
    if len(view.voters) > 2:
        return Refused(
            "members_missing",
            f"Without {own.name} the cluster would have no quorum: {len(others)} of {len(view.voters)} voters would"
            f" answer, {view.majority} are needed; not answering: {checks.silent_voters(view)}. Bring them back first.",
        )
    if allow_downtime:
        return None
    who = "the only member" if len(view.voters) == 1 else "one of only two members"
    return Refused(
        "downtime_not_allowed",
        f"{own.name} is {who}: the whole cluster would be down for about {seconds:.0f} s while it is restarted. To"
        " accept that, set the module option allow_downtime (variable harden_allow_downtime of the role).",
    )


__all__ = (
    "AWAY_SECONDS",
    "alarm_refusal",
    "restart_refusal",
)
