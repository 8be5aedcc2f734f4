# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The time of the next scheduled run, from the files of the schedule."""

from __future__ import annotations

import datetime as dt
import re

from .._core.command import RunCommand
from .._core.failures import Refused
from .._core.files import text
from . import cron
from .tool_files import CRON_FILE, TIMER

_LINE = re.compile(r"^((?:\S+\s+){5})root\s+\S+\s+run\b", re.MULTILINE)


def next_run(run: RunCommand, now: dt.datetime, cron_file: str = CRON_FILE) -> str:
    """The time for people, empty if nothing is scheduled."""
    try:
        return _of_cron(text(cron_file, errors="replace"), now)
    except OSError:
        pass
    shown = run(["systemctl", "show", "--property=NextElapseUSecRealtime", "--value", TIMER], 10.0)
    return shown.output.strip() if shown.code == 0 else ""


def _of_cron(text: str, now: dt.datetime) -> str:
    match = _LINE.search(text)
    try:
        moment = cron.following(cron.parse(match[1]), now) if match else None
    except Refused:
        moment = None
    return f"{moment:%Y-%m-%d %H:%M} (cron)" if moment else ""


__all__ = ("next_run",)
