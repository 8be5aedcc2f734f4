#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_unit
short_description: Start an etcd that systemd, RKE2 or k3s runs with other settings, and verify it
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Changes settings of an etcd that a systemd unit runs, as kubespray, KubeKey, a distribution's package and many
    guides install it, then restarts the unit. This one member is down for a few seconds plus the time that it needs to
    read its log and its database.
  - A setting is changed where it is - in an environment file of the unit, in etcd's own configuration file (YAML or
    JSON), among the flags of its command - because etcd does not start with an option that is given both as a flag and
    as a variable. One that is nowhere yet goes into the unit's environment file, where kubespray's template has it;
    without such a file into the drop-in C(99-controlplane-etcd.conf) of the unit. Every other byte stays as it is.
  - Of RKE2 and k3s C(etcd-arg) is changed, in C(config.yaml) or the file of C(config.yaml.d) that has it, from which
    their service writes etcd's settings at each start; then the service is restarted, and the kubelet with it. A
    retention gets its unit there, since both make a number of a bare one, on which etcd exits.
  - The new text is written aside, checked, and renamed over the old one, with its owner and mode. Then systemd restarts
    etcd, and the module waits until the new process has these settings, answers, knows a leader and has caught up. If
    that fails, the old text is restored, the unit is started with it, even if systemd has given it up, and verified.
  - A setting whose value means the same already, such as V(60m) and V(1h) for C(auto-compaction-retention), is left as
    it is, and etcd is not restarted.
  - It refuses to begin if the other members do not hold the quorum without this one, while an alarm is armed, if one of
    the members lags behind, and if the unit is not in order - edited and not read again by systemd, stopped or masked
    by somebody, its etcd in a container or started with other settings than are written, or with less time to start
    than it needs.
  - Settings that this etcd does not know are refused, and those that are part of what a member is, such as its name,
    addresses, certificates and data directory.
  - If a run was killed in the middle, the next one verifies what it began, or rolls it back.
  - Nothing keeps two nodes apart that run it at the same time. Run it on one node after the other, and on none after a
    failed one, as the example does with C(serial) and C(any_errors_fatal).
extends_documentation_fragment:
  - controlplane.etcd._lease.both
  - controlplane.etcd._lease
  - controlplane.etcd._connection
  - controlplane.etcd._restart
  - controlplane.etcd._attributes
attributes:
  check_mode:
    support: full
    details:
      - An armed alarm is only a warning then, because an earlier step may disarm it.
  diff_mode:
    support: full
    details:
      - Of an environment file only the lines of etcd's own variables are shown, of a configuration of RKE2 or k3s
        only C(etcd-arg).
options:
  backup_dir:
    description:
      - Directory for a copy of the old file, in a directory of its own for each unit, written before it is replaced.
        Created with mode 0700 if it is missing.
    type: path
    default: /etc/kubernetes/etcd-backup
  extra_args:
    description:
      - Settings of etcd, by the names of flags without their leading dashes, however they are written.
      - The quota C(quota-backend-bytes) may have a unit, such as V(8GiB); it is written in bytes. If it is raised
        beyond what the node's memory, its disk, or the memory limit of the unit carries, that is warned about.
      - Values that etcd is known not to start with are refused. C(auto-compaction-mode) and
        C(auto-compaction-retention) are judged together, also with what is written already.
    type: dict
    default: {}
  remove:
    description:
      - Names of settings to remove, without leading dashes.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - Seconds to wait for etcd, on top of the time that it is expected to need to read its log and its database; and
        as long again if the old settings have to be restored. A service of RKE2 or k3s gets a minute more, and the time
        in which it reads a copy of the data first.
      - A process that is seen to read is waited for up to three times as long, and is never rolled back for being slow.
    type: float
    default: 120.0
"""

EXAMPLES = r"""
---
- name: Give etcd a quota of 8 GiB, one node after the other
  hosts: etcd
  serial: 1
  any_errors_fatal: true  # else a value that etcd refuses would be tried on every member
  become: true
  tasks:
    - name: Restart etcd with it
      controlplane.etcd.etcd_unit:
        extra_args:
          quota-backend-bytes: 8GiB

- name: Change a setting of the second etcd, which has the events
  hosts: etcd
  serial: 1
  any_errors_fatal: true
  become: true
  tasks:
    - name: Restart that one
      controlplane.etcd.etcd_unit:
        manifest: etcd-events.service
        extra_args:
          auto-compaction-retention: 1h
"""

RETURN = r"""
---
backup_file:
  description:
    - The copy of the old file. Empty in check mode and if nothing changed. It is an empty file if there was none.
  returned: success
  type: str
  sample: /etc/kubernetes/etcd-backup/etcd.service/etcd.env.20261123T205937Z
