# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The time limit that a module keeps by itself: when the controller gives up on a task, what it has started on the node
would go on there for ever."""

from __future__ import annotations

import signal
import typing as t
from contextlib import contextmanager

from .failures import Failure

# In the environment of the module, in whole seconds. Options would show it to users, who have `timeout` in their tasks.
VARIABLE = "CONTROLPLANE_ETCD_SECONDS"
_HEAD_START = 15
# What hangs is a disk, a network file system, or a program that nobody answers.
ADVICE = (
    "Look at the disks and the load of this node (dmesg, uptime), mend it or leave it out of the inventory, and run"
    " this again."
)


class TimeIsOver(BaseException):
    """The limit is exceeded. No Exception: whoever goes on without a file that cannot be read must not go on now."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def of_task(timeout: int) -> int:
    """The limit for the module of a task with this timeout: it is to answer, and say what it was doing, before the
    controller stops listening."""
    return timeout - min(_HEAD_START, timeout // 4)


def of_environment(environment: t.Mapping[str, str]) -> int:
    """The limit in the environment, 0 if there is none."""
    found = environment.get(VARIABLE, "")
    return int(found) if found.isdigit() else 0


@contextmanager
def kept(seconds: int) -> t.Iterator[None]:
    """Raise TimeIsOver in the middle of the work when the limit is exceeded, and once more if tidying up then takes as
    long again. There is no limit if `seconds` is 0."""

    def end(_number: int, _frame: object) -> t.NoReturn:
        raise TimeIsOver(seconds)

    if not seconds:
        yield
        return
    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def exceeded(seconds: int) -> Failure:
    """The failure of a module that was ended by its own limit."""
    return Failure("node_hangs", f"It had not finished after {seconds} s.", ADVICE)


__all__ = ("ADVICE", "VARIABLE", "TimeIsOver", "exceeded", "kept", "of_environment", "of_task")
