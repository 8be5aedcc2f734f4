# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the status of many clusters takes beside that of one: ``python -m benchmarks.status_of_many``.

All clusters run all the time, so that both meet the same machine, and each is measured in turn. What counts is the
ratio; the seconds are this machine's.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.whole_recovery import COLLECTIONS

from lab import controller
from lab.loopback.cluster import Cluster
from lab.loopback.inventory import write_inventory


@dataclass(frozen=True)
class Took:
    """The seconds of one run, by the clock and of all processors."""

    clock: float
    processors: float


def play(inventory: Path, forks: int) -> Took:
    """Take the status of all clusters of an inventory."""
    command = [str(controller.program("ansible-playbook")), "controlplane.etcd.status", "-i", str(inventory)]
    command += ["-e", json.dumps({"ansible_become": False}), "--forks", str(forks)]
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_PIPELINING": "1"}
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    clock, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stdout
    return Took(clock, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def compare(one: Path, many: Path, *, rounds: int, forks: int) -> Sequence[tuple[Took, Took]]:
    return [(play(one, forks), play(many, forks)) for _round in range(rounds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clusters", type=int, default=20, help="clusters of three (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s, and the median counts")
    parser.add_argument("--forks", type=int, default=30, help="as ansible-playbook has it (default: %(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        directory = Path(name)
        clusters = []
        for number in range(options.clusters):
            cluster = Cluster(directory / f"c{number}", prefix=f"c{number}-")
            stack.callback(cluster.close)
            cluster.start()
            clusters.append(cluster)
        one = write_inventory(directory / "one.yml", clusters[0])
        many = write_inventory(directory / "many.yml", *clusters)
        found = compare(one, many, rounds=options.rounds, forks=options.forks)
    for what in ("clock", "processors"):
        each = [(getattr(first, what), getattr(second, what)) for first, second in found]
        alone, all_of_them = (statistics.median(column) for column in zip(*each, strict=True))
        print(
            f"{what}: one cluster {alone:.1f} s, {options.clusters} clusters {all_of_them:.1f} s,"
            f" {all_of_them / alone:.1f} times"
        )


if __name__ == "__main__":
    main()
