#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_info
short_description: Read members, sizes, quotas and alarms of an etcd cluster
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Reads the whole cluster through one of its members, and says what follows from it.
  - Every member of the list is asked for its own status, which shows when one is down, behind or over its quota.
extends_documentation_fragment:
  - controlplane.etcd._connection
  - controlplane.etcd._connection.unsafe
  - controlplane.etcd._attributes
  - controlplane.etcd._attributes.info
seealso:
  - module: controlplane.etcd.etcd_node_info
"""

EXAMPLES = r"""
---
- name: Read the state of the cluster on a control-plane node
  controlplane.etcd.etcd_info:
  become: true
  register: etcd

- name: Show how full each member is
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ (item.quota_used * 100) | round(1) }} % of its quota"
  loop: "{{ etcd.cluster.members }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
---
cluster:
  description: The cluster as this member knows it, every other member asked as well.
  returned: success
  type: dict
  contains:
    alarms:
      description: Every alarm that is armed. One of them is enough to stop all writes.
      returned: always
      type: list
      elements: dict
      contains:
        alarm:
          description: V(NOSPACE) or V(CORRUPT).
          returned: always
          type: str
          sample: NOSPACE
        member:
          description: Name of the member that raised it, null if that is no longer a member.
          returned: always
          type: str
          sample: cp1
        member_id:
          description: Its id, in hexadecimal.
          returned: always
          type: str
          sample: 8e9e05c52164694d
    cluster_id:
      description: Id of the cluster, in hexadecimal.
      returned: always
      type: str
      sample: cdf818194e3a8c32
    has_quorum:
      description: Whether the member knows a leader.
      returned: always
      type: bool
      sample: true
    leader:
      description: Name of the leader, null without one.
      returned: always
      type: str
      sample: cp2
    members:
      description: All members of the list, those that do not answer included.
      returned: always
      type: list
      elements: dict
      contains:
        client_urls:
          description: Where clients reach it. Empty for a member that has never started.
          returned: always
          type: list
          elements: str
          sample: ["https://192.0.2.11:2379"]
        db_size_bytes:
          description: Size of its file, which is what counts against the quota. 0 if it does not answer.
          returned: always
          type: int
          sample: 2146672640
        db_size_in_use_bytes:
          description: What a defragmentation would leave of the file.
          returned: always
          type: int
          sample: 311427072
        endpoint:
          description: The URL at which it answered, or was asked.
          returned: always
          type: str
          sample: https://192.0.2.11:2379
        error:
          description: Why it does not answer, else empty.
          returned: always
          type: str
          sample: ""
        member_id:
          description: Its id, in hexadecimal.
          returned: always
          type: str
          sample: 8e9e05c52164694d
        name:
          description: Its name; of a member that has never started, its peer URLs.
          returned: always
          type: str
          sample: cp1
        peer_urls:
          description: Where the other members reach it.
          returned: always
          type: list
          elements: str
          sample: ["https://192.0.2.11:2380"]
        quota_bytes:
          description: Its quota, V(-1) if it is switched off.
          returned: always
          type: int
          sample: 2147483648
        quota_source:
          description: Where the quota was read. V(default) means that it was not found and etcd's 2 GiB are assumed.
          returned: always
          type: str
          sample: status
        quota_used:
          description: Size of the file divided by the quota.
          returned: always
          type: float
          sample: 0.9996
        raft_applied_index:
          description: How far it has applied the raft log.
          returned: always
          type: int
          sample: 1423077
        role:
          description:
            - V(leader), V(follower), V(learner), V(leaderless), V(silent) or V(unstarted).
            - V(leaderless) is one that answers and knows no leader. If another one leads, it is cut off from the others
              and counts as down.
          returned: always
          type: str
          sample: follower
        version:
          description: Its version of etcd, empty if it does not answer.
          returned: always
          type: str
          sample: 3.6.16
    revision:
      description: The newest revision that any of them has.
      returned: always
      type: int
      sample: 9817731
diagnosis:
  description: What follows from it.
  returned: success
  type: dict
  contains:
    expected_seconds:
      description: About how long a recovery takes, estimated from the sizes.
      returned: always
      type: int
      sample: 74
    findings:
      description: What was found about the cluster, worst first, one sentence each.
      returned: always
      type: list
      elements: str
      sample: ["The NOSPACE alarm is armed (by cp1): the whole cluster refuses writes."]
    fits:
      description: Whether every file is under 85 % of its quota, so that writes would not be refused again soon.
      returned: always
      type: bool
      sample: false
    needs_recovery:
      description: Whether a NOSPACE alarm is armed, or a member or learner uses 85 % of its quota or more.
      returned: always
      type: bool
      sample: true
    refusals:
      description: Why nothing may be compacted or defragmented now. Empty if it is allowed.
      returned: always
      type: list
      elements: dict
      contains:
        code:
          description: The stable name of the reason, which the tables of the runbook explain.
          returned: always
          type: str
          sample: no_leader
        text:
          description: The reason, and what to do.
          returned: always
          type: str
          sample: >-
            The cluster has no leader: 1 of 3 voters answer (cp1), 2 are needed; not answering: cp2 (Connection
            refused), cp3 (Connection refused). Start those members first; a snapshot restore is the last resort.
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.records import Json
from ..module_utils._etcd.diagnosis import diagnosis_result
from ..module_utils._etcd.view import cluster_result
from ..module_utils._member_module import CONNECTION_SPEC, UNSAFE_SPEC, run_with_member
from ..module_utils._node.member import LocalMember


def inspect(module: AnsibleModule, member: LocalMember) -> Json:
    view = member.inspect_cluster()
    return {
        "changed": False,
        "cluster": cluster_result(view),
        "diagnosis": diagnosis_result(view, allow_unsafe=module.params["allow_unsafe_version"]),
    }


def main() -> None:
    module = AnsibleModule({**CONNECTION_SPEC, **UNSAFE_SPEC}, supports_check_mode=True)
    run_with_member(module, inspect, doing="Reading the state of the cluster")


if __name__ == "__main__":
    main()
