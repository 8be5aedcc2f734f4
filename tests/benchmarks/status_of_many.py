# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the status of many clusters takes beside that of one: ``python -m benchmarks.status_of_many``.

All clusters run all the time, so that both meet the same machine, and each is measured in turn. What counts is the
ratio; the seconds are this machine's.

Here all nodes share the processors of the controller, which no real ones do. So it is measured once more with nodes
that take none of them: each answers what it answered before, after as many seconds as its Python took processor time
for that.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from benchmarks.whole_recovery import COLLECTIONS

from lab import controller
from lab.loopback.cluster import Cluster
from lab.loopback.inventory import write_inventory

# Stands for the Python of a node: the first time it runs the module on its input, and keeps the answer and what it took
# of the processors; once there is a file of seconds, it waits for so long and answers the same.
_NODE = """#!/bin/sh
here=${{0%/*}}
cat > "$here/input.$$"
module=$(awk 'match($0, /etcd_(node|usage)_info/) && !found {{ found = substr($0, RSTART, RLENGTH) }}
  END {{ print found }}' "$here/input.$$")
if [ -f "$here/$module.seconds" ]; then
  rm "$here/input.$$"
  sleep "$(cat "$here/$module.seconds")"
  exec cat "$here/$module.answer"
fi
{python} < "$here/input.$$" > "$here/$module.answer"
code=$?
times > "$here/$module.times"
rm "$here/input.$$"
cat "$here/$module.answer"
exit $code
"""


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


def nodes_elsewhere(inventory: Path, directory: Path) -> Path:
    """Write the inventory again, with a stand-in for the Python of each of its nodes."""
    body = yaml.safe_load(inventory.read_text("utf-8"))
    for host, variables in body["control_plane"]["hosts"].items():
        program = directory / host / "python"
        program.parent.mkdir(parents=True)
        program.write_text(_NODE.format(python=sys.executable), "utf-8")
        program.chmod(0o755)
        variables["ansible_python_interpreter"] = str(program)
    found = directory / inventory.name
    found.write_text(yaml.safe_dump(body), "utf-8")
    return found


def recorded(directory: Path) -> float:
    """Let the nodes answer by themselves from now on; return what their answers took of the processors, in seconds."""
    total = 0.0
    for file in directory.glob("*/*.times"):
        of_children = file.read_text("ascii").splitlines()[1]  # user and system, as 0m0.350000s
        seconds = sum(60 * int(minutes) + float(rest) for minutes, rest in re.findall(r"(\d+)m([\d.]+)s", of_children))
        file.with_suffix(".seconds").write_text(f"{seconds:.2f}", "ascii")
        total += seconds
    return total


def say(what: str, found: Sequence[tuple[Took, Took]], clusters: int) -> None:
    for field in ("clock", "processors"):
        each = [(getattr(first, field), getattr(second, field)) for first, second in found]
        alone, all_of_them = (statistics.median(column) for column in zip(*each, strict=True))
        print(
            f"{what}, {field}: one cluster {alone:.1f} s, {clusters} clusters {all_of_them:.1f} s,"
            f" {all_of_them / alone:.1f} times"
        )


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
        far_one = nodes_elsewhere(one, directory / "far-one")
        far_many = nodes_elsewhere(many, directory / "far-many")
        compare(far_one, far_many, rounds=1, forks=options.forks)
        of_one, of_many = recorded(far_one.parent), recorded(far_many.parent)
        elsewhere = compare(far_one, far_many, rounds=options.rounds, forks=options.forks)
    say("all on this machine", found, options.clusters)
    print(f"of the processors the nodes' own Python: {of_one:.1f} s, {of_many:.1f} s")
    say("nodes elsewhere", elsewhere, options.clusters)


if __name__ == "__main__":
    main()
