# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The thread that says how long a silent step has taken.

Ansible forks its workers while this thread runs. Its lock is its own, and it takes no other while it has it; it writes
whole lines to the file descriptor, past the buffers and locks of Ansible's display. So no worker can inherit a lock
that it needs.
"""

from __future__ import annotations

import threading
import time
import typing as t
from dataclasses import replace

from . import silence
from .silence import Step

_TICK_SECONDS = 0.5
_REST_SECONDS = 0.3  # after a line of somebody else, which may have more to say


class Heartbeat:
    """Steps at work, and what is said of them. `write` takes text for the screen, `line` makes one of a host and
    words, `draw` makes a bar; without it there are lines only. Times are those of `clock`."""

    def __init__(
        self,
        write: t.Callable[[str], None],
        line: t.Callable[[str, str], str],
        draw: t.Callable[[Step, float], str] | None = None,
        *,
        clear: str = "",
        clock: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self._write, self._line, self._draw, self._clear, self._clock = write, line, draw, clear, clock
        self._steps: dict[tuple[str, str], Step] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._drawn = False
        self._before = self._rest_until = clock()

    def run(self) -> None:
        """Begin; the thread ends with the process at the latest."""
        threading.Thread(target=self._beat, name="controlplane.etcd.progress", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        self.clear()

    def begin(self, host: str, task: str, doing: str, expected: float | None) -> None:
        now = self._clock()
        with self._lock:
            self._steps[host, task] = Step(host, doing, now, now, expected)

    def hear(self, host: str, task: str) -> None:
        with self._lock:
            step = self._steps.get((host, task))
            if step:
                self._steps[host, task] = replace(step, heard=self._clock())

    def end(self, host: str, task: str) -> None:
        with self._lock:
            self._steps.pop((host, task), None)

    def clear(self) -> None:
        """Take the bar away: something else is about to be printed."""
        with self._lock:
            self._rest_until = self._clock() + _REST_SECONDS
            if self._drawn:
                self._drawn = False
                self._write(self._clear)

    def tick(self) -> None:
        """Say what is to be said now."""
        with self._lock:
            now, before, steps = self._clock(), self._before, list(self._steps.values())
            self._before = now
            shown = silence.longest_expected(steps) if self._draw else None
            if self._draw and shown and now >= self._rest_until:
                self._drawn = True
                self._write(self._clear + self._draw(shown, now))
            elif self._drawn and not shown:
                self._drawn = False
                self._write(self._clear)
            silent = [step for step in silence.due(steps, before, now) if not (self._draw and step.expected)]
            for host, text in silence.mentions(silent, now):
                self._write(f"{self._clear if self._drawn else ''}{self._line(host, text)}\n")
                self._drawn = False

    def _beat(self) -> None:
        try:
            while not self._stopped.wait(_TICK_SECONDS):
                self.tick()
        except Exception:  # whatever it is, the run matters more
            self._stopped.set()


__all__ = ("Heartbeat",)
