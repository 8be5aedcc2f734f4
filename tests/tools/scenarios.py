# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the molecule scenarios, those on equal nodes one after the other, so that their cluster is made only once.

    python -m tools.scenarios [--long] [SCENARIO ...]

Every scenario can be run by molecule alone, too; what this adds is the Docker engine, the programs, the order, and a
line for each scenario. Those that are marked as long are run with --long only, or by name.

Nodes mostly wait, for probes, back-offs and elections: if there is memory for it, two clusters are at work at once.
What their scenarios print is shown when each of them is done; a single one is shown as it goes.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab import cli
from lab.docker import cluster, engine
from lab.docker.generations import generation
from lab.docker.installations import installation
from lab.errors import EngineMissingError, LabError
from tools.working_tree import ROOT

SCENARIOS = ROOT / "extensions" / "molecule"
WORK = ROOT / ".cache" / "molecule"
CLUSTERS = ("molecule", "molecule-2")
_MANIFESTS = ("kept", "changed", "any")
_WIDTH = 70
_NAME_WIDTH = 28
_MEMORY_BYTES = 6 * 1024**3  # of five nodes and what works on them


@dataclass(frozen=True, order=True)
class Kind:
    """The nodes a scenario wants, and what it does to their manifests (an index of ``_MANIFESTS``).

    Scenarios on equal nodes share a cluster, those that leave it as it was before those that do not.
    """

    installation: str
    generation: str
    nodes: int
    quota_mib: int
    etcd_patch: str
    manifests: int

    @property
    def same_nodes(self) -> tuple[object, ...]:
        """What two scenarios have in common that can share a cluster."""
        return (self.installation, self.generation, self.nodes, self.quota_mib, self.etcd_patch)


@dataclass(frozen=True)
class Result:
    """What came of a scenario: ``passed``, ``failed`` or ``skipped``."""

    scenario: str
    outcome: str
    seconds: float


def scenarios(*, long: bool) -> dict[str, Kind]:
    """Return the scenarios that take long, or all others, with the nodes they want, in the order they run best in."""
    common = _environment(SCENARIOS / "config.yml")
    found = {}
    for path in sorted(SCENARIOS.glob("*/molecule.yml")):
        env = {**common, **_environment(path)}
        if (env.get("SCENARIO_LONG") == "true") is not long:
            continue
        found[path.parent.name] = Kind(
            env["NODES_INSTALLATION"],
            env["NODES_GENERATION"],
            int(env["NODES_COUNT"]),
            int(env["NODES_QUOTA_MIB"]),
            env["NODES_ETCD_PATCH"],
            _MANIFESTS.index(env["NODES_MANIFESTS"]),
        )
    return dict(sorted(found.items(), key=lambda item: (item[1], item[0])))


def _environment(path: Path) -> dict[str, str]:
    settings = yaml.safe_load(path.read_text("utf-8"))
    return dict(settings.get("ansible", {}).get("env", {}))


def main(wanted: list[str]) -> int:
    """Run the scenarios named, or all, and return the exit code."""
    cli.exit_on_signals()
    by_default = scenarios(long="--long" in wanted)
    known = {**scenarios(long=False), **scenarios(long=True)}
    wanted = [name for name in wanted if name != "--long"]
    if unknown := [name for name in wanted if name not in known]:
        print(f"There is no scenario {', '.join(unknown)}; there are {', '.join(known)}.", file=sys.stderr)
        return 2
    chosen = {name: known[name] for name in known if name in (wanted or by_default)}
    start = time.monotonic()
    results: list[Result] = []
    try:
        # One run at a time uses the nodes of these names.
        with engine.alone(f"{CLUSTERS[0]}.lock", "waiting for another run of the scenarios"), _engine():
            results = _run_all(chosen)
    except EngineMissingError as error:
        results = [Result(name, "skipped", 0) for name in chosen]
        print(f"SKIPPED: {', '.join(chosen)}: {error}", flush=True)
    except LabError as error:
        print(f"FAILED: {error}", flush=True)
        results.append(Result("engine", "failed", 0))
    return _close(results, time.monotonic() - start)


