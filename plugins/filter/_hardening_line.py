# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _hardening_line."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _hardening_line
short_description: Say what a hardening has done to one member of an etcd cluster
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Makes the line that the role P(controlplane.etcd.harden#role) prints when a member is done.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: What M(controlplane.etcd.etcd_manifest) returned.
    type: dict
    required: true
  check:
    description: Whether this is check mode.
    type: bool
    default: false
  host:
    description: The host of the member.
    type: str
    required: true
positional: host
"""

EXAMPLES = r"""
---
- name: Say what was done
  ansible.builtin.debug:
    msg: "{{ rolled | controlplane.etcd._hardening_line('cp1') }}"
"""

RETURN = r"""
_value:
  description: One line.
  type: str
"""

import typing as t

from ..plugin_utils._fleet import wording
from ..plugin_utils._fleet.results import RolledMember


def hardening_line(rolled: object, host: str, check: bool = False) -> str:
    return wording.rolled_line(host, RolledMember.from_result(rolled), check=check)


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_hardening_line": hardening_line}
