# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The kubelet as a systemd unit: its state, its restart, and the static pods that it keeps in back-off.

It is restarted to end the back-off that keeps a crashed etcd down for up to five minutes.
"""

from __future__ import annotations

import re
import time
import typing as t
from dataclasses import dataclass

from .._core.command import RunCommand
from .._core.failures import Failure, Refused
from . import process, static_pods

UNIT = "kubelet"
RKE2_UNIT = "rke2-server"  # the kubelet is a process of it
STEADY_SECONDS = 60.0
SYSTEMCTL_SECONDS = 60.0  # for one call of systemctl
UNIT_NAME = re.compile(r"[A-Za-z0-9:_.@-]+")

_RUNNING = ("active", "activating", "reloading")
# A unit that tells when it is ready, such as rke2-server, takes minutes; one that has died waits in another state.
_STARTING = ("start-pre", "start", "start-post")
_BACK_OFF = re.compile(r"back-off (\S+) restarting failed container=(\S+) pod=(\S+?)_")
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 5.0
# A kubelet that was just started has its static pods running by then, even if it first tries to register its node.
_STARTED_SECONDS = 30.0
# The kubelet logs at every sync of a pod that it still waits, every ten to fifteen seconds.
_LOGGED_SECONDS = 30.0


class LoadState:
    """What systemd says of any unit before it is about running: `loaded` is its LoadState, `file_state` that of its
    file."""

    loaded: str
    file_state: str

    @property
    def exists(self) -> bool:
        return self.loaded not in ("not-found", "")

    @property
    def masked(self) -> bool:
        return self.loaded == "masked" or self.file_state.startswith("masked")


@dataclass(frozen=True)
class Unit(LoadState):
    """A unit as systemd knows it. `started` is when its last start began, in seconds of the monotonic clock;
    `restarts` counts how often it has exited and was started again by systemd since somebody started it."""

    name: str
    loaded: str
    active: str
    file_state: str
    started: float
    restarts: int = 0
    sub_state: str = ""

    @property
    def running(self) -> bool:
        return self.active in _RUNNING

    def crashes(self, now: float) -> bool:
        """Whether the unit does not stay up. `now` is the monotonic clock."""
        waits = self.active == "activating" and self.sub_state not in _STARTING
        return waits or self.active == "failed" or (self.restarts > 0 and now - self.started < STEADY_SECONDS)


def unit(run: RunCommand, name: str) -> Unit:
    """The unit of this name. Raises Failure if there is no systemd, or no unit can have this name."""
    if not UNIT_NAME.fullmatch(name):
        raise Failure("kubelet_missing", f"{name!r} is not a valid systemd unit name.")
    properties = (
        "LoadState",
        "ActiveState",
        "SubState",
        "UnitFileState",
        "InactiveExitTimestampMonotonic",
        "NRestarts",
    )
    done = run(["systemctl", "show", f"--property={','.join(properties)}", "--", name], SYSTEMCTL_SECONDS)
    if done.code != 0:
        raise Failure("systemd_failed", f"systemd cannot be asked about {name}: {done.output.rstrip('.')}.")
    values = dict(line.partition("=")[::2] for line in done.output.splitlines())
    return Unit(
        name,
        values.get("LoadState", ""),
        values.get("ActiveState", ""),
        values.get("UnitFileState", ""),
        int(values.get("InactiveExitTimestampMonotonic") or 0) / 1e6,
        int(values.get("NRestarts") or 0),
        values.get("SubState", ""),
    )


def start_refusal(unit: Unit, *, held: bool) -> Refused | None:
    """The reason why this unit is not started or restarted, None if it may be."""
    if not unit.exists:
        return Refused(
            "kubelet_missing",
            f"There is no unit {unit.name} on this node. If its kubelet has another name, set it (module option"
            " kubelet_unit, variables recover_kubelet_unit and harden_kubelet_unit of the roles).",
        )
    if unit.masked:
        return Refused(
            "kubelet_masked",
            f"{unit.name} is masked, so it was disabled on purpose. If that is no longer intended, unmask it"
            f" (systemctl unmask {unit.name}), and run this again.",
        )
    if unit.active == "inactive" and not held:
        return Refused(
            "kubelet_stopped",
            f"{unit.name} was stopped by someone else, so it is not started automatically. Start it (systemctl start"
            f" {unit.name}) if it should run, and run this again.",
        )
    return None


def refuse_unstable(run: RunCommand, name: str) -> None:
    """Refuse a kubelet that exits by itself again and again: restarting it helps nobody. Raises Failure."""
    if unit(run, name).crashes(time.clock_gettime(time.CLOCK_MONOTONIC)):
        why = f"{name} does not stay up, so nothing that dies on this node will be restarted."
        raise Failure("kubelet_unstable", why + quoted("Its last lines", last_lines(run, name, 10)))


def start(run: RunCommand, name: str) -> None:
    """Start it; the timer of a hold stays. Raises Failure."""
    systemctl(run, "start", name, *no_block(name))


def restart(run: RunCommand, name: str) -> None:
    """Restart it, which resets every back-off it counts; the timer of a hold stays. Raises Failure."""
    systemctl(run, "restart", name, *no_block(name))


def no_block(name: str) -> tuple[str, ...]:
    """The option of systemctl for a start that may never end: RKE2 is ready only when its etcd has found the others,
    and sets no limit to that (TimeoutStartSec=0)."""
    return ("--no-block",) if name == RKE2_UNIT else ()


def systemctl(run: RunCommand, verb: str, name: str, *options: str) -> None:
    """One call of systemctl. Raises Failure, with the unit's last lines."""
    done = run(["systemctl", verb, *options, "--", name], SYSTEMCTL_SECONDS)
    if done.code != 0:
        why = f"systemctl {verb} {name} failed: {done.output.rstrip('.')}."
        raise Failure("systemd_failed", why + quoted("Its last lines", last_lines(run, name)))


