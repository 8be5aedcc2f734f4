# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loops of tasks that end at the first failure: what they register is the turn before, and one that was skipped has
not failed."""

from __future__ import annotations

from typing import Any

import pytest
from unit.architecture.sources import ROOT, TASK_FILES, load, tasks_of


def goes_on_after_a_failure(task: dict[str, Any]) -> bool:
    """Whether the turn after the next one is taken although one has failed."""
    name, conditions = task.get("register"), str(task.get("when", ""))
    return "loop" in task and f"{name} is not failed" in conditions and f"{name} is not skipped" not in conditions


@pytest.mark.parametrize(
    ("when", "wrong"),
    [("turn == 0 or done is not failed", True), ("turn == 0 or (done is not failed and done is not skipped)", False)],
)
def test_what_is_wrong(when: str, wrong: bool) -> None:
    assert goes_on_after_a_failure({"loop": "{{ members }}", "register": "done", "when": when}) is wrong


@pytest.mark.parametrize("path", TASK_FILES, ids=lambda path: path.relative_to(ROOT / "roles").as_posix())
def test_a_failure_ends_all_turns(path: Any) -> None:
    wrong = [
        task["name"] for task in tasks_of(load(path.relative_to(ROOT).as_posix())) if goes_on_after_a_failure(task)
    ]

    assert wrong == []
