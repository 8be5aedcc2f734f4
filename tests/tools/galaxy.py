# Copyright (c) 2026, The controlplane.etcd authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have Galaxy's own importer read the tarball that would be published. What it only warns of fails here, too.

ansible-lint, flake8 and ansible-test are left out: `make lint` and `make sanity` run such themselves.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from tools.working_tree import ROOT

SETTINGS = """\
[galaxy-importer]
check_required_tags = true
run_ansible_lint = false
run_flake8 = false
run_ansible_test = false
ansible_local_tmp = {directory}/ansible
"""


def empty_directories(files: Iterable[Mapping[str, object]]) -> list[str]:
    """The directories of a FILES.json in which there is no file: what was in them stayed in the repository."""
    entries = [(str(entry["name"]), entry["ftype"]) for entry in files]
    names = [name for name, kind in entries if kind == "file"]
    return [
        name
        for name, kind in entries
        if kind == "dir" and name != "." and not any(file.startswith(f"{name}/") for file in names)
    ]


def complaints(printed: str) -> list[str]:
    """The lines of the importer's output that are no mere progress."""
    return [line for line in printed.splitlines() if line.startswith(("WARNING", "ERROR", "CRITICAL", "Traceback"))]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="controlplane-etcd-galaxy-") as temporary:
        directory = Path(temporary)
        settings = directory / "galaxy-importer.cfg"
        settings.write_text(SETTINGS.format(directory=directory), "utf-8")
        build = ["ansible-galaxy", "collection", "build", "--output-path", temporary, str(ROOT)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        (tarball,) = directory.glob("*.tar.gz")
        with tarfile.open(tarball) as archive:
            file = archive.extractfile("FILES.json")
            assert file is not None
            empty = empty_directories(json.load(file)["files"])

        done = subprocess.run(
            [sys.executable, "-m", "galaxy_importer.main", str(tarball)],
            cwd=directory,  # it leaves its result there
            env={**os.environ, "GALAXY_IMPORTER_CONFIG": str(settings)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    found = [*complaints(done.stdout), *(f"{name}/ is in the tarball, and empty: see build_ignore" for name in empty)]
    for line in found:
        print(line)
    if done.returncode and not found:
        print(done.stdout)
    if found or done.returncode:
        print("Galaxy would not take this as it is.")
        return 1
    print(f"Galaxy's importer takes {tarball.name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
