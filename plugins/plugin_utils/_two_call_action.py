# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Running a module that has a text of kubeadm's read here, where PyYAML is: up to two calls, and one result."""

from __future__ import annotations

import typing as t
from abc import abstractmethod

from ..module_utils._core.records import Json
from ..module_utils._kubeadm.exchange import FROM_CONTROLLER
from . import _module_action
from ._kubeadm_text.two_calls import Call


class TwoCallAction(_module_action.ActionModule):
    _supports_async = False  # there would be nothing to read before the work is done

    @abstractmethod
    def calls(self, call: Call) -> Json:
        """The result that `call`, once or twice, leads to."""

    def _run_module(self, task_vars: t.Any, module_args: t.Any = None) -> dict[str, t.Any]:
        own = {name: value for name, value in self._task.args.items() if name != FROM_CONTROLLER}
        run_once = super()._run_module
        return self.calls(lambda told: run_once(task_vars, {**own, **told}))


__all__ = ("TwoCallAction",)
