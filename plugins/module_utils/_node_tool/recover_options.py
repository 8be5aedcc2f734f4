# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The options of a recovery from one node, with the defaults of the role."""

from __future__ import annotations

from dataclasses import dataclass

from .._node.kubelet import UNIT


@dataclass(frozen=True)
class Options:
    """All times are in seconds; `snapshot_keep` is 0 to keep all."""

    check: bool = False
    snapshot: bool = True
    snapshot_dir: str = "/var/backups/etcd"
    snapshot_keep: int = 2
    hold: bool = True
    kubelet_unit: str = UNIT
    allow_unsafe: bool = False
    take_over_lock: bool = False
    wait_timeout: float = 120.0
    settle_seconds: float = 10.0


__all__ = ("Options",)
