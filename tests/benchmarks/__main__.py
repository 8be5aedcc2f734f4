# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long our steps take beside etcdctl's, in one run on one cluster: ``make bench``.

Each pair is measured in turn, so that both meet the same machine. What counts is the ratio; the seconds are this
machine's.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import whole_recovery
from rich.console import Console
from rich.table import Table

from ansible_collections.controlplane.etcd.plugins.module_utils._etcd import (
    alarms,
    compaction,
    defragmentation,
    write_check,
)
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.api import Endpoint
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.transport import GatewayTransport
from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.view import ClusterView, inspect_cluster
from ansible_collections.controlplane.etcd.plugins.module_utils._node.etcd_manifest import read_manifest
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import sources
from ansible_collections.controlplane.etcd.plugins.module_utils._snapshot import take as snapshot
from lab.loopback.cluster import Cluster
from lab.loopback.fill import fill
from lab.loopback.member import MemberProcess

MIB = 1 << 20
LONG = 600.0


@dataclass(frozen=True)
class Pair:
    """One piece of work done in two ways; each takes the number of the round. What ``prepare`` does is not timed."""

    what: str
    ours: Callable[[int], None]
    theirs: Callable[[int], None]
    rounds: int = 5
    prepare: Callable[[], object] = lambda: None


class Ours:
    """The library on one node, as the modules use it."""

    def __init__(self, node: MemberProcess) -> None:
        self._manifest = read_manifest(str(node.manifest))
        self._tls = self._manifest.tls_files()
        self.endpoint = self.connect(self._manifest.endpoint)

    def connect(self, url: str) -> Endpoint:
        return Endpoint(GatewayTransport(url, self._tls))

    def inspect_cluster(self) -> ClusterView:
        return inspect_cluster(self.endpoint, self.connect)

    def snapshot(self, method: str, directory: Path) -> None:
        source = sources.Source(self.endpoint, manifest=self._manifest, tls=self._tls, timeout=LONG)
        status = self.endpoint.status()
        snapshot.take(
            source,
            str(directory),
            methods=[method],
            cluster_id=status.cluster_id,
            ca_sha256="",
            member=self._manifest.name,
            revision=status.revision,
            size_bytes=status.db_size_bytes,
            data_dir=self._manifest.data_dir,
        )

    def recover(self) -> None:
        """Compact, defragment every member with the leader last, disarm, and check writes."""
        view = self.inspect_cluster()
        compaction.compact(view, self.connect, self.endpoint.revision(), timeout=LONG)
        for member in defragmentation.defrag_order(view):
            endpoint = self.connect(member.endpoint)
            defragmentation.defragment(
                partial(inspect_cluster, endpoint, self.connect),
                endpoint,
                rule=defragmentation.Rule(),
                room=lambda: None,
                allow_unsafe=False,
                timeout=LONG,
            )
        alarms.disarm(self.inspect_cluster(), self.endpoint)
        check = write_check.check_writes(self.inspect_cluster, self.connect, settle_seconds=0)
        assert not check.problems, check.problems


def etcdctl(node: MemberProcess, *arguments: str) -> None:
    subprocess.run(node.etcdctl(f"--command-timeout={LONG:.0f}s", *arguments), check=True, capture_output=True)


def by_hand(node: MemberProcess) -> None:
    """The same steps as people type them; no write is checked."""
    with node.client() as client:
        revision = client.status().revision
    etcdctl(node, "compact", str(revision), "--physical")
    etcdctl(node, "defrag", "--cluster")
    etcdctl(node, "alarm", "disarm")


def in_new_process(ours: Ours, node: MemberProcess) -> None:
    """A module's share of an inspection: start Python, import, ask all members.

    With the bytecode that Python keeps of a file by default. A module comes as a zip file, of which it keeps none.
    """
    code = (
        "import sys\n"
        "from ansible_collections.controlplane.etcd.plugins.module_utils._node.member import DEFAULTS, LocalMember\n"
        "LocalMember({**DEFAULTS, 'manifest': sys.argv[1]}).inspect_cluster()\n"
    )
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, "-c", code, str(node.manifest)], check=True, capture_output=True, env=env)


def pairs(cluster: Cluster, directory: Path) -> list[Pair]:
    node = cluster.followers()[0]
    ours = Ours(node)

    def saved(number: int) -> None:
        etcdctl(node, "snapshot", "save", str(directory / f"theirs-{number}.db"))

    def copied(method: str, _number: int) -> None:
        ours.snapshot(method, directory)

    copies = [
        Pair(f"snapshot ({method}), verified / etcdctl snapshot save", partial(copied, method), saved)
        for method in ("file", "gateway")
    ]
    return [
        Pair(
            "status of all members, new process / etcdctl endpoint status --cluster",
            lambda _n: in_new_process(ours, node),
            lambda _n: etcdctl(node, "endpoint", "status", "--cluster"),
            rounds=10,
        ),
        *copies,
        Pair(
            "compact, defragment all, disarm, prove / etcdctl compact, defrag --cluster, alarm disarm",
            lambda _n: ours.recover(),
            lambda _n: by_hand(node),
            rounds=3,
            prepare=lambda: fill_up(cluster),
        ),
    ]


def fill_up(cluster: Cluster) -> None:
    with cluster.nodes[0].client() as client:
        full = bool(client.alarms())
    if not full:
        fill(cluster)


def seconds(pair: Pair, work: Callable[[int], None], number: int) -> float:
    pair.prepare()
    begin = time.monotonic()
    work(number)
    return time.monotonic() - begin


def added_by_ansible(cluster: Cluster, directory: Path) -> Table:
    """The recovery by the playbook beside the same steps by the library."""
    ours = Ours(cluster.followers()[0])

    def steps() -> None:
        ours.snapshot("file", directory)
        ours.recover()

    found = whole_recovery.measure(cluster, lambda: fill_up(cluster), steps, directory)
    table = Table("a recovery by the playbook", "s", title=f"{len(cluster.nodes)} members, full anew")
    table.add_row("until the first write is accepted", f"{found.first_write:.1f}")
    table.add_row("until it exits", f"{found.playbook:.1f}")
    table.add_row("  the steps, by the library alone", f"{found.steps:.1f}")
    table.add_row("  the pause of the proof", f"{whole_recovery.PAUSE_SECONDS:.1f}")
    table.add_row("  what Ansible adds", f"{found.added:.1f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default="3.6.16", help="of etcd")
    parser.add_argument("--quota", type=int, default=256, help="in MiB; the cluster is filled until it is reached")
    options = parser.parse_args()
    table = Table("ours / the alternative", "ours, s", "theirs, s", "ratio", title=f"etcd {options.version}, medians")
    with tempfile.TemporaryDirectory(prefix="etcd-bench-") as temporary:
        directory = Path(temporary)
        with Cluster(directory / "lab", version=options.version, quota_bytes=options.quota * MIB) as cluster:
            fill(cluster)
            for pair in pairs(cluster, directory):
                both = [(seconds(pair, pair.ours, n), seconds(pair, pair.theirs, n)) for n in range(pair.rounds)]
                ours, theirs = (statistics.median(column) for column in zip(*both, strict=True))
                table.add_row(pair.what, f"{ours:.2f}", f"{theirs:.2f}", f"{ours / theirs:.2f}")
            console = Console(width=120)
            console.print(table)
            console.print(added_by_ansible(cluster, directory))


if __name__ == "__main__":
    main()
