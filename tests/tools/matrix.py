# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run sanity, the demonstration and both roles' tests with every ansible-core, and keep the README's table of it.

    python -m tools.matrix                              # all
    python -m tools.matrix 2.16 2.21 --only recover     # some; a row of the table changes only with all its steps

Each ansible-core has a virtual environment of its own, made once, on a Python that it supports: the oldest and the
newest in turns. Only the controller is that one; pytest, the lab and the modules run on the Python of this environment.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.controller import BIN_DIR_VARIABLE
from tools import interpreters
from tools.working_tree import ROOT

WORK = ROOT / ".cache" / "matrix"
README = ROOT / "README.md"
MARKERS = ("<!-- written by make matrix -->\n", "<!-- end of what make matrix writes -->\n")
HEAD = ("ansible-core", "Python", "sanity", "demonstration", "recover", "harden", "seconds")
PASSED = "passed"


@dataclass(frozen=True)
class Line:
    """One line of ansible-core. ``pythons`` are those it supports on the controller, the one to take first."""

    core: str
    pythons: tuple[str, ...]
    refused: bool = False


LINES = (
    Line("2.15", ("3.9", "3.10", "3.11"), refused=True),
    Line("2.16", ("3.10", "3.11", "3.12")),
    Line("2.17", ("3.12", "3.11", "3.10")),
    Line("2.18", ("3.11", "3.12", "3.13")),
    Line("2.19", ("3.13", "3.12", "3.11")),
    Line("2.20", ("3.12", "3.13", "3.14")),
    Line("2.21", ("3.14", "3.13", "3.12")),
)


@dataclass(frozen=True)
class Controller:
    """A virtual environment with an ansible-core."""

    core: str
    python: str
    directory: Path

    @property
    def bin(self) -> Path:
        return self.directory / "bin"

    @property
    def environment(self) -> dict[str, str]:
        path = os.pathsep.join([str(self.bin), os.environ["PATH"]])
        return {
            **os.environ,
            "PATH": path,
            BIN_DIR_VARIABLE: str(self.bin),
            "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT / ".collections")]),
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
        }


Step = Callable[[Controller, Path], str]


