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

from ..module_utils._etcd.plan import defrag_seconds
from ..module_utils._etcd.probes import Outlook, Probe, replay_seconds, threat

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


def holds(mates: Mates, cluster: Look, to_revive: t.Collection[str], run: str) -> dict[str, str]:
    """By host: why its kubelet is to be held. `cluster` is what the coordinator's member says, empty where it is down.

    Where nobody can be asked about alarms, one is assumed: holding a kubelet for a while does no harm.
    """
    in_use = {member["member_id"]: member["db_size_in_use_bytes"] for member in cluster.get("members", [])}
    armed = bool(cluster["alarms"]) if cluster.get("has_quorum") else True
    found = {}
    for name, look in mates.items():
        held = look["kubelet"]["held"]
        # While some are brought back, all are: one that answered a moment ago may be next.
        if look["kubelet"]["refusal"] or not (look["answers"] or to_revive):
            continue
        outlook = Outlook(
            armed=armed,
            leaderless=not cluster.get("has_quorum", False),
            replay_seconds=0.0 if look["answers"] else replay_seconds(look["wal_bytes"]),
            defrag_seconds=defrag_seconds(in_use.get(look["member_id"], 0)),
        )
        reason = threat((Probe(**probe) for probe in look["probes"]), outlook)
        if reason or held:
            found[name] = reason or ("this run holds it" if held["owner"] == run else "an earlier run holds it")
    return found


def held_findings(mates: Mates, run: str) -> list[str]:
    """Kubelets that another run left stopped."""
    found = []
    for name, look in mates.items():
        held = look["kubelet"]["held"]
        if held and held["owner"] != run:
            until = time.strftime("%H:%M:%S UTC", time.gmtime(held["until"]))
            found.append(
                f"The kubelet of {name} is held (stopped) by an earlier run; its timer starts it at {until} by that"
                " node's clock."
            )
    return found


def stray_refusals(mates: Mates) -> list[str]:
    """Copies beside the manifest: the kubelet runs whichever name sorts last, and a restart may swap them."""
    return [
        f"{name} has {', '.join(look['stray_files'])} beside the manifest of etcd. The kubelet reads every file in that"
        " folder, whatever it is called, and of two with one pod the last name counts: it may be running an old copy."
        " Move it out of the folder (not only to another name), see which etcd runs, and run this again."
        for name, look in mates.items()
        if look["stray_files"]
    ]


def silence(mates: Mates) -> list[str]:
    """Why no member answers."""
    if any(look["answers"] for look in mates.values()):
        return []
    reasons = "; ".join(f"{name}: {look['error']}" for name, look in mates.items())
    kubelets = " ".join(
        f"{name}: {look['kubelet']['refusal']}" for name, look in mates.items() if look["kubelet"]["refusal"]
    )
    advice = kubelets or "Start etcd there first (systemctl restart kubelet)."
    return [f"No member of this cluster answers ({reasons}). {advice}"]


__all__ = ("held_findings", "holds", "revivals", "silence", "stray_refusals")
