# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Preconditions of a restart: whether this node would take a changed manifest, and this member may go away for a
moment."""

from __future__ import annotations

import glob
import os
import time
import typing as t

from .._core import command
from .._core.failures import Failure, Refused, refuse
from .._core.text import join
from .._etcd import checks
from .._etcd.quota import DEFAULT_QUOTA_BYTES
from .._etcd.view import ClusterView, MemberView
from .._node import kubelet, kubelet_hold, process, stray_manifests
from .._node.etcd_manifest import parse_manifest
from .._node.settings import MemberSettings
from .interrupted import way_back
from .rollout import Restart, Rollout, last_words
from .verification import drift

# How long a member is away when its manifest changes, with kubelets 1.30 to 1.37: 11 to 17 s, because the new pod waits
# for the next retry; 50 s if the kubelet asks the API server of its own node, as newer kubeadms have it. That one hangs
# for 34 s without its etcd, when it is to delete the mirror pod.
_AWAY_SECONDS = 50


def refuse_node(rollout: Rollout) -> int:
    """The process id of the etcd that runs here, which must be that of the manifest. Raises Refused."""
    manifest = rollout.manifest
    strays = stray_manifests.strays(rollout.path)
    if strays:
        raise Refused(
            "stray_manifests",
            f"{', '.join(strays)} is beside the manifest, and the kubelet may take it for the same pod and start etcd"
            " from it.",
            "Move it out of the folder first.",
        )
    refuse(data_refusal(manifest))
    refuse(kubelet_refusal(rollout.options.kubelet_unit))
    pid = process.find(manifest)
    if pid is None:
        raise Refused(
            "etcd_not_running",
            f"The etcd of this manifest is not running.{last_words()}",
            "Find out why (crictl logs, journalctl --unit kubelet) before it is changed." + way_back(rollout),
        )
    others = drift(manifest.flags, process.flags(pid) or {})
    if others:
        raise Refused(
            "manifest_not_applied",
            f"The running etcd (process {pid}) was started with other flags than the manifest has"
            f" ({', '.join(others)}): the kubelet has not applied the manifest, or not yet.",
            "See what it says (journalctl --unit kubelet), and run this again.",
        )
    return pid


def data_refusal(settings: MemberSettings) -> Refused | None:
    """The reason why etcd would not start as the member that it is, None if nothing speaks against it."""
    if glob.glob(os.path.join(glob.escape(settings.wal_dir), "*.wal")):
        return None
    return Refused(
        "data_missing",
        f"There is no log of a member in {settings.wal_dir}: etcd would start as another member, or as a cluster"
        " of its own.",
        "See whether the disk of its data is mounted; where the data is lost, remove this member (etcdctl member"
        " remove) and join the node again.",
    )


def quota_warning(rollout: Rollout, text: str) -> str:
    """The warning about a quota that is raised beyond what this node carries, by the manifest that is wanted; empty if
    it is not. No refusal: members of one cluster need the same quota, and others may run with it already. Raises
    Failure."""
    return raise_warning(rollout, rollout.manifest, parse_manifest(text, rollout.path))


def raise_warning(rollout: Restart, old: MemberSettings, new: MemberSettings) -> str:
    """As `quota_warning`, of these settings."""
    before, after = (each.quota_bytes or DEFAULT_QUOTA_BYTES for each in (old, new))
    if not 0 < before < after:
        return ""
    try:
        capacity = rollout.member().capacity(os.path.getsize(old.database))
    except OSError:
        return ""
    refusal = capacity and capacity._replace(memory_limit_bytes=new.memory_limit_bytes).refusal(after)
    return f"{refusal.text} It is set all the same." if refusal else ""


def kubelet_refusal(name: str) -> Refused | None:
    """The reason why the kubelet would not take a changed manifest; if systemd does not know it, its process tells."""
    nothing_would = "nothing would start etcd from a changed manifest."
    try:
        unit = kubelet.unit(command.run, name)
    except Failure:
        unit = None
    if unit is None or not unit.exists:
        if process.running(name):
            return None
        return Refused("kubelet_missing", f"{name} is not running on this node: {nothing_would}")
    held = kubelet_hold.read_hold(name)
    if held:
        return Refused("kubelet_held", f"{name} is held by {held.owner}: {nothing_would}", "Release it first.")
    if not unit.running:
        not_running = Refused("kubelet_stopped", f"{name} is not running ({unit.active}): start it first.")
        return kubelet.start_refusal(unit, held=False) or not_running
    if unit.crashes(time.clock_gettime(time.CLOCK_MONOTONIC)):
        reason = f"{name} does not stay up (journalctl --unit {name}): {nothing_would}"
        return Refused("kubelet_unstable", reason)
    return None


def refuse_cluster(rollout: Restart, away_seconds: float = _AWAY_SECONDS) -> Refused | None:
    """Refuse a restart, in which the member is away for so long beside its reading, if the cluster does not allow one
    now. Raises Refused, EtcdError. An alarm is returned instead, because an earlier step may disarm it."""
    member = rollout.member()
    own = member.endpoint.status()
    if member.manifest is None:
        raise Refused(
            "foreign_member",
            f"The member at {member.endpoint.url} is not this node's own: its manifest is elsewhere.",
        )
    if own.learner:
        raise Refused(
            "learner_refuses",
            "This member is a learner, which does not show its cluster.",
            "Promote it first (etcdctl member promote).",
        )
    view = member.inspect_cluster()
    listed = view.by_id(own.member_id)
    if listed is None:
        raise Refused(
            "member_removed",
            "This member is not in the member list any more: it was removed.",
            "Take this node out of the inventory, or reset it (kubeadm reset) and join it again.",
        )
    seconds = away_seconds + rollout.start_seconds
    allowed = rollout.options.allow_downtime
    # The client ports between the nodes may be closed: then this member alone knows who is with it.
    peers = frozenset() if len(view.answering) == len(view.members) else member.endpoint.active_peers()
    refuse(restart_refusal(view, listed, peers, allow_downtime=allowed, seconds=seconds))
    return alarm_refusal(view, during_recovery=rollout.options.during_recovery)


def alarm_refusal(view: ClusterView, *, during_recovery: bool) -> Refused | None:
    """The reason why no member is restarted now, None if one may be. A recovery raises quotas while NOSPACE is armed;
    CORRUPT stops that as well."""
    if view.corrupt:
        return checks.corrupt_refusal(view)
    if not view.full_alarms or during_recovery:
        return None
    names = join(view.full_names)
    return Refused(
        "nospace_alarm",
        f"The NOSPACE alarm is armed (by {names}), and a member that is restarted under it may be killed by its probes"
        " again and again: recover the cluster first (ansible-playbook controlplane.etcd.recover).",
    )


def restart_refusal(
    view: ClusterView, own: MemberView, peers: t.Collection[int] = (), *, allow_downtime: bool, seconds: float
) -> Refused | None:
    """The reason why this member must not go away now, None if it may. `peers` are the ids of those it has connections
    of raft with: they are up, though they may not answer this node. `seconds` is how long it is expected to be away."""
    if not view.has_quorum:
        return checks.quorum_refusal(view)
    if own.member.learner:
        return checks.learner_refusal(own.name)
    behind = checks.lag_refusal(checks.lagging(view, own))
    if behind:
        return behind
    others = [
        member
        for member in view.voters
        if member.id != own.id and (member in view.connected_voters or (not member.answers and member.id in peers))
    ]
    if len(others) >= view.majority:
        return None
    if len(view.voters) > 2:
        return Refused(
            "members_missing",
            f"Without {own.name} the cluster would have no quorum: {len(others)} of {len(view.voters)} voters would"
            f" answer, {view.majority} are needed; not answering: {checks.silent_voters(view)}.",
            "Bring them back first.",
        )
    if allow_downtime:
        return None
    who = "the only member" if len(view.voters) == 1 else "one of only two members"
    return Refused(
        "downtime_not_allowed",
        f"{own.name} is {who}: the whole cluster would be down for about {seconds:.0f} s while it is restarted.",
        "To accept that, set the module option allow_downtime (variable harden_allow_downtime of the role).",
    )


__all__ = (
    "alarm_refusal",
    "data_refusal",
    "kubelet_refusal",
    "quota_warning",
    "raise_warning",
    "refuse_cluster",
    "refuse_node",
    "restart_refusal",
)
