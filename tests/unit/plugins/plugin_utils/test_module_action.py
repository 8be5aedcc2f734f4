# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin in front of every module: a Python that is too old, a host that is lost, and who has it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from unit.builders import Json, table

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


class _Lost(_module_action.ActionModule):
    """Runs a module on a host that is lost meanwhile, `delegate_to` it if that is not empty."""

    def __init__(self, delegate_to: str) -> None:
        self._task = SimpleNamespace(async_val=0, delegate_to=delegate_to)
        self._connection = SimpleNamespace(has_native_async=False, _shell=SimpleNamespace(tmpdir="/tmp/modules"))
        self._templar = SimpleNamespace(template=lambda text: text.replace("{{ step }}", "compacted"))

    def _execute_module(self, *_args: object, **_options: object) -> Json:
        raise AnsibleConnectionFailure("No route to host")

    def _remove_tmp_path(self, *_args: object, **_options: object) -> None:
        raise AnsibleConnectionFailure("No route to host")


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


def test_it_is_in_front_of_every_module() -> None:
    modules = sorted(path.stem for path in (ROOT / "plugins/modules").glob("*.py"))
    routing = yaml.safe_load((ROOT / "meta/runtime.yml").read_text("utf-8"))["plugin_routing"]["modules"]
    assert list(routing) == modules
    plugins = {entry["action_plugin"] for entry in routing.values()}
    assert plugins == {f"controlplane.etcd.{path.stem}" for path in (ROOT / "plugins/action").glob("*.py")}
    assert routing["etcd_node_info"] == {"action_plugin": "controlplane.etcd.etcd_node_info"}
