# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""From when on a kubelet reports DiskPressure and evicts pods: its thresholds for disks, from its flags, which win, its
configuration, or its defaults."""

from __future__ import annotations

import os
import re
import typing as t

from .._core.files import text
from .block_yaml import load
from .memory import quantity_bytes

_CONFIG = "/var/lib/kubelet/config.yaml"  # kubeadm's
_SIGNALS = ("nodefs", "imagefs")
# pkg/kubelet/apis/config/v1beta1/defaults_linux.go; a map in the configuration takes the place of all of them.
_DEFAULTS = {"nodefs.available": "10%", "imagefs.available": "15%"}


def thresholds(flags: t.Mapping[str, str], total_bytes: int, root: str = "/") -> dict[str, int]:
    """The bytes that have to stay free by `nodefs` (the kubelet's own directory) and `imagefs` (images), on a
    filesystem of that size. `flags` are those of the running kubelet, empty if it does not run. A configuration that is
    missing or cannot be read counts as one without thresholds of its own."""
    try:
        config = load(text(os.path.join(root, flags.get("config", _CONFIG).lstrip("/"))))
    except (OSError, ValueError):  # UnicodeDecodeError is a ValueError
        config = {}
    config = config if isinstance(config, dict) else {}
    hard = _of_flag(flags, "eviction-hard", config.get("evictionHard"))
    # Both set the condition; a soft one after its grace period.
    maps = [hard if isinstance(hard, dict) else _DEFAULTS, _of_flag(flags, "eviction-soft", config.get("evictionSoft"))]
    return {
        signal: max(
            _bytes(str(each.get(f"{signal}.available") or ""), total_bytes) if isinstance(each, dict) else 0
            for each in maps
        )
        for signal in _SIGNALS
    }


def _of_flag(flags: t.Mapping[str, str], name: str, configured: object) -> object:
    """The map of a flag such as `nodefs.available<10%,memory.available<100Mi`, or else what is configured."""
    if name not in flags:
        return configured
    pairs = (each.partition("<") for each in flags[name].split(","))
    return {signal.strip(): value.strip() for signal, _less, value in pairs}


def _bytes(value: str, total_bytes: int) -> int:
    """The bytes of a threshold, 0 if it is none: a share, of which 0 and 100 % switch it off, or a quantity
    (pkg/kubelet/eviction/helpers.go)."""
    share = re.fullmatch(r"(\d+(?:\.\d+)?)%", value, re.ASCII)
    if share:
        return int(total_bytes * float(share[1]) / 100) if 0 < float(share[1]) < 100 else 0
    return quantity_bytes(value) or 0


__all__ = ("thresholds",)
