# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What was seen of a cluster as plain data, in the shape that modules and the node tool return it in."""

from __future__ import annotations

import typing as t

from . import checks
from .transport import Json
from .view import ClusterView, MemberView


def cluster_result(view: ClusterView) -> Json:
    """The `cluster` that modules return."""
    return {
        "cluster_id": f"{view.cluster_id:x}",
        "leader": view.name_of(view.leader_id) if view.has_quorum else None,
        "has_quorum": view.has_quorum,
        "revision": view.revision,
        "alarms": [
            {
                "alarm": alarm.kind,
                "member_id": f"{alarm.member_id:x}",
                "member": found.name if found else None,
            }
            for alarm in view.alarms
            for found in (view.by_id(alarm.member_id),)
        ],
        "members": [member_result(member) for member in view.members],
    }


def member_result(member: MemberView) -> Json:
    """One entry of `cluster.members`."""
    return {
        "member_id": f"{member.id:x}",
        "name": member.name,
        "role": member.role,
        "endpoint": member.endpoint,
        "client_urls": list(member.member.client_urls),
        "peer_urls": list(member.member.peer_urls),
        "error": member.error,
        "version": member.version,
        "db_size_bytes": member.size_bytes,
        "db_size_in_use_bytes": member.in_use_bytes,
        "quota_bytes": member.quota.bytes,
        "quota_source": member.quota.source,
        "quota_used": round(member.used, 4),
        "raft_applied_index": member.applied_index,
    }


def diagnosis_result(view: ClusterView, *, allow_unsafe: bool) -> Json:
    """The `diagnosis` that the info modules return."""
    needs_recovery = checks.needs_recovery(view)
    reasons = (
        checks.corrupt_refusal(view),
        checks.quorum_refusal(view),
        checks.version_refusal(view, allowed=allow_unsafe or not needs_recovery),
    )
    return {
        "needs_recovery": needs_recovery,
        "refusals": [reason for reason in reasons if reason],
        "findings": checks.findings(view),
        "expected_seconds": checks.expected_seconds(view),
        "fits": checks.room(view) == checks.Room(None, ()),
    }


def table(rows: t.Sequence[t.Sequence[str]]) -> list[str]:
    """The lines of a table, its head first."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


__all__ = ("cluster_result", "diagnosis_result", "member_result", "table")
