# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _recorded_quota_refusals."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _recorded_quota_refusals
short_description: Say whether a larger quota is recorded than the members of an etcd cluster are to have
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Reads what M(controlplane.etcd.kubeadm_config) and M(controlplane.etcd.kubeadm_configmap) would replace.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: What these modules returned; those that failed or did not run tell nothing.
    type: list
    elements: dict
    required: true
  late:
    description: Whether the members have the new quota already.
    type: bool
    default: false
  wanted:
    description: The flags that all members would get, by name.
    type: dict
    required: true
positional: wanted
"""

EXAMPLES = r"""
---
- name: Show why the recorded quota stands against the plan
  ansible.builtin.debug:
    msg: "{{ [editable, recordable] | controlplane.etcd._recorded_quota_refusals(plan.extra_args) }}"
"""

RETURN = r"""
_value:
  description: A dictionary of V(code) and V(text) for each reason, none if nothing stands against it.
  type: list
  elements: dict
"""

import typing as t

from ..module_utils._core.records import Json
from ..plugin_utils._fleet.hardening import recorded_quota_refusals as refusals_of
from ..plugin_utils._fleet.results import replaced_arguments


def recorded_quota_refusals(results: t.Iterable[object], wanted: t.Mapping[str, str], late: bool = False) -> list[Json]:
    return [refused.as_result() for refused in refusals_of(replaced_arguments(results), wanted, late=late)]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_recorded_quota_refusals": recorded_quota_refusals}
