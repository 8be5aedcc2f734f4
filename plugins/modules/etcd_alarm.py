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

from ..module_utils._core.failures import Refused, refuse
from ..module_utils._core.records import Json
from ..module_utils._core.text import join
from ..module_utils._etcd import alarms, checks
from ..module_utils._etcd.over_quota import quota_headroom
from ..module_utils._etcd.polling import await_leader
from ..module_utils._module import CONNECTION_SPEC, LEASE_SPEC, run_with_member
from ..module_utils._node.member import LocalMember


def disarm(module: AnsibleModule, member: LocalMember) -> Json:
    view = await_leader(member.inspect_cluster)
    refuse(checks.corrupt_refusal(view) or checks.quorum_refusal(view))
    names = list(view.full_names)
    if module.check_mode:
        return {"changed": bool(names), "disarmed": names}
    size_bytes = max((each.size_bytes for each in view.answering), default=0)
    # Also if no alarm is armed: somebody may have disarmed it too early.
    headroom = quota_headroom(view, member.capacity(size_bytes))
    refuse(headroom.refusal)
    for warning in headroom.warnings:
        module.warn(warning)
    if not names:
        return {"changed": False, "disarmed": []}
    left = [alarm for alarm in alarms.disarm(view, member.endpoint) if alarm in view.full_alarms]
    if left:
        still = join(sorted(view.name_of(alarm.member_id) for alarm in left))
        raise Refused(
            "alarm_raised_again",
            f"The alarm of {still} is still armed after it was disarmed: it was raised again at once. See which member"
            " is over its quota (etcd_info), defragment it, and run this again.",
        )
    return {"changed": True, "disarmed": names}


def main() -> None:
    module = AnsibleModule({**CONNECTION_SPEC, **LEASE_SPEC}, supports_check_mode=True)
    run_with_member(module, disarm, doing="Disarming the alarm", unchanged="No data was changed.")


if __name__ == "__main__":
    main()
