# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The action plugin of `etcd_node_info`: it adds which play the module ran in, and its strategy.

What a host registers outlives the play, and no variable tells the strategy of a play.
"""

from __future__ import annotations

import typing as t

from ..plugin_utils import _module_action


class ActionModule(_module_action.ActionModule):
    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> dict[str, t.Any]:
        play = self._task.get_play()
        return {**super().run(tmp, task_vars), "play": str(play._uuid), "strategy": str(play.strategy)}


__all__ = ("ActionModule",)
