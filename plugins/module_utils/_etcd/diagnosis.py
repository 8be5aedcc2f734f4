# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The diagnosis of a cluster: findings, refusals, and how long a recovery would take."""

from __future__ import annotations

from .._core.records import Json
from . import checks
from .estimates import expected_seconds
from .over_quota import Headroom, quota_headroom
from .view import ClusterView


def diagnosis_result(view: ClusterView, *, allow_unsafe: bool) -> Json:
    """The `diagnosis` of etcd_info, etcd_node_info and the node tool's status."""
    needs_recovery = checks.needs_recovery(view)
    refusals = (
        checks.corrupt_refusal(view),
        checks.quorum_refusal(view),
        checks.version_refusal(view, allowed=allow_unsafe or not needs_recovery),
    )
    return {
        "needs_recovery": needs_recovery,
        "refusals": [refusal.as_result() for refusal in refusals if refusal],
        "findings": checks.findings(view),
        "expected_seconds": expected_seconds(view),
        "fits": quota_headroom(view) == Headroom(None, ()),
    }


__all__ = ("diagnosis_result",)
