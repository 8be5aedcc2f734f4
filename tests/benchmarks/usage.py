# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to see what fills a database, beside reading all of it by etcdctl: ``python -m benchmarks.usage``.

Both are new processes, in turn, on one quiet member. What counts is the ratio; etcd works for etcdctl, so its processor
time is counted, too. What etcdctl takes depends on how many of the revisions are live, so there are two databases: one
in which all are, and one with as much history. With ``--auger`` the analysis of that program is measured as well, if
you have it.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.client import Put
from lab.loopback.bulk import Writer
from lab.loopback.cluster import Cluster
from lab.loopback.member import MemberProcess
from lab.workload import batches

MIB = 1 << 20
_KINDS = (b"pods", b"events", b"configmaps", b"wgpolicyk8s.io/policyreports")
_NAMESPACES = 50
_POLL_SECONDS = 0.02
_TICK = os.sysconf("SC_CLK_TCK")
_WALK = (
    "import sys\n"
    "from ansible_collections.controlplane.etcd.plugins.module_utils._etcd.usage import usage_of\n"
    "found = usage_of(sys.argv[1])\n"
    "assert found.consistent and found.total.live_keys + found.total.history_revisions >= int(sys.argv[2])\n"
)


@dataclass(frozen=True)
class Cost:
    """Seconds that passed, and seconds of processors, etcd's included."""

    passed: float
    worked: float


def puts(revisions: int, keys: int, value_bytes: int) -> Iterator[Put]:
    """Yield so many writes, to each key equally often."""
    pool = random.Random(1).randbytes(MIB + value_bytes)
    for number in range(revisions):
        key = number % keys
        start = number * 104_729 % MIB
        name = b"/registry/%s/team-%d/something-%08d" % (_KINDS[key % len(_KINDS)], key % _NAMESPACES, key)
        yield Put(name, b"k8s\0" + pool[start : start + value_bytes])


def cost(node: MemberProcess, commands: Sequence[Sequence[str]]) -> Cost:
    """Run commands one after the other, each as a process that must succeed."""
    assert node.pid
    etcd_before, before, begin = _worked(node.pid), os.times(), time.monotonic()
    for command in commands:
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    passed, after = time.monotonic() - begin, os.times()
    worked = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(passed, worked + _worked(node.pid) - etcd_before)


def most_memory(commands: Sequence[Sequence[str]]) -> int:
    """Run commands as above; return the most of memory of its own that one had, in bytes.

    In a run that is not timed: the kernel holds up a process while it counts the pages of a large file that it maps.
    """
    most = 0
    for command in commands:
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                most = max(most, sum(map(_private, _family(process.pid))))
                time.sleep(_POLL_SECONDS)
        assert process.returncode == 0, command
    return most


def _family(pid: int) -> list[int]:
    """Return a process and its children."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    except OSError:
        children = ""
    return [pid, *map(int, children.split())]


def _private(pid: int) -> int:
    """Return the memory that no file is behind, a fair share of what processes share: what it maps of a file is not."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss_Anon:")), 0)


def _worked(pid: int) -> float:
    words = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICK


def main() -> None:
    """Write the databases, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", default="3.6.16", help="of etcd")
    parser.add_argument("--size", type=int, default=2048, help="of the file, about, in MiB")
    parser.add_argument("--revisions", type=int, default=1_000_000)
    parser.add_argument(
        "--keys", type=int, nargs="+", help="how many of the revisions are live; all, then half of them"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--auger", help="path of that program")
    options = parser.parse_args()
    for keys in options.keys or (options.revisions, options.revisions // 2):
        Console(width=120).print(measured(options, keys))


def measured(options: argparse.Namespace, keys: int) -> Table:
    """Write one database, and measure; return medians."""
    value_bytes = options.size * MIB // options.revisions - 250  # what key, numbers, and half a page take
    with tempfile.TemporaryDirectory(prefix="etcd-bench-") as temporary:
        quota = 2 * options.size * MIB
        with Cluster(Path(temporary), version=options.version, members=1, quota_bytes=quota) as cluster:
            (node,) = cluster.nodes
            with Writer(node, timeout=60.0) as writer:
                for batch in batches(puts(options.revisions, keys, value_bytes)):
                    writer.txn(batch)
            time.sleep(1.0)  # etcd commits ten times a second
            database = node.data_dir / "member/snap/db"
            ours = [sys.executable, "-c", _WALK, str(database), str(options.revisions)]
            get = ["--command-timeout=600s", "get", "/registry", "--prefix"]
            works = {
                "usage, from the file": [ours],
                "etcdctl get --keys-only, and get": [node.etcdctl(*get, "--keys-only"), node.etcdctl(*get)],
            }
            if options.auger:
                works["auger analyze"] = [[options.auger, "analyze", "-f", str(database)]]
            rounds = [
                {name: cost(node, commands) for name, commands in works.items()} for _round in range(options.rounds)
            ]
            memory = {name: most_memory(commands) for name, commands in works.items()}
            size = database.stat().st_size // MIB
    title = f"etcd {options.version}, {size} MiB, {options.revisions} revisions, {keys} keys; medians"
    table = Table("work", "s", "ratio", "CPU s", "ratio", "private MiB", title=title)
    for name in works:
        passed, worked = (
            statistics.median(getattr(each[name], field) for each in rounds) for field in ("passed", "worked")
        )
        times, shares = (
            statistics.median(
                getattr(each[name], field) / getattr(each["usage, from the file"], field) for each in rounds
            )
            for field in ("passed", "worked")
        )
        table.add_row(
            name, f"{passed:.2f}", f"{times:.1f}", f"{worked:.2f}", f"{shares:.1f}", f"{memory[name] / MIB:.0f}"
        )
    return table


if __name__ == "__main__":
    main()
