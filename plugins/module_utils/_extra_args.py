# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""What the modules that set arguments of etcd in a kubeadm configuration have in common."""

from __future__ import annotations

from ._etcd.transport import Json
from ._kubeadm import files
from ._kubeadm.extra_args import Edited

EXTRA_ARGS_SPEC: Json = {
    "backup": {"type": "path", "default": files.DEFAULT_BACKUP},
    "extra_args": {"type": "dict", "default": {}},
    "remove": {"type": "list", "elements": "str", "default": []},
}


def edit_result(edited: Edited, place: str) -> Json:
    """What such a module returns of an edit; the diff shows no other document of `place`."""
    return {
        "extra_args": edited.extra_args,
        "diff": {
            "before": edited.before,
            "after": edited.after,
            "before_header": f"{place} (ClusterConfiguration)",
            "after_header": f"{place} (ClusterConfiguration)",
        },
    }


__all__ = ("EXTRA_ARGS_SPEC", "edit_result")
