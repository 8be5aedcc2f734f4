# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Other jobs of this node that defragment etcd: two schedules do not know of each other."""

from __future__ import annotations

import glob
import os
import re
import typing as t

from .._core.files import reading

PLACES = (
    "/etc/crontab",
    "/etc/anacrontab",
    "/etc/cron.d/*",
    "/etc/cron.hourly/*",
    "/etc/cron.daily/*",
    "/etc/cron.weekly/*",
    "/etc/cron.monthly/*",
    "/var/spool/cron/*",
    "/var/spool/cron/crontabs/*",
    "/var/spool/cron/tabs/*",
    "/etc/systemd/system/*.service",
    "/etc/systemd/system/*.timer",
    "/usr/local/lib/systemd/system/*.service",
    "/usr/local/lib/systemd/system/*.timer",
    "/usr/lib/systemd/system/*.service",
    "/usr/lib/systemd/system/*.timer",
    "/lib/systemd/system/*.service",
    "/lib/systemd/system/*.timer",
)

_DEFRAG = re.compile(r"(?<![a-z0-9])defrag", re.IGNORECASE)
# Other things are defragmented, too.
_NOT_ETCD = re.compile(r"btrfs|xfs|ext4|e4defrag|e2fs|transparent_hugepage", re.IGNORECASE)
_MAX_READ_BYTES = 1024**2


class Job(t.NamedTuple):
    """A line of a file, the first one if only the name of the file says it. Its text is not shown: it may hold a
    password."""

    path: str
    line: int


def find(ours: t.Container[str], root: str = "") -> list[Job]:
    """The jobs in all files but `ours`, below `root`, which their paths do not show."""
    real: dict[str, str] = {}
    for place in PLACES:
        for path in sorted(glob.glob(root + place)):
            # /lib is /usr/lib, and some units are links.
            real.setdefault(os.path.realpath(path), path[len(root) :])
    return [Job(path, number) for path in real.values() if path not in ours for number in _lines(root + path)]


def _lines(path: str) -> list[int]:
    try:
        with reading(path) as file:
            text = file.read(_MAX_READ_BYTES).decode("utf-8", "replace")
    except OSError:
        return []
    found = [number for number, line in enumerate(text.splitlines(), start=1) if says_defrag(line)]
    name = os.path.basename(path)
    # One that has no line, or nothing but comments, does nothing.
    works = any(line.strip() and not line.lstrip().startswith(("#", ";")) for line in text.splitlines())
    return found or ([1] if works and "etcd" in name and says_defrag(name) else [])


def says_defrag(line: str) -> bool:
    """Whether a line of a crontab, a script or a unit, and no comment, defragments etcd."""
    return not line.lstrip().startswith(("#", ";")) and bool(_DEFRAG.search(line)) and not _NOT_ETCD.search(line)


__all__ = ("PLACES", "Job", "find", "says_defrag")
