# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""From when on a kubelet reports DiskPressure and evicts pods: its thresholds for disks, from its configuration or its
defaults. Flags on its command line are not read."""

from __future__ import annotations

import re

from .._core.files import text
from .block_yaml import load
from .memory import quantity_bytes

CONFIG = "var/lib/kubelet/config.yaml"

_SIGNALS = ("nodefs", "imagefs")
# pkg/kubelet/apis/config/v1beta1/defaults_linux.go; a map in the configuration takes the place of all of them.
_DEFAULTS = {"nodefs.available": "10%", "imagefs.available": "15%"}


def thresholds(path: str, total_bytes: int) -> dict[str, int]:
    """The bytes that have to stay free by `nodefs` (the kubelet's own directory) and `imagefs` (images), on a
    filesystem of that size. A configuration that is missing or cannot be read counts as one without thresholds of
    its own."""
    try:
        config = load(text(path))
    except (OSError, ValueError):  # UnicodeDecodeError is a ValueError
        config = {}
    config = config if isinstance(config, dict) else {}
    hard = config.get("evictionHard")
    # Both set the condition; a soft one after its grace period.
    maps = [hard if isinstance(hard, dict) else _DEFAULTS, config.get("evictionSoft")]
    return {
        signal: max(
            _bytes(str(each.get(f"{signal}.available") or ""), total_bytes) if isinstance(each, dict) else 0
            for each in maps
        )
        for signal in _SIGNALS
    }


def _bytes(value: str, total_bytes: int) -> int:
    """The bytes of a threshold, 0 if it is none: a share, of which 0 and 100 % switch it off, or a quantity
    (pkg/kubelet/eviction/helpers.go)."""
    share = re.fullmatch(r"(\d+(?:\.\d+)?)%", value, re.ASCII)
    if share:
        return int(total_bytes * float(share[1]) / 100) if 0 < float(share[1]) < 100 else 0
    return quantity_bytes(value) or 0


__all__ = ("CONFIG", "thresholds")
