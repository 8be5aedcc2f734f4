# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The action plugin of `etcd_manifest`: kubeadm's configuration is made on the controller."""

from __future__ import annotations

from ..module_utils._core.records import Json
from ..plugin_utils._kubeadm_text.two_calls import Call, change_manifest
from ..plugin_utils._two_call_action import TwoCallAction


class ActionModule(TwoCallAction):
    def calls(self, call: Call) -> Json:
        return change_manifest(call)


__all__ = ("ActionModule",)
