# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until etcd fails a probe, and end in that moment."""

from __future__ import annotations

import sys
import time
import urllib.request

METRICS = "http://127.0.0.1:2381/metrics"
SECONDS = 90  # a kubelet without an API server begins to probe half a minute late


def failures() -> float | None:
    """Return how many probes this etcd has failed, by its own count; None where it does not answer."""
    try:
        with urllib.request.urlopen(METRICS, timeout=2) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return None
    return next((float(line.split()[1]) for line in lines if line.startswith("etcd_server_health_failures ")), None)


deadline = time.monotonic() + SECONDS
before = failures()
while True:
    time.sleep(0.1)
    now = failures()
    if before is not None and now is not None and now > before:
        break
    if time.monotonic() > deadline:
        sys.exit(f"etcd failed no probe within {SECONDS} s.")
    before = now
