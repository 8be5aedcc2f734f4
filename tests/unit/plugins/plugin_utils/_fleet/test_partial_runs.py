# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of Ansible that leave out tasks."""

from __future__ import annotations

from typing import Any

import pytest
from unit.builders import table

from ansible_collections.controlplane.etcd.plugins.plugin_utils._fleet.partial_runs import options_that_leave_out_tasks

OPTIONS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("none", {}, []),
    ("a step to start at", {"start_at_task": "Compact"}, ["--start-at-task Compact"]),
    ("one step at a time", {"step": True}, ["--step"]),
    ("tags of others", {"skip_tags": ["slow", "all"]}, []),
    ("our tag", {"skip_tags": ["slow", "always"]}, ["--skip-tags always"]),
    ("whatever is tagged", {"skip_tags": ["tagged"]}, ["--skip-tags tagged"]),
    (
        "all",
        {"start_at_task": "x", "step": True, "skip_tags": ["always"]},
        ["--start-at-task x", "--step", "--skip-tags always"],
    ),
]


@pytest.mark.parametrize(("given", "expected"), table(OPTIONS))
def test_options(given: dict[str, Any], expected: list[str]) -> None:
    usual: dict[str, Any] = {"start_at_task": None, "step": None, "skip_tags": ()}
    assert options_that_leave_out_tasks(**{**usual, **given}) == expected
