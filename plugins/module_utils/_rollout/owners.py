# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Installers that write the files of a unit again: what has to be set there, so that their next run keeps a setting.

kubespray's variables are those of roles/etcd/templates/etcd.env.j2 and etcd-events.env.j2, 2.22 to 2.31; what it starts
as containers (etcd_deployment_type: docker) has them from the same files. A quadlet is podman-systemd.unit(5).
"""

from __future__ import annotations

import typing as t

from .._kubeadm import flag_values
from .._node.installation import KUBESPRAY_FILES
from .._node.settings import variable_of
from .._node.systemd_unit import EtcdUnit

_VARIABLES = {
    "quota-backend-bytes": "etcd_quota_backend_bytes",
    "auto-compaction-retention": "etcd_compaction_retention",
    "snapshot-count": "etcd_snapshot_count",
    "max-request-bytes": "etcd_max_request_bytes",
    "max-snapshots": "etcd_max_snapshots",
    "max-wals": "etcd_max_wals",
    "log-level": "etcd_log_level",
    "metrics": "etcd_metrics",
    "election-timeout": "etcd_election_timeout",
    "heartbeat-interval": "etcd_heartbeat_interval",
}
_EXTRA = "etcd_extra_vars"
_QUADLET = ".container"


def variables_of(unit: EtcdUnit, wanted: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The variables of kubespray with these values, empty if it has not installed this unit."""
    if not any(file.path in KUBESPRAY_FILES for file in unit.environment_files):
        return {}
    found: dict[str, t.Any] = {}
    for name, value in wanted.items():
        if name in _VARIABLES:
            found[_VARIABLES[name]] = int(value) if value.isdecimal() and name != flag_values.RETENTION else value
        elif (name, value) != (flag_values.MODE, "periodic"):  # the default beside variables
            found.setdefault(_EXTRA, {})[variable_of(name)] = value
    return found


def advice(unit: EtcdUnit, path: str, variables: t.Mapping[str, t.Any]) -> str:
    """What to do so that the next run of whoever writes this file keeps the settings, empty if that is not known."""
    if variables:
        return (
            f"kubespray writes {path} again: set {_lines(variables)} in its group_vars/all/etcd.yml, or its next run"
            " undoes this and restarts etcd, up to 2.26 all members at once. (KubeKey writes the same file from its"
            " cluster's spec.)"
        )
    if path == unit.fragment:
        return f"Whoever has written {path} may write it again: change it there as well, or the next run undoes this."
    return ""


def container_advice(unit: EtcdUnit, wanted: t.Mapping[str, str]) -> str:
    """What to do for an etcd in a container that this unit starts."""
    variables = variables_of(unit, wanted)
    if variables:
        return (
            f"kubespray makes it (etcd_deployment_type: docker): set {_lines(variables)} in its"
            " group_vars/all/etcd.yml, and etcd_memory_limit to more than the quota (512M on hosts of less than 4 GB),"
            " then run it (cluster.yml --tags=etcd --limit=etcd --skip-tags=etcd-secrets), while no alarm is armed: up"
            " to 2.26 it restarts all members at once."
        )
    if unit.source.endswith(_QUADLET):
        flags = " ".join(f"--{name}={value}" for name, value in wanted.items())
        return (
            f"podman makes the unit from {unit.source}: put {flags} into its Exec= (what is a variable there already,"
            " into its Environment=: etcd exits on both), then systemctl daemon-reload and systemctl restart"
            f" {unit.name}, on one member after the other."
        )
    return "Change its settings where that container is made, then restart one member after the other."


def _lines(variables: t.Mapping[str, t.Any]) -> str:
    return ", ".join(f"{name}: {_shown(value)}" for name, value in variables.items())


def _shown(value: t.Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_shown(each)}" for name, each in value.items()) + "}"
    return f'"{value}"' if isinstance(value, str) else str(value)


__all__ = ("advice", "container_advice", "variables_of")
