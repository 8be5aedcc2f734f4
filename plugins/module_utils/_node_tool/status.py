# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The command status: the cluster and the runs, for people as a table, for programs as JSON."""

from __future__ import annotations

import json
import time

from .._core.failures import Failure
from .._core.records import Json
from .._core.text import join, table
from .._core.units import mib, percent
from .._etcd import checks
from .._etcd.diagnosis import diagnosis_result
from .._etcd.view import ClusterView, MemberView, cluster_result
from .context import FAILED, OK, Context, reason, write
from .state import State

_HEAD = ("member", "role", "version", "size", "in use", "fragmented", "quota", "used")


def status(context: Context, *, as_json: bool, next_run: str) -> int:
    """Print the status; the exit code is that of a failure if the member of this node does not answer."""
    state, view, error = context.remembered(), None, ""
    if state.no_member and not context.has_manifest:
        none = f"This node has no member of etcd: there is no {context.paths.manifest}."
        write(json.dumps(result(None, none, state, next_run), indent=2) if as_json else none)
        return OK
    try:
        view = context.member().inspect_cluster()
    except Failure as exc:
        error = reason(exc)
    if as_json:
        write(json.dumps(result(view, error, state, next_run), indent=2))
    else:
        write("\n".join(lines(view, error, state, next_run)))
    return OK if view else FAILED


def result(view: ClusterView | None, error: str, state: State, next_run: str) -> Json:
    """The status for programs; `cluster` and `diagnosis` have the shape that the module etcd_info gives them."""
    return {
        "answers": view is not None,
        "error": error,
        "cluster": cluster_result(view) if view else None,
        "diagnosis": diagnosis_result(view, allow_unsafe=False) if view else None,
        "last_run": state.last_run,
        "last_run_success": state.last_run_success if state.last_run else None,
        "last_defrag": state.last_defrag,
        "next_run": next_run,
    }


def lines(view: ClusterView | None, error: str, state: State, next_run: str) -> list[str]:
    """The lines of the status, for people."""
    if view is None:
        found = [f"The etcd member of this node does not answer: {error}."]
    else:
        alarms = [f"{alarm.kind} ({view.name_of(alarm.member_id)})" for alarm in view.alarms]
        found = [
            *table([_HEAD, *(_row(member) for member in view.members)]),
            "",
            f"leader: {view.name_of(view.leader_id) if view.has_quorum else 'none'}",
            f"alarms: {join(alarms)}",
            *checks.findings(view),
        ]
    ended = "" if state.last_run is None or state.last_run_success else ", and did not succeed"
    return [
        *found,
        f"last run: {_moment(state.last_run)}{ended}",
        f"last defragmentation asked for here: {_moment(state.last_defrag)}",
        f"next run: {next_run or 'none is scheduled'}",
    ]


def _row(member: MemberView) -> tuple[str, ...]:
    if not member.answers:
        return (member.name, member.role, *("-",) * (len(_HEAD) - 2))
    free = member.size_bytes - member.in_use_bytes
    return (
        member.name,
        member.role,
        member.version,
        mib(member.size_bytes),
        mib(member.in_use_bytes),
        percent(free / member.size_bytes if member.size_bytes else 0.0),
        mib(member.quota.bytes) if member.quota.bytes > 0 else "off",
        percent(member.used),
    )


def _moment(moment: float | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(moment)) if moment else "never"


__all__ = ("lines", "result", "status")
