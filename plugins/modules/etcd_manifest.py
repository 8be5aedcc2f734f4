#!/usr/bin/python
# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: etcd_manifest
short_description: Start the etcd of a control-plane node with other flags, and verify it
version_added: 0.1.0
author:
  - The controlplane.etcd authors (@controlplane-etcd)
description:
  - Changes flags in the static pod manifest of etcd. The kubelet then restarts etcd, so this one member is down for 11
    to 50 seconds plus the time that it needs to read its log and its database.
  - The new text is written outside the manifests directory and renamed over the old one; there is never a moment
    without a whole manifest. Then the module waits until the etcd that runs has these flags, answers, knows a leader
    and has caught up with it. If that fails, the old text is restored, and etcd is verified to run with it.
  - A kubelet that does not start the new etcd within a minute is restarted once, in any case before the module gives
    up. If the old etcd then still keeps the new one from its address, as it does while no API server answers, the old
    one is asked to exit.
  - A flag whose value means the same already, such as V(1h) and V(1) for C(auto-compaction-retention), is left as it
    is, and etcd is not restarted.
  - It refuses to begin if the other members do not hold the quorum without this one, while an alarm is armed, if one of
    the members lags behind, and if the node is not in order - no log of a member in the data directory, other files in
    the manifests directory that the kubelet could take for etcd, a kubelet or an etcd that is not running, an etcd that
    runs with other flags than its manifest has.
  - Flags that the etcd of the manifest's image does not know are refused, because it would exit at once. So are flags
    that are part of what a member is, such as its name, addresses, certificates and data directory.
  - If a run was killed in the middle, the next one verifies what it began, or rolls it back.
  - Nothing keeps two nodes apart that run it at the same time, because each still sees the other one's member running.
    Run it on one node after the other, and on none after a failed one, as the first example does with C(serial) and
    C(any_errors_fatal).
  - C(kubeadm upgrade) and C(kubeadm join) read the ConfigMap C(kubeadm-config) instead and know nothing of this.
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
      - Values of environment variables are masked.
options:
  backup_dir:
    description:
      - Directory for a copy of the old manifest, written before it is replaced. Created with mode 0700 if it is
        missing.
      - A directory inside a C(manifests) directory is refused, because the kubelet starts whatever is there.
    type: path
    default: /etc/kubernetes/etcd-backup
  extra_args:
    description:
      - Flags of etcd, without their leading dashes.
      - The quota C(quota-backend-bytes) may have a unit, such as V(8GiB); it is written in bytes. If it is raised
        beyond what the node's memory, its disk, or the memory limit of etcd's container carries, that is warned about.
      - Values that etcd is known not to start with are refused. C(auto-compaction-mode) and
        C(auto-compaction-retention) are judged together, also with what is in the manifest already.
    type: dict
    default: {}
  from_controller:
    description:
      - What this module's action plugin has made of kubeadm's configuration on the controller, in a second call. Not
        for tasks; what one gives here is ignored.
    type: str
  kubeadm_config:
    description:
      - Path on the node of a file with the C(ClusterConfiguration), as C(kubeadm init --config) takes it, for kubeadm
        to write the manifest from. The file is only read.
      - When not given, the ConfigMap C(kubeadm-config) is read with C(kubectl).
    type: path
  kubeconfig:
    description:
      - Path on the node of the kubeconfig with which the ConfigMap is read.
    type: path
    default: /etc/kubernetes/admin.conf
  kubelet_unit:
    description:
      - Name of the kubelet's systemd unit.
    type: str
    default: kubelet
  method:
    description:
      - V(patch) changes the lines of these flags and leaves every other byte as it is.
      - V(kubeadm) takes the manifest that C(kubeadm init phase etcd local) writes for this node, with the image that
        runs, and with the node's own C(--initial-cluster) and C(--initial-cluster-state). Its configuration is read
        on the node and made ready on the controller, so the node needs no PyYAML. A task with C(async) is refused for
        that.
      - V(auto) asks kubeadm as well, and takes its manifest only if that differs from what runs in nothing but these
        flags. Otherwise, and if kubeadm cannot be asked, it patches and says why.
    type: str
    choices: [auto, kubeadm, patch]
    default: auto
  remove:
    description:
      - Names of flags to remove, without their leading dashes.
    type: list
    elements: str
    default: []
  wait_timeout:
    description:
      - Seconds to wait for etcd, on top of the time that it is expected to need to read its log and its database; and
        as long again if the old manifest has to be restored.
      - A process that is seen to read is waited for up to three times as long, and its manifest is never rolled back
        for being slow.
    type: float
    default: 120.0
"""

EXAMPLES = r"""
---
- name: Give etcd a quota of 8 GiB and let it compact by itself, one node after the other
  hosts: control_plane
  serial: 1
  any_errors_fatal: true  # else a value that etcd refuses would be tried on every member
  become: true
  tasks:
    - name: Restart etcd with these flags
      controlplane.etcd.etcd_manifest:
        extra_args:
          quota-backend-bytes: 8GiB
          auto-compaction-mode: periodic
          auto-compaction-retention: 1h

