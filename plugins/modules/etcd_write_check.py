#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_write_check
short_description: Prove that an etcd cluster accepts writes
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Writes through every voter that answers, waits until all members have applied it, and reads the alarms after that. A
    member over its quota raises its alarm only when it applies what another one has accepted.
  - Does the same once more O(settle_seconds) later, and compares the members' data by hash if etcd serves that, one
    member after the other.
  - The write is a lease that is granted and revoked. It leaves no key and no revision behind.
extends_documentation_fragment:
  - controlplane.etcd._connection
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is written in check mode. Only the alarms are read.
options:
  settle_seconds:
    description:
      - Seconds between the two rounds. The growth of the database is measured between them.
      - With V(0) there is one round only, and the members' data is not compared.
    type: float
    default: 10.0
"""

EXAMPLES = r"""
---
- name: Prove that writes are accepted
  controlplane.etcd.etcd_write_check:
  become: true
  run_once: true
"""

RETURN = r"""
---
findings:
  description: What is still to be noted about the cluster, one sentence each. Empty in check mode.
  returned: success
  type: list
  elements: str
  sample: []
growth_bytes_per_minute:
  description: How fast the data of the fastest member grew between the two rounds.
  returned: success
  type: float
  sample: 181043.2
hashes_agree:
  description: Whether all members hold the same data, null if that could not be compared.
  returned: success
  type: bool
  sample: true
minutes_to_full:
  description: When the first member would be full at that rate, null if nothing grows.
  returned: success
  type: float
  sample: 10434.7
writes:
  description: Names of the members through which a write was accepted. Empty in check mode.
  returned: success
  type: list
  elements: str
  sample: [cp1, cp2, cp3]
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
          description: V(leader), V(follower), V(learner), V(silent) or V(unstarted).
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
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._etcd import checks, estimates, write_check
from ..module_utils._etcd.errors import EtcdError
from ..module_utils._etcd.transport import Json
from ..module_utils._etcd.view import MemberView
from ..module_utils._etcd.write_check import WriteCheck
from ..module_utils._module import CONNECTION_SPEC, LocalMember, cluster_result, run


def growth(proof: WriteCheck) -> Json:
    """How fast it fills, by the member that fills fastest, and when the first one will be full."""

    def per_minute(after: MemberView) -> float:
        before = proof.before.by_id(after.id)
        if before is None or not proof.seconds:
            return 0.0
        return max(after.in_use_bytes - before.in_use_bytes, 0) * 60 / proof.seconds

    members = proof.after.answering
    minutes = [estimates.minutes_to_full(each.size_bytes, each.quota.bytes, per_minute(each)) for each in members]
    known = [each for each in minutes if each is not None]
    return {
        "growth_bytes_per_minute": round(max(map(per_minute, members), default=0.0), 1),
        "minutes_to_full": round(min(known), 1) if known else None,
    }


def prove(module: AnsibleModule, member: LocalMember) -> Json:
    if module.check_mode:
        view = member.inspect_cluster()
        unknown: Json = {"growth_bytes_per_minute": 0.0, "minutes_to_full": None, "hashes_agree": None, "findings": []}
        return {"changed": False, "writes": [], "cluster": cluster_result(view), **unknown}
    proof = write_check.check_writes(
        member.inspect_cluster, member.connect, settle_seconds=module.params["settle_seconds"]
    )
    if proof.problems:
        raise EtcdError("; ".join(proof.problems), endpoint=member.endpoint.url)
    return {
        "changed": False,
        "writes": [write.member for write in proof.writes if write.accepted],
        "hashes_agree": proof.hashes_agree,
        "cluster": cluster_result(proof.after),
        "findings": checks.findings(proof.after),
        **growth(proof),
    }


def main() -> None:
    module = AnsibleModule(
        {**CONNECTION_SPEC, "settle_seconds": {"type": "float", "default": 10.0}}, supports_check_mode=True
    )
    run(
        module,
        prove,
        doing="Proving that writes are accepted",
        untouched="What was done before stays done; run it again.",
    )


if __name__ == "__main__":
    main()
