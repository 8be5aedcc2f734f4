# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""Preconditions of a restart by systemd: whether the unit is in order, and its etcd would come up again."""

from __future__ import annotations

from .._core.failures import Refused, refuse
from .._core.text import join
from .._node import kubelet_hold, process
from .._node.kubelet import RKE2_UNIT
from .._node.systemd_unit import EtcdUnit
from . import owners
from .preconditions import data_refusal
from .unit_edit import UnitEdit
from .unit_rollout import UnitRollout


def refuse_unit(rollout: UnitRollout, edit: UnitEdit) -> int:
    """The process id of the etcd that runs here, which must be the unit's own, with the settings that are written but
    for those that are edited. Raises Refused."""
    unit, settings, server = rollout.source.unit, rollout.settings, rollout.source.server
    in_pod = server is not None and server.in_pod
    refuse(hold_refusal(RKE2_UNIT) if in_pod else None)
    refuse(reload_refusal(unit))
    refuse(data_refusal(settings))
    refuse(unit.refusal())
    refuse(time_limit_refusal(unit, rollout.start_seconds))
    pid = process.find(settings)
    if pid is None:
        raise Refused(
            "etcd_not_running",
            f"The etcd of {unit.name} is not running.{rollout.last_words()}",
            f"Find out why (journalctl --unit {unit.name}) before it is changed.",
        )
    if unit.main_pid != pid and not in_pod:
        raise Refused(
            "etcd_in_container",
            f"The etcd of {unit.name} (process {pid}) is not started by the unit itself but in a container: it is"
            " recovered, but not hardened, here.",
            owners.container_advice(unit, edit.after),
        )
    managed = {*edit.before, *edit.after}
    others = [name for name in rollout.differing(settings, pid) if name.lstrip("-").partition("=")[0] not in managed]
    if others and (server or not settings.config_file):
        raise Refused(
            "unit_not_applied",
            f"The running etcd (process {pid}) was started with other settings than those that are written"
            f" ({join(others)}): a restart would apply them, too.",
            f"If that is meant, restart this one member (systemctl restart {unit.name}), and run this again.",
        )
    return pid


def hold_refusal(name: str) -> Refused | None:
    """The reason not to restart a service that is the kubelet's parent while a recovery holds it, None if none does."""
    held = kubelet_hold.read_hold(name)
    if not held:
        return None
    return Refused("kubelet_held", f"{name}, which is the kubelet here, is held by {held.owner}.", "Release it first.")


def reload_refusal(unit: EtcdUnit) -> Refused | None:
    """The reason not to restart a unit whose text systemd has not read again, None if it has."""
    if not unit.needs_reload:
        return None
    return Refused(
        "unit_not_reloaded",
        f"{unit.name} was edited, and systemd has not read it again: what it would be started with is not known.",
        "Let it read it (systemctl daemon-reload), and run this again.",
    )


def time_limit_refusal(unit: EtcdUnit, start_seconds: float) -> Refused | None:
    """The reason not to restart an etcd that systemd would kill while it reads, None if it has the time."""
    if unit.kind != "notify" or not unit.start_timeout or start_seconds < unit.start_timeout:
        return None
    return Refused(
        "start_timeout_too_short",
        f"systemd kills the etcd of {unit.name} if it is not ready within {unit.start_timeout:.0f} s (TimeoutStartSec),"
        f" and it is expected to read its log and its database for {start_seconds:.0f} s: it would never come up.",
        f"Give it more time (systemctl edit {unit.name}: [Service] TimeoutStartSec=30min), and run this again.",
    )


__all__ = ("hold_refusal", "refuse_unit", "reload_refusal", "time_limit_refusal")
