# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of the modules that set arguments of etcd in a kubeadm configuration."""

from __future__ import annotations


# Private to this collection: it may change at any time, without notice.
class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  backup_dir:
    description:
      - Directory on the node for a copy of what was there, written before it is replaced. Created with mode 0700 if it
        is missing.
      - A directory inside a C(manifests) directory is refused, because the kubelet starts whatever is there.
    type: path
    default: /etc/kubernetes/etcd-backup
  extra_args:
    description:
      - Arguments of etcd, without their leading dashes.
      - The quota C(quota-backend-bytes) may have a unit, such as V(8GiB); it is written in bytes.
      - Values that etcd is known not to start with are refused. C(auto-compaction-mode) and
        C(auto-compaction-retention) are judged together, also with what is there already.
      - A retention that means the same as the one that is there, such as V(1h) and V(1), is left as it is.
    type: dict
    default: {}
  from_controller:
    description:
      - What this module's action plugin has made of the text on the controller, in a second call. Not for tasks; what
        one gives here is ignored.
    type: str
  remove:
    description:
      - Names of arguments to remove, without their leading dashes.
    type: list
    elements: str
    default: []
requirements:
  - Python 3.8 or newer on the node.
"""
