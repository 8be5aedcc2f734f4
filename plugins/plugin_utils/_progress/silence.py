# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What to say while a step is silent: rarely, and nothing if it is done before."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

_MARKS = (10.0, 30.0, 60.0)
_EVERY = 60.0
_NAMED = 3


@dataclass(frozen=True)
class Step:
    """A task at work on a host. Times are those of one clock: when it began, and when something was last said of it.
    `expected` is how many seconds it is to take, None if nobody knows."""

    host: str
    doing: str
    started: float
    heard: float
    expected: float | None = None


def marks_passed(seconds: float) -> int:
    """How many moments have passed at which a silent step is mentioned."""
    return sum(seconds >= mark for mark in _MARKS) + max(0, int((seconds - _MARKS[-1]) // _EVERY))


def due(steps: t.Iterable[Step], before: float, now: float) -> list[Step]:
    """Those to be mentioned now, if that was last asked `before`."""
    return [step for step in steps if marks_passed(now - step.heard) > marks_passed(max(0.0, before - step.heard))]


def mentions(steps: t.Iterable[Step], now: float) -> list[tuple[str, str]]:
    """Hosts and words; hosts that do the same since the same second share one line."""
    hosts: dict[str, list[str]] = {}
    for step in steps:
        hosts.setdefault(f"still {step.doing}: {elapsed(step, now)}", []).append(step.host)
    return [(_named(names), text) for text, names in hosts.items()]


def elapsed(step: Step, now: float) -> str:
    """How long it has been at work, beside what was expected."""
    seconds = now - step.started
    if step.expected is None:
        return f"{seconds:.0f} s so far"
    if seconds > step.expected:
        return f"{seconds:.0f} s so far, about {step.expected:.0f} s were expected"
    return f"{seconds:.0f} s of about {step.expected:.0f} s"


def longest_expected(steps: t.Iterable[Step]) -> Step | None:
    """The step that a bar is drawn for: the one with the most left of those whose end is known."""
    return max((step for step in steps if step.expected), key=_end, default=None)


def _end(step: Step) -> float:
    return step.started + (step.expected or 0.0)


def _named(hosts: t.Sequence[str]) -> str:
    more = len(hosts) - _NAMED
    return f"{', '.join(hosts[:_NAMED])} and {more} more" if more > 0 else ", ".join(hosts)


__all__ = ("Step", "due", "elapsed", "longest_expected", "marks_passed", "mentions")
