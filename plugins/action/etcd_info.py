# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The action plugin in front of every module of this collection; `meta/runtime.yml` routes them here."""

from __future__ import annotations

from ..plugin_utils._module_action import ActionModule

__all__ = ("ActionModule",)
