# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task asks etcd with is what the host has that it runs on, never what the host has that delegates it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.architecture.sources import PUBLIC_ROLES, ROOT, TASK_FILES, load, tasks_of

from ansible_collections.controlplane.etcd.plugins.module_utils._member_module import CONNECTION_SPEC
from ansible_collections.controlplane.etcd.plugins.module_utils._node.member import CONNECTION_OPTIONS

GROUP = "group/controlplane.etcd.etcd"
ASKS = {f"controlplane.etcd.{name}" for name in load("meta/runtime.yml")["action_groups"]["etcd"]}


def wrongly_delegated(task: dict[str, Any]) -> bool:
    """Whether a task asks etcd on another host with what its own host has."""
    if not ASKS & set(task) or "delegate_to" not in task:
        return False
    return task["delegate_to"] != "{{ __clusters_on }}" or "__clusters_on" not in task.get("vars", {})


@pytest.mark.parametrize(
    ("task", "wrong"),
    [
        ({"delegate_to": "{{ host }}", "vars": {"__clusters_on": "{{ host }}"}}, True),
        ({"delegate_to": "{{ __clusters_on }}"}, True),
        ({"delegate_to": "{{ __clusters_on }}", "vars": {"__clusters_on": "{{ host }}"}}, False),
        ({}, False),
    ],
)
def test_what_is_wrong(task: dict[str, Any], wrong: bool) -> None:
    assert wrongly_delegated({"controlplane.etcd.etcd_compact": {}, **task}) is wrong


@pytest.mark.parametrize("path", TASK_FILES, ids=lambda path: path.relative_to(ROOT / "roles").as_posix())
def test_tasks_ask_with_what_their_host_has(path: Path) -> None:
    tasks = tasks_of(load(path.relative_to(ROOT).as_posix()))

    assert [task["name"] for task in tasks if wrongly_delegated(task)] == []


def test_there_are_such_tasks() -> None:
    found = [
        task for path in TASK_FILES for task in tasks_of(load(path.relative_to(ROOT).as_posix())) if ASKS & set(task)
    ]

    assert len([task for task in found if "delegate_to" in task]) > 10


@pytest.mark.parametrize("role", PUBLIC_ROLES)
def test_all_tasks_of_a_role_have_all_of_it(role: str) -> None:
    block = next(task for task in load(f"roles/{role}/tasks/main.yml") if GROUP in task.get("module_defaults", {}))

    assert f"__{role}_connection" in block["module_defaults"][GROUP]
    variables = load(f"roles/{role}/vars/main.yml")
    # What a playbook sets for a second etcd goes through a variable of its own.
    options = {name: variables.get(text.strip("{} "), text) for name, text in variables[f"__{role}_connection"].items()}
    assert options == {name: f"{{{{ {role}_{name} }}}}" for name in CONNECTION_SPEC}


def test_so_has_the_first_inspection_which_belongs_to_no_such_block() -> None:
    (task,) = load("roles/_clusters/tasks/inspect.yml")

    assert task["module_defaults"] == {GROUP: "{{ clusters_connection }}"}


@pytest.mark.parametrize("role", PUBLIC_ROLES)
def test_each_of_them_is_an_option_of_the_role(role: str) -> None:
    defaults = load(f"roles/{role}/defaults/main.yml")

    assert {name: defaults[f"{role}_{name}"] for name in CONNECTION_OPTIONS} == {
        **dict.fromkeys(CONNECTION_OPTIONS, ""),
        "transport": "auto",
    }


@pytest.mark.parametrize("role", PUBLIC_ROLES)
def test_a_role_takes_every_way_that_modules_take(role: str) -> None:
    options = load(f"roles/{role}/meta/argument_specs.yml")["argument_specs"]["main"]["options"]

    assert options[f"{role}_transport"]["choices"] == CONNECTION_SPEC["transport"]["choices"]
