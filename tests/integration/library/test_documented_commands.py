# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the runbook shows for a restore, run as it stands there; only names and places are those of the lab."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import programs
from lab.loopback.cluster import Cluster

RUNBOOK = Path(__file__).resolve().parents[3] / "docs/runbook.md"
VERSION = "3.6.16"
SNAPSHOT = re.compile(r"/var/backups/etcd/etcd-\S+\.db")


def documented(start: str) -> str:
    """The block that begins with this command."""
    blocks = re.findall(r"^```sh\n(.*?)^```", RUNBOOK.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    (found,) = (block for block in blocks if block.startswith(start))
    return str(found)


def run(script: str) -> str:
    env = {**os.environ, "PATH": f"{programs.etcd(VERSION)}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-ec", script], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_restore_of_the_runbook(make_cluster: Callable[..., Cluster], module: Any) -> None:
    cluster = make_cluster(members=1, version=VERSION)
    (node,) = cluster.nodes
    with node.client() as client:
        client.put(b"/registry/kept", b"1")
    taken = module("etcd_snapshot", node, directory=str(node.directory / "snapshots"))
    path = taken["path"]

    assert "REVISION" in run(SNAPSHOT.sub(path, documented("etcdutl snapshot status")))

    cluster = make_cluster(members=3, version=VERSION, prefix="cp", start=False, quota_bytes=None)
    script = SNAPSHOT.sub(path, documented("etcdutl snapshot restore"))
    for number, member in enumerate(cluster.nodes, 1):
        script = script.replace(f"https://192.0.2.1{number}:2380", member.peer_url)
    for member in cluster.nodes:
        member.data_dir.rmdir()
        own = script.replace("/var/lib/etcd-restored", str(member.data_dir)).replace(
            "--name=cp1", f"--name={member.name}"
        )
        own = re.sub(r"(--initial-advertise-peer-urls=)\S+", rf"\g<1>{member.peer_url}", own)
        run(own)
    cluster.start()
    for member in cluster.nodes:
        with member.client() as client:
            kept = client.get(b"/registry/kept")
            assert kept is not None
            assert kept.value == b"1"
