# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The quota of a member, from the first source that knows it, and the largest one that its node can carry.

Memory: etcd maps its database into memory and walks all of it when it starts, is defragmented or copied, so the quota
has to fit into memory beside everything else on a control-plane node, for which kubeadm wants 2 GiB.

Disk: a database that has grown to its quota needs that much once more, for the copy that a defragmentation writes, or
for the one that a member gets from the leader when it is too far behind. So a quota may be half of what is free there
and what the database has already.
"""

from __future__ import annotations

import typing as t

from .._core.failures import Refused
from .._core.units import GIB, gib
from .api import Endpoint, Status

DEFAULT_QUOTA_BYTES = 2 * GIB  # server/storage/quota.go; what `--quota-backend-bytes=0` and no flag mean
LARGEST_QUOTA_BYTES = 8 * GIB  # what etcd suggests at most; beyond it, it warns at every start

REFUSED_SHARE = 0.95  # of the quota: the alarm would come back within seconds
WARNED_SHARE = 0.85
LOW_SHARE = 0.75  # worth a warning by daylight; the alert rules have the same levels

_BASE_MEMORY, _STEP_MEMORY = 16 * GIB, 8 * GIB
_RESERVED_MEMORY = 2 * GIB
_RESERVED_IN_CONTAINER = GIB // 2  # what etcd takes beside its database: heap, connections, watches
# The kernel keeps a part for itself: of 24 GiB that a machine has, MemTotal shows about 23.4.
_KERNEL_SHARE = 0.05


class Quota(t.NamedTuple):
    """A quota in bytes, -1 if it is off, and its `source`: status, metrics, manifest or default."""

    bytes: int
    source: str

    @property
    def known(self) -> bool:
        """Whether anything has said it. Else etcd's default stands for it, and may be far below what there is."""
        return self.source != "default"

    def share(self, size_bytes: int) -> float:
        """The used part of the quota, 0 if there is none."""
        return size_bytes / self.bytes if self.bytes > 0 else 0.0


def member_quota(status: Status, endpoint: Endpoint, manifest_bytes: int | None) -> Quota:
    """The quota of the member behind `endpoint`, from the first source that knows."""
    if status.quota_bytes is not None:
        return Quota(status.quota_bytes, "status")
    measured = endpoint.quota_from_metrics()
    if measured is not None:
        return Quota(measured, "metrics")
    if manifest_bytes is not None:
        return Quota(manifest_bytes, "manifest")
    return Quota(DEFAULT_QUOTA_BYTES, "default")


class Capacity(t.NamedTuple):
    """What a node has for its member. `memory_limit_bytes` is the limit of etcd's own container, None if there is
    none; it holds etcd alone, while the node's memory is shared."""

    memory_bytes: int
    free_bytes: int
    db_bytes: int
    memory_limit_bytes: int | None = None

    def automatic(self) -> int:
        """A quota for this node: 2 GiB, which is etcd's default, and 1 GiB more for each 8 GiB of memory beyond 16 GiB,
        but at most 8 GiB, and at most what its disk and its container can carry.

        Always whole GiB, so that it stays the same while what is free on the disk goes up and down; never less than
        etcd's default, even if that is too much (see `refusal`).
        """
        beyond = self.memory_bytes / (1 - _KERNEL_SHARE) - _BASE_MEMORY
        by_memory = DEFAULT_QUOTA_BYTES + max(int(beyond // _STEP_MEMORY), 0) * GIB
        return max(min(by_memory, self.largest(), LARGEST_QUOTA_BYTES), DEFAULT_QUOTA_BYTES)

    def largest(self) -> int:
        """The largest quota in whole GiB that is not refused, 0 if none is."""
        by_memory = max(int(self.memory_bytes / (1 - _KERNEL_SHARE)) - _RESERVED_MEMORY, DEFAULT_QUOTA_BYTES)
        return min(by_memory, self._by_limit(), self._by_disk()) // GIB * GIB

    def refusal(self, quota_bytes: int) -> Refused | None:
        """Refuse a quota that this node cannot carry, with the numbers; None if it can. The node's memory is no reason
        against etcd's own default, with which every node runs whose quota nobody has set."""
        reasons = []
        needed = quota_bytes + _RESERVED_MEMORY
        if quota_bytes > DEFAULT_QUOTA_BYTES and self.memory_bytes / (1 - _KERNEL_SHARE) < needed:
            reasons.append(
                f"the database is mapped into memory, which needs {gib(needed)} (the quota, and"
                f" {gib(_RESERVED_MEMORY)} for everything else); there are {gib(self.memory_bytes)}"
            )
        if self.memory_limit_bytes is not None and quota_bytes > self._by_limit():
            reasons.append(
                f"the container of etcd has a memory limit of {gib(self.memory_limit_bytes)} (resources.limits.memory),"
                f" and the kernel kills etcd at it: {gib(quota_bytes + _RESERVED_IN_CONTAINER)} are needed"
            )
        if quota_bytes > self._by_disk():
            reasons.append(
                f"a database of that size and one copy of it need {gib(2 * quota_bytes)} on etcd's disk; there are"
                f" {gib(self.free_bytes)} free and {gib(self.db_bytes)} in use by the database"
            )
        if not reasons:
            return None
        most = self.largest()
        advice = f"At most {gib(most)} fit here."
        if most < DEFAULT_QUOTA_BYTES:
            advice = (
                f"Not even etcd's default of {gib(DEFAULT_QUOTA_BYTES)} fits here: make room for it, or enlarge what"
                " is too small."
            )
        return Refused(
            "quota_too_large", f"A quota of {gib(quota_bytes)} is too large: {'; and '.join(reasons)}.", advice
        )

    def _by_limit(self) -> int:
        """The largest quota that the container's limit leaves room for."""
        return (1 << 63) - 1 if self.memory_limit_bytes is None else self.memory_limit_bytes - _RESERVED_IN_CONTAINER

    def _by_disk(self) -> int:
        """The largest quota of which a database and its copy fit on the disk."""
        return (self.free_bytes + self.db_bytes) // 2


def next_quota(live_bytes: int, quota_bytes: int, capacity: Capacity | None) -> int | None:
    """The quota to advise if live data does not fit: larger than `quota_bytes`, and with less than `WARNED_SHARE` of it
    used; the suggested maximum of 8 GiB, more only if that is too little, less if the node carries only less. None if
    it carries none that is enough."""
    enough = (max(quota_bytes, int(live_bytes / WARNED_SHARE)) // GIB + 1) * GIB
    wanted = max(enough, LARGEST_QUOTA_BYTES)
    most = wanted if capacity is None else min(wanted, capacity.largest())
    return most if most >= enough else None


__all__ = (
    "DEFAULT_QUOTA_BYTES",
    "LARGEST_QUOTA_BYTES",
    "LOW_SHARE",
    "REFUSED_SHARE",
    "WARNED_SHARE",
    "Capacity",
    "Quota",
    "member_quota",
    "next_quota",
)
