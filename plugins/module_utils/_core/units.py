# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Sizes and shares in the form that people read."""

from __future__ import annotations

KIB = 1024
MIB = 1024**2
GIB = 1024**3


def mib(size_bytes: float) -> str:
    """A size of a database, in MiB."""
    return f"{size_bytes / MIB:.1f} MiB"


def gib(size_bytes: float) -> str:
    """A size of a quota, memory or disk, in GiB."""
    return f"{size_bytes / GIB:.1f} GiB"


def exact(size_bytes: int) -> str:
    """A size as an option takes it, not rounded: 8GiB, 1536MiB, or bytes."""
    for factor, unit in ((GIB, "GiB"), (MIB, "MiB")):
        if size_bytes % factor == 0:
            return f"{size_bytes // factor}{unit}"
    return str(size_bytes)


def percent(share: float) -> str:
    """A share of one, in percent."""
    return f"{share * 100:.0f} %"


__all__ = ("GIB", "KIB", "MIB", "exact", "gib", "mib", "percent")
