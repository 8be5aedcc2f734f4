# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What a recovery prints while it works: a line for each step that is done, and on a terminal what it does now."""

from __future__ import annotations

import sys
import syslog
import threading
import time
import typing as t
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from .._core.text import printable
from .context import write

_CLEAR = "\r\x1b[K"
_DRAW_SECONDS = 1.0


@dataclass(frozen=True)
class Step:
    """What is being done, for the message of its failure: the verb, and what is still true then."""

    doing: str
    unchanged: str


class Progress:
    """The lines of one run, and the step that it is at. On a terminal they go to the journal as well: a terminal may
    be lost in the middle."""

    def __init__(self, *, terminal: bool, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._terminal, self._clock, self._start = terminal, clock, clock()
        self._writing = threading.Lock()
        self.step = Step("Inspecting this node", "Nothing was changed.")

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._start

    def say(self, text: str) -> None:
        """Lines without a time."""
        lines = [*map(printable, text.rstrip().split("\n"))]
        with self._writing:
            write("\n".join([f"{_CLEAR if self._terminal else ''}{lines[0]}", *lines[1:]]), raw=True)
        if self._terminal:
            for line in lines:
                syslog.syslog(syslog.LOG_INFO, line)

    def done(self, text: str) -> None:
        """A line for a step that is done, with the seconds since the beginning."""
        self.say(f"{self.seconds:7.1f} s  {text}")

    @contextmanager
    def working(self, doing: str, unchanged: str, expected: float = 0.0) -> t.Iterator[None]:
        """Work on this step, and show on a terminal, once a second, for how long, and how long it is expected to
        take."""
        self.step = Step(doing, unchanged)
        if not self._terminal:
            yield
            return
        over, began = threading.Event(), self._clock()

        def draw() -> None:
            while not over.wait(_DRAW_SECONDS):
                so_far = f"{self._clock() - began:.0f}{f' of about {expected:.0f}' if expected >= 1 else ''} s"
                line = printable(f"{self.seconds:7.1f} s  {doing[0].lower()}{doing[1:]}, {so_far}")
                with self._writing, suppress(OSError, ValueError):
                    sys.stdout.write(f"{_CLEAR}{line}")
                    sys.stdout.flush()

        drawing = threading.Thread(target=draw, daemon=True)
        drawing.start()
        try:
            yield
        finally:
            over.set()
            drawing.join()
            with suppress(OSError, ValueError):
                sys.stdout.write(_CLEAR)
                sys.stdout.flush()


__all__ = ("Progress", "Step")
