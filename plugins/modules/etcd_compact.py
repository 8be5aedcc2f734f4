#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_compact
short_description: Compact the history of an etcd cluster
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Compacts physically, and waits on every voter that answers until it has done so in its own file. A member that is
    defragmented while its own compaction still runs would reclaim nothing.
  - A compaction removes the history for good, not the live keys. Watches that resume at an older revision start over
    with a new list, as they do every five minutes under a healthy API server.
  - It works while writes are refused for lack of space. It frees pages inside the files, which only
    M(controlplane.etcd.etcd_defrag) gives back.
extends_documentation_fragment:
  - controlplane.etcd._lease.both
  - controlplane.etcd._lease
  - controlplane.etcd._connection
  - controlplane.etcd._connection.work
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
options:
  keep_revisions:
    description:
      - How many of the newest revisions not to compact. With V(0) a member of etcd before 3.4.32 or 3.5.14 that dies at
        that moment may come back with another revision than the others have, and etcd 3.4 says no hash of its data
        until something is written.
    type: int
    default: 1
  revision:
    description:
      - Compact at this revision instead of the newest one.
    type: int
"""

EXAMPLES = r"""
---
- name: Compact the whole history
  controlplane.etcd.etcd_compact:
  become: true
  run_once: true

- name: Keep the last ten thousand revisions
  controlplane.etcd.etcd_compact:
    keep_revisions: 10000
  become: true
  run_once: true
"""

RETURN = r"""
---
pending:
  description: Members that had not finished within O(work_timeout), with what they answered. They are still working on
    it.
  returned: success
  type: dict
  sample: {}
revision:
  description: The revision below which there is no history any more.
  returned: success
  type: int
  sample: 9817731
seconds:
  description: How long it took on the slowest member.
  returned: success
  type: float
  sample: 4.1
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.failures import refuse
from ..module_utils._core.records import Json
from ..module_utils._etcd import checks, compaction
from ..module_utils._etcd.polling import await_leader
from ..module_utils._member_module import CONNECTION_SPEC, WORK_SPEC, run_with_member
from ..module_utils._module import LEASE_SPEC
from ..module_utils._node.member import LocalMember


def compact(module: AnsibleModule, member: LocalMember) -> Json:
    view = await_leader(member.inspect_cluster)
    refuse(checks.corrupt_refusal(view) or checks.quorum_refusal(view))
    newest = member.endpoint.revision()
    revision = module.params["revision"] or newest - module.params["keep_revisions"]
    changed = compaction.compactable(member.endpoint, revision)
    if module.check_mode or revision <= 1:
        return {"changed": changed, "revision": revision, "seconds": 0.0, "pending": {}}
    # Each of them is defragmented next, and would be waited for then: better before anything was changed.
    view, behind = compaction.await_voters(member.inspect_cluster, module.params["work_timeout"])
    refuse(checks.lag_refusal(behind))
    # Also if nothing is left to compact: a member may still be at work on it, and has to be waited for.
    done = compaction.compact(view, member.connect, revision, timeout=module.params["work_timeout"])
    for name, error in done.pending.items():
        module.warn(f"{name} did not report that its compaction is finished: {error}.")
    return {
        "changed": done.changed,
        "revision": done.revision,
        "seconds": round(done.seconds, 1),
        "pending": dict(done.pending),
    }


def main() -> None:
    module = AnsibleModule(
        {
            **CONNECTION_SPEC,
            **LEASE_SPEC,
            **WORK_SPEC,
            "keep_revisions": {"type": "int", "default": compaction.KEPT_REVISIONS},
            "revision": {"type": "int"},
        },
        supports_check_mode=True,
        mutually_exclusive=[("keep_revisions", "revision")],
    )
    unchanged = "No member was defragmented and no alarm was disarmed."
    run_with_member(module, compact, doing="Compacting", unchanged=unchanged)


if __name__ == "__main__":
    main()
