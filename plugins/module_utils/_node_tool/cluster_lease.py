# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The lease that only one node of a cluster can have: what keeps the node tools of two nodes from working at once."""

from __future__ import annotations

import time
import typing as t
from contextlib import contextmanager, suppress

from .._etcd.api import Endpoint
from .._etcd.errors import EtcdError

# A lease is granted under this id ("etcdefra") to exactly one of all who ask, through raft: of two nodes that both
# believe to lead, or lead one after the other, only one works. It leaves neither key nor revision.
LEASE_ID = 0x6574636465667261
# It is renewed before each step, and no step takes longer unless a member hangs. etcd ends what a killed run leaves.
SECONDS = 3600


@contextmanager
def held(endpoint: Endpoint) -> t.Iterator[None]:
    """Hold it. Raises LeaseExists if another node does, NoSpace under the alarm, EtcdError."""
    # A clock that nobody sets, and that goes on while the machine sleeps, as the lease does.
    granted = time.clock_gettime(time.CLOCK_BOOTTIME)
    endpoint.grant_lease(SECONDS, LEASE_ID)
    try:
        yield
    finally:
        # It expires by itself. After such a time it may be that of another node.
        if time.clock_gettime(time.CLOCK_BOOTTIME) - granted < SECONDS:
            with suppress(EtcdError):
                endpoint.revoke_lease(LEASE_ID)


__all__ = ("LEASE_ID", "SECONDS", "held")
