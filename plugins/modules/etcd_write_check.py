#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_write_check
short_description: Verify that an etcd cluster accepts writes
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Writes through every voter that answers, waits until all members have applied it, and reads the alarms after that. A
    member over its quota raises its alarm only when it applies what another one has accepted.
  - Does the same once more O(settle_seconds) later, and compares the followers' data by hash, one after the other. A
    member commits nothing while it hashes, 0.4 seconds for a GiB in memory and a minute from a slow disk, so the leader
    is never asked, and nobody if a follower uses more than 1 GiB; RV(hashes_reason) says so.
  - The write is a lease that is granted and revoked. It leaves no key and no revision behind.
  - With O(disarm), it disarms the NOSPACE alarm first.
extends_documentation_fragment:
  - controlplane.etcd._lease.both
  - controlplane.etcd._lease
  - controlplane.etcd._connection
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
    details:
      - Nothing is written or disarmed in check mode. Only the alarms are read.
options:
  baseline:
    description:
      - RV(baseline) of an earlier call that was the first round. Only the second round is made, O(settle_seconds) after
        that one.
    type: dict
  disarm:
    description:
      - Disarm every NOSPACE alarm first, under the conditions of M(controlplane.etcd.etcd_alarm).
    type: bool
    default: false
  growth_anew:
    description:
      - With O(baseline), measure the growth of the database from this call on, and not from the first round. The second
        round then comes after five more seconds, or after O(settle_seconds) if that is less, if its time would have
        come earlier. For a first round that was before Kubernetes could write.
    type: bool
    default: false
  settle_seconds:
    description:
      - Seconds between the two rounds. The growth of the database is measured between them.
      - With V(0) there is one round only, and the members' data is not compared.
    type: float
    default: 10.0
  unlock:
    description:
      - Give O(lock_path) back if it is that of O(run), once the writes were accepted. For a run that does nothing on
        this node after that.
    type: bool
    default: false
"""

EXAMPLES = r"""
---
- name: Verify that writes are accepted
  controlplane.etcd.etcd_write_check:
  become: true
  run_once: true
"""

RETURN = r"""
---
baseline:
  description: What the growth was measured from, the first round unless O(growth_anew). Null in check mode.
  returned: success
  type: dict
  contains:
    at:
      description: When it was, in seconds since the node was booted.
      returned: always
      type: float
      sample: 8125.3
    in_use_bytes:
      description: The bytes in use by member id, in decimal.
      returned: always
      type: dict
      sample: {"10276657743932975437": 1318912}
cluster:
  description: The cluster after the writes, as RV(controlplane.etcd.etcd_info#module:cluster).
  returned: success
  type: dict
disarmed:
  description: Names of the members whose alarm was disarmed.
  returned: with O(disarm)
  type: list
  elements: str
  sample: [cp1, cp3]
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
  description: Whether the followers hold the same data, null if that was not compared.
  returned: success
  type: bool
  sample: true
hashes_reason:
  description:
    - Why the followers' data was not compared, as half a sentence. Empty if it was, in a cluster of one member, with
      O(settle_seconds=0), and in check mode.
  returned: success
  type: str
  sample: ""
minutes_to_full:
  description: When the first member would be full at that rate, null if nothing grows.
  returned: success
  type: float
  sample: 10434.7
unlocked:
  description: Whether the lock was given back.
  returned: with O(unlock)
  type: bool
  sample: true
writes:
  description: Names of the members through which a write was accepted. Empty in check mode.
  returned: success
  type: list
  elements: str
  sample: [cp1, cp2, cp3]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.records import Fields, Json, plain
from ..module_utils._etcd import alarms, checks
from ..module_utils._etcd.polling import await_leader
from ..module_utils._etcd.view import cluster_result
from ..module_utils._etcd.write_check import Baseline, check_writes, growth
from ..module_utils._member_module import CONNECTION_SPEC, run_with_member
from ..module_utils._module import LEASE_SPEC, with_unlock
from ..module_utils._node.member import LocalMember


def work(module: AnsibleModule, member: LocalMember) -> Json:
    return with_unlock(module, disarm_and_check(module, member))


def disarm_and_check(module: AnsibleModule, member: LocalMember) -> Json:
    if not module.params["disarm"]:
        return check(module, member)
    view = await_leader(member.inspect_cluster)
    done = alarms.disarm_for_good(view, member.endpoint, member.capacity, check=module.check_mode)
    for warning in done.warnings:
        module.warn(warning)
    return {**check(module, member), "changed": bool(done.names), "disarmed": list(done.names)}


def check(module: AnsibleModule, member: LocalMember) -> Json:
    if module.check_mode:
        view = member.inspect_cluster()
        unknown: Json = {"growth_bytes_per_minute": 0.0, "minutes_to_full": None, "findings": []}
        hashes: Json = {"hashes_agree": None, "hashes_reason": ""}
        return {"changed": False, "writes": [], "baseline": None, "cluster": cluster_result(view), **unknown, **hashes}
    earlier = module.params["baseline"]
    done = check_writes(
        member.inspect_cluster,
        member.connect,
        settle_seconds=module.params["settle_seconds"],
        baseline=Baseline.read(Fields(earlier, "baseline")) if earlier else None,
        growth_anew=module.params["growth_anew"],
    )
    if done.error:
        raise done.error
    found = growth(done)
    return {
        "changed": False,
        "writes": [write.member for write in done.writes if write.accepted],
        "baseline": plain(done.baseline),
        "hashes_agree": done.compared.agree,
        "hashes_reason": done.compared.reason,
        "cluster": cluster_result(done.after),
        "findings": checks.findings(done.after),
        "growth_bytes_per_minute": round(found.bytes_per_minute, 1),
        "minutes_to_full": None if found.minutes_to_full is None else round(found.minutes_to_full, 1),
    }


def main() -> None:
    module = AnsibleModule(
        {
            **CONNECTION_SPEC,
            **LEASE_SPEC,
            "baseline": {"type": "dict"},
            "disarm": {"type": "bool", "default": False},
            "growth_anew": {"type": "bool", "default": False},
            "settle_seconds": {"type": "float", "default": 10.0},
            "unlock": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    doing = "Disarming the alarm and proving" if module.params["disarm"] else "Proving"
    unchanged = "What was done before stays done; run it again."
    run_with_member(module, work, doing=f"{doing} that writes are accepted", unchanged=unchanged)


if __name__ == "__main__":
    main()