def _run_all(chosen: Mapping[str, Kind]) -> list[Result]:
    """Run all scenarios, on as many clusters at once as there is memory for, and return what came of them."""
    work: dict[tuple[object, ...], list[str]] = {}
    for name, kind in chosen.items():
        work.setdefault(kind.same_nodes, []).append(name)
    # What takes longest first, so that the clusters are done at about the same time.
    queue = deque(sorted(work.values(), key=lambda names: -sum(chosen[name].nodes for name in names)))
    clusters = CLUSTERS[: min(len(queue), _at_once())]
    lanes = [Lane(name, shown=len(clusters) == 1) for name in clusters]

    def drain(lane: Lane) -> list[Result]:
        done: list[Result] = []
        while True:
            try:
                names = queue.popleft()
            except IndexError:
                return done
            done += [lane.run(name, chosen[name]) for name in names]

    with ThreadPoolExecutor(max(len(lanes), 1)) as pool:
        try:
            return [result for lane in [pool.submit(drain, lane) for lane in lanes] for result in lane.result()]
        except BaseException:
            queue.clear()
            for lane in lanes:
                lane.stop()
            raise


def _at_once() -> int:
    """Return how many clusters this machine has memory for."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(len(CLUSTERS), memory // _MEMORY_BYTES))


class Lane:
    """Scenarios on one cluster, one after the other."""

    def __init__(self, cluster_name: str, *, shown: bool) -> None:
        """With ``shown``, what they print goes straight to the terminal."""
        self._cluster = cluster_name
        self._shown = shown
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def run(self, name: str, kind: Kind) -> Result:
        """Run one scenario, and show what it printed."""
        nodes = f"{kind.nodes} node{'s' if kind.nodes > 1 else ''} of {kind.installation}, {kind.generation}"
        print(f"{f' {name}: {nodes} ':=^{_WIDTH}}" if self._shown else f"{name} begins: {nodes}", flush=True)
        start = time.monotonic()
        log = WORK / f"{name}.log"
        try:
            outcome = self._outcome(name, kind, log)
        except LabError as error:  # of making or removing nodes; the other scenarios go on
            print(f"FAILED: {name}: {error}", flush=True)
            outcome = "failed"
        result = Result(name, outcome, time.monotonic() - start)
        if not self._shown and not self._stopped:
            said = log.read_text("utf-8", "replace") if log.exists() else ""
            print(f"\n{f' {name} {result.outcome} in {result.seconds:.0f} s ':=^{_WIDTH}}\n{said}", flush=True)
        return result

    def stop(self) -> None:
        """Stop what runs, and run nothing any more."""
        self._stopped = True
        # One that has exited may have left its number to somebody else's.
        if self._process and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)

    def _outcome(self, name: str, kind: Kind, log: Path) -> str:
        if self._stopped:
            return "skipped"
        installation(kind.installation).image(generation(kind.generation))
        # molecule would take what it remembers of an earlier run for nodes that are there.
        work = WORK / name
        shutil.rmtree(work, ignore_errors=True)
        WORK.mkdir(parents=True, exist_ok=True)
        env = {**os.environ, "MOLECULE_EPHEMERAL_DIRECTORY": str(work), "NODES_NAME": self._cluster}
        arguments = ["--scenario-name", name, "--destroy=never", "--no-command-borders", "--no-report"]
        if self._molecule(["test", *arguments], env, log):
            # For those after it: whatever is wrong with these nodes is not to be theirs.
            cluster.down(self._cluster)
            return "failed"
        return "passed"

    def _molecule(self, arguments: list[str], env: Mapping[str, str], log: Path) -> int:
        """Run molecule until it exits, or until all is stopped."""
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                ["molecule", *arguments],
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=None if self._shown else file,
                stderr=None if self._shown else subprocess.STDOUT,
                start_new_session=True,
            )
        if self._stopped:  # in this very moment
            self.stop()
        return self._process.wait()


@contextlib.contextmanager
def _engine() -> Iterator[None]:
    """Have a Docker engine that answers, and leave neither nodes nor a private engine behind."""
    engine.obtain()
    try:
        yield
    finally:
        # An impatient second Ctrl-C must not leave the host half restored.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        try:
            for name in CLUSTERS:
                cluster.down(name)
        finally:
            engine.release()


def _close(results: list[Result], seconds: float) -> int:
    """Print what came out, with a last line in pytest's style, and return the exit code."""
    print(f"\n{'scenario':<{_NAME_WIDTH}}  seconds")
    for result in results:
        print(f"{result.scenario:<{_NAME_WIDTH}} {result.seconds:8.1f}  {result.outcome}")
    counts = Counter(result.outcome for result in results)
    skipped_in_ci = counts["skipped"] and os.environ.get("CI") == "true"
    if skipped_in_ci:
        print("\nWith CI=true a scenario that is skipped counts as failed.")
    told = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("failed", "passed", "skipped") if counts[outcome])
    print(f"\n{f' {told} in {seconds:.2f}s ':=^{_WIDTH}}", flush=True)
    return int(counts["failed"] > 0 or skipped_in_ci)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        print(f"scenarios: {error}", file=sys.stderr)
        sys.exit(1)
