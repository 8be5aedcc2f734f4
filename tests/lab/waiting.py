# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for something that takes its time."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until_clear(obstacle: Callable[[], str], *, seconds: float, poll: float) -> str:
    """Ask until ``obstacle`` returns nothing, and return that; after ``seconds`` return what it said last."""
    deadline = time.monotonic() + seconds
    while (reason := obstacle()) and time.monotonic() <= deadline:
        time.sleep(poll)
    return reason
