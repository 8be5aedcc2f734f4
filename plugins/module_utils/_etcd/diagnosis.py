# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""The diagnosis of a cluster: what there is to say about it, and what speaks against a recovery."""

from __future__ import annotations

from . import checks
from .estimates import expected_seconds
from .quota_headroom import Headroom, quota_headroom
from .transport import Json
from .view import ClusterView


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
        "refusals": [reason.as_result() for reason in reasons if reason],
        "findings": checks.findings(view),
        "expected_seconds": expected_seconds(view),
        "fits": quota_headroom(view) == Headroom(None, ()),
    }


__all__ = ("diagnosis_result",)
