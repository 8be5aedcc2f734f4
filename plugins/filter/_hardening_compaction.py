# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin _hardening_compaction."""

from __future__ import annotations

DOCUMENTATION = r"""
name: _hardening_compaction
short_description: Keep what the members of an etcd cluster have for their compaction if it is stricter
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Compares what members have with what the role P(controlplane.etcd.harden#role) would give them.
  - Private to this collection. It may change at any time, without notice.
options:
  _input:
    description: What M(controlplane.etcd.etcd_manifest) returned in check mode, by host. Where it failed, it tells
      nothing.
    type: dict
    required: true
  asked:
    description: The arguments that the user has asked for, as a mapping or text of one.
    type: raw
    default: {}
  wanted:
    description: The flags that were tried, by name.
    type: dict
    required: true
positional: wanted
"""

EXAMPLES = r"""
---
- name: Show what all members get
  ansible.builtin.debug:
    msg: "{{ (trials | controlplane.etcd._hardening_compaction(plan.extra_args)).extra_args }}"
"""

RETURN = r"""
_value:
  description:
    - A dictionary of V(extra_args), the flags that all members get, and V(lines), a sentence for each setting that
      stays or is replaced.
  type: dict
"""

import typing as t

from ..module_utils._core.records import Json, plain
from ..plugin_utils._fleet.compaction import choose_compaction
from ..plugin_utils._fleet.options import mapping
from ..plugin_utils._fleet.results import RolledMember


def compaction(trials: t.Mapping[str, t.Any], wanted: t.Mapping[str, str], asked: object = None) -> Json:
    members = {host: RolledMember.from_result(trial) for host, trial in trials.items() if "flags" in trial}
    chosen = choose_compaction(members, wanted, asked=mapping("harden_extra_args", asked or {}))
    found: Json = plain(chosen)
    return found


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"_hardening_compaction": compaction}
