# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recovery from one node: its steps and their order, and what becomes of a failure and of its own kubelet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from unit.builders import MIB, cluster_report, diagnosis, member, member_report, node_report, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._core import run_id, run_lock
from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._core.run_lock import Lock
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Alarm
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.errors import (
    LeaseExists,
    NoSpace,
    NotOffered,
    Unreachable,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.hashes import Comparison
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.write_check import Baseline, Write, WriteCheck
from ansible_collections.controlplane.etcd.plugins.module_utils._node import kubelet_hold
from ansible_collections.controlplane.etcd.plugins.module_utils._node.kubelet_hold import Hold
from ansible_collections.controlplane.etcd.plugins.module_utils._node.report import NodeReport
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import recover_cluster, recover_steps
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.progress import Progress
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.recover import Recovery
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.recover_options import Options

FULL = node_report(1, cluster_report(member_report(1), member_report(2, "leader"), alarms=["NOSPACE"]), probes="1.22")
WELL = node_report(1, cluster_report(member_report(1, "leader")), diagnosis=diagnosis(full=False))


class Node(FakeNode):
    """Its steps are recorded in `did`; those in `fails` end with that failure."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(directory, view(member(1), member(2), alarms=[Alarm(1, "NOSPACE")]))
        self.did: list[str] = []
        self.fails: dict[str, Exception] = {}
        self.reports = [FULL]
        self.hold: Hold | None = None
        after = view(member(1, size=120 * MIB), member(2))
        proved = WriteCheck((Write("cp1", True, ""),), Baseline(0.0, {}), after, 10.0, Comparison(True), ())

        def step(name: str, answer: Any = None) -> Any:
            def done(*_arguments: Any, **_options: Any) -> Any:
                self.did.append(name)
                if name in self.fails:
                    raise self.fails[name]
                return answer

            return done

        def inspect(*_arguments: object) -> NodeReport:
            return self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]

        def hold(_run: object, _unit: str, *, owner: str, seconds: float) -> None:
            self.did.append("hold")
            self.hold = Hold(owner, "timer", seconds)

        def defragment(_progress: object, _member: object, target: Any, **_options: Any) -> None:
            step(f"defragment {target.name}")()

        monkeypatch.setattr(recover_steps, "inspect", inspect)
        for name, answer in (("revive", 3.0), ("snapshot", "snapshot taken"), ("restart_backed_off", "")):
            monkeypatch.setattr(recover_steps, name, step(name, answer))
        monkeypatch.setattr(recover_steps, "api_server", step("api_server", "its API server accepts writes"))
        for name in ("compact", "disarm"):
            monkeypatch.setattr(recover_cluster, name, step(name))
        monkeypatch.setattr(recover_cluster, "prove", step("prove", proved))
        monkeypatch.setattr(recover_cluster, "defragment", defragment)
        monkeypatch.setattr(kubelet_hold, "hold", hold)
        monkeypatch.setattr(kubelet_hold, "release", step("release"))
        monkeypatch.setattr(kubelet_hold, "read_hold", lambda _unit: self.hold)

    def recover(self, **options: Any) -> int:
        return Recovery(self, Options(**options), Progress(terminal=False, clock=lambda: 0.0)).run()


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(tmp_path, monkeypatch)


def test_the_whole_of_it(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    assert node.recover() == 0
    assert [each for each in node.did if each != "hold"] == [
        *("snapshot", "compact", "defragment cp2", "defragment cp1", "disarm", "release"),
        *("prove", "restart_backed_off", "api_server"),
    ]
    # Before each step that takes long.
    assert [node.did[at - 1] for at, each in enumerate(node.did) if each in ("snapshot", "defragment cp2")] == [
        "hold"
    ] * 2
    lines = capsys.readouterr().out.splitlines()
    assert "Recovered in 0.0 s. Writes are accepted through cp1; the followers hold the same data." in lines
    assert run_lock.read(node.paths.lock) is None


def test_the_kubelet_of_rke2_is_held(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a process of another service, as the inspection has found."""
    units: list[str] = []
    hold = kubelet_hold.hold

    def record(run: object, unit: str, **options: Any) -> None:
        units.append(unit)
        hold(run, unit, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(kubelet_hold, "hold", record)
    node.reports = [FULL._replace(kubelet=FULL.kubelet._replace(unit="rke2-server"))]
    assert node.recover() == 0
    assert set(units) == {"rke2-server"}


def test_check_mode_and_nothing_to_do(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    assert node.recover(check=True) == 0
    assert node.did == []
    assert capsys.readouterr().out.endswith("Check mode: nothing was changed.\n")
    node.reports = [WELL]
    assert node.recover() == 0
    assert node.did == ["prove"]


def test_what_a_killed_run_has_left(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    run_lock.take(node.paths.lock, Lock("gone", "a run", 4e9))
    monkeypatch.setattr(run_id, "ended_runs", lambda ids: [each for each in ids if each == "gone"])
    kubelet = WELL.kubelet._replace(held=Hold("gone", "timer", 4e9))
    node.reports = [WELL._replace(lock=run_lock.read(node.paths.lock), kubelet=kubelet)]
    assert node.recover() == 0
    assert node.did == ["release", "prove"]
    assert run_lock.read(node.paths.lock) is None


def test_without_a_snapshot_and_without_a_hold(node: Node) -> None:
    assert node.recover(snapshot=False, hold=False) == 0
    assert node.did[0] == "compact"
    assert "release" not in node.did


FAILURES = [
    (
        "snapshot",
        Failure("snapshot_failed", "No room."),
        1,
        "Writing a snapshot failed. No room. Nothing was",
    ),
    ("compact", Unreachable("refused", endpoint="https://x"), 1, "through https://x failed: refused."),
    ("defragment cp2", Refused("member_busy", "cp1 is busy."), 3, "was refused. cp1 is busy."),
    ("disarm", OSError("No space left"), 1, "No space left."),
]


@pytest.mark.parametrize(("step", "failure", "code", "said"), FAILURES)
def test_nothing_follows_a_failure_and_the_kubelet_is_released(
    node: Node, capsys: pytest.CaptureFixture[str], step: str, failure: Exception, code: int, said: str
) -> None:
    node.fails[step] = failure
    assert node.recover() == code
    assert node.did[-2:] == [step, "release"]
    assert said in capsys.readouterr().out
    assert run_lock.read(node.paths.lock) is None


def test_a_kubelet_that_does_not_start_is_left_to_its_timer(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    node.fails["release"] = Failure("systemd_failed", "It hangs.")
    assert node.recover() == 0
    assert "the kubelet of cp1 could not be started, its timer does it: It hangs.\n" in capsys.readouterr().out


def test_a_member_that_is_down_is_revived_first(node: Node) -> None:
    node.reports = [node_report(1, probes="1.22"), FULL]
    assert node.recover() == 0
    assert node.did[:3] == ["revive", "hold", "snapshot"]


def test_one_that_comes_back_to_a_cluster_that_is_well(node: Node) -> None:
    node.reports = [node_report(1), WELL]
    assert node.recover() == 0
    assert node.did == ["revive", "prove", "restart_backed_off", "api_server"]


def test_refused(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    node.reports = [FULL._replace(stray_files=("old.yaml",))]
    assert node.recover() == 3
    assert node.did == []
    said = capsys.readouterr().out
    assert "Recovering this cluster was refused. cp1 has old.yaml beside the manifest" in said
    assert said.endswith(" Nothing was changed. [stray_manifests]\n")


def test_another_run(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    run_lock.take(node.paths.lock, Lock("another", "alice", 4e9))
    assert node.recover() == 3
    assert node.did == []
    assert "Locking this node was refused. Another run works on this node: alice;" in capsys.readouterr().out
    assert node.recover(take_over_lock=True) == 0


def test_the_node_tools_of_other_nodes_are_kept_out(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    """Under the alarm no lease can be granted, and it goes on without."""
    node.local.endpoint.lease = NoSpace("database space exceeded")
    assert node.recover() == 0
    capsys.readouterr()
    node.local.endpoint.lease = NotOffered("etcdctl has no call for it")
    assert node.recover() == 0
    assert "the node tools of other nodes are not kept out: etcdctl has no call for it" in capsys.readouterr().out
    node.local.endpoint.lease = True
    node.local.endpoint.calls.clear()
    assert node.recover() == 0
    assert node.local.endpoint.calls == ["grant", "revoke"]
    node.local.endpoint.lease = LeaseExists("lease already exists")
    node.did.clear()
    assert node.recover() == 3
    assert node.did == ["hold", "release"]
    assert "The node tool of another node is working on this cluster" in capsys.readouterr().out
    assert node.recover(take_over_lock=True) == 0


def test_an_api_server_that_etcd_refuses(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    node.fails["api_server"] = Failure("nospace_alarm", "It cannot write.")
    assert node.recover() == 1
    said = capsys.readouterr().out
    assert "Checking the API server of this node failed. It cannot write. What was done to etcd stays done." in said
    assert "Recovered in" in said