- name: Remove a flag on a cluster of one member
  hosts: control_plane
  become: true
  tasks:
    - name: Restart etcd without it
      controlplane.etcd.etcd_manifest:
        remove:
          - max-wals
        allow_downtime: true
"""

RETURN = r"""
---
backup_file:
  description: The copy of the old manifest. Empty in check mode and if nothing changed.
  returned: success
  type: str
  sample: /etc/kubernetes/etcd-backup/etcd.yaml.20261123T205937Z
differences:
  description: What kubeadm would have written differently beyond these flags, one sentence each.
  returned: success
  type: list
  elements: str
  sample: ["kubeadm would write image registry.k8s.io/etcd:3.6.8-0, here it is registry.k8s.io/etcd:3.5.24-0."]
flags:
  description: The flags that were changed, and no others.
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
method:
  description: How the new manifest was made, V(kubeadm) or V(patch).
  returned: success
  type: str
  sample: kubeadm
reason:
  description: Why kubeadm's manifest was not taken, empty if it was and if V(patch) was asked for.
  returned: success
  type: str
  sample: There is no kubeadm on this node.
seconds:
  description: For how long this member did not answer.
  returned: success
  type: float
  sample: 13.2
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._core.failures import refuse
from ..module_utils._core.records import Json
from ..module_utils._etcd.errors import EtcdError
from ..module_utils._kubeadm import manifest_diff
from ..module_utils._kubeadm.exchange import EXCHANGE_SPEC, FOR_CONTROLLER
from ..module_utils._member_module import CONNECTION_SPEC
from ..module_utils._module import LEASE_SPEC, run
from ..module_utils._node.apiserver import ADMIN_CONF
from ..module_utils._node.kubelet import UNIT
from ..module_utils._rollout import interrupted
from ..module_utils._rollout.change import Changed, change
from ..module_utils._rollout.preconditions import quota_warning, refuse_cluster, refuse_node
from ..module_utils._rollout.rollout import CHANGE_SPEC, Rollout, read_rollout
from ..module_utils._rollout.target import ControllerNeeded, Target, choose_target


def apply(module: AnsibleModule) -> Json:
    rollout = read_rollout(module.params)
    try:
        target = choose_target(rollout)
    except ControllerNeeded as needed:
        return {"changed": False, FOR_CONTROLLER: needed.asked}
    for warning in target.warnings:
        module.warn(warning)
    try:
        done = complete(module, rollout) if target.text == rollout.text else carry_out(module, rollout, target)
    except EtcdError as exc:
        exc.advice = "See what etcd and the kubelet say (crictl logs, journalctl --unit kubelet), then run this again."
        raise
    if done.note:
        module.warn(done.note)
    before, after = target.edited.differing
    result: Json = {
        "changed": target.text != rollout.text,
        "method": target.method,
        "reason": target.reason,
        "differences": list(target.differences),
        "flags": {"before": before, "after": after},
        "backup_file": done.backup_file,
        "seconds": done.away_seconds,
    }
    if module._diff:
        result["diff"] = {
            "before": manifest_diff.masked(rollout.text),
            "after": manifest_diff.masked(target.text),
            "before_header": rollout.path,
            "after_header": rollout.path,
        }
    return result


def complete(module: AnsibleModule, rollout: Rollout) -> Changed:
    """Nothing is to be written; a run that was interrupted may have left something to verify."""
    missing = interrupted.missing(rollout)
    if missing and module.check_mode:
        module.warn(f"The manifest has these flags already, but {missing}. It would be waited for.")
    elif missing:
        return interrupted.finish(rollout)
    elif not module.check_mode:
        interrupted.mark_verified(rollout)
    return Changed("", 0.0)


def carry_out(module: AnsibleModule, rollout: Rollout, target: Target) -> Changed:
    pid = refuse_node(rollout)
    alarm = refuse_cluster(rollout)
    too_large = quota_warning(rollout, target.text)
    if too_large:
        module.warn(too_large)
    if not module.check_mode:
        refuse(alarm)
        return change(rollout, target, pid)
    if alarm:
        module.warn(f"It would be refused if this is still so then. {alarm.text}")
    return Changed("", 0.0)


def main() -> None:
    module = AnsibleModule(
        {
            **CHANGE_SPEC,
            **CONNECTION_SPEC,
            **EXCHANGE_SPEC,
            **LEASE_SPEC,
            "kubeadm_config": {"type": "path"},
            "kubeconfig": {"type": "path", "default": ADMIN_CONF},
            "kubelet_unit": {"type": "str", "default": UNIT},
            "method": {"type": "str", "choices": ["auto", "kubeadm", "patch"], "default": "auto"},
        },
        supports_check_mode=True,
    )
    run(module, apply, doing=f"Changing flags of etcd in {module.params['manifest']}")


if __name__ == "__main__":
    main()
