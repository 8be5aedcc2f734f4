# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin recovery_report."""

from __future__ import annotations

DOCUMENTATION = r"""
name: recovery_report
short_description: Say what a recovery of an etcd cluster has done
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Makes the lines that the role P(controlplane.etcd.recover#role) ends with.
options:
  _input:
    description: What M(controlplane.etcd.etcd_write_check) returned.
    type: dict
    required: true
  before:
    description: The members as they were, from P(controlplane.etcd.cluster_of#filter).
    type: list
    elements: dict
    required: true
  seconds:
    description: How long it took.
    type: float
    required: true
  snapshot:
    description: What M(controlplane.etcd.etcd_snapshot) returned, null if none was taken.
    type: dict
  snapshot_host:
    description: The host that the snapshot is on.
    type: str
    default: ""
  nodes:
    description: What M(controlplane.etcd.apiserver_write_check) returned, by host.
    type: dict
  check:
    description: Whether this was check mode.
    type: bool
    default: false
"""

EXAMPLES = r"""
---
- name: Say what was done
  ansible.builtin.debug:
    msg: "{{ proof | controlplane.etcd.recovery_report(before=clusters_mine.members, seconds=21.4) }}"
"""

RETURN = r"""
_value:
  description: A table of the members, and the remarks below it.
  type: list
  elements: str
"""

import typing as t

from ..module_utils._core.units import mib
from .member_table import member_table

Result = t.Mapping[str, t.Any]


def recovery_report(
    proof: Result,
    before: t.Sequence[Result],
    seconds: float,
    snapshot: Result | None = None,
    snapshot_host: str = "",
    check: bool = False,
    nodes: t.Mapping[str, Result] | None = None,
) -> list[str]:
    """The table, and one line each for the outcome, the snapshot, and how long it will last."""
    table = member_table(proof["cluster"], before)
    if check:
        return [*table, "Check mode: nothing was changed. The sizes are the current ones."]
    said = [_outcome(proof, seconds), *_api_servers(nodes or {}), _snapshot(snapshot, snapshot_host), _outlook(proof)]
    return [*table, *said, *proof["findings"]]


def _outcome(proof: Result, seconds: float) -> str:
    same = "; all members hold the same data" if proof["hashes_agree"] else ""
    return f"Recovered in {seconds:.1f} s. Writes are accepted through {', '.join(proof['writes'])}{same}."


def _api_servers(nodes: t.Mapping[str, Result]) -> list[str]:
    """What became of a write through each node's own API server. Nodes without one are not spoken of."""
    accepted = [host for host, result in nodes.items() if result.get("outcome") == "accepted"]
    said = [f"The API servers of {', '.join(accepted)} accept writes."] if accepted else []
    for host, result in nodes.items():
        if result.get("outcome") == "refused":
            said.append(
                f"The API server of {host} did not take the write, but not because of etcd: {result['reason']}."
            )
        elif result.get("outcome") == "not ready":
            said.append(
                f"The API server of {host} is still not up after {result['seconds']:.0f} s: {result['reason']}."
            )
    return said


def _snapshot(snapshot: Result | None, host: str) -> str:
    if snapshot is None:
        return "No snapshot was taken (recover_snapshot=false)."
    if not snapshot:
        return "No snapshot was taken: nothing was compacted."
    reused = ", reused from an earlier attempt" if snapshot["reused"] else ""
    return (
        f"Snapshot from before the compaction: {snapshot['path']} on {host} (revision {snapshot['revision']}{reused})."
    )


def _outlook(proof: Result) -> str:
    rate = mib(proof["growth_bytes_per_minute"])
    if proof["minutes_to_full"] is None:
        return f"The database grows by {rate} per minute."
    left = "less than a minute" if proof["minutes_to_full"] < 1 else f"{proof['minutes_to_full']:.0f} minutes"
    return f"The database grows by {rate} per minute: at that rate it is full in {left}."


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"recovery_report": recovery_report}
