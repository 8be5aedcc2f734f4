# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of a manifest on real members whose kubelet does not start etcd from it.

The lab's kubelet is frozen, and what it does when it is restarted is up to the test: there is no systemd here.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from integration.support.clusters import await_true
from integration.support.settings import MIB
from lab.loopback import kubelet
from lab.loopback.cluster import Cluster
from lab.loopback.kubelet import Kubelet
from lab.loopback.member import MemberProcess
from lab.loopback.process import Process

pytestmark = pytest.mark.usefixtures("collections")

QUOTA = str(64 * MIB)
WANTED = {"quota-backend-bytes": QUOTA}


@pytest.fixture
def library(collections: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The parts of the library; imported late, since the collection may have to be made importable first."""
    names = {
        "_core": "command",
        "_node": "pod_log process",
        "_rollout": "change rollout stuck_kubelet target",
    }
    root = "ansible_collections.controlplane.etcd.plugins.module_utils"
    found = {
        name: importlib.import_module(f"{root}.{package}.{name}")
        for package, modules in names.items()
        for name in modules.split()
    }
    monkeypatch.setattr(found["stuck_kubelet"], "RESTART_SECONDS", 1.0)
    monkeypatch.setattr(found["stuck_kubelet"], "_ENDS_BY_ITSELF_SECONDS", 1.0)
    return SimpleNamespace(**found)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """What is closed at the end, before the cluster is."""
    with ExitStack() as closed:
        yield closed


class Systemd:
    """The systemd of a node: its kubelet runs for long, and `restart` is what a restart of it does."""

    def __init__(self, library: Any, monkeypatch: pytest.MonkeyPatch, restart: Callable[[], None]) -> None:
        self.restarts = 0
        self._restart = restart
        self._result = library.command.CommandResult
        monkeypatch.setattr(library.command, "run", self._run)

    def _run(self, argv: list[str], _timeout: float) -> Any:
        if argv[:2] == ["systemctl", "restart"]:
            self.restarts += 1
            self._restart()
        return self._result(0, "LoadState=loaded\nActiveState=active\nUnitFileState=enabled")


def _change(library: Any, node: MemberProcess, directory: Path, pid: int, seconds: float = 60.0) -> Any:
    connection = {
        "manifest": str(node.manifest),
        "timeout": 5.0,
        "transport": "auto",
        **dict.fromkeys(("ca_cert", "client_cert", "client_key", "endpoint")),
    }
    options = {
        "allow_downtime": False,
        "backup_dir": str(directory / "etcd-backup"),
        "during_recovery": False,
        "extra_args": WANTED,
        "from_controller": None,
        "kubeadm_config": None,
        "kubeconfig": str(directory / "admin.conf"),
        "kubelet_unit": "kubelet",
        "method": "patch",
        "remove": [],
        "wait_timeout": seconds,
    }
    rollout = library.rollout.read_rollout({**connection, **options})
    return library.change.change(rollout, library.target.choose_target(rollout), pid)


def _quota(library: Any, node: MemberProcess) -> str:
    """The quota that the etcd of this node was started with."""
    pid = library.process.find(library.rollout.parse_manifest(node.manifest.read_text("utf-8"), str(node.manifest)))
    flags: dict[str, str] = library.process.flags(pid)
    return flags["quota-backend-bytes"]


def _pid(library: Any, node: MemberProcess) -> int:
    manifest = library.rollout.parse_manifest(node.manifest.read_text("utf-8"), str(node.manifest))
    pid: int = library.process.find(manifest)
    return pid


@pytest.mark.parametrize("seconds", [60.0, 0.5], ids=["after a while", "before it is given up"])
@pytest.mark.parametrize("kept", [True, False], ids=["keeps the old one", "starts none"])
def test_restart_helps(
    make_cluster: Callable[..., Cluster],
    library: Any,
    stack: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    kept: bool,
    seconds: float,
) -> None:
    node = make_cluster().nodes[0]
    player = stack.enter_context(Kubelet(node))
    pid = _pid(library, node)
    player.freeze()
    if not kept:
        os.kill(pid, 9)
        await_true(lambda: _pid(library, node) is None, "the old etcd is gone")
    systemd = Systemd(library, monkeypatch, player.thaw)

    done = _change(library, node, tmp_path, pid, seconds)

    assert systemd.restarts == 1
    assert done.note == "kubelet was restarted, because it had not started etcd from the changed manifest."
    assert _pid(library, node) != pid
    assert _quota(library, node) == QUOTA


def test_old_etcd_in_the_way_of_the_new_one(
    make_cluster: Callable[..., Cluster],
    library: Any,
    stack: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """As while no API server answers: the restarted kubelet starts the new one, and leaves the old one alone."""
    node = make_cluster().nodes[0]
    player = stack.enter_context(Kubelet(node))
    pid = _pid(library, node)
    player.freeze()
    log = tmp_path / "pods/kube-system_etcd-cp1_0b/etcd/0.log"
    log.parent.mkdir(parents=True)
    in_use = library.pod_log.address_in_use
    monkeypatch.setattr(library.pod_log, "address_in_use", lambda since: in_use(since, str(tmp_path / "pods")))

    def restart() -> None:
        env = {**os.environ, "PYTHONPATH": str(Path(kubelet.__file__).parents[2])}
        command = (sys.executable, kubelet.__file__, str(node.manifest), node.version, str(log))
        process = Process(command, env, tmp_path / "kubelet.log")
        stack.callback(process.wait, 30)
        stack.callback(process.terminate)

    systemd = Systemd(library, monkeypatch, restart)

    done = _change(library, node, tmp_path, pid)

    assert systemd.restarts == 1
    assert "The old etcd was ended: the kubelet did not" in done.note
    assert "bind: address already in use" in log.read_text("utf-8")
    assert _quota(library, node) == QUOTA
    await_true(lambda: not Path(f"/proc/{pid}/cmdline").read_bytes(), "the old etcd has exited")
