# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The change itself: the new manifest in its place, verified, or rolled back."""

from __future__ import annotations

import signal
import time
import typing as t
from contextlib import contextmanager

from .._kubeadm import backups
from .roll_back import roll_back, still_reading
from .rollout import Rollout, replace_manifest
from .target import Target
from .verification import verification_of


class Changed(t.NamedTuple):
    """The copy of the old manifest, for how long the member was away, and what was done about the kubelet."""

    backup_file: str
    away_seconds: float
    note: str = ""


@contextmanager
def uninterrupted() -> t.Iterator[None]:
    """Go on when the connection is lost, somebody presses Ctrl-C, or the module's time is over: each would end it (on
    the terminal that ssh opens for a module), and a manifest that etcd refuses would stay. What is waited for in here
    has limits of its own."""
    numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGALRM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@uninterrupted()
def change(rollout: Rollout, target: Target, pid: int) -> Changed:
    """Put the target in its place and verify that etcd runs with it; `pid` is the etcd that runs now. Raises Failure
    after a roll-back, and without one if the new etcd only needs more time; Refused, OSError if nothing was changed."""
    backup = backups.back_up(rollout.data, rollout.path, rollout.options.backup_dir)
    new = target.text.encode("utf-8")
    started = time.time()
    replace_manifest(rollout.path, old=rollout.data, new=new)
    verification = verification_of(rollout, target.text, old_pid=pid, since=started)
    result = verification.until_verified(rollout.timeout)
    if result.reading:
        raise still_reading(result, "from its new manifest")
    if result.problem:
        raise roll_back(rollout, result, new=new, old=rollout.data, backup_file=backup, old_pid=pid)
    backups.remember_verified(new, rollout.path, rollout.options.backup_dir)
    return Changed(backup, result.away_seconds, result.note)


__all__ = ("Changed", "change", "uninterrupted")
