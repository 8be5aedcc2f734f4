# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/early-warning.md shows for Prometheus, run as it stands there; only names and places are the test's."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.support import needed
from integration.support.clusters import await_true, free_port
from integration.support.node_tool import Tool
from integration.support.settings import REPOSITORY
from lab.loopback.cluster import Cluster

PAGE = REPOSITORY / "docs/early-warning.md"
FILES = REPOSITORY / "roles/harden/files"
RULES, DASHBOARD = FILES / "etcd-maintenance.rules.yml", FILES / "etcd-maintenance.dashboard.json"


@pytest.fixture
def node_exporter() -> str:
    return needed.node_exporter()


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    """A directory for PATH with a kubectl that keeps each command line and its input, as there is no Kubernetes."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/said\ncat > {tmp_path}/input\n', "utf-8")
    program.chmod(0o755)
    return program.parent


def documented(part: str) -> str:
    """The block that has this in it."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    (found,) = (block for block in blocks if part in block)
    return str(found)


def run(script: str, directory: Path, path: Path | str = "/usr/bin") -> str:
    env = {**os.environ, "PATH": f"{path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-ec", script],
        env=env,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_metrics_arrive(
    make_cluster: Callable[..., Cluster],
    tools_of: Callable[[Cluster], dict[str, Tool]],
    node_exporter: str,
    tmp_path: Path,
) -> None:
    tool = tools_of(make_cluster(members=1))["cp1"]
    assert tool("watch") == (0, "")
    address = f"127.0.0.1:{free_port()}"
    collected = documented("mkdir --parents").replace("/var/lib/node_exporter/textfile_collector", str(tool.textfiles))
    assert "node_exporter --collector" in collected
    collected = collected.replace("\nnode_exporter ", f"\nexec {node_exporter} --web.listen-address={address} ")
    with subprocess.Popen(["sh", "-ec", collected], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as exporter:
        try:
            asked = documented("curl --silent").replace("cp1:9100", address)
            await_true(lambda: _answers(asked, tmp_path), "node-exporter answers")
            seen = run(asked, tmp_path)
        finally:
            exporter.terminate()
    assert "\netcd_maintenance_member_up 1\n" in seen
    for name in tool.metrics():
        assert f"etcd_maintenance_{name}" in seen


def _answers(script: str, directory: Path) -> bool:
    done = subprocess.run(["sh", "-ec", script], cwd=directory, capture_output=True, check=False)
    return done.returncode == 0


def test_rules_for_the_operator(kubectl: Path, tmp_path: Path) -> None:
    (tmp_path / RULES.name).write_bytes(RULES.read_bytes())
    run(documented("kind: PrometheusRule"), tmp_path, kubectl)
    applied: dict[str, Any] = yaml.safe_load((tmp_path / "input").read_text("utf-8"))
    assert applied["kind"] == "PrometheusRule"
    assert applied["spec"] == yaml.safe_load(RULES.read_text("utf-8"))


def test_dashboard_for_the_sidecar(kubectl: Path, tmp_path: Path) -> None:
    (tmp_path / DASHBOARD.name).write_bytes(DASHBOARD.read_bytes())
    run(documented("--from-file"), tmp_path, kubectl)
    create, label = (tmp_path / "said").read_text("utf-8").splitlines()
    named = tmp_path / create.split("--from-file ")[1]
    assert json.loads(named.read_text("utf-8"))["panels"]
    assert create.split()[:4] == [*label.split()[:2], "create", "configmap"]
