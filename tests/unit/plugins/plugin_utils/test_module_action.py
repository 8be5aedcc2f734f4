# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin in front of every module: a Python that is too old, a host that is lost or hangs, and who has
it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ansible.errors import AnsibleConnectionFailure
from ansible.executor import task_executor
from ansible.plugins.action import ActionBase
from unit.builders import Json, table

from ansible_collections.controlplane.etcd.plugins.module_utils._core import time_limit
from ansible_collections.controlplane.etcd.plugins.plugin_utils import _module_action

ROOT = Path(__file__).resolve().parents[4]

VERSIONS: list[tuple[str, tuple[int, int], str, str]] = [
    ("older", (3, 8), "3.7\n", "3.7"),
    ("much older", (3, 8), "2.7\n", "2.7"),
    ("the oldest that will do", (3, 8), "3.8\n", ""),
    ("3.10 is not 3.1", (3, 8), "3.10\n", ""),
    ("newer", (3, 8), "3.14\n", ""),
    ("a whole number newer", (3, 8), "4.0\n", ""),
    ("older, where Ansible itself needs more", (3, 9), "3.8\n", "3.8"),
    ("just enough there", (3, 9), "3.9\n", ""),
    ("no answer", (3, 8), "", ""),
    ("an error", (3, 8), "bash: python3: command not found\n", ""),
    ("one number", (3, 8), "3\n", ""),
    ("three numbers", (3, 8), "3.7.1\n", ""),
    ("no numbers", (3, 8), "3.x\n", ""),
]


@pytest.mark.parametrize(("oldest", "printed", "version"), table(VERSIONS))
def test_python_refusal(monkeypatch: pytest.MonkeyPatch, oldest: tuple[int, int], printed: str, version: str) -> None:
    monkeypatch.setattr(_module_action, "OLDEST", oldest)
    refusal = _module_action.python_refusal(printed, "/usr/bin/python3")
    if version:
        assert refusal is not None
        assert refusal.code == "python_too_old"
        needed = f"/usr/bin/python3 on this node is Python {version}; Python 3.{oldest[1]} or newer is needed."
        assert refusal.text == f"{needed} Install one beside it and name it in ansible_python_interpreter."
    else:
        assert refusal is None


def test_oldest() -> None:
    assert _module_action.OLDEST in ((3, 8), (3, 9))


class TaskTimeoutError(BaseException):
    """What Ansible raises when the timeout of a task strikes, under this name in all versions."""


class _Lost(_module_action.ActionModule):
    """Runs a module on a host that is lost meanwhile, `delegate_to` it if that is not empty."""

    why: BaseException = AnsibleConnectionFailure("No route to host")

    def __init__(self, delegate_to: str, **task: object) -> None:
        described = {"timeout": 0, "environment": [], "name": "", "action": "controlplane.etcd.kubelet", **task}
        self._task = SimpleNamespace(async_val=0, delegate_to=delegate_to, **{"check_mode": False, **described})
        shell = SimpleNamespace(tmpdir="/tmp/modules")
        self._connection = SimpleNamespace(_load_name="local", has_native_async=False, _shell=shell)
        self._templar = SimpleNamespace(template=lambda text: text.replace("{{ step }}", "compacted"))

    def _execute_module(self, *_args: object, **_options: object) -> Json:
        raise self.why

    def _remove_tmp_path(self, *_args: object, **_options: object) -> None:
        raise AnsibleConnectionFailure("No route to host")


class _Hanging(_Lost):
    """Runs a module on a host that hangs until the task's timeout strikes."""

    why = TaskTimeoutError()

    def _remove_tmp_path(self, *_args: object, **_options: object) -> None:
        raise AssertionError("the host is asked once more")


@pytest.fixture
def _no_own_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda *_args, **_options: {})


@pytest.mark.usefixtures("_no_own_checks")
@pytest.mark.parametrize(
    ("task_vars", "told"),
    [
        ({"__if_unreachable": "Nothing was {{ step }}.\n"}, "Nothing was compacted."),
        ({}, "Restore SSH to it, or leave it out of the inventory, and run this again."),
    ],
)
def test_lost_host_of_a_delegated_task(task_vars: Json, told: str) -> None:
    action = _Lost("cp2")
    assert action.run(task_vars=task_vars) == {
        "failed": True,
        "changed": False,
        "code": "host_unreachable",
        "msg": f"cp2 cannot be reached any more. {told}",
        "error": "No route to host",
    }
    action.cleanup()


