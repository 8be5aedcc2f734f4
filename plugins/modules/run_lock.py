#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: run_lock
short_description: Let only one run work on a cluster at a time
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Takes or releases a lock on the node - a small file that says who works here and until when.
  - A lock counts for O(seconds) and is meant to be renewed. The other modules of this collection do so before and while
    they work, if they are given O(run). One that nobody renews keeps nobody out for long.
  - A lock of another run is taken over when it has expired, when that run is named in O(ended), or when it was a
    process of this node that has ended. Otherwise the module fails and says whose it is, unless O(take_over) is set.
  - Of two runs that take the same lock in the same moment, exactly one gets it.
extends_documentation_fragment:
  - controlplane.etcd._attributes
attributes:
  action_group:
    description: Use C(group/controlplane.etcd.lease) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - controlplane.etcd.lease
  check_mode:
    support: full
    details:
      - In check mode a lock that another run holds is a warning.
options:
  ended:
    description:
      - Ids of runs that are known to have ended without releasing their lock.
    type: list
    elements: str
    default: []
  lock_path:
    description:
      - Path of the lock.
    type: path
    default: /run/etcd-maintenance.lock
  owner:
    description:
      - Who takes it, in readable form. Required to take it.
    type: str
  run:
    description:
      - Id of the run, the same on all its nodes. Taking a lock again with the same id renews it.
    type: str
    required: true
  seconds:
    description:
      - Seconds until the lock expires if it is neither renewed nor released.
    type: int
    default: 600
  state:
    description:
      - Whether to take or to release it. The lock of another run is never released; if it counts, it is returned, and
        named in a warning.
    type: str
    choices: [taken, released]
    default: taken
  take_over:
    description:
      - Take the lock over even if that of another run counts. Make sure first that nobody works on the node - a run
        that does notices only with its next step.
    type: bool
    default: false
"""

EXAMPLES = r"""
---
- name: Take the lock
  controlplane.etcd.run_lock:
    run: admin:4711:8812345
    owner: root@admin, recover
  become: true

- name: Release it
  controlplane.etcd.run_lock:
    run: admin:4711:8812345
    state: released
  become: true
"""

RETURN = r"""
---
lock:
  description: The lock of another run that counts, as RV(taken_over). Null if there is none.
  returned: when a lock was released, or could not be taken
  type: dict
taken_over:
  description: The lock that was replaced, null if there was none.
  returned: success
  type: dict
  contains:
    owner:
      description: Who had it, in readable form.
      returned: always
      type: str
      sample: root@admin, recover
    run:
      description: Id of that run.
      returned: always
      type: str
      sample: admin:4711:8812345
    until:
      description: When it expired or would have, in seconds since 1970 by the node's clock.
      returned: always
      type: float
      sample: 1795428000.0
"""

import time

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import lease, run_lock
from ..module_utils._core.failures import Failure
from ..module_utils._core.records import Json
from ..module_utils._core.run_lock import Lock, Locked
from ..module_utils._module import LEASE_SPEC, run


def change(module: AnsibleModule) -> Json:
    path, work = module.params["lock_path"], take if module.params["state"] == "taken" else release
    try:
        return work(module, path)
    except OSError as exc:
        raise Failure("file_error", f"The lock {path} cannot be used: {exc.strerror}.") from exc


def take(module: AnsibleModule, path: str) -> Json:
    params = module.params
    wanted = Lock(params["run"], params["owner"], time.time() + params["seconds"])
    ended = known_ended(module, path)
    try:
        replaced = run_lock.take(path, wanted, ended=ended, force=params["take_over"], check=module.check_mode)
    except Locked as exc:
        if not module.check_mode:
            raise
        module.warn(exc.text)
        return {"changed": False, "taken_over": None}
    if replaced and run_lock.counts(replaced, ended=ended):
        module.warn(
            f"The lock of {replaced.owner} was taken over by force. It would have counted until"
            f" {run_lock.until(replaced)}, unless renewed: if that run is still at work, two work on this node now,"
            " until its next step fails."
        )
    elif replaced:
        module.warn(f"The lock of {replaced.owner} was taken over: that run has ended or its time is over.")
    return {"changed": True, "taken_over": replaced._asdict() if replaced else None}


def release(module: AnsibleModule, path: str) -> Json:
    changed = run_lock.release(path, module.params["run"], check=module.check_mode)
    left = None if changed else run_lock.read(path)
    if left and not run_lock.counts(left, ended=known_ended(module, path)):
        left = None
    if left:
        module.warn(f"Nothing was released: {run_lock.describe(left)}.")
    return {"changed": changed, "taken_over": None, "lock": left._asdict() if left else None}


def known_ended(module: AnsibleModule, path: str) -> list[str]:
    return [*module.params["ended"], *run_lock.ended_here(run_lock.read(path))]


def main() -> None:
    module = AnsibleModule(
        {
            **LEASE_SPEC,
            "ended": {"type": "list", "elements": "str", "default": []},
            "owner": {"type": "str"},
            "run": {"type": "str", "required": True},
            "seconds": {"type": "int", "default": lease.LEASE_SECONDS},
            "state": {"type": "str", "choices": ["taken", "released"], "default": "taken"},
            "take_over": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
        required_if=[("state", "taken", ("owner",))],
    )
    doing = "Taking the run lock" if module.params["state"] == "taken" else "Releasing the run lock"
    run(module, change, doing=doing, leased=False)


if __name__ == "__main__":
    main()
