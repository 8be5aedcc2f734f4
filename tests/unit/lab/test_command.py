# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that the lab runs."""

from __future__ import annotations

import pytest

from lab.command import attempt, run
from lab.errors import CommandFailedError, LabError


def test_the_environment_is_added_to_and_taken_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOROOT", "/usr/local/go")
    assert run("sh", "-c", "echo ${GOROOT-none} $GOWORK", env={"GOROOT": None, "GOWORK": "off"}) == "none off\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        pytest.param(["sh", "-c", "echo why >&2; exit 3"], "exited with code 3:\nwhy", id="it fails"),
        pytest.param(["no-such-program"], "no-such-program cannot be run: No such file", id="it is not there"),
        pytest.param(["sleep", "9"], "sleep 9 did not exit within 0 s", id="it takes too long"),
    ],
)
def test_a_failure_is_told_in_the_words_of_the_command(command: list[str], message: str) -> None:
    with pytest.raises(CommandFailedError, match=message):
        run(*command, seconds=0.2)


def test_every_step_is_attempted() -> None:
    taken = []

    def fail(reason: str) -> None:
        taken.append(reason)
        raise LabError(reason)

    with pytest.raises(LabError, match="one\ntwo"):
        attempt(lambda: fail("one"), lambda: fail("two"))
    assert taken == ["one", "two"]
