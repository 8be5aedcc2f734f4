# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Ansible is enough is said once to Ansible, once to people, and refused before anything else."""

from __future__ import annotations

import re

import pytest
from unit.architecture.sources import PUBLIC_ROLES, ROOT, load

from tools import matrix

CHECK = "controlplane.etcd._controller"


def oldest() -> str:
    found = re.fullmatch(r">=(\d+\.\d+)\.0", load("meta/runtime.yml")["requires_ansible"])
    assert found
    return found[1]


def test_the_first_task_refuses_what_requires_ansible_does_not_allow() -> None:
    (task,) = load("roles/_controller/tasks/main.yml")
    stop = task["ansible.builtin.assert"]
    assert f"version('{oldest()}', '>=')" in stop["that"]
    assert f"needs {oldest()} or newer" in stop["fail_msg"]
    # Whatever a play sets above it.
    assert (task["tags"], task["ignore_errors"]) == ("always", False)


def test_the_readme_names_the_same() -> None:
    assert f"ansible-core {oldest()} or newer" in (ROOT / "README.md").read_text("utf-8")


def test_the_oldest_is_tested_and_what_is_older_refused() -> None:
    cores = [line.core for line in matrix.LINES]
    assert [line.core for line in matrix.LINES if line.refused] == cores[: cores.index(oldest())]
    assert cores.index(oldest()) > 0


@pytest.mark.parametrize("role", PUBLIC_ROLES)
def test_a_role_begins_with_it(role: str) -> None:
    first = next(each for each in load(f"roles/{role}/tasks/main.yml") if "block" in each)["block"][0]
    assert (first["ansible.builtin.include_role"]["name"], first["tags"]) == (CHECK, ["always"])


@pytest.mark.parametrize("playbook", PUBLIC_ROLES)
def test_a_playbook_begins_with_it(playbook: str) -> None:
    assert load(f"playbooks/{playbook}.yml")[0]["ansible.builtin.import_playbook"] == "_check_targets.yml"
    first = load("playbooks/_check_targets.yml")[0]["tasks"][0]
    assert (first["ansible.builtin.include_role"]["name"], first["tags"]) == (CHECK, "always")
