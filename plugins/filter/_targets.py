# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _targets."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _targets
short_description: Say which hosts the playbooks work on
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Chooses by C(etcd_target), else by the names of groups. All hosts are meant only if the inventory lists hosts.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: The groups of the inventory, with their hosts.
    type: dict
    required: true
  asked:
    description: The value of C(etcd_target), null if it is not set.
    type: raw
  extra:
    description: Names of the variables that were given with C(-e).
    type: list
    elements: str
    required: true
  sources:
    description: The inventories, as they were named.
    type: list
    elements: str
    required: true
positional: sources
"""

EXAMPLES = r"""
---
- name: Show who is meant
  ansible.builtin.debug:
    msg: "{{ groups | controlplane.etcd._targets(ansible_inventory_sources, extra=[]) }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary of V(pattern) and V(refusals). The pattern matches nobody if there is a refusal.
    - V(refusals) lists V(code) and V(text) of the reason why nobody is meant.
  type: dict
"""

import typing as t

from ..module_utils._core.records import Json
from ..plugin_utils._fleet.targets import find_targets


def targets(
    groups: t.Mapping[str, t.Sequence[str]],
    sources: t.Sequence[str],
    extra: t.Collection[str],
    asked: str | t.Sequence[str] | None = None,
) -> Json:
    found = find_targets(groups, sources, asked, extra=extra)
    return {"pattern": found.pattern, "refusals": [refused.as_result() for refused in found.refusals]}


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_targets": targets}
