# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The steps of a recovery from one node that work on the node itself: its snapshot, its kubelet, its API server."""

from __future__ import annotations

import time

from .._core import command, files
from .._core.failures import Failure, Refused
from .._core.records import Json
from .._core.text import join
from .._core.units import mib
from .._etcd.api import Status
from .._etcd.estimates import WORK_SECONDS
from .._node import apiserver_write_check, kubelet, kubelet_hold, systemd_unit
from .._node.apiserver import ADMIN_CONF, ApiServer, address_of
from .._node.inspection import inspect_node
from .._node.member import LocalMember
from .._node.recoverable import RESTART
from .._node.report import KubeletReport, NodeReport
from .._node.settings_source import read_settings
from .._node.wait import Waiting, WaitOptions
from .._snapshot import of_member, sources
from .context import DATA_DIR
from .recover_options import Options
from .recover_plan import NodePlan


def inspect(connection: Json, lock: str, options: Options) -> NodeReport:
    """The report of this node, whose member is asked by the options in `connection`. Raises Failure, OSError."""
    report = inspect_node(
        {
            **connection,
            "data_dir": DATA_DIR,
            "snapshot_dir": options.snapshot_dir,
            "lock_path": lock,
            "kubelet_unit": options.kubelet_unit,
            "allow_unsafe_version": options.allow_unsafe,
        }
    )
    if report is None:
        raise Refused(
            "manifest_missing",
            f"This node has no member of etcd: there is neither {connection['manifest']} nor data in {DATA_DIR}.",
            "Run this on a control-plane node.",
        )
    return report


def revive(plan: NodePlan, connection: Json, options: Options, *, owner: str) -> float:
    """Restart the kubelet, or the unit of the member, if that is planned, and wait until etcd answers, its kubelet held
    meanwhile if that is planned; the seconds that it took. Raises Failure, OSError."""
    unit, member = options.kubelet_unit, read_settings(connection["manifest"])
    if plan.revive == RESTART and member.unit:
        systemd_unit.startable(command.run, member.unit)
        systemd_unit.restart(command.run, member.unit)
    elif plan.revive == RESTART:
        kubelet_hold.startable(command.run, unit)
        kubelet_hold.restart_and_release(command.run, unit)

    def status() -> Status:
        # Each time anew: it reads its certificates, which somebody may be mending.
        return LocalMember(connection).endpoint.status()

    wanted = WaitOptions(
        bool(plan.hold), plan.hold_seconds, unit, owner, True, options.wait_timeout, while_reading=True
    )
    state, _changed = Waiting(member, wanted, status).until_it_answers()
    return state.seconds


def snapshot(member: LocalMember, directory: str, keep: int) -> str:
    """Take a snapshot of the member of this node, or verify one of an earlier attempt; the line about it. Raises
    Failure, OSError."""
    began = time.monotonic()
    origin = of_member.origin_of(member)
    reused = of_member.reusable(member, directory, origin)
    if reused:
        return f"snapshot of an earlier attempt verified: {reused.path} (revision {reused.revision})"
    written, _tried, _pruned = of_member.write(
        member, directory, origin, methods=sources.METHODS, timeout=WORK_SECONDS, keep=keep
    )
    seconds = time.monotonic() - began
    return f"snapshot taken: {mib(written.size_bytes)} in {seconds:.1f} s, {written.path} (revision {written.revision})"


def restart_backed_off(unit: KubeletReport, directory: str) -> str:
    """Restart the kubelet of this node if static pods of `directory` still wait for it; the line about it, empty if
    none does. Raises Failure."""
    if not unit.running:
        return ""
    waiting = kubelet.backed_off(command.run, unit.unit, directory)
    if not waiting:
        return ""
    kubelet_hold.startable(command.run, unit.unit)
    kubelet_hold.restart_and_release(command.run, unit.unit)
    return f"{join(waiting)} did not run here: the kubelet was restarted, which ends their back-off"


def api_server(manifest: str, resource: str, timeout: float, wait: float) -> str:
    """Write through the API server of this node, once it is ready; the line about it, empty if there is none. Raises
    Failure if etcd refuses the write. `manifest` is the API server's, `resource` what is written."""
    try:
        api = ApiServer(address_of(files.text(manifest), manifest), ADMIN_CONF, timeout=timeout, resource=resource)
    except FileNotFoundError:
        return ""
    except (Failure, OSError) as exc:
        return f"the API server of this node could not be asked: {exc}"
    outcome, seconds = apiserver_write_check.check_writes(api, wait, check=False)
    said = {
        "accepted": "the API server of this node accepts writes",
        "not ready": f"the API server of this node is still not up after {seconds:.0f} s: {outcome.reason}",
    }
    other = f"the API server of this node did not take the write, but not because of etcd: {outcome.reason}"
    return said.get(outcome.kind, other)


__all__ = ("api_server", "inspect", "restart_backed_off", "revive", "snapshot")
