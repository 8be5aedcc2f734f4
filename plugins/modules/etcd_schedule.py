#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_schedule
short_description: Install the node tool etcd-maintenance and its schedule
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Puts the command C(etcd-maintenance) on a control-plane node - one file that needs nothing but Python - and lets
    cron or systemd run it. Install it on every control-plane node of a cluster.
  - Every three hours, on the node of the leader alone, it defragments the other members that are due, one after the
    other, and finally hands over leadership if the leader's own member is due; the next run on the new leader's node
    defragments that one. Two nodes never do it at the same time, whatever their clocks say.
  - Every minute it inspects the member of its own node, writes metrics for node-exporter's textfile collector, and,
    if O(heal) allows it, disarms a NOSPACE alarm.
  - C(etcd-maintenance status) shows the cluster at any time, C(etcd-maintenance --help) the rest.
  - How etcd is asked is written into the schedule. The tool needs O(manifest) in any case.
  - A file of the same name that this module did not write is not replaced; the module fails.
extends_documentation_fragment:
  - controlplane.etcd._connection
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Of the tool itself only size and checksum are shown.
options:
  allow_unsafe_version:
    description:
      - Also defragment etcd 3.5.0 to 3.5.5, where a member that dies meanwhile can come back with different data from
        the other members.
    type: bool
    default: false
  backend:
    description:
      - What runs it. V(auto) takes cron if a cron daemon runs and C(/etc/cron.d) is there, else systemd. The files of
        the other one are removed.
    type: str
    choices: [auto, cron, systemd]
    default: auto
  fragmented_percent:
    description:
      - A member is due when at least this part of its file is free, and O(min_free_mib) as well.
    type: float
    default: 45.0
  full_gain_mib:
    description:
      - With O(full_percent), how much there has to be to gain.
    type: float
    default: 32.0
  full_percent:
    description:
      - A member is also due when its file takes more than this part of its quota, and O(full_gain_mib) could be gained.
    type: float
    default: 80.0
  heal:
    description:
      - Disarm a NOSPACE alarm automatically, on the node of the leader - compact, defragment each member that
        needs it, disarm when all of them fit. At most three times a day in the whole cluster, never under a CORRUPT
        alarm, and never if the liveness probe of the static pod fails under the alarm. A member that a probe could kill
        during its defragmentation is passed over.
      - This removes history without a snapshot. Needs O(metrics).
    type: bool
    default: false
  lock_path:
    description:
      - The file that keeps two runs from working on this node at once, the same as
        O(controlplane.etcd.run_lock#module:lock_path) of other runs.
    type: path
    default: /run/etcd-maintenance.lock
  metrics:
    description:
      - Whether to inspect the member of the node every minute and write metrics.
    type: bool
    default: true
  min_free_mib:
    description:
      - With O(fragmented_percent), how much has to be free at least.
    type: float
    default: 100.0
  schedule:
    description:
      - When to defragment what is due, as the five fields of a cron line, in the node's own time. Nodes may have the
        same.
      - V(H) as the minute stands for one that follows from the CA of the node's etcd - the same on all nodes of a
        cluster, and another for most other clusters, so that those of one site do not all work in the same moment.
      - With O(backend=systemd), a day of the month together with a day of the week cannot be expressed, and is refused.
    type: str
    default: H */3 * * *
  single_member:
    description:
      - Whether the only member of a cluster is defragmented as well, when it is due. All of its clients wait meanwhile,
        about a second for each 120 MiB in use.
    type: bool
    default: true
  state:
    description:
      - V(absent) removes the tool, its schedule, its state and its metrics. What others have put into the directory of
        its state stays there.
    type: str
    choices: [absent, present]
    default: present
  textfile_dir:
    description:
      - Directory of node-exporter's textfile collector. It is created if it is missing, readable by everybody.
      - Without it, the first that is there of C(/var/lib/prometheus/node-exporter) and
        C(/var/lib/node_exporter/textfile_collector), looked up each time; if there is neither, no metrics are written.
    type: path
  tool_path:
    description:
      - Path of the tool.
    type: path
    default: /usr/local/sbin/etcd-maintenance
"""

EXAMPLES = r"""
---
- name: Defragment what is due every three hours, and write metrics
  controlplane.etcd.etcd_schedule:
  become: true

- name: At night only, by systemd, and heal a full cluster
  controlplane.etcd.etcd_schedule:
    backend: systemd
    schedule: 30 2 * * *
    heal: true
  become: true

- name: Remove all of it again
  controlplane.etcd.etcd_schedule:
    state: absent
  become: true
"""

RETURN = r"""
---
backend:
  description: What runs it, V(cron) or V(systemd); null with O(state=absent).
  returned: success
  type: str
  sample: cron
files:
  description: The files and directories that were written or removed, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: ["/usr/local/sbin/etcd-maintenance", "/etc/cron.d/etcd-maintenance"]
other_jobs:
  description: Lines of crontabs, scripts and units of this node that seem to defragment etcd as well.
  returned: success
  type: list
  elements: dict
  contains:
    line:
      description: Number of the line.
      returned: always
      type: int
      sample: 3
    path:
      description: The file.
      returned: always
      type: str
      sample: /etc/cron.d/etcd-defrag
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core import command, run_lock
from ..module_utils._core.records import Json
from ..module_utils._member_module import CONNECTION_SPEC
from ..module_utils._module import run
from ..module_utils._node.member import given_options
from ..module_utils._node_tool import cron
from ..module_utils._node_tool.due import Limits
from ..module_utils._node_tool_install import conflicts, install, unit_files, zipapp
from ..module_utils._node_tool_install.install import Place
from ..module_utils._node_tool_install.unit_files import Wanted

# Empty but in tests.
ROOT = ""

_LIMITS = Limits()


def wanted_files(params: Json, place: Place, backend: str) -> dict[str, bytes]:
    """All files that are to be there, by path. Raises Refused, OSError."""
    wanted = Wanted(
        tool_path=params["tool_path"],
        schedule=cron.with_minute(params["schedule"], install.cluster_minute(place, params["manifest"])),
        watch=params["metrics"],
        heal=params["heal"],
        limits=Limits(**{name: params[name] for name in vars(_LIMITS)}),
        allow_unsafe_version=params["allow_unsafe_version"],
        single_member=params["single_member"],
        textfile_dir=params["textfile_dir"] or "",
        manifest=params["manifest"],
        lock_path=params["lock_path"],
        connection=given_options(params),
        timeout=params["timeout"],
    )
    scheduled = {path: text.encode() for path, text in unit_files.files(wanted, backend).items()}
    return {params["tool_path"]: zipapp.build(place.interpreter()), **scheduled}


def schedule(module: AnsibleModule) -> Json:
    """Install or remove tool and schedule; the result of the module. Raises Failure, OSError."""
    params: Json = module.params
    place = Place(ROOT, command.run)
    backend = None
    wanted: dict[str, bytes] = {}
    if params["state"] == "present":
        backend = install.choose_backend(params["backend"], cron=place.cron_runs(), systemd=place.systemd_runs())
        wanted = wanted_files(params, place, backend)
    plan = install.make_plan(place, params["tool_path"], wanted, params["textfile_dir"] or "")
    if not module.check_mode:
        install.apply(place, plan)
    jobs = conflicts.find({*unit_files.paths(), *wanted}, ROOT)
    for warning in [*plan.warnings, *(_warnings(params, place, jobs) if wanted else ())]:
        module.warn(warning)
    return {
        "changed": bool(plan.paths or plan.idle_timers),
        "backend": backend,
        "files": plan.paths,
        "other_jobs": [job._asdict() for job in jobs],
        "diff": [change.diff() for change in plan.changes],
    }


def _warnings(params: Json, place: Place, jobs: list[conflicts.Job]) -> list[str]:
    """Warnings about what keeps an installed tool from its work, or disturbs it."""
    found: list[str | None] = []
    if jobs:
        named = ", ".join(f"{job.path} line {job.line}" for job in jobs)
        found.append(
            f"Something else also seems to defragment etcd on this node ({named}), and neither schedule knows of the"
            " other. Remove one of them."
        )
    if params["metrics"] and not params["textfile_dir"]:
        found.append(install.metrics_warning(place))
    if params["heal"]:
        found.append(install.heal_warning(place, params["manifest"]))
    return [warning for warning in found if warning]


def main() -> None:
    module = AnsibleModule(
        {
            **CONNECTION_SPEC,
            "allow_unsafe_version": {"type": "bool", "default": False},
            "backend": {"type": "str", "choices": ["auto", "cron", "systemd"], "default": "auto"},
            "fragmented_percent": {"type": "float", "default": _LIMITS.fragmented_percent},
            "full_gain_mib": {"type": "float", "default": _LIMITS.full_gain_mib},
            "full_percent": {"type": "float", "default": _LIMITS.full_percent},
            "heal": {"type": "bool", "default": False},
            "lock_path": {"type": "path", "default": run_lock.DEFAULT_PATH},
            "min_free_mib": {"type": "float", "default": _LIMITS.min_free_mib},
            "schedule": {"type": "str", "default": "H */3 * * *"},
            "single_member": {"type": "bool", "default": True},
            "state": {"type": "str", "choices": ["absent", "present"], "default": "present"},
            "textfile_dir": {"type": "path"},
            "tool_path": {"type": "path", "default": "/usr/local/sbin/etcd-maintenance"},
            "metrics": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    doing = "Installing the node tool" if module.params["state"] == "present" else "Removing the node tool"
    run(module, schedule, doing=doing)


if __name__ == "__main__":
    main()
