# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An etcd that no manifest runs, as those of the lab: it is named, and nobody is told to start a second one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

PUT_IT_BACK = "kubeadm init phase etcd local"
IN_A_POD = "kubepods" in Path("/proc/self/cgroup").read_text("ascii")


@pytest.mark.skipif(IN_A_POD, reason="in a pod it could be one of the kubelet's")
def test_no_manifest_is_written_for_data_that_is_in_use(make_cluster: Any, module: Any, version: str) -> None:
    (node,) = make_cluster(members=1, version=version).nodes
    text = node.manifest.read_text("utf-8")
    node.manifest.unlink()
    found = module("etcd_node_info", node, data_dir=str(node.data_dir))
    assert (found["failed"], found["code"]) == (True, "foreign_etcd")
    assert f"{node.data_dir}/member/snap/db is open in process {node.pid} (" in found["msg"]
    assert "that would start a second etcd on the same data" in found["msg"]
    assert PUT_IT_BACK not in found["msg"]

    # A manifest that somebody wrote all the same.
    node.manifest.write_text(text.replace(f"--name={node.name}", "--name=another"), "utf-8")
    found = module("etcd_node_info", node)
    assert (found["failed"], found["code"]) == (True, "foreign_etcd")
    assert f"{node.manifest} is there, but" in found["msg"]
    assert f"is open in process {node.pid} (" in found["msg"]

    node.manifest.unlink()
    node.stop()
    found = module("etcd_node_info", node, data_dir=str(node.data_dir))
    assert (found["failed"], found["code"]) == (True, "manifest_missing")
    assert "no process has its database open" in found["msg"]
    assert PUT_IT_BACK in found["msg"]
