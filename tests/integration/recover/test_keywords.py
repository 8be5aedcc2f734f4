# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a play says above the role, or a user adds to the command: never half a recovery.

Every keyword meets two faults: the snapshot fails, and a member cannot be defragmented. Each time the run must exit
with something else than 0, and nothing that comes later may have been done.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.support.ansible_commands import Run
from integration.support.recovery import (
    QUICK,
    assert_full,
    assert_recovered,
    full_cluster,
    inventory,
    locks,
    state,
    work,
)
from integration.support.settings import RECOVER
from lab.loopback.cluster import Cluster

MakeCluster = Callable[..., Cluster]
Playbook = Callable[..., Run]

ROLE = {"name": "controlplane.etcd.recover"}

# It stands for the node's Python, and fails with the module that defragments, whichever way it comes.
BROKEN_PYTHON = """\
#!/bin/sh
case "$*" in *AnsiballZ_etcd_defrag*) echo 'Input/output error' >&2; exit 5;; esac
[ $# -gt 0 ] && exec {python} "$@"
module=$(mktemp {directory}/module.XXXXXX)
cat > "$module"
grep -q 'modules.etcd_defrag' "$module" && {{ echo 'Input/output error' >&2; exit 5; }}
exec {python} "$module"
"""


@dataclass(frozen=True)
class Way:
    """A way to run the role: ``play`` are keywords of a play of the user's own; without them it is the playbook."""

    name: str
    play: Mapping[str, Any] | None = None
    task: Mapping[str, Any] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    static: bool = False
    refused: str = ""
    long: bool = False


# Ansible finds only what is imported, and passes over what is not there.
_DISARM = "disarm | Disarm the alarm of every member, and write through each"

# Those that are long are others in another place, or fall under what resets all keywords.
WAYS = [
    Way("ignore_errors of the play", {"ignore_errors": True}),
    Way("ignore_errors of a static role", {"ignore_errors": True}, static=True, long=True),
    Way("ignore_errors of the task", {}, {"ignore_errors": True, "apply": {"ignore_errors": True}}, long=True),
    Way(
        "who else is ended, and when",
        {"ignore_unreachable": True, "any_errors_fatal": True, "max_fail_percentage": 100},
        long=True,
    ),
    Way("tags that name nothing", arguments=["--tags=backup", "--skip-tags=all,other"]),
    Way("tags that name nothing of a play", {}, arguments=["--tags=backup"], static=True, long=True),
    Way(
        "tags to skip that are ours",
        {},
        arguments=["--skip-tags=always"],
        refused="--skip-tags always",
        long=True,
    ),
    Way("tags to skip that are ours, of the playbook", arguments=["--skip-tags=always"], refused="--skip-tags always"),
    Way("start-at-task", arguments=[f"--start-at-task={_DISARM}"], refused=f"--start-at-task {_DISARM}"),
    Way("start-at-task of a play", {}, arguments=[f"--start-at-task={_DISARM}"], static=True, refused="__recover"),
    Way("step", arguments=["--step"], refused="--step"),
    Way(
        "all that makes no difference",
        {"throttle": 1, "become": False, "environment": {"LC_ALL": "C.UTF-8"}, "force_handlers": True},
        env={
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_HASH_BEHAVIOUR": "merge",
            "ANSIBLE_JINJA2_NATIVE": "1",
            "ANSIBLE_PIPELINING": "0",
        },
    ),
]


@pytest.mark.parametrize(
    "way", [pytest.param(way, id=way.name, marks=[pytest.mark.long] if way.long else []) for way in WAYS]
)
def test_a_failure_ends_the_work(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path, way: Way) -> None:
    cluster = full_cluster(make_cluster, members=1)
    before = state(cluster)

    run = _run(
        way, playbook, inventory(tmp_path / "hosts.yml", cluster), {"recover_snapshot_dir": "/dev/null"}, tmp_path
    )

    assert run.rc != 0, run.out
    assert (way.refused or "/dev/null") in run.flat, run.out
    assert state(cluster) == before
    assert_full(cluster)
    assert locks(cluster) == []
    if way.refused:  # before there is anything that could fail
        return

    broken = {node.name: _broken(tmp_path) for node in cluster.nodes}
    run = _run(way, playbook, inventory(tmp_path / "hosts.yml", cluster, more=broken), {}, tmp_path)

    assert run.rc != 0, run.out
    assert "Input/output error" in run.flat, run.out
    assert "defragment" not in [each.what for each in work(*cluster.nodes)]
    assert_full(cluster)
    assert locks(cluster) == []


def test_a_member_that_fails_ends_all_turns(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    cluster = full_cluster(make_cluster)
    first = min(node.name for node in cluster.nodes if node is not cluster.leader())

    run = playbook(inventory(tmp_path / "hosts.yml", cluster, more={first: _broken(tmp_path)}), extra_vars=QUICK)

    assert run.rc == 2, run.out
    assert "Input/output error" in run.flat, run.out
    # Neither the second, nor the third because of that.
    assert "defragment" not in [each.what for each in work(*cluster.nodes)]
    assert_full(cluster)
    assert locks(cluster) == []


def test_forced_check_mode(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    cluster = full_cluster(make_cluster, members=1)
    before = state(cluster)
    run = _run(Way("", {"check_mode": True}), playbook, inventory(tmp_path / "hosts.yml", cluster), {}, tmp_path)
    assert run.rc == 0, run.out
    assert state(cluster) == before


def test_tags_do_the_whole_work(make_cluster: MakeCluster, playbook: Playbook, tmp_path: Path) -> None:
    cluster = full_cluster(make_cluster, members=1)
    run = playbook(inventory(tmp_path / "hosts.yml", cluster), "--tags=backup", extra_vars=QUICK)
    assert run.rc == 0, run.out
    assert_recovered(cluster)


def _broken(directory: Path) -> dict[str, str]:
    """Variables of a host on which no defragmentation can be started."""
    python = directory / "python"
    python.write_text(BROKEN_PYTHON.format(python=sys.executable, directory=directory), "utf-8")
    python.chmod(0o755)
    return {"ansible_python_interpreter": str(python)}


def _run(way: Way, playbook: Playbook, hosts: Path, variables: Mapping[str, Any], directory: Path) -> Run:
    name = RECOVER if way.play is None else str(_own_playbook(way, directory))
    env = {"ANSIBLE_CACHE_PLUGIN_CONNECTION": str(directory / "facts"), **way.env}
    return playbook(hosts, *way.arguments, extra_vars={**QUICK, **variables}, env=env, name=name)


def _own_playbook(way: Way, directory: Path) -> Path:
    task = {**way.task}
    include = {**ROLE, **({"apply": task.pop("apply")} if "apply" in task else {})}
    work_ = {"roles": [ROLE["name"]]} if way.static else {"tasks": [{"ansible.builtin.include_role": include, **task}]}
    path = directory / "own.yml"
    path.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, **(way.play or {}), **work_}]), "utf-8")
    return path
