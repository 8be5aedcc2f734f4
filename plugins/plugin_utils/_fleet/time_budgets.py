# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Time budgets, in seconds: how long a kubelet is held and a task waited for.

A node that loses power in the middle of a task would keep the connection waiting for hours.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...module_utils._etcd.estimates import compact_seconds, defrag_seconds, snapshot_seconds
from .cluster import Cluster

_BESIDE_TIMEOUTS = 300  # for what a task does beside the three waits that its timeout may count for
_BESIDE_WAITING = 120  # for a kubelet that is stopped and started while its etcd is waited for
_SHORT_WAIT = 30.0
_PATIENCE = 3  # times the expected seconds for which a member may read when it starts (etcd_manifest, etcd_wait)
_RAISE_SECONDS = 60  # a restart with a larger quota
_DELETE_SECONDS = 300  # some million keys


@dataclass(frozen=True)
class RecoveryTimes:
    """The budgets of one recovery. `hold_seconds` and `release_seconds` are by host; `expected_seconds`, how long a
    step is going to take, is by step, that of a defragmentation for one member. `revive_patiently` says whether the
    work depends on members that come back, so that one that is still reading is waited for longer."""

    step_seconds: int
    raise_seconds: int
    revive_seconds: float
    revive_patiently: bool
    revive_limit_seconds: int
    hold_seconds: t.Mapping[str, int]
    release_seconds: t.Mapping[str, int]
    expected_seconds: t.Mapping[str, float]


@dataclass(frozen=True)
class HardeningTimes:
    """The budgets of one hardening."""

    step_seconds: int


def recovery_times(
    cluster: Cluster,
    *,
    play_hosts: int,
    raises: bool,
    deletes: bool,
    start_seconds: float,
    hold_seconds: int,
    release_seconds: int,
    wait_timeout: float,
    work_timeout: float,
) -> RecoveryTimes:
    """The budgets for a cluster, from what the user gave for one of each: `release_seconds` lie between two kubelets,
    `hold_seconds` is the least. `play_hosts` counts the hosts of all clusters of the play; `start_seconds` is what the
    member with most to read when it starts is expected to take."""
    step, raising = _step(work_timeout), _restart(wait_timeout, start_seconds)
    # Staggered by a node's place in its cluster, so that kubelets that a lost run leaves held do not all start in one
    # moment.
    staggered = {host: at * release_seconds for at, host in enumerate(cluster.hosts)}
    # Members are restarted for a larger quota one after the other, and no cluster is ahead of another.
    held = hold_seconds + cluster.expected_seconds * 2 + (play_hosts * _RAISE_SECONDS if raises else 0)
    held += _DELETE_SECONDS if deletes else 0
    # If there is a leader that no probe threatens, the work does not depend on members that are down.
    patiently = bool(cluster.hold) or not cluster.has_quorum
    revive = wait_timeout if patiently else _SHORT_WAIT
    return RecoveryTimes(
        step_seconds=step,
        raise_seconds=raising,
        revive_seconds=revive,
        revive_patiently=patiently,
        revive_limit_seconds=int(revive + start_seconds * (_PATIENCE if patiently else 1) + _BESIDE_WAITING),
        hold_seconds={host: held + seconds for host, seconds in staggered.items()},
        release_seconds=staggered,
        expected_seconds=_expected(cluster),
    )


def _expected(cluster: Cluster) -> dict[str, float]:
    sizes = [member.db_size_bytes for member in cluster.members]
    in_use = [member.db_size_in_use_bytes for member in cluster.members]
    return {
        "snapshot": round(snapshot_seconds(max(sizes, default=0)), 1),
        "compact": round(compact_seconds(max(sizes, default=0)), 1),
        "defragment": round(defrag_seconds(max(in_use, default=0)), 1),
    }


def hardening_times(*, start_seconds: float, wait_timeout: float) -> HardeningTimes:
    """`start_seconds` as for a recovery."""
    return HardeningTimes(_restart(wait_timeout, start_seconds))


def _restart(wait_timeout: float, start_seconds: float) -> int:
    """The budget of a member that is restarted, and perhaps once more to roll that back."""
    return int(_step(wait_timeout) + 2 * _PATIENCE * start_seconds)


def _step(timeout: float) -> int:
    return int(timeout * 3 + _BESIDE_TIMEOUTS)


__all__ = ("HardeningTimes", "RecoveryTimes", "hardening_times", "recovery_times")
