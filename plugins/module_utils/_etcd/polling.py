# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Waiting for a condition, instead of sleeping for a time."""

from __future__ import annotations

import time
import typing as t

from .errors import EtcdError
from .view import ClusterView, InspectCluster

ELECTION_SECONDS = 5.0
_POLL_SECONDS = 0.2


def await_true(condition: t.Callable[[], bool], seconds: float) -> bool:
    """Wait for `condition`, and return whether it came true in time; one that raises EtcdError is not true yet."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return True
        except EtcdError:
            pass
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)


def await_leader(inspect: InspectCluster) -> ClusterView:
    """The cluster when no election is under way any more, or as it is five seconds later. Raises EtcdError if it cannot
    be inspected."""
    deadline = time.monotonic() + ELECTION_SECONDS
    while True:
        view = inspect()
        if not view.may_elect or time.monotonic() >= deadline:
            return view
        time.sleep(_POLL_SECONDS)


__all__ = ("ELECTION_SECONDS", "await_leader", "await_true")
