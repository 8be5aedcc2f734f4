# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The memory of a node: what the machine has, or what the cgroup that the node itself is in leaves of it; and the limit
of a container, as a manifest has it."""

from __future__ import annotations

import os
import re

from .._core.files import text

# A node that is a container sees its own cgroup at the root of the file system: v2, v1. On a machine the file of v2 is
# missing there, and v1 has a number near 2^63 that stands for no limit.
_LIMITS = ("sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes")

_NO_LIMIT = 2**60

_FACTORS = {
    **dict(zip(("", "k", "M", "G", "T", "P", "E"), (1000**power for power in range(7)))),
    **dict(zip(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), (1024**power for power in range(1, 7)))),
}
_QUANTITY = re.compile(r"\+?(?=\.?\d)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,2})|(m|k|[KMGTPE]i|[MGTPE]|))", re.ASCII)


def memory_bytes(root: str = "/") -> int | None:
    """The memory that the node has, None if nothing says how much."""
    total = parse_memory(_read(os.path.join(root, "proc/meminfo")))
    texts = (_read(os.path.join(root, path)).strip() for path in _LIMITS)
    limits = (int(limit) for limit in texts if limit.isdigit())
    return min((size for size in (total, *limits) if size and size < _NO_LIMIT), default=None)


def parse_memory(meminfo: str) -> int | None:
    """The memory of the machine, from the text of /proc/meminfo; None if that does not say."""
    match = re.search(r"^MemTotal:\s*(\d+) kB$", meminfo, re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def quantity_bytes(quantity: str) -> int | None:
    """The bytes of a quantity of Kubernetes, such as 4Gi, 4G, 4e9 or 128974848; None if it is none
    (k8s.io/apimachinery/pkg/api/resource)."""
    match = _QUANTITY.fullmatch(quantity.strip())
    if not match:
        return None
    whole, part, exponent, suffix = match.groups(default="")
    power = int(exponent or 0) - len(part)
    if suffix == "m":
        suffix, power = "", power - 3
    digits = int(whole + part) * _FACTORS[suffix]
    return int(digits * 10**power if power >= 0 else digits // 10**-power)


def _read(path: str) -> str:
    try:
        return text(path, encoding="ascii", errors="replace")
    except OSError:
        return ""


__all__ = ("memory_bytes", "parse_memory", "quantity_bytes")
