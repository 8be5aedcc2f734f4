# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a recovery prints while it works."""

from __future__ import annotations

import syslog
import threading

import pytest

from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import progress
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.progress import Progress, Step


def test_without_a_terminal_there_are_lines_only(capsys: pytest.CaptureFixture[str]) -> None:
    moments = iter([100.0, 103.25])
    shown = Progress(terminal=False, clock=lambda: next(moments))
    with shown.working("Compacting", "Nothing else."):
        shown.say("one \x1b[2J line\nand another")
    shown.done("compacted")
    assert capsys.readouterr().out == "one \\x1b[2J line\nand another\n    3.2 s  compacted\n"
    assert shown.step == Step("Compacting", "Nothing else.")


def test_a_terminal_shows_what_is_done_now(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    journal: list[str] = []
    monkeypatch.setattr(syslog, "syslog", lambda _level, line: journal.append(line))
    monkeypatch.setattr(progress, "_DRAW_SECONDS", 0.001)
    shown, drawn = Progress(terminal=True), threading.Event()
    real = progress.sys.stdout.write

    def write(text: str) -> int:
        if "writing a snapshot, 0 of about 9 s" in text:
            drawn.set()
        return real(text)

    monkeypatch.setattr(progress.sys.stdout, "write", write)
    with shown.working("Writing a snapshot", "Nothing was compacted.", 9.0):
        assert drawn.wait(60)
    shown.say("done")
    assert capsys.readouterr().out.endswith("\r\x1b[K\r\x1b[Kdone\n")
    assert journal == ["done"]
