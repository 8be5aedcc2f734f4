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

import re
from dataclasses import dataclass

from .._core.failures import Refused
from .._core.units import GIB, gib
from .api import Endpoint, Status

DEFAULT_QUOTA_BYTES = 2 * GIB  # server/storage/quota.go; what `--quota-backend-bytes=0` and no flag mean
LARGEST_QUOTA_BYTES = 8 * GIB  # beyond it etcd warns at every start

REFUSED_SHARE = 0.95  # of the quota: the alarm would come back within seconds
WARNED_SHARE = 0.85

_BASE_MEMORY, _STEP_MEMORY = 16 * GIB, 8 * GIB
_RESERVED_MEMORY = 2 * GIB
# The kernel keeps a part for itself: of 24 GiB that a machine has, MemTotal shows about 23.4.
_KERNEL_SHARE = 0.05


@dataclass(frozen=True)
class Quota:
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


def parse_memory(meminfo: str) -> int | None:
    """The memory of the machine, from the text of /proc/meminfo; None if that does not say."""
    match = re.search(r"^MemTotal:\s*(\d+) kB$", meminfo, re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def automatic_quota(memory_bytes: int, free_bytes: int, db_bytes: int) -> int:
    """A quota for this node: 2 GiB, which is etcd's default, and 1 GiB more for each 8 GiB of memory beyond 16 GiB, but
    at most 8 GiB, and at most what its disk can carry.

    Always whole GiB, so that it stays the same while what is free on the disk goes up and down; never less than etcd's
    default, even if that is too much (see `capacity_refusal`).
    """
    beyond = memory_bytes / (1 - _KERNEL_SHARE) - _BASE_MEMORY
    by_memory = DEFAULT_QUOTA_BYTES + max(int(beyond // _STEP_MEMORY), 0) * GIB
    by_disk = _most_on_disk(free_bytes, db_bytes) // GIB * GIB
    return max(min(by_memory, by_disk, LARGEST_QUOTA_BYTES), DEFAULT_QUOTA_BYTES)


def capacity_refusal(quota_bytes: int, memory_bytes: int, free_bytes: int, db_bytes: int) -> Refused | None:
    """Refuse a quota that this node cannot carry, with the numbers; None if it can. Memory is no reason against etcd's
    own default, with which every node runs whose quota nobody has set."""
    reasons = []
    needed = quota_bytes + _RESERVED_MEMORY
    if quota_bytes > DEFAULT_QUOTA_BYTES and memory_bytes / (1 - _KERNEL_SHARE) < needed:
        reasons.append(
            f"the database is mapped into memory, which needs {gib(needed)} (the quota, and {gib(_RESERVED_MEMORY)}"
            f" for everything else); there are {gib(memory_bytes)}"
        )
    if quota_bytes > _most_on_disk(free_bytes, db_bytes):
        reasons.append(
            f"a database of that size and one copy of it need {gib(2 * quota_bytes)} on etcd's disk; there are"
            f" {gib(free_bytes)} free and {gib(db_bytes)} in use by the database"
        )
    if not reasons:
        return None
    most = automatic_quota(memory_bytes, free_bytes, db_bytes)
    advice = f"The value auto would be {gib(most)} here."
    if most > _most_on_disk(free_bytes, db_bytes):
        advice = f"Not even etcd's default of {gib(most)} fits there: make room on that disk, or enlarge it."
    return Refused("quota_too_large", f"A quota of {gib(quota_bytes)} is too large: {'; and '.join(reasons)}. {advice}")


def _most_on_disk(free_bytes: int, db_bytes: int) -> int:
    """The largest quota of which a database and its copy fit on the disk."""
    return (free_bytes + db_bytes) // 2


__all__ = (
    "DEFAULT_QUOTA_BYTES",
    "LARGEST_QUOTA_BYTES",
    "REFUSED_SHARE",
    "WARNED_SHARE",
    "Quota",
    "automatic_quota",
    "capacity_refusal",
    "member_quota",
    "parse_memory",
)
