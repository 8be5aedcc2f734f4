# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The texts of the schedule's files: a cron file, or units of systemd."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._core import run_lock
from .._core.failures import Refused
from .._etcd.connection import WAYS
from .._etcd.transport import ANSWER_SECONDS
from .._node.etcd_manifest import DEFAULT_PATH
from .._node.kubelet import UNIT_NAME
from .._node.settings import is_unit
from .._node_tool import cron
from .._node_tool.due import Limits
from .._node_tool.tool_files import CRON_FILE, UNITS

RUN, WATCH = "etcd-maintenance", "etcd-maintenance-watch"
# The first line of these files, which tells them from those of others.
MARKER = "# Written by the Ansible module controlplane.etcd.etcd_schedule, which replaces the whole file.\n"
# Paths, URLs and the names of transports: what needs quotes neither in a cron line nor in a unit.
_PLAIN = re.compile(r"/[\w./+-]*|https?://[\w.:\[\]-]+/?|" + "|".join(WAYS), re.ASCII)

_SERVICE = """\
[Unit]
Description={about}

[Service]
Type=oneshot
ExecStart={command}
# Refused, or put off: alerts and the journal tell that, and nothing is wrong with the unit.
SuccessExitStatus=3
SyslogIdentifier=etcd-maintenance
Nice=10
"""
_TIMER = """\
[Unit]
Description={about}

[Timer]
OnCalendar={calendar}
AccuracySec=1s

[Install]
WantedBy=timers.target
"""


@dataclass(frozen=True)
class Wanted:
    """The schedule that is wanted; the names are those of the module's options, but for `watch`, the per-minute check,
    which is its option metrics. `connection` are those of `CONNECTION_OPTIONS` that somebody gave."""

    tool_path: str
    schedule: str
    watch: bool
    heal: bool
    limits: Limits
    allow_unsafe_version: bool = False
    single_member: bool = True
    textfile_dir: str = ""
    manifest: str = DEFAULT_PATH
    lock_path: str = run_lock.DEFAULT_PATH
    connection: t.Mapping[str, str] = field(default_factory=dict)
    timeout: float = ANSWER_SECONDS


def commands(wanted: Wanted) -> dict[str, str]:
    """The command line of each unit, by its name, without options that are the tool's own defaults."""
    shared = [f"--manifest={wanted.manifest}"] if wanted.manifest != DEFAULT_PATH else []
    shared += [f"--lock={wanted.lock_path}"] if wanted.lock_path != run_lock.DEFAULT_PATH else []
    shared += [f"--{name.replace('_', '-')}={value}" for name, value in sorted(wanted.connection.items())]
    shared += [f"--timeout={wanted.timeout:g}"] if wanted.timeout != ANSWER_SECONDS else []
    shared += [f"--textfile-dir={wanted.textfile_dir}"] if wanted.textfile_dir else []
    shared += ["--allow-unsafe-version"] if wanted.allow_unsafe_version else []
    given, usual = vars(wanted.limits), vars(Limits())
    rule = [f"--{name.replace('_', '-')}={given[name]:g}" for name in given if given[name] != usual[name]]
    alone = [] if wanted.single_member else ["--leave-single-member"]
    found = {RUN: " ".join([wanted.tool_path, "run", *shared, *rule, *alone])}
    if wanted.watch:
        found[WATCH] = " ".join([wanted.tool_path, "watch", *shared, *(["--heal"] if wanted.heal else [])])
    return found


def files(wanted: Wanted, backend: str) -> dict[str, str]:
    """The text of each file, by its path. Raises Refused."""
    _check(wanted)
    cron.parse(wanted.schedule)
    return _cron(wanted) if backend == "cron" else _units(wanted)


def paths() -> tuple[str, ...]:
    """All files that any schedule of this module may consist of."""
    return (CRON_FILE, *(f"{UNITS}/{name}.{kind}" for name in (RUN, WATCH) for kind in ("service", "timer")))


def timers(found: t.Iterable[str]) -> list[str]:
    """The timers among these files."""
    return sorted(path.rpartition("/")[2] for path in found if path.endswith(".timer"))


def _check(wanted: Wanted) -> None:
    paths_given = {name: getattr(wanted, name) for name in ("tool_path", "textfile_dir", "manifest", "lock_path")}
    if is_unit(wanted.manifest) and UNIT_NAME.fullmatch(wanted.manifest):
        del paths_given["manifest"]
    for option, text in {**paths_given, **wanted.connection}.items():
        if text and not _PLAIN.fullmatch(text):
            raise Refused(
                "invalid_schedule",
                f"{option} is {text!r}: a cron line and a unit take absolute paths of letters, digits and ._+- only,"
                " and URLs of a host and a port.",
            )
    if wanted.heal and not wanted.watch:
        raise Refused("invalid_schedule", "heal needs metrics: the check every minute is what heals.")
    for name in ("fragmented_percent", "full_percent"):
        if not 0 <= getattr(wanted.limits, name) <= 100:
            raise Refused("invalid_schedule", f"{name} is {getattr(wanted.limits, name):g}; it takes 0 to 100.")


def _cron(wanted: Wanted) -> dict[str, str]:
    moments = {RUN: " ".join(wanted.schedule.split()), WATCH: "* * * * *"}
    lines = [f"{moments[name]} root {command} 2>&1 | logger -t {RUN}\n" for name, command in commands(wanted).items()]
    head = "SHELL=/bin/sh\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
    return {CRON_FILE: f"{MARKER}{head}{''.join(lines)}"}


def _units(wanted: Wanted) -> dict[str, str]:
    about = {RUN: "Defragment etcd where it is due", WATCH: "Look at the etcd member of this node"}
    calendars = {RUN: cron.on_calendar(wanted.schedule), WATCH: cron.on_calendar("* * * * *")}
    found = {}
    for name, command in commands(wanted).items():
        found[f"{UNITS}/{name}.service"] = MARKER + _SERVICE.format(about=about[name], command=command)
        found[f"{UNITS}/{name}.timer"] = MARKER + _TIMER.format(about=about[name], calendar=calendars[name])
    return found


__all__ = ("MARKER", "RUN", "UNITS", "WATCH", "Wanted", "commands", "files", "paths", "timers")
