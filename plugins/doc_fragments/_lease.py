# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options by which modules keep the run lock while they work."""

from __future__ import annotations


# Private to this collection: it may change at any time, without notice.
class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  action_group:
    description: Use C(group/controlplane.etcd.lease) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - controlplane.etcd.lease
options:
  lock_path:
    description:
      - Path of the run lock on the node, see M(controlplane.etcd.run_lock).
    type: path
    default: /run/etcd-maintenance.lock
  run:
    description:
      - Id of the run that holds O(lock_path). Its lock is renewed before the module does anything, and while it works.
        The module fails and does nothing if the lock is another run's by now.
      - If it is empty or not given, and in check mode, the lock is neither read nor written.
    type: str
"""

    # For modules that share the options of the connection, too; before both other fragments.
    BOTH = r"""
attributes:
  action_group:
    description: Use C(group/controlplane.etcd.etcd) and C(group/controlplane.etcd.lease) in C(module_defaults) to set
      defaults for this module.
    support: full
    membership:
      - controlplane.etcd.etcd
      - controlplane.etcd.lease
options: {}
"""