@pytest.mark.usefixtures("_no_own_checks")
def test_lost_host_of_another_task_leaves_the_play() -> None:
    action = _Lost("")
    with pytest.raises(AnsibleConnectionFailure):
        action.run(task_vars={"__if_unreachable": "Nothing was compacted."})
    with pytest.raises(AnsibleConnectionFailure):
        action.cleanup()


HANGS: list[tuple[str, str, Json, Json, str]] = [
    (
        "another host, of which the task tells",
        "cp2",
        {"name": "compact | Compact"},
        {"__if_unreachable": "Nothing was {{ step }}.\n", "inventory_hostname": "cp1"},
        'cp2 hangs: it had not finished "compact | Compact" after 60 s. Nothing was compacted.',
    ),
    (
        "this host",
        "",
        {"name": "revive | Restart"},
        {"inventory_hostname": "cp1"},
        (
            'cp1 hangs: it had not finished "revive | Restart" after 60 s. Whether it was done is not known;'
            f" it may still be going on. {time_limit.ADVICE}"
        ),
    ),
    (
        "one that is only looked at, by a task without a name",
        "",
        {"action": "controlplane.etcd.etcd_node_info"},
        {"inventory_hostname": "cp1"},
        (
            'cp1 hangs: it had not finished "controlplane.etcd.etcd_node_info" after 60 s. Nothing was'
            f" changed. {time_limit.ADVICE}"
        ),
    ),
    (
        "check mode",
        "",
        {"name": "x", "check_mode": True},
        {"inventory_hostname": "cp1"},
        f'cp1 hangs: it had not finished "x" after 60 s. Nothing was changed. {time_limit.ADVICE}',
    ),
]


@pytest.mark.usefixtures("_no_own_checks")
@pytest.mark.parametrize(("delegate_to", "task", "task_vars", "msg"), table(HANGS))
def test_a_host_that_hangs(delegate_to: str, task: Json, task_vars: Json, msg: str) -> None:
    """Nothing more is asked of it: that would have no limit any more."""
    action = _Hanging(delegate_to, timeout=60, **task)
    assert action.run(task_vars=task_vars) == {"failed": True, "changed": False, "code": "node_hangs", "msg": msg}
    action.cleanup()


@pytest.mark.usefixtures("_no_own_checks")
def test_whatever_else_ends_a_task_is_left_to_ansible() -> None:
    action = _Hanging("cp2", timeout=60)
    action.why = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        action.run(task_vars={})


@pytest.mark.usefixtures("_no_own_checks")
@pytest.mark.parametrize(
    ("timeout", "environment", "told"),
    [
        (0, [{"PATH": "/bin"}], [{"PATH": "/bin"}]),
        (120, [{"PATH": "/bin"}], [{"PATH": "/bin"}, {time_limit.VARIABLE: "105"}]),
        (120, None, [{time_limit.VARIABLE: "105"}]),
    ],
)
def test_the_module_is_told_its_limit(timeout: int, environment: list[Json], told: list[Json]) -> None:
    action = _Hanging("cp2", timeout=timeout, environment=environment)
    action.run(task_vars={})
    assert action._task.environment == told


def test_ansible_raises_it_under_this_name() -> None:
    """In 2.18 and before, and since."""
    from_here = getattr(task_executor, "TaskTimeoutError", None)
    known = from_here or task_executor._task_timeout.TaskTimeoutError
    assert known.__name__ == TaskTimeoutError.__name__
    assert not issubclass(known, Exception)


def test_it_is_in_front_of_every_module() -> None:
    modules = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
    routing = yaml.safe_load((ROOT / "meta/runtime.yml").read_text("utf-8"))["plugin_routing"]["modules"]
    assert list(routing) == modules
    plugins = {entry["action_plugin"] for entry in routing.values()}
    assert plugins == {f"controlplane.etcd.{path.stem}" for path in (ROOT / "plugins/action").glob("*.py")}
    assert routing["etcd_node_info"] == {"action_plugin": "controlplane.etcd.etcd_node_info"}
