#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_alarm
short_description: Disarm the NOSPACE alarm of an etcd cluster
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Disarms every NOSPACE alarm, including those of members that are down or removed, because a single one keeps the
    whole cluster read-only. Afterwards the list is read back.
  - Refused while a member or a learner that answers uses 95 % of its quota or more, since it would raise the alarm with
    the next write; also if no alarm is armed just now. From 85 % on there is a warning.
  - A CORRUPT alarm is never touched, and nothing is disarmed beside one.
extends_documentation_fragment:
  - controlplane.etcd._lease.both
  - controlplane.etcd._lease
  - controlplane.etcd._connection
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
    details:
      - The members' sizes are not checked in check mode, because an earlier step of a real run would have changed
        them.
"""

EXAMPLES = r"""
---
- name: Make the cluster writable again, once every member has been defragmented
  controlplane.etcd.etcd_alarm:
  become: true
  run_once: true
"""

RETURN = r"""
---
disarmed:
  description: Names of the members whose alarm was disarmed.
  returned: success
  type: list
  elements: str
  sample: [cp1, cp3]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.records import Json
from ..module_utils._etcd import alarms
from ..module_utils._etcd.polling import await_leader
from ..module_utils._member_module import CONNECTION_SPEC, run_with_member
from ..module_utils._module import LEASE_SPEC
from ..module_utils._node.member import LocalMember


def disarm(module: AnsibleModule, member: LocalMember) -> Json:
    view = await_leader(member.inspect_cluster)
    done = alarms.disarm_for_good(view, member.endpoint, member.capacity, check=module.check_mode)
    for warning in done.warnings:
        module.warn(warning)
    return {"changed": bool(done.names), "disarmed": list(done.names)}


def main() -> None:
    module = AnsibleModule({**CONNECTION_SPEC, **LEASE_SPEC}, supports_check_mode=True)
    run_with_member(module, disarm, doing="Disarming the alarm", unchanged="No data was changed.")


if __name__ == "__main__":
    main()
