# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugins that call their module twice: with which options."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from unit.builders import Json
from unit.kubeadm_texts import LIST, QUOTA

from ansible_collections.controlplane.etcd.plugins.action import etcd_manifest, kubeadm_config
from ansible_collections.controlplane.etcd.plugins.module_utils._kubeadm.exchange import FROM_CONTROLLER, to_edit
from ansible_collections.controlplane.etcd.plugins.plugin_utils._two_call_action import TwoCallAction

PARAMS = {"extra_args": QUOTA, "remove": []}


class _Edits(kubeadm_config.ActionModule):
    """Its module is on a node that is not there."""

    def __init__(self, *, check: bool) -> None:
        args = {"path": "/a", **PARAMS, FROM_CONTROLLER: "of a task"}
        self._task = SimpleNamespace(
            async_val=0, timeout=0, environment=[], delegate_to=None, check_mode=check, args=args
        )
        self._connection = SimpleNamespace(has_native_async=False)
        self.given: list[Json] = []

    def _execute_module(self, *_args: object, module_args: Json, **_options: object) -> Json:
        self.given.append(module_args)
        if FROM_CONTROLLER in module_args:
            return {"changed": True}
        return {"changed": False, **to_edit(PARAMS, LIST, doing="a", place="b", subject="c")}


@pytest.mark.parametrize("check", [False, True])
def test_the_second_call(check: bool) -> None:
    action = _Edits(check=check)
    assert action._run_module({})["changed"]
    assert action.given[0] == {"path": "/a", **PARAMS}
    if check:
        assert len(action.given) == 1
    else:
        assert {**action.given[1], FROM_CONTROLLER: ""} == {"path": "/a", **PARAMS, FROM_CONTROLLER: ""}
        assert "8589934592" in json.loads(action.given[1][FROM_CONTROLLER])["text"]


@pytest.mark.parametrize("plugin", [etcd_manifest, kubeadm_config])
def test_not_in_the_background(plugin: Any) -> None:
    class Idle(plugin.ActionModule):  # type: ignore[misc]
        def __init__(self) -> None:
            self._task = SimpleNamespace(async_val=60, timeout=0, environment=[], action="x", check_mode=False)
            self._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))

    assert issubclass(plugin.ActionModule, TwoCallAction)
    with pytest.raises(AnsibleActionFail, match="async"):
        Idle().run()