file:
  description: The file that has these settings. Empty if nothing is to be changed.
  returned: success
  type: str
  sample: /etc/etcd.env
flags:
  description: The settings that were changed, and no others, by the names of flags.
  returned: success
  type: dict
  contains:
    after:
      description: Their values afterwards; in check mode, those that they would have.
      returned: always
      type: dict
      sample:
        quota-backend-bytes: "8589934592"
    before:
      description: Their values before.
      returned: always
      type: dict
      sample: {}
owner:
  description:
    - What to set elsewhere, so that the next run of whoever writes that file keeps these settings. Empty if nobody is
      known to.
  returned: success
  type: str
  sample: >-
    kubespray writes /etc/etcd.env again: set etcd_quota_backend_bytes: 8589934592 in its group_vars/all/etcd.yml, or
    its next run undoes this and restarts etcd, up to 2.26 all members at once. (KubeKey writes the same file from its
    cluster's spec.)
seconds:
  description: For how long this member did not answer.
  returned: success
  type: float
  sample: 2.1
variables:
  description: Variables of kubespray with all settings that were asked for, empty on other nodes.
  returned: success
  type: dict
  sample:
    etcd_quota_backend_bytes: 8589934592
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.failures import refuse
from ..module_utils._core.records import Json
from ..module_utils._etcd.errors import EtcdError
from ..module_utils._member_module import CONNECTION_SPEC
from ..module_utils._module import LEASE_SPEC, run
from ..module_utils._rollout import owners, unit_change
from ..module_utils._rollout.change import Changed
from ..module_utils._rollout.preconditions import raise_warning, refuse_cluster
from ..module_utils._rollout.rollout import CHANGE_SPEC
from ..module_utils._rollout.unit_edit import UnitEdit
from ..module_utils._rollout.unit_preconditions import refuse_unit
from ..module_utils._rollout.unit_rollout import UnitRollout, read_unit_rollout
from ..module_utils._rollout.unit_target import UnitTarget, choose_unit_target


def apply(module: AnsibleModule) -> Json:
    rollout = read_unit_rollout(module.params)
    target = choose_unit_target(rollout)
    for warning in target.warnings:
        module.warn(warning)
    edit = target.edit
    try:
        done = carry_out(module, rollout, edit) if edit.changes else complete(module, rollout, target)
    except EtcdError as exc:
        exc.advice = f"See what etcd says (journalctl --unit {rollout.name}), then run this again."
        raise
    variables = owners.variables_of(rollout.source.unit, target.wanted)
    result: Json = {
        "changed": edit.changes,
        "file": edit.path,
        "flags": {"before": edit.before, "after": edit.after},
        "backup_file": done.backup_file,
        "seconds": done.away_seconds,
        "owner": owners.advice(rollout.source.unit, edit.path, variables) if edit.changes else "",
        "variables": variables,
    }
    if module._diff:
        result["diff"] = {
            "before": target.shown(edit.old or ""),
            "after": target.shown(edit.new),
            "before_header": edit.path,
            "after_header": edit.path,
        }
    return result


def complete(module: AnsibleModule, rollout: UnitRollout, target: UnitTarget) -> Changed:
    """Nothing is to be written; a run that was interrupted may have left something to apply and verify."""
    missing = unit_change.missing(rollout)
    if missing and module.check_mode:
        module.warn(f"These settings are written already, but {missing}. It would be restarted, and waited for.")
    elif missing:
        if target.runs:
            refuse(refuse_cluster(rollout, rollout.away_seconds))
        return unit_change.finish(rollout, target.written_in)
    elif not module.check_mode:
        unit_change.mark_verified(rollout, target.written_in)
    return Changed("", 0.0)


def carry_out(module: AnsibleModule, rollout: UnitRollout, edit: UnitEdit) -> Changed:
    pid = refuse_unit(rollout, edit)
    alarm = refuse_cluster(rollout, rollout.away_seconds)
    too_large = raise_warning(rollout, rollout.settings, edit.settings)
    if too_large:
        module.warn(too_large)
    if not module.check_mode:
        refuse(alarm)
        return unit_change.change(rollout, edit, pid)
    if alarm:
        module.warn(f"It would be refused if this is still so then. {alarm.text}")
    return Changed("", 0.0)


def main() -> None:
    module = AnsibleModule(
        {
            **CHANGE_SPEC,
            **CONNECTION_SPEC,
            **LEASE_SPEC,
        },
        supports_check_mode=True,
    )
    run(module, apply, doing="Changing settings of an etcd that systemd runs")


if __name__ == "__main__":
    main()
