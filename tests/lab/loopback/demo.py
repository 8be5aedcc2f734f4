# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: a full cluster, the refused write, the recovery, the accepted write, and what keeps it so."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import requests
from rich.console import Console
from rich.markup import escape

from lab import controller, programs
from lab.errors import LabError
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill
from lab.loopback.inventory import write_inventory
from lab.loopback.kubelet import Kubelet
from lab.loopback.member import MemberProcess
from lab.loopback.progress import fill_progress

RECOVER = "controlplane.etcd.recover"
HARDEN = "controlplane.etcd.harden"
_REPOSITORY = Path(__file__).resolve().parents[3]
_MIB = 1024**2


@dataclass(frozen=True)
class Settings:
    """What the demonstration runs on; see ``Cluster`` and ``fill``."""

    members: int
    version: str
    quota_bytes: int
    live_fraction: float


def run(settings: Settings) -> int:
    """Show a recovery and a hardening from beginning to end, and return the exit code of the playbook that came last.

    Everything but the HTML report lies in a temporary directory that is removed afterwards, also after Ctrl-C.
    """
    console = Console()
    ansible_playbook = controller.program("ansible-playbook")
    if not ansible_playbook.exists():
        raise LabError(f"there is no {ansible_playbook}")
    programs.etcd(settings.version)
    with tempfile.TemporaryDirectory(prefix="etcd-demo-") as temporary:
        _head(console, f"A control plane: {settings.members} members of etcd {settings.version}")
        with Cluster(
            Path(temporary), members=settings.members, version=settings.version, quota_bytes=settings.quota_bytes
        ) as cluster:
            _show_members(console, cluster)

            _head(console, f"It fills up: quota {settings.quota_bytes // _MIB} MiB, nobody compacts")
            with fill_progress(console) as progress:
                filled = fill(cluster, live_fraction=settings.live_fraction, progress=progress)
            console.print(
                f"{filled.keys} keys in {filled.seconds:.0f} s; {filled.live_bytes // _MIB} MiB of them are live, "
                f"the rest of {filled.db_size // _MIB} MiB is history"
            )

            _head(console, "Writes are refused")
            _write(console, cluster.nodes[0])

            _head(console, "The playbook")
            inventory = write_inventory(cluster.directory / "inventory.yml", cluster)
            report = _report_file()
            options = ["-i", str(inventory), "-e", json.dumps({"recover_report": str(report)})]
            exit_code = _play(console, ansible_playbook, [RECOVER, *options])

            _head(console, "Writes are accepted again" if exit_code == 0 else "The playbook failed")
            _write(console, cluster.nodes[0])
            _show_members(console, cluster)
            if exit_code == 0:
                exit_code = _harden(console, ansible_playbook, cluster, inventory, settings.quota_bytes * 2)
    if report.exists():
        console.print("\nBefore and after on one page, for a browser:", style="bold")
        console.print(str(report), markup=False, highlight=False, soft_wrap=True)
    return exit_code


def _report_file() -> Path:
    """The page of the recovery, the one thing that is left of a demonstration."""
    directory = _REPOSITORY / ".cache"
    directory.mkdir(exist_ok=True)
    path = directory / "demo-report.html"
    path.unlink(missing_ok=True)
    return path


def _harden(console: Console, program: Path, cluster: Cluster, inventory: Path, quota_bytes: int) -> int:
    _head(console, "The next morning")
    console.print(
        "These nodes have neither systemd, cron nor an API server, so two parts are left out: kubeadm's ConfigMap and "
        "the schedule of the node tool. In the kubelet's place, a program of the lab runs etcd as its manifest says."
    )
    with ExitStack() as stack:
        for node in cluster.nodes:
            stack.enter_context(Kubelet(node))
        wanted = {
            "harden_quota_backend_bytes": f"{quota_bytes // _MIB}MiB",
            "harden_allow_downtime": len(cluster.nodes) < 3,
            "harden_method": "patch",
            "harden_record": False,
            "harden_schedule_state": "unmanaged",
        }
        exit_code = _play(console, program, [HARDEN, "-i", str(inventory), "--diff", "-e", json.dumps(wanted)])
        for node in cluster.nodes:
            with node.client() as client:
                console.print(escape(f"{node.name}  {node.client_url}  quota {client.quota() // _MIB} MiB"))
    return exit_code


def _head(console: Console, title: str) -> None:
    console.print()
    console.rule(f"[bold]{escape(title)}", align="left")


def _show_members(console: Console, cluster: Cluster) -> None:
    for node in cluster.nodes:
        try:
            with node.client() as client:
                status = client.status()
        except requests.RequestException as error:
            console.print(escape(f"{node.name}  {node.client_url}  does not answer: {error}"))
            continue
        role = "leader" if status.leader == status.member_id else "follower"
        alarms = f", {'; '.join(status.errors)}" if status.errors else ""
        console.print(escape(f"{node.name}  {node.client_url}  {role}, file {status.db_size / _MIB:.1f} MiB{alarms}"))


def _write(console: Console, node: MemberProcess) -> None:
    """Show a write in etcdctl's own words, whatever comes of it."""
    arguments = ("put", "/registry/demo", "written at last")
    console.print(
        f"$ etcdctl --endpoints={node.client_url} ... {escape(shlex.join(arguments))}", style="bold", soft_wrap=True
    )
    done = subprocess.run(
        node.etcdctl(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    # From 3.6 on etcdctl also logs each refusal as JSON, addresses of memory included; its message says the same.
    told = [line for line in done.stdout.splitlines() if not line.startswith("{")]
    console.print("\n".join(told), markup=False, highlight=False, soft_wrap=True)


def _play(console: Console, program: Path, arguments: list[str]) -> int:
    """Run the playbook with its output going straight to the terminal and return its exit code."""
    console.print(f"$ {program.name} {escape(shlex.join(arguments))}", style="bold", soft_wrap=True)
    defaults = {
        "ANSIBLE_COLLECTIONS_PATH": str(_REPOSITORY / ".collections"),
        "ANSIBLE_STDOUT_CALLBACK": "controlplane.etcd.progress",
    }
    env = {**defaults, **os.environ}
    return subprocess.run([str(program), *arguments], env=env, check=False).returncode
