# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the thread writes, by a clock of the test's own; the thread itself is seen in real runs."""

from __future__ import annotations

import pytest

from ansible_collections.controlplane.etcd.plugins.plugin_utils._progress.heartbeat import Heartbeat
from ansible_collections.controlplane.etcd.plugins.plugin_utils._progress.silence import Step


class Screen:
    """A heartbeat, what it has written, and its clock."""

    def __init__(self, *, bar: bool = False) -> None:
        self.now = 0.0
        self.written: list[str] = []
        draw = (lambda step, now: f"[{step.host} {now - step.started:.0f}]") if bar else None
        clear = "<" if bar else ""
        self.heart = Heartbeat(
            self.written.append, lambda host, text: f"{host} {text}", draw, clear=clear, clock=lambda: self.now
        )

    def wait(self, seconds: int) -> list[str]:
        """What is written meanwhile."""
        self.written.clear()
        for _second in range(seconds):
            self.now += 1
            self.heart.tick()
        return list(self.written)


def test_a_silent_step_is_mentioned_rarely() -> None:
    screen = Screen()
    screen.heart.begin("cp1", "task", "compacting", None)
    assert screen.wait(9) == []
    assert screen.wait(1) == ["cp1 still compacting: 10 s so far\n"]
    assert screen.wait(50) == ["cp1 still compacting: 30 s so far\n", "cp1 still compacting: 60 s so far\n"]


def test_nothing_is_said_of_a_step_that_is_done_before() -> None:
    screen = Screen()
    screen.heart.begin("cp1", "task", "compacting", 20.0)
    screen.wait(9)
    screen.heart.end("cp1", "task")
    screen.heart.end("cp1", "task")
    assert screen.wait(300) == []


def test_an_item_breaks_the_silence() -> None:
    screen = Screen()
    screen.heart.begin("cp1", "task", "defragmenting", 60.0)
    screen.wait(9)
    screen.heart.hear("cp1", "task")
    screen.heart.hear("cp1", "unknown")
    assert screen.wait(9) == []
    assert screen.wait(1) == ["cp1 still defragmenting: 19 s of about 60 s\n"]


def test_a_bar_is_drawn_over_itself_and_taken_away() -> None:
    screen = Screen(bar=True)
    screen.heart.begin("cp1", "task", "compacting", 40.0)
    assert screen.wait(2) == ["<[cp1 1]", "<[cp1 2]"]
    screen.heart.end("cp1", "task")
    assert screen.wait(2) == ["<"]


def test_a_bar_makes_way_for_what_is_printed() -> None:
    screen = Screen(bar=True)
    screen.heart.begin("cp1", "task", "compacting", 40.0)
    screen.wait(1)
    screen.written.clear()
    screen.heart.clear()
    screen.heart.clear()
    screen.heart.tick()
    assert screen.written == ["<"]
    assert screen.wait(1) == ["<[cp1 2]"]


def test_a_step_without_an_end_that_is_known_has_its_lines_beside_a_bar() -> None:
    screen = Screen(bar=True)
    screen.heart.begin("cp1", "task", "inspecting", None)
    screen.heart.begin("cp2", "task", "compacting", 60.0)
    assert "<cp1 still inspecting: 10 s so far\n" in screen.wait(10)
    assert not any("cp2 still" in text for text in screen.wait(60))


def test_a_stopped_heart_is_still() -> None:
    screen = Screen(bar=True)
    screen.heart.begin("cp1", "task", "compacting", 60.0)
    screen.wait(1)
    screen.heart.stop()
    assert screen.written[-1] == "<"


def test_a_screen_that_cannot_be_written_to_ends_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_text: str) -> None:
        raise OSError("gone")

    heart = Heartbeat(fail, lambda host, text: text, lambda step, now: step.host)
    heart.begin("cp1", "task", "compacting", 60.0)
    monkeypatch.setattr(
        "ansible_collections.controlplane.etcd.plugins.plugin_utils._progress.heartbeat._TICK_SECONDS", 0
    )
    heart._rest_until = 0.0
    heart._beat()
    assert heart._stopped.is_set()


def test_steps_are_kept_by_host_and_task() -> None:
    screen = Screen()
    screen.heart.begin("cp1", "task", "inspecting", None)
    screen.heart.begin("cp2", "task", "inspecting", None)
    screen.heart.end("cp1", "other")
    screen.heart.end("cp1", "task")
    assert list(screen.heart._steps.values()) == [Step("cp2", "inspecting", 0.0, 0.0)]
