# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Filter plugin member_table."""

from __future__ import annotations

DOCUMENTATION = r"""
name: member_table
short_description: Lay the members of an etcd cluster out as a table
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Makes one line per member, with its role, its size before and after, what is in use, its quota and its alarm.
options:
  _input:
    description: The RV(controlplane.etcd.etcd_info#module:cluster) of now.
    type: dict
    required: true
  before:
    description: The RV(controlplane.etcd.etcd_info#module:cluster.members) of earlier.
    type: list
    elements: dict
    required: true
positional: before
"""

EXAMPLES = r"""
---
- name: Show how the members have changed
  ansible.builtin.debug:
    msg: "{{ now.cluster | controlplane.etcd.member_table(earlier.cluster.members) }}"
"""

RETURN = r"""
_value:
  description: The lines of the table, its head first.
  type: list
  elements: str
"""

import typing as t

from ..module_utils._core.text import table
from ..module_utils._core.units import mib

HEAD = ("member", "role", "before", "after", "in use", "quota", "alarm")

Member = t.Mapping[str, t.Any]


def member_table(cluster: Member, before: t.Iterable[Member]) -> list[str]:
    """The lines of the table. Sizes are in MiB; a dash stands for what is not known."""
    earlier = {member["member_id"]: member for member in before}
    alarms: dict[str, list[str]] = {}
    for alarm in cluster["alarms"]:
        alarms.setdefault(alarm["member_id"], []).append(alarm["alarm"])
    rows = [
        (
            member["name"],
            member["role"],
            _mib(earlier.get(member["member_id"], {}).get("db_size_bytes", 0)),
            _mib(member["db_size_bytes"]),
            _mib(member["db_size_in_use_bytes"]),
            "off" if member["quota_bytes"] < 0 else _mib(member["quota_bytes"]),
            ",".join(alarms.get(member["member_id"], ["none"])),
        )
        for member in cluster["members"]
    ]
    return table([HEAD, *rows])


def _mib(size_bytes: int) -> str:
    return mib(size_bytes) if size_bytes else "-"


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"member_table": member_table}
