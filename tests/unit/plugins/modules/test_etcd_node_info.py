# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module: what a node knows as a result, and what it fails with."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from unit.builders import FakeRun, Json, main_of, systemd_shows
from unit.stopped_node import options, stopped_node, write_pki

from ansible_collections.controlplane.etcd.plugins.module_utils._core import command
from ansible_collections.controlplane.etcd.plugins.module_utils._node import disks, foreign_etcd, report
from ansible_collections.controlplane.etcd.plugins.modules import etcd_node_info

API_SERVER = """
spec:
  containers:
  - command:
    - kube-apiserver
    - --etcd-servers=https://192.0.2.1:2379,https://192.0.2.2:2379
    - --etcd-servers-overrides=/events#https://192.0.2.1:2383
"""


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Json:
    monkeypatch.setattr(command, "run", FakeRun({"systemctl show": systemd_shows()}))
    return stopped_node(tmp_path, write_pki(tmp_path / "written"))


def test_node_that_is_inspected(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    found = main_of(etcd_node_info, node, monkeypatch)
    inspected = report.NodeReport.from_result(found)
    assert inspected
    assert (found["changed"], found["present"], found["answers"]) == (False, True, False)
    assert inspected.error == "Connection refused"


def test_upkeep_is_documented_as_it_is_returned(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    documented = yaml.safe_load(etcd_node_info.RETURN)["upkeep"]["contains"]
    found = main_of(etcd_node_info, node, monkeypatch)["upkeep"]
    assert sorted(documented) == sorted(found)
    assert {use for each in found["certificates"] for use in [each["use"]]} == {"server", "client", "ca"}
    assert sorted(documented["certificates"]["contains"]) == sorted(found["certificates"][0])


def test_node_without_etcd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = options(
        data_dir=str(tmp_path / "etcd"), lock_path=str(tmp_path / "x.lock"), manifest=str(tmp_path / "etcd.yaml")
    )
    monkeypatch.setattr(foreign_etcd, "elsewhere", lambda: ["It may run k3s."])
    found = {
        "changed": False,
        "present": False,
        "other_etcd": ["It may run k3s."],
        "apiserver_manifest": str(tmp_path / "kube-apiserver.yaml"),
    }
    assert main_of(etcd_node_info, given, monkeypatch) == {**found, "apiserver_etcd_urls": []}
    (tmp_path / "kube-apiserver.yaml").write_text(API_SERVER, "utf-8")
    urls = ["https://192.0.2.1:2379", "https://192.0.2.2:2379", "https://192.0.2.1:2383"]
    assert main_of(etcd_node_info, given, monkeypatch) == {**found, "apiserver_etcd_urls": urls}


def test_node_whose_disk_cannot_be_read(node: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_path: str) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(disks, "free_bytes", broken)
    assert main_of(etcd_node_info, node, monkeypatch) == {
        "failed": True,
        "code": "file_error",
        "msg": "Looking at the node failed: [Errno 5] Input/output error. Nothing was changed.",
    }


def test_node_whose_manifest_was_taken_away(node: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = {**node, "manifest": str(tmp_path / "manifests/etcd.yaml")}
    assert main_of(etcd_node_info, node, monkeypatch) == {
        "failed": True,
        "code": "manifest_missing",
        "msg": (
            f"Looking at the node failed. {node['manifest']} is missing, but {node['data_dir']}/member is there,"
            " and no process has its database open: somebody removed the manifest, so this member is not running."
            " Nothing was changed. Put it back (kubeadm init phase etcd local writes one)."
        ),
    }
