# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of modules that restart a member of etcd."""

from __future__ import annotations


# Private to this collection: it may change at any time, without notice.
class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  allow_downtime:
    description:
      - Restart etcd even if it is the only member or one of two, which takes the whole cluster down meanwhile.
    type: bool
    default: false
  during_recovery:
    description:
      - Go on while the NOSPACE alarm is armed. For the role P(controlplane.etcd.recover#role), which raises quotas
        before it disarms. A CORRUPT alarm still forbids it.
    type: bool
    default: false
"""
