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

import contextlib
import json
import os
import re
import shlex
import time
import typing as t
import uuid
from dataclasses import asdict, dataclass

from .._core.files import put
from .process import Run

UNIT = "kubelet"
RECORDS = "/run"
STEADY_SECONDS = 60.0
RUNNING = ("active", "activating", "reloading")
_SECONDS = 60.0  # for one call of systemctl
_NAME = re.compile(r"[A-Za-z0-9:_.@-]+")
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


@dataclass(frozen=True)
class Hold:
    """A stopped kubelet: `owner` stopped it, and `timer` starts it at `until`, in seconds since 1970."""

    owner: str
    timer: str
    until: float


def unit(run: Run, name: str) -> Unit:
    """What systemd knows. Raises UnitError where there is no systemd, or no such name can be."""
    if not _NAME.fullmatch(name):
        raise UnitError(f"{name!r} is not a valid systemd unit name.")
    properties = ("LoadState", "ActiveState", "UnitFileState", "ActiveEnterTimestampMonotonic", "NRestarts")
    done = run(["systemctl", "show", f"--property={','.join(properties)}", "--", name], _SECONDS)
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


def read_hold(name: str, records: str = RECORDS) -> Hold | None:
    """Who holds the kubelet, None where nobody does."""
    try:
        with open(_record(name, records), encoding="utf-8") as file:
            body = json.load(file)
        held = Hold(str(body["owner"]), str(body["timer"]), float(body["until"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # Its timer has long started the kubelet; who stops it after that is somebody else.
    return held if time.time() < held.until + STEADY_SECONDS else None


def refusal(found: Unit, held: Hold | None) -> str | None:
    """Why this unit is not started or restarted, None where it may be."""
    if not found.exists:
        return (
            f"There is no unit {found.name} on this node. If its kubelet has another name, set it (module option unit,"
            " variables recover_kubelet_unit and harden_kubelet_unit of the roles)."
        )
    if found.masked:
        return (
            f"{found.name} is masked, so it was disabled on purpose. If that is no longer intended, unmask it"
            f" (systemctl unmask {found.name}), and run this again."
        )
    if found.active == "inactive" and held is None:
        return (
            f"{found.name} was stopped by someone else, so it is not started automatically. Start it (systemctl start"
            f" {found.name}) if it should run, and run this again."
        )
    return None


def restart(run: Run, name: str, records: str = RECORDS) -> None:
    """Start it again, which resets every back-off it counts, and end a hold. Raises UnitError."""
    start_anew(run, name)
    _forget(run, name, records)


def hold(run: Run, name: str, *, owner: str, seconds: float, records: str = RECORDS) -> Hold:
    """Stop it, or go on holding it, for so long at the most. Raises UnitError, OSError."""
    held = let_go_later(run, name, owner=owner, seconds=seconds, records=records)
    _systemctl(run, "stop", name)
    return held


def let_go(run: Run, name: str, records: str = RECORDS) -> None:
    """Start it and forget the hold. Raises UnitError; its timer then remains."""
    _systemctl(run, "start", name)
    _forget(run, name, records)


def let_go_later(run: Run, name: str, *, owner: str, seconds: float, records: str = RECORDS) -> Hold:
    """Let a timer start it, so many seconds from now. Raises UnitError, OSError.

    A new timer first, then the old one goes, then the record of the new one: at no moment is there no timer.
    """
    before = read_hold(name, records)
    timer = f"etcd-maintenance-release-{uuid.uuid4().hex[:12]}"
    held = Hold(owner, timer, time.time() + seconds)
    record = shlex.quote(_record(name, records))
    # It takes the record with it, unless another timer has taken over meanwhile.
    script = f"grep -qs {timer} {record} && rm -f {record}; exec systemctl start -- {shlex.quote(name)}"
    command = ["systemd-run", "--quiet", "--collect", f"--unit={timer}", f"--on-active={max(seconds, 0):.0f}s"]
    command += [
        "--timer-property=AccuracySec=1s",
        f"--description=Starts {name}, which is held",
        "/bin/sh",
        "-c",
        script,
    ]
    done = run(command, _SECONDS)
    if done.code and "--collect" in done.output:  # systemd before 236 does not know it
        done = run([word for word in command if word != "--collect"], _SECONDS)
    if done.code != 0:
        raise UnitError(f"{name} was not held: the timer to start it again could not be set ({done.output}).")
    if before:
        _stop_timer(run, before.timer)
    put(_record(name, records), json.dumps(asdict(held)).encode(), 0o600)
    return held


def wake(run: Run, name: str) -> None:
    """Start it for a moment in the middle of a hold, whose timer stays. Raises UnitError."""
    _systemctl(run, "start", name)


def start_anew(run: Run, name: str) -> None:
    """Restart it, which resets every back-off it counts; the timer of a hold stays. Raises UnitError."""
    _systemctl(run, "restart", name)


def last_lines(run: Run, name: str, count: int = 5) -> list[str]:
    """What the unit said last."""
    return [line[:300] for line in _journal(run, name, f"--lines={count}").splitlines() if line.strip()]


def quoted(intro: str, lines: t.Iterable[str]) -> str:
    """Lines of a log at the end of a message, each on its own; nothing where there are none."""
    said = "".join(f"\n  {line}" for line in lines)
    return f" {intro}:{said}" if said else ""


def back_offs(run: Run, name: str, seconds: float = 600.0) -> dict[str, str]:
    """How long the kubelet said in the last `seconds` that it would wait, such as 1m20s, by the name of the pod.

    Only since its own last start: a new kubelet has forgotten the waits of the one before.
    """
    started = unit(run, name).started
    age = max(time.clock_gettime(time.CLOCK_MONOTONIC) - started, 1.0) if started else seconds
    said = _journal(run, name, f"--since=-{min(age, seconds):.0f}s", "--lines=2000")
    return {match[3]: match[1] for match in _BACK_OFF.finditer(said)}


def _journal(run: Run, name: str, *which: str) -> str:
    done = run(["journalctl", f"--unit={name}", "--output=cat", "--no-pager", *which], _SECONDS)
    return done.output if done.code == 0 else ""


def _record(name: str, records: str) -> str:
    return os.path.join(records, f"etcd-maintenance-hold.{name}")


def _systemctl(run: Run, verb: str, name: str) -> None:
    done = run(["systemctl", verb, "--", name], _SECONDS)
    if done.code != 0:
        why = done.output.rstrip(".")
        raise UnitError(f"systemctl {verb} {name} failed: {why}." + quoted("Its last lines", last_lines(run, name)))


def _forget(run: Run, name: str, records: str) -> None:
    held = read_hold(name, records)
    if held is None:
        return
    _stop_timer(run, held.timer)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_record(name, records))


def _stop_timer(run: Run, timer: str) -> None:
    """One that has fired meanwhile is gone already."""
    if _NAME.fullmatch(timer):
        run(["systemctl", "stop", "--", f"{timer}.timer", f"{timer}.service"], _SECONDS)


__all__ = (
    "RECORDS",
    "UNIT",
    "Hold",
    "Unit",
    "UnitError",
    "back_offs",
    "hold",
    "last_lines",
    "let_go",
    "let_go_later",
    "quoted",
    "read_hold",
    "refusal",
    "restart",
    "start_anew",
    "unit",
    "wake",
)
