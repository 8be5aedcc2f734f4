# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Holding a kubelet: stopped for a while, with a timer that starts it again even if the run dies.

A held kubelet is stopped, so that no probe kills anything, and a transient timer that was set *before* starts it again,
whatever becomes of the run. Who stopped it, and which timer ends it, is kept in a file under /run, which a reboot
empties together with the timers. A kubelet that is stopped without such a file was stopped by somebody else.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import time
import typing as t
import uuid

from .._core.command import RunCommand
from .._core.failures import Failure, Refused
from .._core.files import content, put
from .kubelet import (
    STEADY_SECONDS,
    SYSTEMCTL_SECONDS,
    UNIT_NAME,
    Unit,
    backed_off,
    last_lines,
    no_block,
    quoted,
    refuse_unstable,
    restart,
    start,
    start_refusal,
    systemctl,
    unit,
)

_RECORDS_DIR = "/run"


class Hold(t.NamedTuple):
    """A stopped kubelet: `owner` stopped it, and `timer` starts it at `until`, in seconds since 1970."""

    owner: str
    timer: str
    until: float


def read_hold(name: str, records: str = _RECORDS_DIR) -> Hold | None:
    """The hold of this kubelet, None if nobody holds it."""
    held = _recorded(name, records)
    # Its timer has long started the kubelet; whoever stops it after that is somebody else.
    return held if held and time.time() < held.until + STEADY_SECONDS else None


def _recorded(name: str, records: str) -> Hold | None:
    """The hold that is recorded, whatever the time is: timers do not follow a clock that is set forward."""
    try:
        body = json.loads(content(_record(name, records)))
        return Hold(str(body["owner"]), str(body["timer"]), float(body["until"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def held_until(name: str, records: str = _RECORDS_DIR) -> float | None:
    """The time at which the timer of a hold starts this kubelet, None if nobody holds it."""
    held = read_hold(name, records)
    return held.until if held else None


def startable(run: RunCommand, name: str, records: str = _RECORDS_DIR) -> Unit:
    """The kubelet's unit. Raises Refused, with its last lines, if it must not be started; Failure."""
    kubelet = unit(run, name)
    refusal = start_refusal(kubelet, held=read_hold(name, records) is not None)
    if refusal:
        lines = last_lines(run, name) if kubelet.exists else []
        raise Refused(refusal.code, refusal.reason + quoted("Its last lines", lines))
    return kubelet


def restart_and_release(run: RunCommand, name: str, records: str = _RECORDS_DIR) -> None:
    """Restart it, which resets every back-off it counts, and end a hold. Raises Failure."""
    restart(run, name)
    _forget(run, name, records)


def end_back_off(run: RunCommand, name: str, manifests_dir: str, *, check: bool = False) -> list[str]:
    """Restart it if a static pod of the directory does not run, and return those that did not; with `check` it is not
    restarted. Raises Refused, if it must not be; Failure."""
    down = backed_off(run, name, manifests_dir)
    refuse_unstable(run, name)
    if down:
        startable(run, name)
        if not check:
            restart_and_release(run, name)
    return down


def hold(run: RunCommand, name: str, *, owner: str, seconds: float, records: str = _RECORDS_DIR) -> Hold:
    """Stop it, or go on holding it, for so long at the most. Raises Failure, OSError."""
    held = schedule_release(run, name, owner=owner, seconds=seconds, records=records)
    systemctl(run, "stop", name)
    return held


def release(run: RunCommand, name: str, records: str = _RECORDS_DIR) -> None:
    """Start it and forget the hold. Raises Failure; its timer then remains."""
    start(run, name)
    _forget(run, name, records)


def schedule_release(run: RunCommand, name: str, *, owner: str, seconds: float, records: str = _RECORDS_DIR) -> Hold:
    """Let a timer start it, so many seconds from now. Raises Failure, OSError.

    A new timer first, then the old one goes, then the record of the new one: at no moment is there no timer.
    """
    before = _recorded(name, records)
    timer = f"etcd-maintenance-release-{uuid.uuid4().hex[:12]}"
    held = Hold(owner, timer, time.time() + seconds)
    record = shlex.quote(_record(name, records))
    # It takes the record with it, unless another timer has taken over meanwhile.
    start_it = shlex.join(["systemctl", "start", *no_block(name), "--", name])
    script = f"grep -qs {timer} {record} && rm -f {record}; exec {start_it}"
    command = ["systemd-run", "--quiet", "--collect", f"--unit={timer}", f"--on-active={max(seconds, 0):.0f}s"]
    command += ["--timer-property=AccuracySec=1s", f"--description=Starts {name}, which is held"]
    command += ["/bin/sh", "-c", script]
    done = run(command, SYSTEMCTL_SECONDS)
    if done.code and "--collect" in done.output:  # systemd before 236 does not know it
        done = run([word for word in command if word != "--collect"], SYSTEMCTL_SECONDS)
    if done.code != 0:
        raise Failure(
            "kubelet_not_held", f"{name} was not held: the timer to start it again could not be set ({done.output})."
        )
    if before:
        _stop_timer(run, before.timer)
    put(_record(name, records), json.dumps(held._asdict()).encode(), 0o600)
    return held


def _record(name: str, records: str) -> str:
    return os.path.join(records, f"etcd-maintenance-hold.{name}")


def _forget(run: RunCommand, name: str, records: str) -> None:
    held = _recorded(name, records)
    if held is None:
        return
    _stop_timer(run, held.timer)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_record(name, records))


def _stop_timer(run: RunCommand, timer: str) -> None:
    """Stop a timer; one that has fired meanwhile is gone already."""
    if UNIT_NAME.fullmatch(timer):
        run(["systemctl", "stop", "--", f"{timer}.timer", f"{timer}.service"], SYSTEMCTL_SECONDS)


__all__ = (
    "Hold",
    "end_back_off",
    "held_until",
    "hold",
    "read_hold",
    "release",
    "restart_and_release",
    "schedule_release",
    "startable",
)
