# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.


"""The kubelet as a systemd unit: started again, held, released.

A held kubelet is stopped, so that no probe kills anything, and a transient timer that was set *before* starts it again,
whatever becomes of the run. Who stopped it, and which timer ends it, is kept in a file under /run, which a reboot
empties together with the timers. A kubelet that is stopped without such a file was stopped by somebody else.
"""

from __future__ import annotations

import re
import time
import typing as t
from dataclasses import dataclass

from .._core.command import RunCommand
from .._core.failures import Refused

UNIT = "kubelet"


STEADY_SECONDS = 60.0


RUNNING = ("active", "activating", "reloading")


SYSTEMCTL_SECONDS = 60.0  # for one call of systemctl


UNIT_NAME = re.compile(r"[A-Za-z0-9:_.@-]+")


_BACK_OFF = re.compile(r"back-off (\S+) restarting failed container=(\S+) pod=(\S+?)_")


class UnitError(Exception):
    """The unit cannot be used. The text is one sentence that names it, with its last lines where there are any."""


@dataclass(frozen=True)
class Unit:
    """What systemd knows of a unit. `started` is when it was started last, in seconds of the monotonic clock;
    `restarts` counts how often it has ended and was started again by systemd since somebody started it."""

    name: str
    loaded: str
    active: str
    file_state: str
    started: float
    restarts: int = 0

    @property
    def exists(self) -> bool:
        return self.loaded not in ("not-found", "")

    @property
    def masked(self) -> bool:
        return self.loaded == "masked" or self.file_state.startswith("masked")

    @property
    def running(self) -> bool:
        return self.active in RUNNING

    def crashes(self, now: float) -> bool:
        """Whether it does not stay up. `now` is the monotonic clock."""
        return self.active in ("activating", "failed") or (self.restarts > 0 and now - self.started < STEADY_SECONDS)


def unit(run: RunCommand, name: str) -> Unit:
    """What systemd knows. Raises UnitError where there is no systemd, or no such name can be."""
    if not UNIT_NAME.fullmatch(name):
        raise UnitError(f"{name!r} is not a valid systemd unit name.")
    properties = ("LoadState", "ActiveState", "UnitFileState", "ActiveEnterTimestampMonotonic", "NRestarts")
    done = run(["systemctl", "show", f"--property={','.join(properties)}", "--", name], SYSTEMCTL_SECONDS)
    if done.code != 0:
        raise UnitError(f"systemd cannot be asked about {name}: {done.output.rstrip('.')}.")
    found = dict(line.partition("=")[::2] for line in done.output.splitlines())
    return Unit(
        name,
        found.get("LoadState", ""),
        found.get("ActiveState", ""),
        found.get("UnitFileState", ""),
        int(found.get("ActiveEnterTimestampMonotonic") or 0) / 1e6,
        int(found.get("NRestarts") or 0),
    )


def start_refusal(found: Unit, *, held: bool) -> Refused | None:
    """Why this unit is not started or restarted, None where it may be."""
    if not found.exists:
        return Refused(
            "kubelet_missing",
            f"There is no unit {found.name} on this node. If its kubelet has another name, set it (module option"
            " kubelet_unit, variables recover_kubelet_unit and harden_kubelet_unit of the roles).",
        )
    if found.masked:
        return Refused(
            "kubelet_masked",
            f"{found.name} is masked, so it was disabled on purpose. If that is no longer intended, unmask it"
            f" (systemctl unmask {found.name}), and run this again.",
        )
    if found.active == "inactive" and not held:
        return Refused(
            "kubelet_stopped",
            f"{found.name} was stopped by someone else, so it is not started automatically. Start it (systemctl start"
            f" {found.name}) if it should run, and run this again.",
        )
    return None


def start(run: RunCommand, name: str) -> None:
    """Start it for a moment in the middle of a hold, whose timer stays. Raises UnitError."""
    systemctl(run, "start", name)


def restart(run: RunCommand, name: str) -> None:
    """Restart it, which resets every back-off it counts; the timer of a hold stays. Raises UnitError."""
    systemctl(run, "restart", name)


def last_lines(run: RunCommand, name: str, count: int = 5) -> list[str]:
    """What the unit said last."""
    return [line[:300] for line in _journal(run, name, f"--lines={count}").splitlines() if line.strip()]


def quoted(intro: str, lines: t.Iterable[str]) -> str:
    """Lines of a log at the end of a message, each on its own; nothing where there are none."""
    said = "".join(f"\n  {line}" for line in lines)
    return f" {intro}:{said}" if said else ""


def back_offs(run: RunCommand, name: str, seconds: float = 600.0) -> dict[str, str]:
    """How long the kubelet said in the last `seconds` that it would wait, such as 1m20s, by the name of the pod.

    Only since its own last start: a new kubelet has forgotten the waits of the one before.
    """
    started = unit(run, name).started
    age = max(time.clock_gettime(time.CLOCK_MONOTONIC) - started, 1.0) if started else seconds
    said = _journal(run, name, f"--since=-{min(age, seconds):.0f}s", "--lines=2000")
    return {match[3]: match[1] for match in _BACK_OFF.finditer(said)}


def _journal(run: RunCommand, name: str, *which: str) -> str:
    done = run(["journalctl", f"--unit={name}", "--output=cat", "--no-pager", *which], SYSTEMCTL_SECONDS)
    return done.output if done.code == 0 else ""


def systemctl(run: RunCommand, verb: str, name: str) -> None:
    done = run(["systemctl", verb, "--", name], SYSTEMCTL_SECONDS)
    if done.code != 0:
        why = done.output.rstrip(".")
        raise UnitError(f"systemctl {verb} {name} failed: {why}." + quoted("Its last lines", last_lines(run, name)))


__all__ = (
    "UNIT",
    "Unit",
    "UnitError",
    "back_offs",
    "last_lines",
    "quoted",
    "restart",
    "start",
    "start_refusal",
    "unit",
)
