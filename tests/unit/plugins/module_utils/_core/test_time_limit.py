# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time limit that a module keeps by itself."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import time_limit

LIMITS: list[tuple[str, int, int]] = [
    ("long", 120, 105),
    ("just as long before", 60, 45),
    ("short", 20, 15),
    ("as short as can be", 1, 1),
]


@pytest.mark.parametrize(("timeout", "limit"), table(LIMITS))
def test_of_task(timeout: int, limit: int) -> None:
    assert time_limit.of_task(timeout) == limit


@pytest.mark.parametrize(
    ("environment", "limit"),
    [({time_limit.VARIABLE: "45"}, 45), ({}, 0), ({time_limit.VARIABLE: ""}, 0), ({time_limit.VARIABLE: "soon"}, 0)],
)
def test_of_environment(environment: Mapping[str, str], limit: int) -> None:
    assert time_limit.of_environment(environment) == limit


def test_what_waits_for_ever_is_ended(tmp_path: Path) -> None:
    """Also by somebody who goes on without what fails, and also if tidying up waits once more."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reached = []

    def work() -> None:
        try:
            pipe.read_bytes()
        except Exception:  # what is tested is that this does not catch it
            reached.append("went on")
        finally:
            reached.append("tidied up")
            threading.Event().wait()

    with time_limit.kept(1), pytest.raises(time_limit.TimeIsOver) as caught:
        work()
    assert reached == ["tidied up"]
    assert caught.value.seconds == 1


def test_what_ends_in_time() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with time_limit.kept(60):
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == before


def test_no_limit() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with time_limit.kept(0):
        assert signal.getsignal(signal.SIGALRM) == before


def test_exceeded() -> None:
    failure = time_limit.exceeded(45)
    assert (failure.code, failure.reason) == ("node_hangs", "It had not finished after 45 s.")
    assert failure.advice == time_limit.ADVICE
