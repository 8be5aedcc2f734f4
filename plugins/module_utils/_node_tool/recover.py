# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to this collection: it may change at any time, without notice.

"""The recovery of a whole cluster from one node, without Ansible: the steps of the role in their order, with the same
checks and the same write check at the end. Of the kubelets it holds that of this node alone."""

from __future__ import annotations

import os
import typing as t
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace

from .._core import command, run_id, run_lock
from .._core.failures import Failure, FileError, Refused, message, refuse
from .._core.run_lock import Locked
from .._core.text import join, table
from .._core.units import mib
from .._etcd import checks, defragmentation, estimates, write_check
from .._etcd.errors import EtcdError, LeaseExists, NoSpace, NotOffered
from .._node import kubelet_hold
from .._node.report import ClusterReport, MemberReport, NodeReport
from . import cluster_lease, recover_cluster, recover_plan, recover_steps
from .context import FAILED, OK, REFUSED, Context
from .progress import Progress, Step
from .recover_options import Options
from .recover_plan import NodePlan

_NOTHING = "Nothing was changed."


@dataclass
class Recovery:
    """One run; `name` is that of the member of this node, `holding` whether this run holds its kubelet."""

    context: Context
    options: Options
    progress: Progress
    name: str = ""
    holding: bool = False

    def run(self) -> int:
        """Do it; the exit code."""
        try:
            return self._run()
        except Locked as exc:
            self._failed(_locked(exc, self.context.paths.lock))
            return REFUSED
        except Refused as exc:
            self._failed(exc)
            return REFUSED
        except (Failure, OSError) as exc:
            self._failed(exc if isinstance(exc, Failure) else FileError(exc))
            return FAILED

    def _failed(self, failure: Failure) -> None:
        through, step = failure.endpoint if isinstance(failure, EtcdError) else "", self.progress.step
        said = message(step.doing, failure, through=through, unchanged=step.unchanged)
        self.progress.say(f"{said} [{failure.code}]")

    def _run(self) -> int:
        report = self._inspect()
        plan = self._plan(report)
        if self.options.check:
            self._table((), report.cluster)
            self.progress.say(f"Check mode: {_NOTHING[0].lower()}{_NOTHING[1:]}")
            return OK
        if not plan.has_work:
            self._release_what_ended(report)
            recover_cluster.prove(self.progress, self.context.member(), 0.0)
            return OK
        self.progress.step = Step("Locking this node", _NOTHING)
        with self.context.locked("recover", force=self.options.take_over_lock):
            try:
                report, plan = self._ready(report, plan)
                if plan.full:
                    with self._others_kept_out():
                        self._gain_headroom(plan)
            finally:
                self._release()
            return self._finish(report)

    def _inspect(self) -> NodeReport:
        report = recover_steps.inspect(self.context.connection, self.context.paths.lock, self.options)
        self.name = report.name
        self.options = replace(self.options, kubelet_unit=report.kubelet.unit)  # that of RKE2 has another name
        return report

    def _plan(self, report: NodeReport, *, may_revive: bool = True) -> NodePlan:
        """The plan, once it was printed. Raises Refused if something stands against it."""
        plan = recover_plan.plan(
            report,
            check=self.options.check,
            snapshot=self.options.snapshot,
            may_hold=self.options.hold,
            may_revive=may_revive,
        )
        for line in (*plan.findings, *plan.lines):
            self.progress.say(line)
        if plan.refusals:
            self.progress.step = Step("Recovering this cluster", self.progress.step.unchanged)
            raise Refused(plan.refusals[0].code, " ".join(each.text for each in plan.refusals))
        return plan

    def _ready(self, report: NodeReport, plan: NodePlan) -> tuple[NodeReport, NodePlan]:
        """Revive the member of this node if it is down, and hold its kubelet if a probe could kill it. Raises Failure,
        OSError."""
        if plan.revive:
            doing = f"Waiting for the etcd of {self.name} (it reads its log first)"
            unchanged = "The kubelet of this node may have been restarted; the data of etcd was not touched."
            with self.progress.working(doing, unchanged):
                self.holding = bool(plan.hold)
                seconds = recover_steps.revive(plan, self.context.connection, self.options, owner=self.context.run)
            self.progress.done(f"etcd of {self.name} answers after {seconds:.1f} s")
            report = self._inspect()
            plan = self._plan(report, may_revive=False)
        self._hold(plan)
        return report, plan

    def _hold(self, plan: NodePlan) -> None:
        """Hold the kubelet of this node, or go on holding it. Raises Failure, OSError."""
        if not plan.hold:
            return
        first, self.holding = not self.holding, True
        unit, seconds = self.options.kubelet_unit, plan.hold_seconds
        with self.progress.working("Holding the kubelet", "The next step was not begun."):
            kubelet_hold.hold(command.run, unit, owner=self.context.run, seconds=seconds)
        if first:
            self.progress.done(f"kubelet of {self.name} held; its timer starts it in {seconds:.0f} s at the latest")

    def _release(self) -> None:
        """Start the kubelet of this node if this run has stopped it."""
        held = kubelet_hold.read_hold(self.options.kubelet_unit) if self.holding else None
        self.holding = False
        if held is None or held.owner != self.context.run:
            return
        try:
            kubelet_hold.release(command.run, self.options.kubelet_unit)
        except Failure as exc:
            self.progress.done(f"the kubelet of {self.name} could not be started, its timer does it: {exc.text}")
        else:
            self.progress.done(f"kubelet of {self.name} released")

    @contextmanager
    def _others_kept_out(self) -> t.Iterator[None]:
        """Keep the node tools of other nodes out, if no alarm is armed: under one no lease can be granted, nor by a
        transport that offers none. Raises Refused, EtcdError."""
        with ExitStack() as stack:
            try:
                if not self.options.take_over_lock:
                    stack.enter_context(cluster_lease.held(self.context.member().endpoint))
            except NoSpace:
                pass
            except NotOffered as exc:
                self.progress.done(f"the node tools of other nodes are not kept out: {exc}")
            except LeaseExists as exc:
                self.progress.step = Step("Keeping the node tools of other nodes out", _NOTHING)
                raise Refused(
                    exc.code,
                    "The node tool of another node is working on this cluster, or was killed less than an hour ago.",
                    "Wait for it. If you are sure that nobody works there any more: --take-over-lock.",
                ) from None
            yield

    def _gain_headroom(self, plan: NodePlan) -> None:
        """Snapshot, compact, defragment, disarm. Raises Failure, OSError."""
        member = self.context.member()
        own_id = member.endpoint.status().member_id
        if self.options.snapshot:
            view = member.inspect_cluster()
            me = view.by_id(own_id)
            expected = estimates.snapshot_seconds(me.size_bytes if me else 0)
            with self.progress.working("Writing a snapshot", "Nothing was compacted.", expected):
                refuse(checks.lag_refusal([each for each in checks.behind_voters(view) if each.id == own_id]))
                line = recover_steps.snapshot(member, self.options.snapshot_dir, self.options.snapshot_keep)
            self.progress.done(line)
            self._hold(plan)
        recover_cluster.compact(self.progress, member)
        for each in defragmentation.defrag_order(member.inspect_cluster()):
            self._hold(plan)
            own, unsafe = each.id == own_id, self.options.allow_unsafe
            recover_cluster.defragment(self.progress, member, each, own=own, allow_unsafe=unsafe)
        self._hold(plan)
        recover_cluster.disarm(self.progress, member)

    def _finish(self, report: NodeReport) -> int:
        """Write through every member and the API server, and say what came of it; the exit code. Raises Failure."""
        found = recover_cluster.prove(self.progress, self.context.member(), self.options.settle_seconds)
        code = self._api_server()
        self._table(report.cluster.members if report.cluster else (), ClusterReport.of(found.after))
        names = join(each.member for each in found.writes if each.accepted)
        same = "; the followers hold the same data" if found.compared.agree else ""
        self.progress.say(f"Recovered in {self.progress.seconds:.1f} s. Writes are accepted through {names}{same}.")
        growth = write_check.growth(found)
        minutes = growth.minutes_to_full
        until = "" if minutes is None else f": at that rate it is full in {minutes:.0f} minutes"
        self.progress.say(f"The database grows by {mib(growth.bytes_per_minute)} per minute{until}.")
        for line in checks.findings(found.after):
            self.progress.say(line)
        return code

    def _api_server(self) -> int:
        """Write through the API server of this node; the exit code: what was done to etcd stays done."""
        try:
            with self.progress.working("Checking the API server of this node", "What was done to etcd stays done."):
                report = self._inspect()
                path = report.apiserver_manifest
                resource = "events" if report.unit and report.unit.of_events else "leases"
                restarted = recover_steps.restart_backed_off(report.kubelet, os.path.dirname(path))
                written = recover_steps.api_server(path, resource, self.context.timeout, self.options.wait_timeout)
        except (Failure, OSError) as exc:
            self._failed(exc if isinstance(exc, Failure) else FileError(exc))
            return FAILED
        for line in filter(None, (restarted, written)):
            self.progress.done(line)
        return OK

    def _table(self, before: tuple[MemberReport, ...], cluster: ClusterReport | None) -> None:
        for line in table(recover_plan.member_rows(before, cluster)) if cluster else ():
            self.progress.say(line)

    def _release_what_ended(self, report: NodeReport) -> None:
        """Release the lock and the kubelet that a run of this very node left when it was killed."""
        lock, held = report.lock, report.kubelet.held
        with suppress(Failure, OSError):
            if lock and run_id.ended_runs([lock.run]):
                run_lock.release(self.context.paths.lock, lock.run)
            if held and run_id.ended_runs([held.owner]):
                kubelet_hold.release(command.run, self.options.kubelet_unit)
                self.progress.done(f"kubelet of {self.name} released, which a killed run had held")


def _locked(exc: Locked, path: str) -> Refused:
    """The refusal with the advice of this program: it has an option of its own for that."""
    said = run_lock.describe(exc.lock)
    return Refused(
        exc.code,
        f"{said[0].upper()}{said[1:]}.",
        "Wait for it; a lock that is not renewed expires. If you are sure that nobody works there any more (see what"
        f" became of {exc.lock.owner}), take {path} over: --take-over-lock.",
    )


__all__ = ("Recovery",)
