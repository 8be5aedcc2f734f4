# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a recovery that work on the node itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from unit.builders import RUNNING, kubelet_report, member, node_report, view
from unit.node_tool_fakes import FakeNode

from ansible_collections.controlplane.etcd.plugins.module_utils._core.failures import Failure, Refused
from ansible_collections.controlplane.etcd.plugins.module_utils._node import (
    apiserver_write_check,
    kubelet,
    kubelet_hold,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._node.apiserver_write_check import Outcome
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool import recover_plan, recover_steps
from ansible_collections.controlplane.etcd.plugins.module_utils._node_tool.recover_options import Options
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import catalog, sources, take
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot.catalog import Snapshot

TAKEN = Snapshot("/s/etcd-c-cp1-r900.db", "c", "ca", "cp1", 900, 2**20, "0a", "file", 1.0)


def test_a_node_without_etcd(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(recover_steps, "inspect_node", asked.append)
    with pytest.raises(Refused, match="neither /m nor data in /var/lib/etcd") as caught:
        recover_steps.inspect(
            {"manifest": "/m", "timeout": 3.0, "endpoint": "e"}, "/l", Options(kubelet_unit="k", allow_unsafe=True)
        )
    assert caught.value.code == "manifest_missing"
    given = {"manifest": "/m", "lock_path": "/l", "timeout": 3.0, "endpoint": "e", "kubelet_unit": "k"}
    assert {**given, "allow_unsafe_version": True}.items() <= asked[0].items()


@pytest.mark.parametrize("running", [False, True], ids=["it is restarted", "it is only waited for"])
def test_revive(monkeypatch: pytest.MonkeyPatch, running: bool) -> None:
    did: list[Any] = []

    class Waiting:
        def __init__(self, member: Any, options: Any, _status: Any) -> None:
            did.append((member.path, options.hold_kubelet, options.owner, options.wait_timeout))

        def until_it_answers(self) -> Any:
            return SimpleNamespace(seconds=4.0), True

    monkeypatch.setattr(recover_steps, "Waiting", Waiting)
    monkeypatch.setattr(recover_steps, "read_settings", lambda path: SimpleNamespace(path=path, unit=""))
    for name in ("startable", "restart_and_release"):
        monkeypatch.setattr(kubelet_hold, name, lambda _run, unit, name=name: did.append((name, unit)))
    report = node_report(1, probes="1.22", process=RUNNING if running else None)
    plan = recover_plan.plan(report, check=False, snapshot=True, may_hold=True)
    assert recover_steps.revive(plan, {"manifest": "/m"}, Options(wait_timeout=9.0), owner="me") == 4.0
    restarts = [] if running else [("startable", "kubelet"), ("restart_and_release", "kubelet")]
    assert did == [*restarts, ("/m", True, "me", 9.0)]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeNode:
    found = FakeNode(tmp_path, view(member(1)))
    for name, value in (("ca_sha256", lambda: ["ca"]), ("tls", None)):
        monkeypatch.setattr(found.local, name, value, raising=False)
    monkeypatch.setattr(found.local, "manifest", SimpleNamespace(database="/d", data_dir="/data"), raising=False)
    return found


def test_a_snapshot_is_taken_remembered_and_old_ones_go(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[Any] = []
    monkeypatch.setattr(sources, "last_put", lambda *_arguments: 5)
    monkeypatch.setattr(catalog, "reusable", lambda *_arguments, **options: did.append(options["put"]))
    monkeypatch.setattr(take, "take", lambda *_arguments, **options: (TAKEN, did.append(options["revision"]) or []))
    monkeypatch.setattr(catalog, "remember", did.append)
    monkeypatch.setattr(catalog, "prune", lambda _directory, **options: did.append(options["keep"]))
    line = recover_steps.snapshot(node.local, "/s", 2)  # type: ignore[arg-type]
    assert line.startswith("snapshot taken: 1.0 MiB in 0.")
    assert line.endswith(" s, /s/etcd-c-cp1-r900.db (revision 900)")
    assert did == [5, 900, TAKEN, 2]
    recover_steps.snapshot(node.local, "/s", 0)  # type: ignore[arg-type]
    assert did[-1] == TAKEN


def test_one_of_an_earlier_attempt_is_used_again(node: FakeNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "last_put", lambda *_arguments: 5)
    monkeypatch.setattr(catalog, "reusable", lambda *_arguments, **_options: TAKEN)
    line = recover_steps.snapshot(node.local, "/s", 2)  # type: ignore[arg-type]
    assert line == "snapshot of an earlier attempt verified: /s/etcd-c-cp1-r900.db (revision 900)"


def test_static_pods_in_back_off(monkeypatch: pytest.MonkeyPatch) -> None:
    did: list[str] = []
    waiting = ["kube-apiserver (back-off 40s)"]
    monkeypatch.setattr(kubelet, "backed_off", lambda _run, _unit, directory: waiting if directory == "/m" else [])
    for name in ("startable", "restart_and_release"):
        monkeypatch.setattr(kubelet_hold, name, lambda _run, _unit, name=name: did.append(name))
    assert recover_steps.restart_backed_off(kubelet_report(), "/elsewhere") == ""
    assert recover_steps.restart_backed_off(kubelet_report(running=False), "/m") == ""
    assert did == []
    line = recover_steps.restart_backed_off(kubelet_report(), "/m")
    assert line.startswith("kube-apiserver (back-off 40s) did not run here: the kubelet was restarted")
    assert did == ["startable", "restart_and_release"]


OUTCOMES = [
    (Outcome("accepted"), "the API server of this node accepts writes"),
    (Outcome("not ready", "it is not ready: etcd"), "the API server of this node is still not up after 7 s: it is"),
    (Outcome("refused", "HTTP 403: no"), "did not take the write, but not because of etcd: HTTP 403: no"),
]


@pytest.mark.parametrize(("outcome", "said"), OUTCOMES)
def test_the_api_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Outcome, said: str) -> None:
    manifest = tmp_path / "kube-apiserver.yaml"
    assert recover_steps.api_server(str(manifest), "leases", 1.0, 1.0) == ""
    manifest.write_text("")
    monkeypatch.setattr(recover_steps, "address_of", lambda *_arguments: "address")
    monkeypatch.setattr(recover_steps, "ApiServer", lambda *_arguments, **_options: "api")
    monkeypatch.setattr(apiserver_write_check, "check_writes", lambda *_arguments, **_options: (outcome, 7.0))
    assert said in recover_steps.api_server(str(manifest), "leases", 1.0, 1.0)

    def unusable(*_arguments: object) -> None:
        raise Failure("manifest_unusable", "no manifest")

    monkeypatch.setattr(recover_steps, "address_of", unusable)
    assert (
        recover_steps.api_server(str(manifest), "leases", 1.0, 1.0)
        == "the API server of this node could not be asked: no manifest"
    )
