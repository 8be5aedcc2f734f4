# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin recovery_plan."""

from __future__ import annotations

DOCUMENTATION = r"""
name: recovery_plan
short_description: Say what was found in an etcd cluster, and what a recovery will do
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Makes the lines that the role P(controlplane.etcd.recover#role) prints before its first change.
options:
  _input:
    description: The cluster, from P(controlplane.etcd.cluster_of#filter).
    type: dict
    required: true
  check:
    description: Whether this is check mode.
    type: bool
    default: false
  forks:
    description: How many hosts Ansible works on at once; V(0) where that does not matter.
    type: int
    default: 0
  hold:
    description: Whether kubelets are held where probes would kill members.
    type: bool
    default: true
  snapshot:
    description: Whether a snapshot is taken first.
    type: bool
    default: true
"""

EXAMPLES = r"""
---
- name: Say what there is to do
  ansible.builtin.debug:
    msg: "{{ clusters_mine | controlplane.etcd.recovery_plan }}"
"""

RETURN = r"""
_value:
  description: The findings, and what follows from them.
  type: list
  elements: str
"""

import typing as t

Cluster = t.Mapping[str, t.Any]


def recovery_plan(
    cluster: Cluster, check: bool = False, snapshot: bool = True, hold: bool = True, forks: int = 0
) -> list[str]:
    """The findings, and then what will be done; without that where it is refused."""
    if cluster["refusals"]:
        return list(cluster["findings"])
    if not cluster["needs_recovery"]:
        names = ", ".join(member["name"] for member in cluster["members"])
        fullest = max(member["quota_used"] for member in cluster["members"])
        healthy = (
            f"The etcd of {names} is not out of space: no alarm is armed, and the fullest member uses"
            f" {fullest * 100:.1f} % of its quota."
        )
        return [*cluster["findings"], healthy]
    will = "It would" if check else "It will now"
    first_of_all = [*_revival(cluster, check, forks), *(_holding(cluster, check) if hold else [])]
    if not cluster["has_quorum"]:
        return [*cluster["findings"], *first_of_all, "The next steps can be planned once there is a leader again."]
    first = "take a snapshot, compact" if snapshot else "compact (without a snapshot)"
    order = ", then ".join(member["name"] for member in cluster["order"])
    plan = f"{will} {first}, defragment {order}, disarm and prove: about {cluster['expected_seconds']} s."
    return [*cluster["findings"], *first_of_all, plan]


def _revival(cluster: Cluster, check: bool, forks: int) -> list[str]:
    """Who is brought back, and how."""
    ways = cluster["revive"]
    restarted = [host for host, way in ways.items() if way == "restart"]
    waited = [host for host, way in ways.items() if way == "wait"]
    said = []
    if restarted:
        why = "do not answer" if cluster["has_quorum"] else "have no leader"
        moment = "" if cluster["has_quorum"] else ", all at once"
        verb = "would be" if check else "are"
        said.append(
            f"The members of {', '.join(restarted)} {why}: their kubelets {verb} restarted first{moment}, which ends"
            " their back-off."
        )
    if waited:
        verb = "would be" if check else "is"
        said.append(
            f"etcd on {', '.join(waited)} is running but does not answer. A starting member reads its log first: it"
            f" {verb} waited for, not restarted."
        )
    if ways and 0 < forks < len(ways):
        said.append(
            f"Ansible works on {forks} hosts at once, but {len(ways)} must be waited for, so they take turns: --forks"
            f" {len(ways)} would be faster."
        )
    return said


def _holding(cluster: Cluster, check: bool) -> list[str]:
    """Whose kubelet is stopped for a while, one line for each reason."""
    hosts_of: dict[str, list[str]] = {}
    for host, reason in cluster["hold"].items():
        hosts_of.setdefault(reason, []).append(host)
    verb = "would be" if check else "is"
    return [
        f"The kubelet of {', '.join(hosts)} {verb} held (stopped, with a timer that starts it again) during the work:"
        f" {reason}."
        for reason, hosts in hosts_of.items()
    ]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"recovery_plan": recovery_plan}
