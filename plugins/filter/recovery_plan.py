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
    description: Whether it would only be done.
    type: bool
    default: false
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


def recovery_plan(cluster: t.Mapping[str, t.Any], check: bool = False, snapshot: bool = True) -> list[str]:
    """The findings, and in one more line what will be done; without that line where it is refused."""
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
    first = "take a snapshot, compact" if snapshot else "compact (without a snapshot)"
    order = ", then ".join(member["name"] for member in cluster["order"])
    plan = f"{will} {first}, defragment {order}, disarm and prove: about {cluster['expected_seconds']} s."
    return [*cluster["findings"], plan]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"recovery_plan": recovery_plan}
