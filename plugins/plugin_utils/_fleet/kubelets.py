# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Decisions over the kubelets of a cluster: which one is restarted, which one is held, and what is said about them.

`mates` holds what etcd_node_info returned of each host of one cluster, by host.
"""

from __future__ import annotations

import time
import typing as t

from ...module_utils._etcd.estimates import defrag_seconds
from ...module_utils._node.kubelet import quoted
from ...module_utils._node.probes import Outlook, Probe, replay_seconds, threat

Look = t.Mapping[str, t.Any]
Mates = t.Mapping[str, Look]


def revivals(mates: Mates, members: t.Iterable[Look], *, has_quorum: bool, full: bool) -> dict[str, str]:
    """By host: `restart` its kubelet, or `wait` for its etcd, which runs and may be reading its log.

    With a leader only members that do not answer are brought back, and only where there is work to do. Without one all
    kubelets are restarted in the same moment: two members that are down for minutes at different times never meet.
    """
    answering = {member["member_id"] for member in members if member["role"] not in ("silent", "unstarted")}
    down = {
        name: look
        for name, look in mates.items()
        if not look["answers"] and look["member_id"] not in answering and _may_come(look)
    }
    if not down or (has_quorum and not full):
        return {}
    waiting = {name: "wait" for name, look in down.items() if look["process"]}
    candidates = down if has_quorum else mates
    restarted = {
        name: "restart"
        for name, look in candidates.items()
        if name not in waiting and not look["kubelet"]["refusal"] and (look["answers"] or _may_come(look))
    }
    return dict(sorted({**waiting, **restarted}.items()))


def _may_come(look: Look) -> bool:
    """Whether a member that is silent can be expected to answer once its kubelet is restarted, or simply later."""
    return bool(look["waiting_may_help"] if look["process"] else not look["kubelet"]["refusal"])


def held_by(mates: Mates, run: str) -> dict[str, str]:
    """By host: kubelets that this run holds already, and that it is to release whatever the cluster needs by now."""
    kubelets = ((name, look["kubelet"]["held"]) for name, look in mates.items())
    return {name: "this run holds it" for name, held in kubelets if held and held["owner"] == run}


def holds(mates: Mates, cluster: Look, to_revive: t.Collection[str]) -> dict[str, str]:
    """By host: why its kubelet is to be held. `cluster` is what the coordinator's member says, empty where it is down.

    Where nobody can be asked about alarms, one is assumed: holding a kubelet for a while does no harm.
    """
    found = {}
    for name, look in mates.items():
        held = look["kubelet"]["held"]
        # While some are brought back, all are held: one that answered a moment ago may be next.
        comes = look["answers"] or (to_revive and not (look["process"] and not look["waiting_may_help"]))
        if look["kubelet"]["refusal"] or not comes:
            continue
        reason = _threat(look, cluster)
        if reason or held:
            found[name] = reason or "an earlier run holds it"
    return found


def _threat(look: Look, cluster: Look) -> str | None:
    """Which probe could kill this member in the middle of the work."""
    in_use = {member["member_id"]: member["db_size_in_use_bytes"] for member in cluster.get("members", [])}
    outlook = Outlook(
        armed=bool(cluster["alarms"]) if cluster.get("has_quorum") else True,
        leaderless=not cluster.get("has_quorum", False),
        replay_seconds=0.0 if look["answers"] else replay_seconds(look["wal_bytes"]),
        defrag_seconds=defrag_seconds(in_use.get(look["member_id"], 0)),
    )
    return threat((Probe(**probe) for probe in look["probes"]), outlook)


def kubelet_findings(mates: Mates, cluster: Look, run: str) -> list[str]:
    """Kubelets that another run left stopped, that somebody else stopped, and that cannot be held though they ought to.

    `cluster` is empty where nothing is to be done, which no probe can disturb.
    """
    found = []
    for name, look in mates.items():
        kubelet = look["kubelet"]
        if kubelet["refusal"] and not look["answers"]:
            found.append(f"{name}: {kubelet['refusal']}{quoted('Its last lines', kubelet['last_lines'])}")
        elif kubelet["refusal"] and not kubelet["stopped"] and cluster and look["answers"]:
            reason = _threat(look, cluster)
            if reason:
                found.append(
                    f"The kubelet of {name} cannot be held ({kubelet['refusal'].rstrip('.')}), although {reason}."
                )
        held = kubelet["held"]
        if held and held["owner"] != run and not kubelet["running"]:
            until = time.strftime("%H:%M:%S UTC", time.gmtime(held["until"]))
            found.append(
                f"The kubelet of {name} is held (stopped) by an earlier run; its timer starts it at {until} by that"
                " node's clock."
            )
    return found


def stray_refusals(mates: Mates) -> list[str]:
    """Copies beside the manifest: the kubelet runs whichever name sorts last, and a restart may swap them."""
    return [
        f"{name} has {', '.join(look['stray_files'])} beside the manifest of etcd. The kubelet reads every file in"
        " that folder, whatever it is called, and of two with one pod the last name counts: it may be running an"
        " old copy. Move it out of the folder (renaming it is not enough), see which etcd runs, and run this again."
        for name, look in mates.items()
        if look["stray_files"]
    ]


def silence(mates: Mates) -> list[str]:
    """Why no member answers."""
    if any(look["answers"] for look in mates.values()):
        return []
    reasons = "; ".join(f"{name}: {look['error']}" for name, look in mates.items())
    advice = "See why etcd exits there (journalctl -u kubelet, /var/log/pods/kube-system_etcd-*), and start it first."
    return [f"No member of this cluster answers ({reasons}). {advice}"]


__all__ = ("held_by", "holds", "kubelet_findings", "revivals", "silence", "stray_refusals")