def last_lines(run: RunCommand, name: str, count: int = 5) -> list[str]:
    """The last lines of the unit's journal."""
    return [line[:300] for line in _journal(run, name, f"--lines={count}").splitlines() if line.strip()]


def quoted(intro: str, lines: t.Iterable[str]) -> str:
    """Lines of a log for the end of a message, each on its own; empty if there are none."""
    block = "".join(f"\n  {line}" for line in lines)
    return f" {intro}:{block}" if block else ""


def backed_off(run: RunCommand, name: str, manifests_dir: str) -> list[str]:
    """The static pods without a running program, after a moment's grace, and for how long the kubelet waits. Pods that
    name no program, because they leave it to their image, count only if the kubelet has just logged that it waits."""
    age = time.clock_gettime(time.CLOCK_MONOTONIC) - unit(run, name).started
    deadline = time.monotonic() + max(_GRACE_SECONDS, _STARTED_SECONDS - age)
    while True:
        pods = static_pods.pods(manifests_dir)
        down = [pod for pod in pods if not all(map(process.running, pod.programs))]
        if not down or time.monotonic() > deadline:
            break
        time.sleep(_POLL_SECONDS)
    unknown = [pod for pod in pods if not pod.programs]
    waits = back_offs(run, name) if down else {}
    recent = back_offs(run, name, _LOGGED_SECONDS) if unknown else {}
    return [pod.name + _wait(pod.name, waits) for pod in down] + [
        pod.name + wait for pod in unknown for wait in (_wait(pod.name, recent),) if wait
    ]


def _wait(name: str, waits: t.Mapping[str, str]) -> str:
    """The logged wait of a pod, as a suffix: the kubelet calls a static pod by its name and the node's."""
    wait = next((wait for pod, wait in waits.items() if pod.startswith(f"{name}-")), None)
    return f" (back-off {wait})" if wait else ""


def back_offs(run: RunCommand, name: str, seconds: float = 600.0) -> dict[str, str]:
    """The waits, such as 1m20s, that the kubelet logged in the last `seconds`, by the name of the pod.

    Only since its own last start: a new kubelet has forgotten the waits of the one before.
    """
    started = unit(run, name).started
    age = max(time.clock_gettime(time.CLOCK_MONOTONIC) - started, 1.0) if started else seconds
    journal = _journal(run, name, f"--since=-{min(age, seconds):.0f}s", "--lines=2000")
    return {match[3]: match[1] for match in _BACK_OFF.finditer(journal)}


def _journal(run: RunCommand, name: str, *which: str) -> str:
    done = run(["journalctl", f"--unit={name}", "--output=cat", "--no-pager", *which], SYSTEMCTL_SECONDS)
    return done.output if done.code == 0 else ""


__all__ = (
    "RKE2_UNIT",
    "STEADY_SECONDS",
    "SYSTEMCTL_SECONDS",
    "UNIT",
    "UNIT_NAME",
    "LoadState",
    "Unit",
    "back_offs",
    "backed_off",
    "last_lines",
    "no_block",
    "quoted",
    "refuse_unstable",
    "restart",
    "start",
    "start_refusal",
    "systemctl",
    "unit",
)
