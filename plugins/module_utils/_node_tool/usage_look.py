# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The look of a scheduled run at what fills the database of this node, for the metrics."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace

from .._core.failures import Failure
from .._etcd.usage import look_at
from .._etcd.usage_count import Wanted
from . import resource_use
from .context import Context, reason, say

# A look reads all pages that hold keys, so not each run of a dense schedule takes one. With the usual schedule of three
# hours it is every second one.
AGAIN_SECONDS = 5 * 3600.0


def look_if_due(context: Context) -> None:
    """Count what fills the database, unless that was done not long ago, and remember it. A file that cannot be read is
    said, and is no failure of the run. Raises OSError if what was found cannot be remembered."""
    known, now = context.remembered(), time.time()
    if known.no_member or (known.usage and 0 <= now - known.usage.moment < AGAIN_SECONDS):
        return
    manifest = None
    with suppress(Failure):  # the run itself has said why
        manifest = context.member().manifest
    if manifest is None:
        return
    try:
        found = look_at(manifest.database, Wanted(top=resource_use.MOST, readers=0))
    except (Failure, OSError) as exc:
        say(f"What fills the database could not be counted: {reason(exc)}.")
        return
    context.remember(lambda before: replace(before, usage=resource_use.look_after(before.usage, found, now)))


__all__ = ("AGAIN_SECONDS", "look_if_due")