def make_controller(line: Line, found: Mapping[str, Path]) -> Controller | None:
    """Make the virtual environment, or bring it up to date; None if there is no Python for it."""
    python = next((version for version in line.pythons if version in found), None)
    if python is None:
        return None
    directory = WORK / f"{line.core}-{python}"
    if not (directory / "bin" / "pip").exists():
        subprocess.run([found[python] / f"python{python}", "-m", "venv", "--clear", directory], check=True)
    program = str(directory / "bin" / "python")
    # The newest one, also if the environment is an old one.
    install = [program, "-m", "pip", "install", "--quiet", "--upgrade", f"ansible-core~={line.core}.0"]
    subprocess.run(install, check=True)
    ask = [program, "-c", "from ansible.release import __version__; print(__version__)"]
    core = subprocess.run(ask, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return Controller(core, python, directory)


def _run(controller: Controller, log: Path, *command: str | Path) -> tuple[bool, str]:
    """Run it with everything printed going into the log, and return whether it succeeded and what it printed."""
    with log.open("wb") as output:
        done = subprocess.run(
            [*command], check=False, cwd=ROOT, env=controller.environment, stdout=output, stderr=subprocess.STDOUT
        )
    return done.returncode == 0, log.read_text("utf-8", "replace")


def sanity(controller: Controller, log: Path) -> str:
    """That ansible-test's tests with the controller's Python. `make sanity` has the others, and pylint, which takes
    minutes and reads the same sources."""
    python = str(controller.bin / "python")
    options = ["--python", controller.python, "--skip-test", "pylint"]
    passed, _printed = _run(controller, log, python, "-m", "tools.sanity", *options)
    return PASSED if passed else "failed"


def demonstration(controller: Controller, log: Path) -> str:
    passed, _printed = _run(controller, log, sys.executable, "-m", "lab", "demo")
    return PASSED if passed else "failed"


# What depends on Ansible: how it runs roles, plays and plugins. The rest is the same Python with every version.
TESTS = {
    "recover": (
        "test_build_ahead.py",
        "test_keywords.py",
        "test_one_cluster.py::test_a_full_cluster_comes_back_with_all_that_was_in_it[3.6.16]",
    ),
    "harden": ("test_playbook.py::test_check_run_run_again_and_what_etcd_refuses",),
}


def tests_of(role: str) -> Step:
    def run(controller: Controller, log: Path) -> str:
        workers = min((os.cpu_count() or 1) + 1, 8)
        options = [f"--numprocesses={workers}", "--dist=worksteal"]
        paths = [f"tests/integration/{role}/{name}" for name in TESTS[role]]
        passed, printed = _run(controller, log, sys.executable, "-m", "pytest", *options, *paths)
        return counted(printed) if passed else f"failed: {counted(printed)}"

    return run


def counted(printed: str) -> str:
    """What pytest counted, without its warnings and seconds: `15 passed, 1 skipped`."""
    last = re.findall(r"^=+ (.*) in [0-9.]+s.*=+$", printed, re.MULTILINE)
    return ", ".join(re.findall(r"\d+ (?:passed|failed|errors?|skipped)", last[-1])) if last else "no tests"


def is_good(result: str) -> bool:
    """Whether nothing failed."""
    return bool(re.match(r"(\d+ )?passed|refused", result))


STEPS: dict[str, Step] = {
    "sanity": sanity,
    "demonstration": demonstration,
    "recover": tests_of("recover"),
    "harden": tests_of("harden"),
}

OWN_PLAY = """\
- name: A play of the user's own
  hosts: all
  gather_facts: false
  ignore_errors: true
  roles:
    - role: controlplane.etcd.{role}
"""


def refusal(controller: Controller, log: Path) -> str:
    """Whether both playbooks and both roles refuse this ansible-core, before anything was done on a node."""
    directory = log.parent
    told = f"ansible-core {controller.core} ("
    for role in ("recover", "harden"):
        own = directory / f"{role}.yml"
        own.write_text(OWN_PLAY.format(role=role), "utf-8")
        for playbook in (f"controlplane.etcd.{role}", str(own)):
            command = [str(controller.bin / "ansible-playbook"), playbook, "--inventory=cp1,cp2,", "--connection=local"]
            passed, printed = _run(controller, log, *command, "--tags=none")
            done = re.findall(r"^TASK \[(.*)\] \**\n(?:(?!TASK|PLAY).*\n)*?(?:ok|changed):", printed, re.MULTILINE)
            others = [task for task in done if "Validating" not in task]
            if passed or told not in printed or others or "Traceback" in printed:
                return f"{playbook} is not refused"
    return "refused by the first task"


def row(line: Line, controller: Controller | None, steps: Mapping[str, str], seconds: float) -> list[str]:
    """The cells of one row of the table."""
    if controller is None:
        return [line.core, f"none of {', '.join(line.pythons)} is here", *["not run"] * len(STEPS), ""]
    if line.refused:
        return [controller.core, controller.python, *([steps["refusal"]] + [""] * (len(STEPS) - 1)), ""]
    return [controller.core, controller.python, *(steps[name] for name in STEPS), f"{seconds:.0f}"]


def table(old: str, rows: Sequence[Sequence[str]], absent: Iterable[str]) -> str:
    """What stands between the markers: the old rows, but for those of the same line of ansible-core."""
    kept = [cells for cells in map(_cells, old.splitlines()) if re.match(r"\d", cells[0])]
    by_core = {_core(cells): cells for cells in [*kept, *map(list, rows)]}
    ordered = [by_core[core] for core in sorted(by_core, key=lambda core: tuple(map(int, core.split("."))))]
    lines = [f"| {' | '.join(cells)} |" for cells in ([*HEAD], ["---"] * len(HEAD), *ordered)]
    missing = ", ".join(absent)
    note = f"\nNot on the machine where this was run: Python {missing}.\n" if missing else ""
    return "\n".join([*lines, ""]) + note


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _core(cells: Sequence[str]) -> str:
    return ".".join(cells[0].split(".")[:2])


def write_table(rows: Sequence[Sequence[str]], absent: Iterable[str]) -> None:
    text = README.read_text("utf-8")
    before, begin, rest = text.partition(MARKERS[0])
    old, end, after = rest.partition(MARKERS[1])
    if not begin or not end:
        raise SystemExit(f"{README.name} has no longer the two lines {' and '.join(map(str.strip, MARKERS))}.")
    README.write_text(f"{before}{begin}\n{table(old, rows, absent)}\n{end}{after}", "utf-8")


def work(line: Line, found: Mapping[str, Path], names: Sequence[str]) -> tuple[list[str], bool]:
    """Run the steps with one ansible-core, and return the row, and whether all of it passed."""
    controller = make_controller(line, found)
    if controller is None:
        print(f"ansible-core {line.core}: none of its Pythons is here ({', '.join(line.pythons)})", flush=True)
        return row(line, None, {}, 0), True
    begin = time.monotonic()
    results: dict[str, str] = {}
    for name, step in ({"refusal": refusal} if line.refused else {name: STEPS[name] for name in names}).items():
        start = time.monotonic()
        log = controller.directory / f"{name}.log"
        results[name] = step(controller, log)
        title = f"ansible-core {controller.core}, Python {controller.python}, {name}: {results[name]}"
        print(f"{title} ({time.monotonic() - start:.0f} s, {log.relative_to(ROOT)})", flush=True)
    good = all(is_good(result) for result in results.values())
    steps = {**dict.fromkeys(STEPS, ""), **results}
    return row(line, controller, steps, time.monotonic() - begin), good


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.matrix", description="Test with every ansible-core.")
    cores = [line.core for line in LINES]
    parser.add_argument("cores", nargs="*", metavar="VERSION", help=f"some of {', '.join(cores)} (default: all)")
    parser.add_argument("--only", nargs="+", choices=STEPS, default=list(STEPS), metavar="STEP", help=", ".join(STEPS))
    options = parser.parse_args(arguments)
    unknown = [core for core in options.cores if core not in cores]
    if unknown:
        parser.error(f"there is no line {', '.join(unknown)}; there are {', '.join(cores)}")

    chosen = [line for line in LINES if line.core in (options.cores or cores)]
    pythons = sorted({version for line in LINES for version in line.pythons}, key=lambda each: int(each[2:]))
    found = interpreters.directories(pythons)
    absent = [version for version in pythons if version not in found]
    done = [(line, *work(line, found, options.only)) for line in chosen]
    complete = set(options.only) == set(STEPS)
    rows = [cells for line, cells, _good in done if line.refused or complete]
    if rows:
        write_table(rows, absent)
    return 0 if all(good for _line, _cells, good in done) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
